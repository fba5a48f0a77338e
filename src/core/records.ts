/**
 * What a replica sees of its storage.
 *
 * Ring: values.
 */
import type { Stamp } from './causality/lww-record.ts'
import type { StoredRecord } from './record.ts'

/** The replica's own view of its storage: staged writes included. */
export interface Records {
  read(keyspace: number, key: string): StoredRecord | undefined
  /**
   * The stamp of a last-writer-wins record, for storages that can tell it without reading the value; `undefined` where
   * there is none.
   */
  readStamp?(keyspace: number, key: string): Stamp | undefined
  /** Whether there is no room for further writes. */
  readonly full?: boolean
}
