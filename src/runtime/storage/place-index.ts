/**
 * The keys of one keyspace by their place, for looks of an exchange: made with the first look, and kept from then on.
 *
 * A key takes a reference and four bytes, twelve in all, beside what the storage holds of it anyway. New keys wait in a
 * list, and find their partition a few at a time before a look; a partition is put in order when it is looked at. Keys
 * that are gone are found out then as well.
 */
import { compareKeys } from '../../core/base/key-order.ts'
import { placeOf, type PlaceRange } from '../../core/repair/digest-tree.ts'

interface Partition {
  /** Rising; keys of one position in order. */
  positions: Uint32Array
  keys: string[]
  /** Keys without a place in them. */
  fresh: string[]
}

export class PlaceIndex {
  readonly #keyspace: number
  readonly #has: (key: string) => boolean
  readonly #partitions = new Map<number, Partition>()
  readonly #fresh: string[] = []

  /** @param has whether there is a record of a key now. */
  constructor(keyspace: number, has: (key: string) => boolean) {
    this.#keyspace = keyspace
    this.#has = has
  }

  /** A key that was not here before, or is here again. */
  add(key: string): void {
    this.#fresh.push(key)
  }

  /** Finds the partition of at most `keysMax` of the new keys. Whether that is all of them. */
  settle(keysMax: number): boolean {
    for (let i = 0; i < keysMax; i++) {
      const key = this.#fresh.pop()
      if (key === undefined) return true
      const { partition } = placeOf({ keyspace: this.#keyspace, key })
      const known = this.#partitions.get(partition)
      if (known !== undefined) known.fresh.push(key)
      else this.#partitions.set(partition, { positions: new Uint32Array(), keys: [], fresh: [key] })
    }
    return this.#fresh.length === 0
  }

  /** Visits keys by position until the visitor says `false`. The caller's duty: `settle` said yes, and `has` the key. */
  walk({ partition: number, from, to }: PlaceRange, visit: (position: number, key: string) => boolean): void {
    const partition = this.#partitions.get(number)
    if (partition === undefined) return
    if (partition.fresh.length > 0) this.#order(partition)
    const { positions, keys } = partition
    for (let i = firstAtOrAbove(positions, from); i < positions.length; i++) {
      const position = positions[i] as number
      if (position >= to || !visit(position, keys[i] as string)) return
    }
  }

  #order(partition: Partition): void {
    const all: { readonly position: number; readonly key: string }[] = []
    for (const [i, key] of partition.keys.entries()) all.push({ position: partition.positions[i] as number, key })
    for (const key of partition.fresh) all.push({ position: placeOf({ keyspace: this.#keyspace, key }).position, key })
    all.sort((a, b) => a.position - b.position || compareKeys(a.key, b.key))
    const kept = all.filter(({ key }, i) => key !== all[i - 1]?.key && this.#has(key))
    partition.positions = Uint32Array.from(kept, ({ position }) => position)
    partition.keys = kept.map(({ key }) => key)
    partition.fresh = []
  }
}

function firstAtOrAbove(positions: Uint32Array, position: number): number {
  let low = 0
  let high = positions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((positions[middle] as number) < position) low = middle + 1
    else high = middle
  }
  return low
}
