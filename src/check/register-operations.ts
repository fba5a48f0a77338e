/**
 * Operations on registers, from their lines: what each must have seen or done, and between which moments.
 */
import type { History } from './history.ts'
import { pairsOf, refused, type Pair, type RegisterCompletion, type RegisterInvoke } from './pairs.ts'
import type { RegisterValue } from './register-lines.ts'
import type { Findings } from './verdict.ts'

/**
 * What an operation does at its moment, with values as numbers of a `ValueTable`. `read` and `mismatch`, a compare that
 * failed, look; `set` and `swap`, a compare that held, change.
 */
export type RegisterStep =
  | { readonly kind: 'read'; readonly value: number }
  | { readonly kind: 'mismatch'; readonly not: number; readonly current: number | undefined }
  | { readonly kind: 'set'; readonly to: number }
  | { readonly kind: 'swap'; readonly from: number; readonly to: number }

export interface RegisterOperation {
  readonly step: RegisterStep
  /** Who did what, for messages. */
  readonly title: string
  /** Counted from 1. */
  readonly lines: readonly number[]
  /** Its moment is not before this rank. */
  readonly startRank: number
  /** Nor after this one. Infinity for an unknown outcome: it may happen at any later time, or never. */
  readonly endRank: number
  /** When the last attempt at an operation of unknown outcome was given up. Infinity if that is not known. */
  readonly abandonedRank: number
}

/** Whether it is more than a look. */
export function changes({ step }: RegisterOperation): boolean {
  return step.kind === 'set' || step.kind === 'swap'
}

/** Whether the operation's answer can come from a register that holds this value. */
export function fits({ step }: RegisterOperation, state: number): boolean {
  switch (step.kind) {
    case 'read':
      return step.value === state
    case 'mismatch':
      return step.not !== state && (step.current === undefined || step.current === state)
    case 'swap':
      return step.from === state
    case 'set':
      return true
  }
}

/** What a change leaves; -1 for a look, which leaves what was there. */
export function valueAfter({ step }: RegisterOperation): number {
  return step.kind === 'set' || step.kind === 'swap' ? step.to : -1
}

/** Everything that was done to one register. */
export interface Register {
  readonly key: string
  /** By start. */
  readonly operations: readonly RegisterOperation[]
  readonly values: ValueTable
}

/** Values of one register as numbers: equal numbers are equal values. Absent is 0. */
export class ValueTable {
  readonly #numbers = new Map<string, number>([['null', 0]])
  readonly #texts = ['null']

  numberOf(value: RegisterValue | undefined): number {
    const text = canonical(value ?? null)
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#texts.length
      this.#numbers.set(text, number)
      this.#texts.push(text)
    }
    return number
  }

  textOf(number: number): string {
    return this.#texts[number] ?? ''
  }
}

/** JSON with the fields of every object in order. */
function canonical(value: RegisterValue): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}

type Attempt = Pair<RegisterInvoke, RegisterCompletion>

/**
 * All registers of a history. What contradicts itself without any other operation goes to `findings`, as rule `retry`:
 * an operation that was refused after it had been acknowledged.
 */
export function registersOf(history: History, findings: Findings): Register[] {
  const byKey = new Map<string, Map<unknown, Attempt[]>>()
  for (const pair of pairsOf(history).registers) {
    const { line } = pair.invoke
    const attempts = byKey.get(line.key) ?? new Map<unknown, Attempt[]>()
    byKey.set(line.key, attempts)
    // A read changes nothing, so each attempt at one stands for itself.
    const op = line.f === 'read' ? undefined : (line.op ?? pair.completion?.line.op)
    attempts.set(op ?? pair, [...(attempts.get(op ?? pair) ?? []), pair])
  }
  return [...byKey].map(([key, operations]) => {
    const values = new ValueTable()
    const found = [...operations.values()].flatMap((attempts) => operationsOf({ key, attempts, values, findings }))
    return { key, values, operations: found.toSorted((a, b) => a.startRank - b.startRank) }
  })
}

interface Attempts {
  readonly key: string
  /** At one operation, by start. */
  readonly attempts: readonly Attempt[]
  readonly values: ValueTable
  readonly findings: Findings
}

/** What attempts at one operation come to: at most one change, and any number of looks. */
function operationsOf(group: Attempts): RegisterOperation[] {
  const { attempts, values } = group
  checkAlike(group)
  const looks = attempts.flatMap((attempt) => lookOf(attempt, values))
  const [first] = attempts
  if (first === undefined || first.invoke.line.f === 'read') return looks
  const change = changeOf(group, stepOf(first.invoke.line, values))
  return change === undefined ? looks : [...looks, change]
}

