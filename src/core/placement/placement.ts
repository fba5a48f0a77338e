/**
 * Which replicas hold a key: its preference list.
 *
 * Keys hash into a fixed number of partitions; each partition ranks the members by rendezvous hashing (Thaler and
 * Ravishankar, 1998) and takes the first n, zones first: a second copy goes to a zone already used only when every
 * zone has one. The members that are left over stand in for those that cannot be reached, in the same order. A list is
 * made when its first key is asked for; after that, finding a key's replicas is one hash and one array read.
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
  /** The other members, in the order in which they stand in for a replica that cannot be reached. */
  readonly fallbacks: readonly number[]
}

/** In which partition a key lies, whatever its keyspace. */
function partitionOf(key: string): number {
  return hashString(key) % PARTITIONS
}

export class Placement {
  readonly #membership: Membership
  readonly #n: number
  readonly #lists: (PreferenceList | undefined)[] = []

  constructor(membership: Membership, n: number) {
    this.#membership = membership
    this.#n = n
  }

  /** All of them. */
  get lists(): readonly PreferenceList[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => this.#list(partition))
  }

  /** One list for each set of replicas that holds keys together. */
  get distinct(): readonly PreferenceList[] {
    if (this.#n >= this.#membership.members.length) return [this.#list(0)]
    const seen = new Map<number, PreferenceList>()
    for (const list of this.lists) {
      const mask = list.replicas.reduce((set, replica) => set | (1 << replica), 0)
      if (!seen.has(mask)) seen.set(mask, list)
    }
    return [...seen.values()]
  }

  listOf(key: string): PreferenceList {
    return this.#list(partitionOf(key))
  }

  #list(partition: number): PreferenceList {
    return (this.#lists[partition] ??= this.#rank(partition))
  }

  #rank(partition: number): PreferenceList {
    const { members } = this.#membership
    const ranked = rank(this.#membership, partition)
    const replicas = ranked.slice(0, this.#n)
    const zones = replicas.map((index) => members[index]?.zone ?? '')
    return { partition, replicas, zones, fallbacks: ranked.slice(this.#n) }
  }
}

/** All members. Of any length, the first of them are those that would be chosen if there were no more. */
function rank(membership: Membership, partition: number): readonly number[] {
  const rest = membership.members.map(({ id, zone }, index) => ({ index, zone, score: hashString(id, partition + 1) }))
  rest.sort((a, b) => b.score - a.score || a.index - b.index)
  const copies = new Map<string, number>()
  const ranked: number[] = []
  while (rest.length > 0) {
    let best = 0
    for (let at = 1; at < rest.length; at++) if (copiesIn(copies, rest[at]) < copiesIn(copies, rest[best])) best = at
    const chosen = rest.splice(best, 1)[0] as Candidate
    ranked.push(chosen.index)
    copies.set(chosen.zone, copiesIn(copies, chosen) + 1)
  }
  return ranked
}

interface Candidate {
  readonly index: number
  readonly zone: string
}

function copiesIn(copies: ReadonlyMap<string, number>, candidate: Candidate | undefined): number {
  return copies.get(candidate?.zone ?? '') ?? 0
}
