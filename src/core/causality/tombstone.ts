/**
 * Which records are dead: nothing but deletes and values whose time is over. They may be erased, once all replicas hold
 * the same one (replica-reaper.ts).
 *
 * Registers are never dead: what an acceptor has promised and accepted must stay, whatever the value is.
 * Ring: values.
 */
import type { StoredRecord, Version } from '../record.ts'
import { versionsOf } from './merge.ts'

/** From which Unix millisecond on a reader sees no value in this version; `Infinity` for never. */
function endOf({ value, expires = Infinity }: Version): number {
  return value === null ? -Infinity : expires
}

/** Whether a reader sees no value in this version by now. */
export function isGone(version: Version, wallMs: number): boolean {
  return endOf(version) <= wallMs
}

/** From which Unix millisecond on a reader sees no value in the record, if nobody writes. */
export function diesAt(record: StoredRecord): number {
  if (record.kind === 'register') return Infinity
  let atMs = -Infinity
  for (const version of versionsOf(record)) atMs = Math.max(atMs, endOf(version))
  return atMs
}

/** Whether a reader sees no value in the record by now. */
export function isDead(record: StoredRecord, wallMs: number): boolean {
  return diesAt(record) <= wallMs
}
