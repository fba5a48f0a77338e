/**
 * Lease arithmetic: how long a promise lasts on two clocks that do not run alike.
 *
 * The holder counts from the moment at which it *sent* the renewal, an elector from the moment at which the renewal
 * *came*, which is later in any case. What is left to go wrong is the rate: if no clock is off by more than `drift`, the
 * holder's shortened span ends before the elector's lengthened one, however they differ (Gray and Cheriton, "Leases",
 * 1989). Instants are of the one process's own monotonic clock and never travel.
 * Ring: values.
 */
import type { Quorum } from '../quorum/quorum.ts'

/** How long a holder may act on a lease, on its own clock, from the sending of the request. */
export function holderMs(leaseMs: number, drift: number): number {
  return leaseMs * (1 - drift)
}

/** How long an elector keeps others out, on its own clock, from the coming of the request. */
export function electorMs(leaseMs: number, drift: number): number {
  return leaseMs * (1 + drift)
}

/**
 * The latest instant such that those who granted a request sent then, or later, form the quorum; `-Infinity` for none.
 * @param grantedAtMs by position: when the newest request left that it granted.
 */
export function leaseFromMs(grantedAtMs: readonly number[], quorum: Quorum): number {
  let from = -Infinity
  for (const candidate of grantedAtMs) {
    if (candidate <= from) continue
    let granting = 0
    for (let position = 0; position < grantedAtMs.length; position++) {
      if ((grantedAtMs[position] as number) >= candidate) granting |= 1 << position
    }
    if (quorum.met(granting)) from = candidate
  }
  return from
}

/** The earliest instant at which those who are free by then form the quorum; `Infinity` if they never do. */
export function quorumFreeAtMs(freeAtMs: readonly number[], quorum: Quorum): number {
  const at = leaseFromMs(
    freeAtMs.map((freeMs) => -freeMs),
    quorum,
  )
  return -at
}
