/**
 * The last writer wins, by hybrid time; between equal stamps the larger operation identity.
 *
 * Of two concurrent writes one is lost: that is what `lww` means, and why it is not the default. The order is total and
 * the same on every replica, so replicas converge whatever order writes arrive in.
 * Ring: values.
 */
import { digestOfTwo } from '../base/hash.ts'
import type { LwwRecord, Version } from '../record.ts'

/** What decides between two writes. */
export type Stamp = Pick<Version, 'at' | 'op'>

/** The record that wins; `a` itself when both are the same write. */
export function mergeLww(a: LwwRecord, b: LwwRecord): LwwRecord {
  return isNewer(b, a) ? b : a
}

/** Whether `a` replaces `b`. */
export function isNewer(a: Stamp, b: Stamp): boolean {
  return a.at > b.at || (a.at === b.at && a.op > b.op)
}

/** Digest of the state: which write it is. */
export function digestLww(record: Stamp): number {
  return digestOfTwo(record.at, record.op)
}
