/**
 * What a replica needs of a place to keep records.
 *
 * Reads are synchronous and see staged writes; durability is asynchronous and comes in order. A storage never gives
 * back a record that fails its checksum, and a failed commit is final: the caller stops the replica. Keys are
 * well-formed strings, which the codec and the edge of the API have made sure of before they come here.
 */
import type { Stamp } from '../../core/causality/lww-record.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../../core/record.ts'
import type { Found, Look } from '../../core/repair/record-index.ts'

/** Whose data this is. A replica that lost its data comes back as another incarnation. */
export interface StorageIdentity {
  readonly clusterId: string
  readonly replicaId: string
  /** The actor of the replica's dots, from 1 to 2^52 - 1; drawn when the data directory is created. */
  readonly incarnation: number
}

export interface ScanRange {
  readonly keyspace: number
  readonly prefix: string
  /** Only keys above this one. */
  readonly after: string
  /** At most this many records. */
  readonly limit: number
  /** Stop after the record with which keys and records, as they are encoded, pass this many bytes. */
  readonly sizeBytesMax: number
}

export interface ScanResult {
  readonly entries: readonly RecordWrite[]
  /** Whether no key of the range follows. */
  readonly done: boolean
}

/** Which records an exchange asks for, and of which keyspaces. */
export interface LookRange {
  readonly look: Look
  readonly keyspaces: readonly number[]
}

export interface Storage {
  readonly identity: StorageIdentity
  /** Whether `commit` reaches a disk. */
  readonly durable: boolean
  /**
   * Whether the disk is nearly full. The caller refuses clients' writes for as long as this is true, so that what was
   * already taken in still finds room; `stage` itself refuses nothing, because the machine has decided by then.
   */
  readonly full?: boolean
  /**
   * The record as last staged. Its bytes stay as they are for as long as the caller holds them, and the caller leaves
   * them so. Throws `QUORATE_STORAGE` when what is stored is damaged.
   */
  read(keyspace: number, key: string): StoredRecord | undefined
  /** The stamp of a last-writer-wins record without its value, where that is cheaper. */
  readStamp?(keyspace: number, key: string): Stamp | undefined
  /** Whether what `read` last gave still waits for a commit: a record, or that there is none because it was erased. */
  readonly touchedStaged: boolean
  /**
   * Makes a write or an erasure visible to `read` and `scan` at once. It copies the bytes that it keeps. Erasing what
   * is not there does no harm.
   */
  stage(change: RecordChange): void
  /**
   * Calls back once everything staged so far is durable, in the order of the calls; an error is final. When nothing
   * waits for a disk the call comes before `commit` returns.
   */
  commit(done: (error?: Error) => void): void
  /**
   * Records in key order (code points), including staged ones: the caller commits before it lets them leave the
   * process.
   */
  scan(range: ScanRange): Promise<ScanResult>
  /** Records by their place in the digest tree, staged ones among them. A damaged one is left out. */
  look(range: LookRange): Promise<Found>
  /** Every record of keyspace 0, the replica's own, read when the storage was opened. */
  own(): readonly RecordWrite[]
  /** Waits for commits under way, then closes. Closing twice is fine. */
  close(): Promise<void>
}
