/**
 * Hints: what a replica notes down when it keeps a record for another one.
 *
 * The record itself lies on its usual shelf; the hint is a marker beside it, in a keyspace of the replica's own. Its key
 * names the owner, the keyspace and the record's key, so that the hints of one owner stand together in key order. The
 * marker is a register without a value, whose stamp is the newest of the hinted write and whose `op` is how many bytes
 * are charged for it.
 * Ring: values.
 */
import { versionsOf } from './causality/merge.ts'
import type { LwwRecord, StoredRecord } from './record.ts'

/** No definition has this fingerprint but by a chance of one in 2^52. */
export const HINTS_KEYSPACE = 1

const BASE = 36
/** What a record, its key and its marker take beside their contents. */
const OVERHEAD_BYTES = 96
const VERSION_BYTES = 40

/** What a hint is about. */
export interface HintedKey {
  readonly keyspace: number
  readonly key: string
}

/** The beginning of all hints for a replica. Ids hold no slash. */
export function hintPrefix(ownerId: string): string {
  return `${ownerId}/`
}

export function hintKey(ownerId: string, { keyspace, key }: HintedKey): string {
  return `${hintPrefix(ownerId)}${keyspace.toString(BASE)}/${key}`
}

/** Undoes `hintKey`. */
export function parseHintKey(text: string): HintedKey {
  const at = text.indexOf('/')
  const end = text.indexOf('/', at + 1)
  return { keyspace: Number.parseInt(text.slice(at + 1, end), BASE), key: text.slice(end + 1) }
}

export function hintMarker(what: { readonly at: number; readonly bytes: number }): LwwRecord {
  return { kind: 'lww', op: what.bytes, at: what.at, value: null }
}

/** The newest stamp in a record; 0 for none. */
export function newestIn(record: StoredRecord): number {
  let newest = 0
  for (const { at } of versionsOf(record)) newest = Math.max(newest, at)
  return newest
}

/** What keeping a record is counted as: about what it takes on disk with its marker. */
export function hintBytes(key: string, record: StoredRecord): number {
  let bytes = OVERHEAD_BYTES + 2 * key.length
  for (const { value, by = '' } of versionsOf(record)) bytes += VERSION_BYTES + by.length + (value?.length ?? 0)
  if (record.kind === 'dotted') bytes += 8 * (record.context.vector.length + record.context.cloud.length)
  return bytes
}
