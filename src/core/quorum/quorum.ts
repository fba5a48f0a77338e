/**
 * Who must answer: quorums as predicates over sets of replicas.
 *
 * A set of replicas is a bit mask over positions in a key's preference list, so that the same replica never counts
 * twice however often it answers, and a decision costs a few machine instructions. Counts are only one shape of quorum.
 * Ring: values.
 */

/** Positions in one preference list: what fits the bits of a JavaScript integer without its sign. */
export const POSITIONS_MAX = 31

/** A monotone predicate: adding replicas to a set that meets the quorum never unmakes it. */
export interface Quorum {
  /** The fewest replicas that can meet it; fewer for expressions of which that is too hard to find. */
  readonly required: number
  /** Whether the replicas of the mask form a quorum. */
  met(replicas: number): boolean
  /** For error messages and receipts: what it asks for, in words. */
  readonly text: string
  /** Whether it matters which replicas answer, and not only how many. */
  readonly names?: boolean
}

/** A quorum over one preference list. */
export interface ListQuorum extends Quorum {
  /** The positions that count: the others can be there or not. */
  readonly members: number
  /**
   * The largest number of these replicas that could be missing, whichever they are, and leave a quorum; -1 if it is
   * none. A smaller number for expressions of which that is too hard to find.
   */
  spare(replicas: number): number
}

/** How many bits are set. */
export function count(mask: number): number {
  mask -= (mask >>> 1) & 0x55555555
  mask = (mask & 0x33333333) + ((mask >>> 2) & 0x33333333)
  return Math.imul((mask + (mask >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** The mask with the lowest `n` positions. */
export function firstPositions(n: number): number {
  return n >= POSITIONS_MAX ? 0x7fffffff : (1 << n) - 1
}

/** More than half: the floor of n/2, plus one. */
export function majorityOf(n: number): number {
  return Math.floor(n / 2) + 1
}

/** Any `required` replicas out of those in `members`. */
export class CountQuorum implements ListQuorum {
  readonly required: number
  readonly text: string
  readonly members: number

  constructor(required: number, members: number, text: string = `${required} of ${count(members)}`) {
    this.required = required
    this.text = text
    this.members = members
  }

  met(replicas: number): boolean {
    return count(replicas & this.members) >= this.required
  }

  spare(replicas: number): number {
    return Math.max(-1, count(replicas & this.members) - this.required)
  }
}
