/**
 * Looks for storages that meet their records in some other order than that of places: first the names of those that
 * matter, then an index over the records of these.
 *
 * Ring: decisions.
 */
import { compareKeys } from '../base/key-order.ts'
import type { RecordWrite } from '../record.ts'
import { placeOf, type KeyName, type PlaceRange } from './digest-tree.ts'
import type { Found, Look, RecordIndex } from './record-index.ts'

interface Met extends KeyName {
  /** The first range of the look that holds it. */
  readonly rank: number
  readonly position: number
}

interface Place {
  readonly partition: number
  readonly position: number
}

interface Ranked extends PlaceRange {
  readonly rank: number
}

/** Collects names in any order, and keeps no more than the look can use. */
export class Gathering {
  readonly #ranges = new Map<number, Ranked[]>()
  readonly #positionsMax: number
  #met: Met[] = []
  /** What comes after it finds no room. */
  #last: Met | undefined

  constructor(look: Look) {
    this.#positionsMax = look.kind === 'digests' ? look.entriesMax + 1 : Infinity
    for (const [rank, range] of rangesOf(look).entries()) {
      const ranges = this.#ranges.get(range.partition)
      if (ranges === undefined) this.#ranges.set(range.partition, [{ ...range, rank }])
      else ranges.push({ ...range, rank })
    }
  }

  /** A name may be offered twice, and counts once. */
  offer({ keyspace, key }: KeyName, { partition, position }: Place): void {
    const range = this.#ranges.get(partition)?.find(({ from, to }) => position >= from && position < to)
    if (range === undefined) return
    const met = { keyspace, key, rank: range.rank, position }
    if (this.#last !== undefined && byPlace(met, this.#last) > 0) return
    this.#met.push(met)
    if (this.#met.length > 4 * this.#positionsMax) this.#cut()
  }

  /** The names in the order of the look. */
  names(): readonly KeyName[] {
    this.#cut()
    return this.#met
  }

  /** Cuts what was found where names were cut: records that are gone by now leave room that says nothing of those after. */
  bound(found: Found): Found {
    const last = this.#last
    if (found.kind !== 'digests' || last === undefined) return found
    const lists = found.lists.slice(0, last.rank + 1).map((list, rank) => {
      if (rank < last.rank || list.to <= last.position) return list
      const entries = list.entries.filter((_, i) => (list.entries[i - (i % 2)] as number) < last.position)
      return { ...list, to: last.position, entries }
    })
    return { kind: 'digests', lists: lists.filter(({ from, to }) => from < to) }
  }

  /** One position more than the look has room for is kept, so that it is seen to be cut. */
  #cut(): void {
    this.#met.sort(byName)
    this.#met = this.#met.filter((met, i) => i === 0 || byName(this.#met[i - 1] as Met, met) !== 0)
    let positions = 0
    for (const [i, met] of this.#met.entries()) {
      const before = this.#met[i - 1]
      if (before !== undefined && byPlace(before, met) === 0) continue
      if (++positions <= this.#positionsMax) continue
      this.#met = this.#met.slice(0, i)
      this.#last = this.#met.at(-1)
      return
    }
  }
}

/** What a look is about, in its order. */
export function rangesOf(look: Look): readonly PlaceRange[] {
  if (look.kind === 'digests') return look.ranges
  const ranges: PlaceRange[] = []
  for (let i = 0; i < look.places.length; i += 2) {
    const from = look.places[i + 1] as number
    ranges.push({ partition: look.places[i] as number, from, to: from + 1 })
  }
  return ranges
}

function byPlace(a: Met, b: Met): number {
  return a.rank - b.rank || a.position - b.position
}

function byName(a: Met, b: Met): number {
  return byPlace(a, b) || a.keyspace - b.keyspace || compareKeys(a.key, b.key)
}

interface Placed {
  readonly position: number
  readonly write: RecordWrite
}

/** An index over some records, all of keyspaces that the look is about. */
export function indexOver(records: Iterable<RecordWrite>): RecordIndex {
  const partitions = new Map<number, Placed[]>()
  for (const write of records) {
    const { partition, position } = placeOf(write)
    const placed = partitions.get(partition)
    if (placed === undefined) partitions.set(partition, [{ position, write }])
    else placed.push({ position, write })
  }
  for (const placed of partitions.values()) placed.sort(byPosition)
  return {
    walk(_copies, { partition, from, to }, visit): void {
      for (const { position, write } of partitions.get(partition) ?? []) {
        if (position >= from && position < to && !visit(position, write)) return
      }
    },
  }
}

function byPosition(a: Placed, b: Placed): number {
  const { write } = a
  return a.position - b.position || write.keyspace - b.write.keyspace || compareKeys(write.key, b.write.key)
}
