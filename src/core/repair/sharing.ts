/**
 * Which partitions two replicas both hold: what they can compare, and all that they can.
 *
 * Both work it out from the same membership, so it never travels.
 * Ring: values.
 */
import type { Membership } from '../placement/membership.ts'
import { Placement } from '../placement/placement.ts'

export class Sharing {
  readonly #membership: Membership
  readonly #self: number
  readonly #known = new Map<number, Map<number, readonly number[]>>()

  /** @param self the index of this replica. */
  constructor(membership: Membership, self: number) {
    this.#membership = membership
    this.#self = self
  }

  /** The partitions of keyspaces with so many copies that `peer` and this replica hold, rising. None for no number. */
  partitions(copies: number, { peer }: { readonly peer: number }): readonly number[] {
    const { members } = this.#membership
    if (!Number.isInteger(copies) || copies < 1 || copies > members.length || peer === this.#self) return []
    let byPeer = this.#known.get(copies)
    if (byPeer === undefined) this.#known.set(copies, (byPeer = this.#work(copies)))
    return byPeer.get(peer) ?? []
  }

  #work(copies: number): Map<number, readonly number[]> {
    const byPeer = new Map<number, number[]>()
    for (const { partition, replicas } of new Placement(this.#membership, copies).lists) {
      if (!replicas.includes(this.#self)) continue
      for (const peer of replicas) {
        const shared = byPeer.get(peer)
        if (shared === undefined) byPeer.set(peer, [partition])
        else shared.push(partition)
      }
    }
    return byPeer
  }
}
