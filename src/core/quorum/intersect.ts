/**
 * Whether every read quorum meets every write quorum, the condition behind all that strict quorums promise.
 *
 * Two quorums that do not meet exist exactly when some set of replicas holds a write quorum while the replicas outside
 * it hold a read quorum (Gifford, "Weighted Voting for Replicated Data", SOSP 1979, for counts; Naor and Wool, "The
 * Load, Capacity, and Availability of Quorum Systems", 1998, for sets in general).
 * Ring: values.
 */
import { countOf, firstPositions, type Quorum } from './quorum.ts'

export interface Disjoint {
  readonly read: number
  readonly write: number
}

/** A read and a write quorum that do not meet, as masks; `undefined` when there are none. Looks at 2^n sets, except for counts. */
export function findDisjoint(
  quorums: { readonly read: Quorum; readonly write: Quorum },
  n: number,
): Disjoint | undefined {
  const all = firstPositions(n)
  const reads = countOf(quorums.read, n)
  const writes = countOf(quorums.write, n)
  if (reads !== undefined && writes !== undefined) {
    if (reads + writes > n) return undefined
    return { write: firstPositions(writes), read: all & ~firstPositions(writes) }
  }
  for (let write = 0; write <= all; write++) {
    if (quorums.write.met(write) && quorums.read.met(all & ~write)) return { read: all & ~write, write }
  }
  return undefined
}
