/**
 * Which replicas hold a key: its preference list.
 *
 * Keys hash into a fixed number of partitions; each partition ranks the members by rendezvous hashing (Thaler and
 * Ravishankar, 1998) and takes the first n, zones first: a second copy goes to a zone already used only when every
 * zone has one. Lists are made once, so finding a key's replicas is one hash and one array read.
 * Ring: values.
 */
import { hashString } from '../base/hash.ts'
import type { Membership } from './membership.ts'

export const PARTITIONS = 256

/** The replicas of the keys of one partition. */
export interface PreferenceList {
  readonly partition: number
  /** Indexes of members, the first choice first; quorums name them by position in this list. */
  readonly replicas: readonly number[]
  /** The zone at each position. */
  readonly zones: readonly string[]
}

/** In which partition a key lies, whatever its keyspace. */
export function partitionOf(key: string): number {
  return hashString(key) % PARTITIONS
}

export class Placement {
  readonly lists: readonly PreferenceList[]

  constructor(membership: Membership, n: number) {
    const lists: PreferenceList[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const replicas = rank(membership, n, partition)
      lists.push({ partition, replicas, zones: replicas.map((index) => membership.members[index]?.zone ?? '') })
    }
    this.lists = lists
  }

  listOf(key: string): PreferenceList {
    return this.lists[partitionOf(key)] as PreferenceList
  }
}

function rank(membership: Membership, n: number, partition: number): readonly number[] {
  const scored = membership.members.map(({ id, zone }, index) => ({
    index,
    zone,
    score: hashString(id, partition + 1),
  }))
  scored.sort((a, b) => b.score - a.score || a.index - b.index)
  const copies = new Map<string, number>()
  const chosen: number[] = []
  while (chosen.length < n) {
    let best: (typeof scored)[number] | undefined
    for (const candidate of scored) {
      if (chosen.includes(candidate.index)) continue
      if (best === undefined || (copies.get(candidate.zone) ?? 0) < (copies.get(best.zone) ?? 0)) best = candidate
    }
    if (best === undefined) break
    chosen.push(best.index)
    copies.set(best.zone, (copies.get(best.zone) ?? 0) + 1)
  }
  return chosen
}
