/**
 * The one error class, its stable codes, and what became of the operation.
 *
 * Programs tell errors apart by `code` and `outcome`, never by message text. The three outcomes are disjoint, as in
 * Aerospike's in-doubt flag joined with CouchDB's 202: an engineer must know whether a retry could apply twice.
 * Ring: values.
 */

/** Every code that quorate throws. Each has a heading in docs/errors.md. */
export type ErrorCode =
  | 'QUORATE_INVALID_OPTION'
  | 'QUORATE_QUORUMS_DISJOINT'
  | 'QUORATE_KEYSPACE_MISMATCH'
  | 'QUORATE_UNAVAILABLE'
  | 'QUORATE_TIMEOUT'
  | 'QUORATE_NOT_LEADER'
  | 'QUORATE_CONDITION_FAILED'
  | 'QUORATE_PREEMPTED'
  | 'QUORATE_FENCED'
  | 'QUORATE_LIMIT'
  | 'QUORATE_OVERLOADED'
  | 'QUORATE_UNAUTHORIZED'
  | 'QUORATE_PROTOCOL'
  | 'QUORATE_STORAGE'
  | 'QUORATE_ABORTED'
  | 'QUORATE_CLOSED'

/**
 * `none`: certainly did not happen. `unknown`: may have happened, or may yet. `below-level`: happened on some
 * replicas, fewer than were asked for; it is not undone and may spread.
 */
export type Outcome = 'none' | 'unknown' | 'below-level'

/**
 * `safe`: nothing happened, send it again. `same-operation`: send it again with the error's `operation`, and it cannot
 * apply twice. `no`: sending it again cannot help.
 */
export type Retry = 'safe' | 'same-operation' | 'no'

/** What one replica had said when the operation ended. */
export type ReplicaSaid = 'answered' | 'silent' | 'unreachable' | 'not asked' | `refused: ${string}`

/** A value and its revision; revision 0 for a key that is not there. */
export interface Current {
  readonly value: unknown
  readonly revision: number
}

export interface ErrorDetail {
  readonly outcome?: Outcome
  readonly retry?: Retry
  /** How many replicas the level needs at least. */
  readonly required?: number
  /** How many replicas answered as needed. */
  readonly received?: number
  readonly replicas?: Readonly<Record<string, ReplicaSaid>>
  /** The operation's identity: hand it to the retry, and the write applies at most once. */
  readonly operation?: string
  /** With `QUORATE_CONDITION_FAILED`: what the key has instead. */
  readonly current?: Current
  /** With `QUORATE_NOT_LEADER`: who leads, as far as is known. */
  readonly leader?: { readonly id: string; readonly generation: number } | undefined
  /** Nodes of a read quorum that does not meet the write quorum in `write`. */
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly cause?: unknown
}

/** Every error that quorate throws on purpose. */
export class QuorateError extends Error {
  override readonly name = 'QuorateError'
  readonly code: ErrorCode
  readonly outcome: Outcome
  readonly retry: Retry
  readonly required: number | undefined
  readonly received: number | undefined
  readonly replicas: Readonly<Record<string, ReplicaSaid>>
  readonly operation: string | undefined
  /** With `QUORATE_CONDITION_FAILED`: what the key has instead. */
  readonly current: Current | undefined
  /** With `QUORATE_NOT_LEADER`: who leads, as far as is known. */
  readonly leader: { readonly id: string; readonly generation: number } | undefined
  /** With `QUORATE_QUORUMS_DISJOINT`: a read quorum and a write quorum that do not meet. */
  readonly read: readonly string[] | undefined
  readonly write: readonly string[] | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.outcome = detail.outcome ?? 'none'
    this.retry = detail.retry ?? 'no'
    this.required = detail.required
    this.received = detail.received
    this.replicas = detail.replicas ?? {}
    this.operation = detail.operation
    this.current = detail.current
    this.leader = detail.leader
    this.read = detail.read
    this.write = detail.write
  }

  /** Plain data for logs and HTTP bodies. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      outcome: this.outcome,
      retry: this.retry,
      required: this.required,
      received: this.received,
      replicas: this.replicas,
      operation: this.operation,
      current: this.current,
      leader: this.leader,
      read: this.read,
      write: this.write,
    }
  }
}

/** Shorthand for the most common refusal: an option or argument that cannot be. */
export function invalid(message: string): QuorateError {
  return new QuorateError('QUORATE_INVALID_OPTION', message)
}
