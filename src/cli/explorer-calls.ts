/**
 * The same question to an AP and a CP keyspace through one replica, as a user of its HTTP side would ask.
 */
import type { Level } from '../core/quorum/level.ts'

export interface Question {
  /** `write` is blind; `replace` reads first and replaces what it saw; `merge` makes one value of all siblings. */
  readonly kind: 'write' | 'read' | 'replace' | 'merge'
  readonly key: string
  readonly value?: string
  /** Of the AP keyspace; registers have none. */
  readonly level: Level
  readonly timeoutMs: number
}

/** What came of it on one side. */
export interface SideAnswer {
  readonly ok: boolean
  /** 0 where there was no answer at all. */
  readonly status: number
  /** From asking to answer, as the asker saw it. */
  readonly ms: number
  /** As the HTTP side gives it: a receipt, an entry, or an error with its code and outcome. */
  readonly answer: Readonly<Record<string, unknown>>
}

export interface BothAnswers {
  readonly ap: SideAnswer
  readonly cp: SideAnswer
}

/** A little longer than the call itself may take: then the replica is frozen or gone. */
const GRACE_MS = 500
const CONTEXT = 'x-quorate-context'
const SILENT = {
  code: 'QUORATE_TIMEOUT',
  outcome: 'unknown',
  message: 'the replica itself gave no answer: it is frozen, gone, or about to start',
}

export async function askBoth(
  http: string,
  keyspaces: { readonly ap: string; readonly cp: string },
  question: Question,
): Promise<BothAnswers> {
  const { key, timeoutMs } = question
  const place = (keyspace: string): string => `${http}/kv/${keyspace}/${encodeURIComponent(key)}`
  const apUrl = `${place(keyspaces.ap)}?level=${question.level}&timeoutMs=${timeoutMs}`
  const cpUrl = `${place(keyspaces.cp)}?timeoutMs=${timeoutMs}`
  const [ap, cp] = await Promise.all([askAp(apUrl, question), askCp(cpUrl, question)])
  return { ap, cp }
}

async function askAp(url: string, { kind, value, timeoutMs }: Question): Promise<SideAnswer> {
  const limitMs = timeoutMs + GRACE_MS
  if (kind === 'read') return ask(url, { limitMs })
  if (kind === 'write') return ask(url, { limitMs, value })
  const read = await ask(url, { limitMs })
  if (!read.ok && read.status !== 404) return read
  const { context, siblings } = read.answer
  const merged = kind === 'merge' ? mergedOf(siblings) : value
  return ask(url, { limitMs, value: merged, headers: { [CONTEXT]: String(context) } })
}

async function askCp(url: string, { kind, value, timeoutMs }: Question): Promise<SideAnswer> {
  const limitMs = timeoutMs + GRACE_MS
  // There is never anything to merge.
  if (kind === 'read' || kind === 'merge') return ask(url, { limitMs })
  return ask(url, { limitMs, value })
}

/** What each side wrote, in one order whoever merges. */
function mergedOf(siblings: unknown): string {
  const parts = Array.isArray(siblings) ? siblings.flatMap((sibling) => String(sibling).split(' + ')) : []
  return [...new Set(parts)].toSorted().join(' + ')
}

async function ask(
  url: string,
  { limitMs, value, headers = {} }: { limitMs: number; value?: string | undefined; headers?: Record<string, string> },
): Promise<SideAnswer> {
  const startedAtMs = performance.now()
  const write = value === undefined ? {} : { method: 'PUT', body: JSON.stringify(value), headers }
  try {
    const response = await fetch(url, { ...write, signal: AbortSignal.timeout(limitMs) })
    const answer = (await response.json()) as Readonly<Record<string, unknown>>
    const ms = performance.now() - startedAtMs
    // Nothing there is an answer as good as any.
    const ok = response.ok || (response.status === 404 && value === undefined)
    return { ok, status: response.status, ms, answer }
  } catch {
    return { ok: false, status: 0, ms: performance.now() - startedAtMs, answer: SILENT }
  }
}
