/**
 * What a history looks like: JSON lines that a simulator, a test on real processes or anybody else writes down while a
 * store works, so that the judges of this folder, or judges from outside, can say whether it kept its promises.
 *
 * A history may speak of three things at once: AP keys (here), registers (register-lines.ts) and leaders, locks and
 * tokens (leadership-lines.ts). Each judge reads what concerns it. One key is of one kind: `put` and `get` make it an
 * AP key, `read`, `write` and `cas` a register; a `delete` with a name is on an AP key, one without on a register.
 *
 * The recorder's duty, on which every verdict rests:
 * - `time` is in nanoseconds on one clock that all observers share. Lines of equal time happened in the order in which
 *   they stand.
 * - A process does one operation at a time. An operation that was never completed counts as `info`.
 * - `fail` is for what certainly did not happen. `info` may have happened, or may happen at any later time.
 *
 * And for AP keys:
 * - A written value is unique under its key, and so is the name of a delete, which stands in `value`. A retry of one
 *   operation writes the same value again with the same `saw`; when it carries the operation's identity, `op` says so.
 * - `saw` names all that the context handed in covers: what the read before it showed, and for a session all that the
 *   session has read or has written with success. What those writes saw themselves may be left out, and so may deletes.
 * - `strict` says that the quorum met every other strict quorum of the key, with no fallback counted. It may stand on
 *   the invoke, or on the completion, which then decides.
 */
import type { LeadershipLine } from './leadership-lines.ts'
import type { OperationLine } from './line-fields.ts'
import type { RegisterLine } from './register-lines.ts'

/** What an operation on an AP key does. */
export type ApFunction = 'put' | 'get' | 'delete'

/** Read your writes, monotonic reads, monotonic writes, writes follow reads. */
export type Guarantee = 'ryw' | 'mr' | 'mw' | 'wfr'

export interface InvokeWriteLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'put' | 'delete'
  readonly value: string
  readonly saw?: readonly string[]
}

export interface InvokeGetLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'get'
  readonly value?: null
  readonly saw?: readonly string[]
}

export interface OkWriteLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'put' | 'delete'
  readonly value?: string | null
}

export interface OkGetLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'get'
  /** The siblings; for `lww` at most one. */
  readonly value: readonly string[]
}

/** `fail`: certainly did not happen. `info`: nobody knows. */
export interface NotOkLine extends OperationLine {
  readonly type: 'fail' | 'info'
  readonly f: ApFunction
  readonly value?: string | readonly string[] | null
}

/** What a session was promised. */
export interface SessionLine {
  readonly type: 'session'
  readonly session: string
  readonly guarantees: readonly Guarantee[]
}

/** What one replica holds for a key at the end, after healing. */
export interface FinalLine {
  readonly type: 'final'
  readonly replica: string
  readonly key: string
  readonly value: readonly string[]
}

/** What is said of AP keys. */
export type ApLine = InvokeWriteLine | InvokeGetLine | OkWriteLine | OkGetLine | NotOkLine | SessionLine | FinalLine

export type HistoryLine = ApLine | RegisterLine | LeadershipLine

export type History = readonly HistoryLine[]
