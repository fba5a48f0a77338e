/** What is refused when a keyspace is named: sets that do not meet, and sets that some keys' replicas cannot form. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { Keyspace } from '../../../src/core/operation/keyspace.ts'
import { proveQuorums } from '../../../src/core/operation/prove-quorums.ts'
import { resolveKeyspace, type KeyspaceOptions } from '../../../src/core/options.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { majorityOf } from '../../../src/core/quorum/quorum.ts'
import { matching } from '../matching.ts'

type Options = Omit<KeyspaceOptions, 'mode'>

/** Nine replicas, a to i, in three zones in turn. */
const REGIONS = membershipOf(Array.from('abcdefghi').map((id, at) => ({ id, zone: 'xyz'[at % 3] as string })))

function proved(options: Options): Keyspace {
  const resolved = resolveKeyspace('carts', { mode: 'ap', ...options }, REGIONS)
  proveQuorums(resolved, REGIONS)
  return new Keyspace(resolved, { membership: REGIONS, zone: 'x', timeoutMs: 1 })
}

describe('sets that do not meet', () => {
  test.for([
    [{ read: 'a and b', write: 'c or d' }, ['a', 'b'], ['c']],
    [{ quorums: { read: '2 of (a, b, c)', write: 'a and d' } }, ['b', 'c'], ['a', 'd']],
    [{ read: 'majority of @x', write: 'majority of @y' }, ['a', 'd'], ['b', 'e']],
  ] as const)('%j: are refused with two of them', ([options, read, write]) => {
    const refused = expect.objectContaining({ code: 'QUORATE_QUORUMS_DISJOINT', read, write }) as Error
    expect(() => proved(options)).toThrow(refused)
  })

  test.for([
    // A set beside a count or a level is a set.
    { read: 'one', write: 'a and b' },
    { read: 'a', w: 8 },
    { read: 'local-quorum', write: 'majority of @x' },
  ] as const)('%j: are refused', (options) => {
    const refused = expect.objectContaining({ code: 'QUORATE_QUORUMS_DISJOINT' }) as Error
    expect(() => proved(options)).toThrow(refused)
  })

  test('counts and levels: are a choice, and called not strict', () => {
    for (const options of [
      { n: 3, r: 1, w: 1 },
      { n: 9, read: 'local-quorum', write: 'local-quorum' },
    ] as const) {
      const keyspace = proved(options)
      expect(keyspace.readChoice(keyspace.listOf('k'), undefined).strict).toBe(false)
    }
  })

  test.for([
    { read: 'a', write: 'all' },
    { read: 'local-quorum', write: 'majority of @x and majority of @y and majority of @z' },
    { write: 'majority of @x and 1 of (@y, @z)' },
    { write: 'majority of (majority of @x, majority of @y, majority of @z)' },
    { read: 'any of @x', n: 3 },
  ] as const)('%j: meet, and are called strict on both sides', (options) => {
    const keyspace = proved(options)
    for (const list of keyspace.lists()) {
      expect(keyspace.readChoice(list, undefined).strict).toBe(true)
      expect(keyspace.writeChoice(list, undefined).strict).toBe(true)
    }
  })
})

describe('sets that do not fit every key', () => {
  test.for([
    [{ n: 3, read: 'a' }, '"a" does not fit every key: some are on'],
    [{ n: 8, write: 'all of (a, i)' }, 'does not fit every key'],
    [{ n: 2, read: 'any of @z' }, 'no zone @z'],
    [{ n: 3, write: '2 of @x' }, '2 of a list with 1 votes cannot be'],
    [{ n: 10 }, 'n is 10, and there are 9 replicas'],
    [{ n: 9, strategy: { reads: [{ quorum: ['a'], probability: 1 }] } }, 'asks a, which is no read quorum'],
  ] as const)('%j: is refused (%s)', ([options, message]) => {
    const refused = expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: matching(message) }) as Error
    expect(() => proved(options)).toThrow(refused)
  })

  test('an expression of one call, for a key that is elsewhere: is refused', () => {
    const keyspace = proved({ n: 3 })
    const without = keyspace.lists().find(({ replicas }) => !replicas.includes(0))
    const refused = expect.objectContaining({ message: matching('column 1: no node a: use') }) as Error
    expect(() => keyspace.readChoice(without as never, 'a')).toThrow(refused)
  })
})

test('a zone: is the replicas of it that hold the key', () => {
  const keyspace = proved({ n: 6, read: 'majority of @x' })
  for (const list of keyspace.lists()) {
    const inside = list.zones.flatMap((zone, position) => (zone === 'x' ? [position] : []))
    const { quorum } = keyspace.readChoice(list, undefined)
    expect(inside.length).toBe(2)
    for (const position of inside) expect(quorum.met(1 << position)).toBe(false)
    expect(quorum.met(inside.reduce((set, position) => set | (1 << position), 0))).toBe(true)
    expect(quorum.required).toBe(majorityOf(2))
  }
})

test('an expression that comes with many calls: is made once for each order of replicas', () => {
  const keyspace = proved({ read: 'a or b' })
  const [list] = keyspace.lists()
  const choice = keyspace.readChoice(list as never, 'a  and b')
  expect(choice.level).toBe('a and b')
  expect(keyspace.readChoice(list as never, 'a and b')).toBe(choice)
  // More texts than are remembered.
  for (let votes = 1; votes < 5_000; votes++) {
    expect(keyspace.readChoice(list as never, `${votes} of (a*${votes}, b*${votes})`).level).toBe('a or b')
  }
  expect(keyspace.readChoice(list as never, 'a and b')).toEqual(choice)
})

describe('a strategy', () => {
  const reads = [
    { quorum: ['a', 'b'], probability: 0.75 },
    { quorum: ['b', 'c'], probability: 0.25 },
  ]

  test('quorums are drawn as often as it says', () => {
    const keyspace = proved({ read: '2 of (a, b, c)', strategy: { reads } })
    const random = new Random(1)
    const list = keyspace.listOf('k')
    const maskOf = (ids: readonly string[]): number =>
      list.replicas.reduce(
        (set, replica, at) => (ids.includes('abcdefghi'[replica] as string) ? set | (1 << at) : set),
        0,
      )
    const drawn = Array.from({ length: 4_000 }, () => keyspace.drawRead(list, random))
    expect(new Set(drawn)).toEqual(new Set(reads.map(({ quorum }) => maskOf(quorum))))
    const share = drawn.filter((mask) => mask === maskOf(['a', 'b'])).length / drawn.length
    expect(share).toBeGreaterThan(0.72)
    expect(share).toBeLessThan(0.78)
  })

  test('without one nothing is drawn, so that the numbers that follow stay the same', () => {
    const keyspace = proved({ read: '2 of (a, b, c)' })
    const random = new Random(1)
    expect(keyspace.drawRead(keyspace.listOf('k'), random)).toBe(0)
    expect(random.uint32()).toBe(new Random(1).uint32())
  })
})
