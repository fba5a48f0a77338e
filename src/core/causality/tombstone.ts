/**
 * Which records are dead: nothing but deletes. They may be erased, once all replicas hold the same one
 * (replica-reaper.ts).
 *
 * Registers of other kinds are erased through floors of their own, and are never dead here.
 * Ring: values.
 */
import type { StoredRecord, Version } from '../record.ts'
import { versionsOf } from './merge.ts'

/** Whether a reader sees no value in this version. */
export function isGone({ value }: Version): boolean {
  return value === null
}

/** Whether a reader sees no value in the record, however long it looks. */
export function isDead(record: StoredRecord): boolean {
  return versionsOf(record).every(isGone)
}
