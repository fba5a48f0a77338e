/**
 * Which records are dead: nothing but deletes and values whose time is over. They may be erased, once all replicas hold
 * the same one (replica-reaper.ts).
 *
 * A register is dead when its value was deleted and nothing is under way: what was promised was accepted. One that was
 * written with fencing tokens never is, because the highest token must be remembered with the key.
 * Ring: values.
 */
import { isSameBallot } from '../base/ballot.ts'
import type { RegisterRecord, StoredRecord, Version } from '../record.ts'
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
  if (record.kind === 'register') return isSettledDelete(record) ? -Infinity : Infinity
  let atMs = -Infinity
  for (const version of versionsOf(record)) atMs = Math.max(atMs, endOf(version))
  return atMs
}

function isSettledDelete({ promised, accepted, state }: RegisterRecord): boolean {
  return state.value === null && state.token === 0 && accepted.counter > 0 && isSameBallot(promised, accepted)
}

/** Whether a reader sees no value in the record by now. */
export function isDead(record: StoredRecord, wallMs: number): boolean {
  return diesAt(record) <= wallMs
}
