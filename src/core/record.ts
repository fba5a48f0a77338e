/**
 * What a replica stores for a key: the two kinds of AP record, and the register of a CP keyspace.
 *
 * Values are opaque bytes from the caller's edge to the disk and back; `null` is a tombstone, so that a delete is a
 * write like any other and cannot be undone by a replica that slept through it. How records merge is said in
 * causality/dotted-record.ts, causality/lww-record.ts and causality/register-record.ts.
 * Ring: values.
 */
import type { Ballot } from './base/ballot.ts'
import type { CausalContext } from './causality/causal-context.ts'

/** One write as it is stored. */
export interface Version {
  /** The identity of the client's operation, from 1 to 2^52 - 1: a retry with the same one is the same write. */
  readonly op: number
  /** Hybrid time at the coordinator when the operation began. */
  readonly at: number
  /** Who wrote it (author.ts). Left out for what a replica writes on its own behalf. */
  readonly by?: string | undefined
  /** The encoded value, or `null` for a tombstone. */
  readonly value: Uint8Array | null
  /** From this Unix millisecond on the value counts as deleted. Left out for one that stays. */
  readonly expires?: number | undefined
}

/** A version with the dot that a replica minted for it. */
export interface Sibling extends Version {
  readonly actor: number
  readonly counter: number
}

/** Siblings kept apart by causality (`conflicts: 'siblings'`). */
export interface DottedRecord {
  readonly kind: 'dotted'
  /** Every write that this state knows of, whether its value is still here or was overwritten. */
  readonly context: CausalContext
  /** The writes that no known write has overwritten, by actor, then counter. */
  readonly siblings: readonly Sibling[]
  /**
   * `at, op, counter` of writes that this replica minted and that were overwritten since, newest first and bounded: how
   * it recognises a late retry. Its own memory: it is not part of the causal state and does not travel.
   */
  readonly replaced: readonly number[]
}

/** The write with the highest stamp (`conflicts: 'lww'`). */
export interface LwwRecord extends Version {
  readonly kind: 'lww'
}

/** What a register holds after some change, and what is remembered of the changes before. */
export interface RegisterState {
  /** The encoded value, or `null` when it was deleted or never written. */
  readonly value: Uint8Array | null
  /** How many changes were applied, deletes included. It never goes back. */
  readonly revision: number
  /**
   * `op, at, revision` of the changes applied last, newest first and bounded: how a retry is recognised, whoever sends
   * it. Revision 0: the operation was fenced and can never be applied.
   */
  readonly operations: readonly number[]
  /** The highest `at` that was forgotten of the list above; 0 for none. */
  readonly forgottenAt: number
  /**
   * `proposer, counter` of the last proposal of each that this state builds on, the latest first and bounded: how a
   * proposer learns whether what it proposed before it was preempted has become a part of the register.
   */
  readonly proposers: readonly number[]
  /** The highest fencing token that a change carried; 0 for none. It never goes back. */
  readonly token: number
}

/** What one acceptor knows of a register (Lamport, "Paxos Made Simple", 2001, section 2.2; Rystsov, "CASPaxos", 2018). */
export interface RegisterRecord {
  readonly kind: 'register'
  /** No proposal below this one is accepted here any more. Its own: it does not travel with the record. */
  readonly promised: Ballot
  /** The proposal that was accepted last, and its state. `NO_BALLOT` while there was none. */
  readonly accepted: Ballot
  readonly state: RegisterState
}

export type StoredRecord = DottedRecord | LwwRecord | RegisterRecord

/** A record for a key, to be merged or stored. `keyspace` is the definition's fingerprint; 0 is the replica's own. */
export interface RecordWrite {
  readonly keyspace: number
  readonly key: string
  readonly record: StoredRecord
}

/** What becomes of a key's record: another is stored in its place, or, with `undefined`, nothing is kept of the key. */
export interface RecordChange {
  readonly keyspace: number
  readonly key: string
  readonly record: StoredRecord | undefined
}
