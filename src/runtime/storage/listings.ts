/**
 * Which keys lie at which places, as the last looks found it.
 *
 * An exchange lists the places that differ and then trades their records, a few hundred at a time. On disk a look by place
 * walks every key, so the names that one has met are kept, those of the partitions around it as well, and the looks after
 * it find them here. Names that are written in between are added, so that what is found is what a walk would find.
 */
import { compareKeys } from '../../core/base/key-order.ts'
import type { RecordChange } from '../../core/record.ts'
import { placeOf, type KeyName, type PlaceRange } from '../../core/repair/digest-tree.ts'
import { Gathering, rangesOf } from '../../core/repair/gather.ts'
import type { Placed } from './neighbours.ts'
import type { LookRange } from './storage.ts'

/** For exchanges of two kinds of keyspaces, or in two places, at once. */
const LISTINGS_MAX = 2
/** A listing that was not asked for so many writes is forgotten, and so is a look that takes as long. */
const WRITES_MAX = 16_384
const WHOLE = 2 ** 32

/** What a look has met. */
export interface Met {
  /** Of these every name is known. */
  readonly ranges: readonly PlaceRange[]
  readonly names: readonly KeyName[]
  /** And of these partitions. */
  readonly partitions: ReadonlyMap<number, readonly Placed[]>
}

interface Listing {
  readonly keyspaces: readonly number[]
  /** By partition: of these ranges every name is known. */
  readonly ranges: ReadonlyMap<number, readonly PlaceRange[]>
  /** By partition, in the order of places once it is asked for. */
  readonly names: Map<number, Names>
  /** How many names had been written when it was last asked. */
  usedAt: number
}

interface Names {
  all: Placed[]
  isSorted: boolean
}

/** What is written while a look is under way. */
export type Written = KeyChange[]

interface KeyChange extends KeyName {
  readonly isErased: boolean
}

export class Listings {
  #latest: Listing[] = []
  readonly #looking = new Set<Written>()
  #writes = 0

  /** A look begins that has to walk. Gives what `keep` and `end` need. */
  begin(): Written {
    const written: Written = []
    this.#looking.add(written)
    return written
  }

  /** It is over, whatever it found. */
  end(written: Written): void {
    this.#looking.delete(written)
  }

  /** A key is written, or erased. */
  note({ keyspace, key, record }: RecordChange): void {
    if (this.#latest.length === 0 && this.#looking.size === 0) return
    this.#writes++
    const change = { keyspace, key, isErased: record === undefined }
    for (const written of this.#looking) if (written.length <= WRITES_MAX) written.push(change)
    if (this.#latest.length === 0) return
    const placed = placedOf(change)
    for (const listing of this.#latest) apply(listing, placed, change)
    if (this.#latest.some(({ usedAt }) => this.#writes - usedAt > WRITES_MAX)) {
      this.#latest = this.#latest.filter(({ usedAt }) => this.#writes - usedAt <= WRITES_MAX)
    }
  }

  /** Keeps the names that a look met. */
  keep({ keyspaces }: LookRange, { ranges, names, partitions }: Met, written: Written): void {
    if (written.length > WRITES_MAX) return
    const known = new Map<number, PlaceRange[]>()
    const byPartition = new Map<number, Names>()
    for (const [partition, met] of partitions) {
      known.set(partition, [{ partition, from: 0, to: WHOLE }])
      byPartition.set(partition, { all: [...met], isSorted: false })
    }
    for (const { partition, from, to } of ranges) {
      if (partitions.has(partition)) continue
      const range = { partition, from, to }
      const others = known.get(partition)
      if (others === undefined) known.set(partition, [range])
      else others.push(range)
    }
    const listing = { keyspaces: [...keyspaces], ranges: known, names: byPartition, usedAt: this.#writes }
    for (const name of names)
      if (!partitions.has(placeOf(name).partition)) apply(listing, placedOf(name), { isErased: false })
    for (const change of written) apply(listing, placedOf(change), change)
    this.#latest.unshift(listing)
    if (this.#latest.length > LISTINGS_MAX) this.#latest.pop()
  }

  /** What a walk would gather for this look; `undefined` if not all of it is known. */
  gather({ look, keyspaces }: LookRange): Gathering | undefined {
    if (this.#latest.length === 0) return undefined
    const gathering = new Gathering(look)
    const positionsMax = look.kind === 'digests' ? look.entriesMax + 1 : Infinity
    // Ranges of a look may overlap.
    const positions = new Set<number>()
    for (const range of rangesOf(look)) {
      const listing = this.#latest.find((one) => isSame(one.keyspaces, keyspaces) && covers(one, range))
      if (listing === undefined) return undefined
      listing.usedAt = this.#writes
      const names = sorted(listing, range.partition)
      for (let i = firstFrom(names, range.from); i < names.length; i++) {
        const name = names[i] as Placed
        if (name.position >= range.to) break
        positions.add(name.partition * WHOLE + name.position)
        gathering.offer(name, name)
      }
      // Whatever comes after these has no room in the answer.
      if (positions.size > positionsMax) break
    }
    return gathering
  }
}

function placedOf(name: KeyName): Placed {
  return { keyspace: name.keyspace, key: name.key, ...placeOf(name) }
}

function byPlace(a: Placed, b: Placed): number {
  return a.position - b.position || a.keyspace - b.keyspace || compareKeys(a.key, b.key)
}

/** Where the first name stands that does not come before this position. */
function firstFrom(names: readonly Placed[], position: number): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] as Placed).position < position) low = middle + 1
    else high = middle
  }
  return low
}

/** Adds a name in its place, once, or takes it out, if it is one that the listing would have. */
function apply(listing: Listing, placed: Placed, { isErased }: Pick<KeyChange, 'isErased'>): void {
  if (!listing.keyspaces.includes(placed.keyspace) || !covers(listing, placed)) return
  const all = sorted(listing, placed.partition)
  let at = firstFrom(all, placed.position)
  while (at < all.length && byPlace(all[at] as Placed, placed) < 0) at++
  const isThere = at < all.length && byPlace(all[at] as Placed, placed) === 0
  if (isThere && isErased) all.splice(at, 1)
  if (!isThere && !isErased) all.splice(at, 0, placed)
}

/** The names of a partition in their order: put so when somebody needs it, a few hundred at a time. */
function sorted({ names }: Listing, partition: number): Placed[] {
  let found = names.get(partition)
  if (found === undefined) names.set(partition, (found = { all: [], isSorted: true }))
  if (!found.isSorted) found.all.sort(byPlace)
  found.isSorted = true
  return found.all
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((keyspace, i) => keyspace === b[i])
}

function covers(
  { ranges }: Listing,
  place: { readonly partition: number; readonly position: number } | PlaceRange,
): boolean {
  const from = 'from' in place ? place.from : place.position
  const to = 'from' in place ? place.to : place.position + 1
  return ranges.get(place.partition)?.some((range) => range.from <= from && range.to >= to) === true
}
