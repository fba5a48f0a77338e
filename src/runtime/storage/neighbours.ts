/**
 * Names of whole partitions that a walk meets beside those that it is for.
 *
 * An exchange goes through the partitions one after the other, and on disk each list of one is a walk over every key. So a
 * walk keeps what it meets of the partitions that come next, as many as it has room for, and the lists after it need none.
 */
import { PARTITIONS } from '../../core/placement/placement.ts'
import type { KeyName } from '../../core/repair/digest-tree.ts'

export interface Placed extends KeyName {
  readonly partition: number
  readonly position: number
}

/** Some 12 MB. */
const NAMES_MAX = 131_072

export class Neighbours {
  readonly #first: number
  readonly #isRising: boolean
  readonly #namesMax: number
  readonly #met = new Map<number, Placed[]>()
  #count = 0
  /** How many partitions are kept, from the first one on and around. */
  #reach = PARTITIONS

  /** @param around the partitions of the look, in its order: an exchange goes on in the same direction. */
  constructor(around: readonly number[], namesMax: number = NAMES_MAX) {
    this.#first = around[0] ?? 0
    this.#isRising = (around.at(-1) ?? 0) >= this.#first
    this.#namesMax = namesMax
  }

  offer(name: Placed): void {
    const distance = this.#distanceOf(name.partition)
    if (distance >= this.#reach) return
    const others = this.#met.get(name.partition)
    if (others === undefined) this.#met.set(name.partition, [name])
    else others.push(name)
    if (++this.#count > this.#namesMax) this.#dropFarthest()
  }

  /** The names of each partition all of whose names are kept. */
  partitions(): ReadonlyMap<number, Placed[]> {
    const all = new Map<number, Placed[]>()
    for (let distance = 0; distance < this.#reach; distance++) {
      const partition = this.#at(distance)
      all.set(partition, this.#met.get(partition) ?? [])
    }
    return all
  }

  #dropFarthest(): void {
    const farthest = Math.max(...[...this.#met.keys()].map((partition) => this.#distanceOf(partition)))
    const partition = this.#at(farthest)
    this.#count -= this.#met.get(partition)?.length ?? 0
    this.#met.delete(partition)
    this.#reach = farthest
  }

  #distanceOf(partition: number): number {
    const distance = this.#isRising ? partition - this.#first : this.#first - partition
    return (distance + PARTITIONS) % PARTITIONS
  }

  #at(distance: number): number {
    const partition = this.#isRising ? this.#first + distance : this.#first - distance
    return (partition + PARTITIONS) % PARTITIONS
  }
}
