/** Names that a list has met: trades find them without another walk, and what was written since. */
import { describe, expect, test } from 'vitest'
import { placeOf, type KeyName } from '../../../src/core/repair/digest-tree.ts'
import type { Found } from '../../../src/core/repair/record-index.ts'
import { Listings } from '../../../src/runtime/storage/listings.ts'
import type { LookRange } from '../../../src/runtime/storage/storage.ts'

const nameAt = (i: number): KeyName => ({ keyspace: 7, key: `k${i}` })

function trade(names: readonly KeyName[], keyspaces: readonly number[] = [7]): LookRange {
  const places = names.map(placeOf).flatMap(({ partition, position }) => [partition, position])
  return { look: { kind: 'records', copies: 3, places, skip: 0, sizeBytesMax: 1e6 }, keyspaces }
}

/** What a look found that covers the whole of the partitions of these names. */
function wholeOf(names: readonly KeyName[]): Found {
  const lists = names.map(placeOf).map(({ partition }) => ({ partition, from: 0, to: 2 ** 32, entries: [] }))
  return { kind: 'digests', lists } as unknown as Found
}

const LISTED = [nameAt(1), nameAt(2)]

function listed(): Listings {
  const listings = new Listings()
  const since = listings.begin()
  listings.keep(trade(LISTED), wholeOf([...LISTED, nameAt(3)]), LISTED, since)
  listings.end()
  return listings
}

describe('listings', () => {
  test('places of listed keys: have their names, in the order of the look, and others have none', () => {
    const listings = listed()
    const wanted = [nameAt(3), nameAt(2), nameAt(1)]
    expect(listings.namesFor(trade(wanted))).toEqual([nameAt(2), nameAt(1)])
  })

  test.for([
    ['a place that was not listed', trade([nameAt(1), nameAt(99)])],
    ['other keyspaces', trade([nameAt(1)], [7, 8])],
    ['a look for digests', { look: { kind: 'digests' }, keyspaces: [7] } as never],
  ] as const)('%s: is walked for', ([, range]) => {
    expect(listed().namesFor(range)).toBeUndefined()
  })

  test('a key that is written while a list is made, or after it: is found, once', () => {
    const listings = new Listings()
    const since = listings.begin()
    listings.note(nameAt(3))
    listings.keep(trade(LISTED), wholeOf([...LISTED, nameAt(3)]), LISTED, since)
    listings.end()
    for (const name of [nameAt(1), nameAt(1), nameAt(3)]) listings.note(name)
    expect(listings.namesFor(trade([nameAt(1), nameAt(3)]))).toEqual([nameAt(1), nameAt(3)])
  })

  test('too many writes: the lists are forgotten, and one that was begun before is not kept', () => {
    const listings = listed()
    const since = listings.begin()
    for (let i = 0; i < 20_000; i++) listings.note(nameAt(i))
    expect(listings.namesFor(trade(LISTED))).toBeUndefined()
    listings.keep(trade(LISTED), wholeOf(LISTED), LISTED, since)
    expect(listings.namesFor(trade(LISTED))).toBeUndefined()
    listings.end()
  })

  test('more lists than are kept: the oldest is forgotten', () => {
    const listings = listed()
    for (let i = 10; i < 14; i++) {
      listings.keep(trade([nameAt(i)]), { kind: 'digests', lists: [] }, [], listings.begin())
      listings.end()
    }
    expect(listings.namesFor(trade(LISTED))).toBeUndefined()
  })
})