/** Throws unless all attempts ask for the same, and every answer is to what was asked. */
function checkAlike({ attempts, values }: Attempts): void {
  const [first] = attempts
  if (first === undefined) return
  const asked = (line: RegisterInvoke): string => `${line.f} ${values.textOf(values.numberOf(valueOf(line)))}`
  for (const { invoke, completion } of attempts) {
    if (asked(invoke.line) !== asked(first.invoke.line)) {
      throw refused(invoke.number, `its \`op\` is that of another operation, in line ${first.invoke.number}`)
    }
    const answered = completion?.line.value
    const { f } = invoke.line
    if (completion === undefined || answered === undefined || answered === null || f === 'read' || f === 'delete')
      continue
    if (values.numberOf(answered) === values.numberOf(valueOf(invoke.line))) continue
    throw refused(completion.number, `its value is not the one invoked in line ${invoke.number}`)
  }
}

/** What is written. Whatever a delete is named, it leaves nothing. */
function valueOf(line: RegisterInvoke): RegisterValue {
  return line.f === 'write' || line.f === 'cas' ? line.value : null
}

function stepOf(line: RegisterInvoke, values: ValueTable): RegisterStep {
  if (line.f !== 'cas') return { kind: 'set', to: values.numberOf(valueOf(line)) }
  const [from, to] = line.value
  return { kind: 'swap', from: values.numberOf(from), to: values.numberOf(to) }
}

/** An answered read, or a compare that failed. */
function lookOf({ invoke, completion }: Attempt, values: ValueTable): RegisterOperation[] {
  if (completion === undefined) return []
  const { line } = completion
  const place = {
    title: titleOf(invoke.line, values),
    lines: [invoke.number, completion.number],
    startRank: invoke.rank,
    endRank: completion.rank,
    abandonedRank: Infinity,
  }
  if (line.type === 'ok' && line.f === 'read') {
    return [{ ...place, step: { kind: 'read', value: values.numberOf(line.value) } }]
  }
  if (invoke.line.f !== 'cas' || reasonOf(completion.line) !== 'precondition') return []
  const current = line.type === 'fail' && line.current !== undefined ? values.numberOf(line.current) : undefined
  return [{ ...place, step: { kind: 'mismatch', not: values.numberOf(invoke.line.value[0]), current } }]
}

function reasonOf(line: RegisterCompletion): string | undefined {
  return line.type === 'fail' ? line.reason : undefined
}

/** Whether the attempt answered that no attempt before it has taken effect, or ever will. */
function rulesOut({ completion }: Attempt): boolean {
  const reason = completion === undefined ? undefined : reasonOf(completion.line)
  return reason === 'precondition' || reason === 'cannot-land'
}

function changeOf({ key, attempts, values, findings }: Attempts, step: RegisterStep): RegisterOperation | undefined {
  const last = attempts.findLast(rulesOut)
  const live: Attempt[] = []
  for (const attempt of attempts) {
    const { completion } = attempt
    if (completion?.line.type === 'fail') continue
    const isRuledOut = last !== undefined && completion !== undefined && completion.rank < last.invoke.rank
    if (!isRuledOut) live.push(attempt)
    else if (completion.line.type === 'ok') {
      const { number, line } = last.completion ?? last.invoke
      const reason = line.type === 'fail' ? line.reason : ''
      const title = titleOf(attempt.invoke.line, values)
      const message = `${title} was acknowledged (line ${completion.number}), and its retry was told ${reason} (line ${number})`
      findings.add({ rule: 'retry', key, message, lines: [attempt.invoke.number, completion.number, number] })
    }
  }
  const [first] = live
  if (first === undefined) return undefined
  const acknowledged = live.filter(({ completion }) => completion?.line.type === 'ok')
  const ends = live.map(({ completion }) => completion?.rank ?? Infinity)
  return {
    step,
    title: titleOf(first.invoke.line, values),
    lines: live.flatMap(({ invoke, completion }) => [invoke.number, ...(completion ? [completion.number] : [])]),
    startRank: first.invoke.rank,
    endRank: Math.min(...acknowledged.map(({ completion }) => completion?.rank ?? Infinity)),
    abandonedRank: acknowledged.length > 0 ? Infinity : Math.max(...ends),
  }
}

function titleOf(line: RegisterInvoke, values: ValueTable): string {
  const what = line.f === 'write' || line.f === 'cas' ? ` ${values.textOf(values.numberOf(line.value))}` : ''
  return `${line.f}${what} by process ${line.process}`
}
