/**
 * What a replica stores for a key, in the two kinds of AP record.
 *
 * Values are opaque bytes from the caller's edge to the disk and back; `null` is a tombstone, so that a delete is a
 * write like any other and cannot be undone by a replica that slept through it. How records merge is said in
 * causality/dotted-record.ts and causality/lww-record.ts.
 * Ring: values.
 */
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

export type StoredRecord = DottedRecord | LwwRecord

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
