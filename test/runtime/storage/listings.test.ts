/** Names that a look has met: the looks after it find them without another walk, and what was written since. */
import { describe, expect, test } from 'vitest'
import type { RecordChange } from '../../../src/core/record.ts'
import { placeOf, type KeyName } from '../../../src/core/repair/digest-tree.ts'
import { Listings } from '../../../src/runtime/storage/listings.ts'
import { Neighbours, type Placed } from '../../../src/runtime/storage/neighbours.ts'
import type { LookRange } from '../../../src/runtime/storage/storage.ts'

const nameAt = (i: number): KeyName => ({ keyspace: 7, key: `k${i}` })
const namesTo = (count: number): KeyName[] => Array.from({ length: count }, (_, i) => nameAt(i))
const placed = (name: KeyName): Placed => ({ ...name, ...placeOf(name) })
const written = (name: KeyName): RecordChange => ({ ...name, record: { kind: 'lww', op: 1, at: 1, value: null } })
const erased = (name: KeyName): RecordChange => ({ ...name, record: undefined })
const WHOLE = { from: 0, to: 2 ** 32 }

function trade(names: readonly KeyName[], keyspaces: readonly number[] = [7]): LookRange {
  const places = names.map(placeOf).flatMap(({ partition, position }) => [partition, position])
  return { look: { kind: 'records', copies: 3, places, skip: 0, sizeBytesMax: 1e6 }, keyspaces }
}

/** A list of the whole of the partitions of these names. */
function list(names: readonly KeyName[]): LookRange {
  const ranges = names.map(placeOf).map(({ partition }) => ({ partition, ...WHOLE }))
  return { look: { kind: 'digests', copies: 3, ranges, entriesMax: 4_096, salt: 1 }, keyspaces: [7] }
}

/** A list of the partitions of k1, k2 and k3 that has met k1 and k2. */
function listed(names: readonly KeyName[] = []): Listings {
  const listings = new Listings()
  const looking = listings.begin()
  for (const name of names) listings.note(written(name))
  const ranges = [1, 2, 3].map(nameAt).map((name) => ({ partition: placeOf(name).partition, ...WHOLE }))
  listings.keep(list([]), { ranges, names: [nameAt(1), nameAt(2)], partitions: new Map() }, looking)
  listings.end(looking)
  return listings
}

function found(listings: Listings, range: LookRange): readonly string[] | undefined {
  return listings
    .gather(range)
    ?.names()
    .map(({ key }) => key)
}

