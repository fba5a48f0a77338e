/**
 * Which keys lie at which places, as the last looks for digests found it.
 *
 * An exchange lists the places that differ and then trades their records, a few hundred at a time. On disk a look by place
 * walks every key, so the names that were met for a list are kept until there are newer lists, and the trades find them
 * here. Names that are written in between are noted down, so that what is found is what a walk would find.
 */
import { compareKeys } from '../../core/base/key-order.ts'
import { placeOf, type KeyName, type PlaceRange } from '../../core/repair/digest-tree.ts'
import type { Found } from '../../core/repair/record-index.ts'
import type { LookRange } from './storage.ts'

/** One for each peer that may be exchanging: a few thousand names each. */
const LISTINGS_MAX = 4
/** Beyond so many writes the listings are forgotten. */
const WRITTEN_MAX = 16_384

interface Listing {
  readonly keyspaces: string
  /** By partition: of these ranges every key is known. */
  readonly ranges: ReadonlyMap<number, readonly PlaceRange[]>
  readonly names: ReadonlyMap<number, readonly KeyName[]>
  /** How many names had been written when the look began. */
  readonly since: number
}

export class Listings {
  #latest: Listing[] = []
  /** Names that were written, by place, from the first that some listing may lack. */
  #written = new Map<number, KeyName[]>()
  #writes = 0
  /** How many of them are not there any more. */
  #forgotten = 0
  #looking = 0

  /** A look for digests begins. Gives what `keep` needs. */
  begin(): number {
    this.#looking++
    return this.#writes
  }

  /** It is over, and found nothing. */
  end(): void {
    this.#looking--
  }

  /** A key is written. */
  note({ keyspace, key }: KeyName): void {
    if (this.#latest.length === 0 && this.#looking === 0) return
    this.#writes++
    add(this.#written, { keyspace, key })
    if (this.#writes - this.#forgotten <= WRITTEN_MAX) return
    this.#forgotten = this.#writes
    this.#written = new Map()
    this.#latest = []
  }

  /** Keeps the names that a look met; what it found says of which ranges they are all. */
  keep({ keyspaces }: LookRange, found: Found, names: readonly KeyName[], since: number): void {
    if (found.kind !== 'digests' || since < this.#forgotten) return
    const ranges = new Map<number, PlaceRange[]>()
    for (const { partition, from, to } of found.lists) {
      const range = { partition, from, to }
      const others = ranges.get(partition)
      if (others === undefined) ranges.set(partition, [range])
      else others.push(range)
    }
    const byPlace = new Map<number, KeyName[]>()
    for (const { keyspace, key } of names) add(byPlace, { keyspace, key })
    this.#latest.unshift({ keyspaces: keyspaces.join(), ranges, names: byPlace, since })
    if (this.#latest.length > LISTINGS_MAX) this.#latest.pop()
  }

  /** The names at the places of a look for records, in its order and each once; `undefined` if not all of them are known. */
  namesFor({ look, keyspaces }: LookRange): readonly KeyName[] | undefined {
    if (look.kind !== 'records' || this.#latest.length === 0) return undefined
    const all = keyspaces.join()
    const names: KeyName[] = []
    const seen = new Set<number>()
    for (let i = 0; i < look.places.length; i += 2) {
      const place = { partition: look.places[i] as number, position: look.places[i + 1] as number }
      const number = numberOf(place)
      if (seen.has(number)) continue
      seen.add(number)
      const listing = this.#latest.find((one) => one.keyspaces === all && covers(one, place))
      if (listing === undefined) return undefined
      const written = this.#written.get(number)?.filter(({ keyspace }) => keyspaces.includes(keyspace)) ?? []
      names.push(...inOrder([...(listing.names.get(number) ?? []), ...written]))
    }
    return names
  }
}

function add(byPlace: Map<number, KeyName[]>, name: KeyName): void {
  const place = numberOf(placeOf(name))
  const others = byPlace.get(place)
  if (others === undefined) byPlace.set(place, [name])
  else others.push(name)
}

/** By keyspace and key, each once. */
function inOrder(names: readonly KeyName[]): readonly KeyName[] {
  if (names.length < 2) return names
  const sorted = names.toSorted((a, b) => a.keyspace - b.keyspace || compareKeys(a.key, b.key))
  return sorted.filter((name, i) => {
    const before = sorted[i - 1]
    return before === undefined || before.keyspace !== name.keyspace || before.key !== name.key
  })
}

interface Place {
  readonly partition: number
  readonly position: number
}

function covers({ ranges }: Listing, { partition, position }: Place): boolean {
  return ranges.get(partition)?.some(({ from, to }) => position >= from && position < to) === true
}

function numberOf({ partition, position }: Place): number {
  return partition * 2 ** 32 + position
}
