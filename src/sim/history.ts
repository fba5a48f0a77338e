/**
 * Writes a run's history down, as the lines that judges read, and keeps what a causal context stands for.
 *
 * What a context covers is told from outside, by what its holder was shown or had written with success, never by
 * looking into it: otherwise a store that mixed up its own metadata would be its own witness.
 */
import type { FinalLine, Guarantee, HistoryLine } from '../check/history.ts'
import type { LeadershipLine } from '../check/leadership-lines.ts'
import type { RegisterLine } from '../check/register-lines.ts'
import { joinContexts, type CausalContext } from '../core/causality/causal-context.ts'
import type { Simulator } from './simulator.ts'
import { hashString } from '../core/base/hash.ts'

/** A causal context with the values that it stands for. */
export interface Seen {
  readonly context: CausalContext
  readonly values: readonly string[]
}

export function joinSeen(a: Seen | undefined, b: Seen): Seen {
  if (a === undefined) return b
  const more = b.values.filter((value) => !a.values.includes(value))
  return { context: joinContexts(a.context, b.context), values: more.length === 0 ? a.values : [...a.values, ...more] }
}

/** The fields that lines of one operation share. */
export interface OperationFields {
  readonly process: number
  readonly f: 'put' | 'get' | 'delete'
  readonly key: string
  readonly node: string
  readonly session: string | undefined
  readonly level: string | number | undefined
}

export interface InvokeFields extends OperationFields {
  /** What is written; nothing for a get. */
  readonly value: string | undefined
  readonly saw: readonly string[] | undefined
  /** The identity that retries share, where it is known beforehand. */
  readonly op: string | undefined
}

/** How an operation ended. */
export type End =
  | { readonly type: 'ok'; readonly values: readonly string[] | undefined; readonly strict: boolean }
  | { readonly type: 'fail' | 'info'; readonly reason: string }

/** A moment between two lines: a line can be inserted there later. */
export interface Moment {
  readonly order: number
  readonly time: number
}

interface Entry {
  readonly order: number
  readonly line: HistoryLine
}

export class Recorder {
  ok = 0
  fail = 0
  info = 0
  readonly #simulator: Simulator
  readonly #entries: Entry[] = []
  #order = 0

  constructor(simulator: Simulator) {
    this.#simulator = simulator
  }

  /** All lines in the order in which they happened. */
  lines(): HistoryLine[] {
    return this.#entries.toSorted((a, b) => a.order - b.order).map(({ line }) => line)
  }

  /** Now. */
  moment(): Moment {
    return { order: this.#order++, time: this.#simulator.nowNs }
  }

  session(session: string, guarantees: readonly Guarantee[]): void {
    this.#add(this.moment(), { type: 'session', session, guarantees })
  }

  final(line: Omit<FinalLine, 'type'>): void {
    this.#add(this.moment(), { type: 'final', ...line })
  }

  leadership(line: LeadershipLine): void {
    this.#add(this.moment(), line)
    this.#simulator.noteNumber('term' in line ? line.term : line.token)
  }

  invoke(fields: InvokeFields, at: Moment = this.moment()): void {
    const { value, saw, op, f } = fields
    const shared = sharedBy(fields, at)
    const optional = { ...(saw !== undefined && { saw }), ...(op !== undefined && { op }) }
    if (f === 'get') this.#add(at, { type: 'invoke', ...shared, f, value: null, ...optional })
    else this.#add(at, { type: 'invoke', ...shared, f, value: value ?? '', ...optional })
  }

  complete(fields: InvokeFields, end: End, at: Moment = this.moment()): void {
    const { f, value } = fields
    const shared = sharedBy(fields, at)
    if (end.type !== 'ok') {
      this[end.type]++
      const line = { type: end.type, ...shared, f, value: value ?? null, reason: end.reason }
      this.#add(at, line)
      return
    }
    this.ok++
    const { strict, values } = end
    if (f === 'get') this.#add(at, { type: 'ok', ...shared, f, value: values ?? [], strict })
    else this.#add(at, { type: 'ok', ...shared, f, value: value ?? '', strict })
  }

  /** A line about a register. */
  register(line: RegisterLine): void {
    if (line.type !== 'invoke') this[line.type]++
    this.#add(this.moment(), line)
  }

  #add(at: Moment, line: HistoryLine): void {
    this.#entries.push({ order: at.order, line })
    this.#note(line)
  }

  /** What was said and shown becomes part of the trace. */
  #note(line: HistoryLine): void {
    this.#simulator.note(line.type.length)
    if (!('value' in line) || line.value === undefined || line.value === null) return
    const values: readonly unknown[] = Array.isArray(line.value) ? line.value : [line.value]
    for (const value of values) {
      this.#simulator.noteNumber(hashString(typeof value === 'string' ? value : JSON.stringify(value)))
    }
  }
}

function sharedBy(
  fields: OperationFields,
  at: Moment,
): Omit<OperationFields, 'f' | 'session' | 'level'> & {
  readonly time: number
  readonly session?: string
  readonly level?: string | number
} {
  const { process, key, node, session, level } = fields
  return {
    process,
    key,
    node,
    ...(session !== undefined && { session }),
    ...(level !== undefined && { level }),
    time: at.time,
  }
}
