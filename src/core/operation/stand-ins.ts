/**
 * Which members stand in for replicas of a key that cannot be reached, in one write.
 *
 * Positions are those of the write's whole list: the key's replicas, the *primaries*, and behind them the *fallbacks* in
 * the order of their rank (Dynamo 4.6). A fallback stands in for one primary only, so that what counts as so many copies
 * is on so many disks.
 * Ring: decisions.
 */
import type { PreferenceList } from '../placement/placement.ts'
import { choose } from '../quorum/tally.ts'
import { count, firstPositions, type Quorum } from '../quorum/quorum.ts'

/** Whose absence would matter: the quorum to be met, and the primaries that it can have without any stand-in. */
export interface Need {
  readonly quorum: Quorum
  readonly have: number
}

export class StandIns {
  /** The key's own replicas, as a mask. */
  readonly primaries: number
  readonly #list: PreferenceList
  /** By fallback: the position of the primary that it stands for. Empty until there is one. */
  readonly #ownerOf = new Map<number, number>()

  constructor(list: PreferenceList, copies: number) {
    this.#list = list
    this.primaries = firstPositions(copies)
  }

  /** The index of the replica that the member at this position stands for; nothing for a primary. */
  ownerAt(position: number): number | undefined {
    const owner = this.#ownerOf.get(position)
    return owner === undefined ? undefined : this.#list.replicas[owner]
  }

  /** The primaries in a set of positions, with those that fallbacks in it stand for. */
  cover(positions: number): number {
    let covered = positions & this.primaries
    for (const [fallback, owner] of this.#ownerOf) if (positions & (1 << fallback)) covered |= 1 << owner
    return covered
  }

  /** The primaries of `needy` that members in `able` could stand in for, those first that the quorum needs. */
  coverable(needy: number, able: number, need: Need): number {
    const free = this.#freeOf(able).length
    if (count(needy) <= free) return needy
    let wanted = choose(need.quorum, positionsOf(needy), need.have) ?? 0
    for (const position of positionsOf(needy & ~wanted)) if (count(wanted) < free) wanted |= 1 << position
    while (count(wanted) > free) wanted &= ~highest(wanted)
    return wanted
  }

  /** Finds stand-ins among `able` for as many of `needy` as there are members left. Gives their positions. */
  assign(needy: number, able: number, need: Need): number {
    if (needy === 0) return 0
    const free = this.#freeOf(able)
    let assigned = 0
    for (const owner of positionsOf(this.coverable(needy, able, need))) {
      const fallback = free.shift() as number
      this.#ownerOf.set(fallback, owner)
      assigned |= 1 << fallback
    }
    return assigned
  }

  #freeOf(able: number): number[] {
    return positionsOf(able & ~this.primaries).filter((position) => !this.#ownerOf.has(position))
  }

  /** By id of the fallback: the id of the replica that it stands for. Of those in the set. */
  names(positions: number, ids: readonly string[]): Readonly<Record<string, string>> {
    const names: Record<string, string> = {}
    for (const fallback of positionsOf(positions & ~this.primaries)) {
      const owner = this.ownerAt(fallback)
      if (owner !== undefined) names[ids[this.#list.replicas[fallback] as number] as string] = ids[owner] as string
    }
    return names
  }
}

function positionsOf(mask: number): number[] {
  const positions: number[] = []
  for (let rest = mask; rest !== 0; rest &= rest - 1) positions.push(31 - Math.clz32(rest & -rest))
  return positions
}

function highest(mask: number): number {
  return 1 << (31 - Math.clz32(mask))
}
