/**
 * A history made ready for judging: sorted by key, with what its sessions were promised.
 *
 * Every judge takes a history, or an index when several judges look at the same one.
 */
import type { FinalLine, Guarantee, History } from './history.ts'
import { KeyHistory, type Answer, type Write } from './key-history.ts'
import { operationsOf, type Operation } from './operations.ts'

export interface JudgeOptions {
  /**
   * How the keyspace settles conflicts. `'siblings'` by default.
   *
   * With `'lww'` a write replaces another when it saw it, or when it began more than `skewMs` after the other was
   * acknowledged; writes closer in time may have been stamped in either order. Attempts at a write that name
   * its `op` are taken to keep its stamp, others not.
   */
  readonly conflicts?: 'siblings' | 'lww'
  /**
   * For `lww`, by how much stamps may contradict real time. 1 by default: hybrid time counts in whole milliseconds.
   *
   * Give twice the largest offset of one clock, and 1 more; `Infinity` when clocks jump: then only what a write saw
   * counts; 0 when one coordinator stamped everything.
   */
  readonly skewMs?: number
  /**
   * Whether operations whose lines do not say so were strict. False by default.
   *
   * Judges of strict promises look at nothing else; see that `checked` is not 0.
   */
  readonly strict?: boolean
}

export class HistoryIndex {
  readonly conflicts: 'siblings' | 'lww'
  readonly skewNs: number
  readonly keys: readonly KeyHistory[]
  /** What each session was promised, by its name. */
  readonly sessions: ReadonlyMap<string, ReadonlySet<Guarantee>>

  constructor(history: History, options: JudgeOptions = {}) {
    this.conflicts = options.conflicts ?? 'siblings'
    this.skewNs = (options.skewMs ?? 1) * 1e6
    this.keys = keysOf(history, options.strict ?? false)
    this.sessions = sessionsOf(history)
  }
}

/** An index of the history; an index is given back as it is, and keeps the options it was made with. */
export function indexOf(history: History | HistoryIndex, options?: JudgeOptions): HistoryIndex {
  return history instanceof HistoryIndex ? history : new HistoryIndex(history, options)
}

/** A write in a message. */
export function nameOf(write: Write): string {
  return `${write.f} ${JSON.stringify(write.value)} (line ${write.lines.join(', ')})`
}

/** An answer in a message, without what it showed. */
export function titleOf(answer: Answer): string {
  return `${answer.who} (line ${answer.lines.join(', ')})`
}

/** What an answer showed, in a message. */
export function valuesOf(answer: Answer): string {
  return JSON.stringify(answer.values)
}

function keysOf(history: History, strict: boolean): KeyHistory[] {
  const operations = new Map<string, Operation[]>()
  const finals = new Map<string, (FinalLine & { readonly line: number })[]>()
  for (const operation of operationsOf(history)) add(operations, operation)
  for (const [at, line] of history.entries()) {
    if (line.type === 'final') add(finals, { ...line, line: at + 1 })
  }
  const keys = new Set([...operations.keys(), ...finals.keys()])
  return [...keys].map(
    (key) => new KeyHistory({ key, operations: operations.get(key) ?? [], finals: finals.get(key) ?? [], strict }),
  )
}

function add<Entry extends { readonly key: string }>(byKey: Map<string, Entry[]>, entry: Entry): void {
  const before = byKey.get(entry.key)
  if (before === undefined) byKey.set(entry.key, [entry])
  else before.push(entry)
}

function sessionsOf(history: History): Map<string, Set<Guarantee>> {
  const sessions = new Map<string, Set<Guarantee>>()
  for (const line of history) {
    if (line.type !== 'session') continue
    sessions.set(line.session, new Set([...(sessions.get(line.session) ?? []), ...line.guarantees]))
  }
  return sessions
}