describe('listings', () => {
  test('places of listed keys: have their names, in the order of the look, and others have none', () => {
    expect(found(listed(), trade([nameAt(3), nameAt(2), nameAt(1)]))).toEqual(['k2', 'k1'])
    expect(found(listed(), list([nameAt(2), nameAt(3), nameAt(1)]))).toEqual(['k2', 'k1'])
  })

  test.for([
    ['a place that was not listed', trade([nameAt(1), nameAt(99)])],
    ['a partition that was not listed', list([nameAt(1), nameAt(99)])],
    ['other keyspaces', trade([nameAt(1)], [7, 8])],
  ] as const)('%s: is walked for', ([, range]) => {
    expect(found(listed(), range)).toBeUndefined()
  })

  test('a key that is written while a list is made, or after it: is found, once', () => {
    const listings = listed([nameAt(3)])
    for (const name of [nameAt(1), nameAt(1), nameAt(3)]) listings.note(written(name))
    expect(found(listings, trade([nameAt(1), nameAt(3)]))).toEqual(['k1', 'k3'])
  })

  test('a key that is erased: is not found, until it is written again', () => {
    const listings = listed()
    listings.note(erased(nameAt(1)))
    listings.note(erased(nameAt(3)))
    expect(found(listings, trade([nameAt(1), nameAt(2), nameAt(3)]))).toEqual(['k2'])
    listings.note(written(nameAt(1)))
    expect(found(listings, trade([nameAt(1), nameAt(2)]))).toEqual(['k1', 'k2'])
  })

  test('a key of a keyspace that the list is not about: is not found', () => {
    const listings = listed()
    const place = placeOf(nameAt(1))
    for (let keyspace = 8; keyspace < 300; keyspace++) listings.note(written({ keyspace, key: 'k1' }))
    expect(found(listings, list([nameAt(1)]))).toEqual(['k1'])
    expect(place.partition).toBe(placeOf({ keyspace: 8, key: 'k1' }).partition)
  })

  test('a list that nobody asks for: is forgotten after many writes, and one in use is not', () => {
    const [used, unused] = [listed(), listed()]
    for (let i = 100; i < 20_000; i++) {
      used.note(written(nameAt(i)))
      unused.note(written(nameAt(i)))
      if (i % 1_000 === 0) used.gather(trade([nameAt(1)]))
    }
    expect(found(used, trade([nameAt(1)]))).toEqual(['k1'])
    expect(found(unused, trade([nameAt(1)]))).toBeUndefined()
  })

  test('a look during which too much is written: is not kept', () => {
    expect(found(listed(namesTo(20_000)), trade([nameAt(1)]))).toBeUndefined()
  })

  test('more lists than are kept: the oldest is forgotten', () => {
    const listings = listed()
    for (let i = 0; i < 4; i++) {
      const looking = listings.begin()
      listings.keep(list([]), { ranges: [], names: [], partitions: new Map() }, looking)
      listings.end(looking)
    }
    expect(found(listings, trade([nameAt(1)]))).toBeUndefined()
  })

  test('partitions around those of a look: are known whole, and lists of them need no walk', () => {
    const all = namesTo(2_000)
    const neighbours = new Neighbours([placeOf(nameAt(0)).partition], 500)
    for (const name of all) neighbours.offer(placed(name))
    const listings = new Listings()
    const looking = listings.begin()
    const partitions = neighbours.partitions()
    listings.keep(list([]), { ranges: [], names: [], partitions }, looking)
    listings.end(looking)
    const inside = all.filter((name) => partitions.has(placeOf(name).partition))
    const outside = all.find((name) => !partitions.has(placeOf(name).partition))
    expect(inside.length).toBeGreaterThan(400)
    expect(inside.length).toBeLessThanOrEqual(500)
    expect(found(listings, trade(inside))?.toSorted()).toEqual(inside.map(({ key }) => key).toSorted())
    expect(found(listings, list([inside[0] as KeyName]))).toContain(inside[0]?.key)
    expect(found(listings, list([outside as KeyName]))).toBeUndefined()
  })
})

describe('neighbours', () => {
  test('one partition with more names than there is room for: nothing is kept', () => {
    const neighbours = new Neighbours([9], 10)
    for (let i = 0; i < 20; i++) neighbours.offer({ ...nameAt(i), partition: 9, position: i })
    for (let i = 0; i < 5; i++) neighbours.offer({ ...nameAt(i), partition: 10, position: i })
    expect(neighbours.partitions().size).toBe(0)
  })

  test.for([
    { around: [1, 0], kept: [1, 0] },
    { around: [1], kept: [1, 2] },
    { around: [255, 254], kept: [255, 254] },
    { around: [254, 255], kept: [254, 255] },
  ])('too many names: the partitions that the exchange comes to last are dropped, $around', ({ around, kept }) => {
    const neighbours = new Neighbours(around, 10)
    const order = [255, 2, 0, 1, 254]
    for (const partition of order) {
      for (let i = 0; i < 4; i++) neighbours.offer({ ...nameAt(i), partition, position: i })
    }
    const partitions = [...neighbours.partitions()].filter(([, names]) => names.length > 0)
    expect(partitions.map(([partition, { length }]) => [partition, length])).toEqual(kept.map((one) => [one, 4]))
  })
})
