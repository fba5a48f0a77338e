/**
 * What may be done to a cluster that is played with: each lever checks what it is given, since anybody on this machine can
 * pull it with a program of their own.
 */
import { invalid } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import type { BothAnswers, Question } from './explorer-calls.ts'
import type { Supervisor } from './supervisor.ts'

/** What levers act upon. */
export interface Stage {
  readonly supervisor: Supervisor
  /** The key of which all copies are shown. */
  key: string
  ask(via: string, question: Question): Promise<BothAnswers>
  visit(replica: string): { readonly token: number }
  steady(via: string | undefined): void
  readonly tell: (event: {
    readonly kind: string
    readonly replica?: string
    readonly [field: string]: unknown
  }) => void
}

type Lever = (body: unknown) => Promise<object>
type Fields = Readonly<Record<string, unknown>>

const SLOW_MS = 400
const DELAY_MS_MAX = 10_000
const TEXT_MAX = 64
const CALL_MS = 2_500
const ACTIONS = ['kill', 'pause', 'revive'] as const
const LINK_STATES = ['open', 'cut', 'slow'] as const
const LEVELS = ['one', 'two', 'three', 'quorum', 'all'] as const

/** By the name under which each is pulled: `POST /admin/…`. */
export function leversOf(stage: Stage): (name: string) => Lever | undefined {
  const levers: Readonly<Record<string, Lever>> = {
    link: async (body) => setLink(stage, fieldsOf(body, ['from', 'to', 'state', 'both', 'delayMs'])),
    partition: async (body) => partition(stage, fieldsOf(body, ['sides'])),
    heal: async (body) => {
      fieldsOf(body, [])
      return heal(stage)
    },
    replica: async (body) => act(stage, fieldsOf(body, ['id', 'action'])),
    call: (body) => call(stage, fieldsOf(body, ['kind', 'via', 'key', 'value', 'level'])),
    key: async (body) => chooseKey(stage, fieldsOf(body, ['key'])),
    visit: async (body) => stage.visit(textIn(fieldsOf(body, ['replica']), 'replica')),
    steady: async (body) => steady(stage, fieldsOf(body, ['via'])),
  }
  return (name) => (Object.hasOwn(levers, name) ? levers[name] : undefined)
}

function setLink({ supervisor, tell }: Stage, body: Fields): object {
  const from = textIn(body, 'from')
  const to = textIn(body, 'to')
  const state = wordIn(body, 'state', LINK_STATES)
  const both = body['both'] ?? false
  if (typeof both !== 'boolean') throw invalid(`both is ${shown(both)}: use true or false`)
  const delayMs = state === 'slow' ? delayIn(body) : 0
  const condition = { isCut: state === 'cut', delayMs }
  supervisor.links.set(from, to, condition)
  if (both) supervisor.links.set(to, from, condition)
  tell({ kind: 'link', from, to, both, state, ...(delayMs > 0 && { delayMs }) })
  return { ok: true }
}

function partition({ supervisor, tell }: Stage, { sides }: Fields): object {
  const ids = Object.keys(supervisor.status)
  const isSide = (side: unknown): side is string[] => {
    return Array.isArray(side) && side.every((id: unknown) => ids.some((known) => known === id))
  }
  if (!Array.isArray(sides) || sides.length > ids.length || !sides.every(isSide)) {
    throw invalid(`sides is ${shown(sides)}: give a list of lists of ${ids.join(', ')}`)
  }
  supervisor.links.partition(sides)
  tell({ kind: 'partitioned', sides })
  return { ok: true }
}

function heal({ supervisor, tell }: Stage): object {
  supervisor.links.heal()
  tell({ kind: 'healed' })
  return { ok: true }
}

function act({ supervisor, tell }: Stage, body: Fields): object {
  const id = textIn(body, 'id')
  const replica = supervisor.process(id)
  const action = wordIn(body, 'action', ACTIONS)
  if (action === 'kill') replica.fail()
  else if (action === 'pause') replica.pause()
  else replica.revive()
  tell({ kind: action, replica: id })
  return replica.status
}

async function call(stage: Stage, body: Fields): Promise<object> {
  const kind = wordIn(body, 'kind', ['write', 'read', 'replace', 'merge'] as const)
  const via = textIn(body, 'via')
  const key = textIn(body, 'key')
  const level = wordIn(body, 'level', LEVELS)
  const isWrite = kind === 'write' || kind === 'replace'
  const value = isWrite ? { value: textIn(body, 'value') } : {}
  stage.key = key
  const both = await stage.ask(via, { kind, key, level, timeoutMs: CALL_MS, ...value })
  const told = (side: 'ap' | 'cp'): string => (both[side].ok ? 'ok' : String(both[side].answer['code']))
  stage.tell({ kind: 'called', replica: via, call: kind, key, ...value, level, ap: told('ap'), cp: told('cp') })
  return both
}

function chooseKey(stage: Stage, body: Fields): object {
  stage.key = textIn(body, 'key')
  return { key: stage.key }
}

function steady(stage: Stage, body: Fields): object {
  const via = body['via'] === null ? undefined : textIn(body, 'via')
  if (via !== undefined) stage.supervisor.process(via)
  stage.steady(via)
  return { via: via ?? null }
}

function fieldsOf(body: unknown, known: readonly string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid(`the body is ${shown(body)}: send an object`)
  }
  for (const field of Object.keys(body)) {
    if (!known.includes(field)) throw invalid(`${shown(field)} is not known here: use ${known.join(', ') || 'none'}`)
  }
  return body as Fields
}

function textIn(body: Fields, field: string): string {
  const text = body[field]
  if (typeof text === 'string' && text.length > 0 && text.length <= TEXT_MAX) return text
  throw invalid(`${field} is ${shown(text)}: use a text of 1 to ${TEXT_MAX} characters`)
}

function wordIn<Word extends string>(body: Fields, field: string, words: readonly Word[]): Word {
  const word = words.find((known) => known === body[field])
  if (word !== undefined) return word
  throw invalid(`${field} is ${shown(body[field])}: use ${words.join(', ')}`)
}

function delayIn({ delayMs = SLOW_MS }: Fields): number {
  if (typeof delayMs === 'number' && delayMs >= 1 && delayMs <= DELAY_MS_MAX) return delayMs
  throw invalid(`delayMs is ${shown(delayMs)}: use 1 to ${DELAY_MS_MAX} milliseconds`)
}
