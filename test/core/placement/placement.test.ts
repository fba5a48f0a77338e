/** Which replicas hold a key: known places, the laws of rendezvous hashing, zones, and balance. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fingerprint } from '../../../src/core/base/hash.ts'
import { membershipOf, type Membership } from '../../../src/core/placement/membership.ts'
import { Placement, type PreferenceList } from '../../../src/core/placement/placement.ts'
import { holds } from '../../property.ts'

/** Members by id; a letter after `@` is the zone. */
function cluster(...words: readonly string[]): Membership {
  return membershipOf(
    words.map((word) => {
      const [id = '', zone = ''] = word.split('@')
      return { id, zone }
    }),
  )
}

function idsOf(membership: Membership, { replicas }: PreferenceList): string[] {
  return replicas.map((index) => membership.members[index]?.id ?? '?')
}

const FIVE = cluster('a', 'b', 'c', 'd', 'e')
const ZONED = cluster('a@x', 'b@y', 'c@z', 'd@x', 'e@y', 'f@z')

describe('known places: a change here moves every key of every cluster', () => {
  test.for([
    ['alice', 48, 'aed'],
    ['bob', 128, 'cad'],
    ['carol', 39, 'eca'],
    ['dave', 70, 'cbe'],
    ['k', 66, 'dcb'],
  ] as const)('key %s: is in partition %d, at %s', ([key, partition, replicas]) => {
    const list = new Placement(FIVE, 3).listOf(key)
    expect(list.partition).toBe(partition)
    expect(idsOf(FIVE, list).join('')).toBe(replicas)
  })

  test.for([
    ['five replicas', FIVE, 3, 2995979867830837],
    ['six replicas in three zones', ZONED, 3, 1155942406480372],
  ] as const)('all lists of %s: the known fingerprint', ([, membership, n, expected]) => {
    const { lists } = new Placement(membership, n)
    expect(lists).toHaveLength(256)
    expect(fingerprint(JSON.stringify(lists.map(({ replicas }) => replicas)))).toBe(expected)
  })
})

/** Up to 12 members with ids that say nothing, in up to 4 zones or none. */
const anyMembership = fc
  .tuple(
    fc.uniqueArray(fc.string({ unit: fc.constantFrom(...Array.from('abcdefgh0123')), minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 12,
    }),
    fc.integer({ min: 0, max: 4 }),
  )
  .map(([ids, zones]) => membershipOf(ids.map((id, i) => ({ id, zone: zones === 0 ? '' : `z${i % zones}` }))))

const anyPlacement = anyMembership.chain((membership) =>
  fc.tuple(fc.constant(membership), fc.integer({ min: 1, max: membership.members.length })),
)

describe('preference lists', () => {
  test('any members: each list names n different members, and their zones', () => {
    holds(
      fc.property(anyPlacement, ([membership, n]) => {
        for (const [partition, list] of new Placement(membership, n).lists.entries()) {
          expect(list.partition).toBe(partition)
          expect(new Set(list.replicas).size).toBe(n)
          expect(list.replicas.every((index) => membership.members[index] !== undefined)).toBe(true)
          expect(list.zones).toEqual(list.replicas.map((index) => membership.members[index]?.zone))
        }
      }),
      { numRuns: 20 },
    )
  })

  test('any members: the order in which they are configured does not matter', () => {
    holds(
      fc.property(anyPlacement, fc.nat(), ([membership, n], rotate) => {
        const { members } = membership
        const at = rotate % members.length
        const other = membershipOf([...members.slice(at), ...members.slice(0, at)])
        expect(new Placement(other, n).lists).toEqual(new Placement(membership, n).lists)
      }),
      { numRuns: 20 },
    )
  })

  test('any zones: no zone has two more copies than another that has room', () => {
    holds(
      fc.property(anyPlacement, ([membership, n]) => {
        const room = new Map<string, number>()
        for (const { zone } of membership.members) room.set(zone, (room.get(zone) ?? 0) + 1)
        for (const { zones } of new Placement(membership, n).lists) {
          const copies = (zone: string): number => zones.filter((other) => other === zone).length
          for (const [zone, places] of room) {
            if (copies(zone) === places) continue
            for (const other of room.keys()) expect(copies(other) - copies(zone)).toBeLessThanOrEqual(1)
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  test('fewer copies: are the first of more', () => {
    for (const n of [1, 2, 3, 4]) {
      const fewer = new Placement(FIVE, n).lists
      const more = new Placement(FIVE, n + 1).lists
      for (const [i, { replicas }] of fewer.entries()) expect(more[i]?.replicas.slice(0, n)).toEqual(replicas)
    }
  })

  test('any members: fallbacks are the others, in the order in which they would be chosen', () => {
    holds(
      fc.property(anyPlacement, ([membership, n]) => {
        const whole = new Placement(membership, membership.members.length).lists
        for (const [i, { replicas, fallbacks }] of new Placement(membership, n).lists.entries()) {
          expect([...replicas, ...fallbacks]).toEqual(whole[i]?.replicas)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('distinct lists: one for each set of replicas', () => {
    const setOf = ({ replicas }: PreferenceList): string => replicas.toSorted((a, b) => a - b).join()
    for (const n of [1, 2, 3, 4, 5]) {
      const placement = new Placement(FIVE, n)
      const sets = placement.distinct.map(setOf)
      expect(new Set(sets).size).toBe(sets.length)
      expect(new Set(sets)).toEqual(new Set(placement.lists.map(setOf)))
    }
  })

  test('more copies asked for than there are members: every member has one', () => {
    for (const { replicas } of new Placement(FIVE, 9).lists) expect(new Set(replicas)).toEqual(new Set([0, 1, 2, 3, 4]))
  })

  test('keys: each is in the list of its partition, always the same', () => {
    holds(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        const placement = new Placement(FIVE, 3)
        expect(placement.listOf(key)).toBe(placement.listOf(key))
        expect(placement.lists).toContain(placement.listOf(key))
      }),
      { numRuns: 50 },
    )
  })
})

describe('a member more', () => {
  const added = (membership: Membership, id: string): Membership =>
    membershipOf([...membership.members, { id, zone: '' }])

  test('any members without zones: a list changes only by the new one taking a place in it', () => {
    const unzoned = anyMembership.map(({ members }) => membershipOf(members.map(({ id }) => ({ id, zone: '' }))))
    let moved = 0
    holds(
      fc.property(unzoned, fc.integer({ min: 1, max: 5 }), (before, copies) => {
        const n = Math.min(copies, before.members.length)
        const after = added(before, 'newcomer')
        const lists = new Placement(after, n).lists
        for (const [i, old] of new Placement(before, n).lists.entries()) {
          const names = idsOf(after, lists[i] as PreferenceList)
          const kept = names.filter((id) => id !== 'newcomer')
          expect(kept).toEqual(idsOf(before, old).slice(0, kept.length))
          if (kept.length < n) moved++
        }
      }),
      { numRuns: 20 },
    )
    expect(moved).toBeGreaterThan(0)
  })

  test('six instead of five: about one copy in six moves, not all', () => {
    const before = new Placement(FIVE, 3).lists
    const six = added(FIVE, 'f')
    const after = new Placement(six, 3).lists
    const newcomer = six.members.findIndex(({ id }) => id === 'f')
    const moved = after.filter(({ replicas }) => replicas.includes(newcomer)).length
    const expected = before.length * (3 / 6)
    expect(moved).toBeGreaterThan(expected * 0.7)
    expect(moved).toBeLessThan(expected * 1.3)
  })
})

describe('balance', () => {
  test.for([
    ['three of five', FIVE, 3],
    ['one of five', FIVE, 1],
    ['three of six in three zones', ZONED, 3],
    ['three of ten', cluster(...Array.from('abcdefghij')), 3],
  ] as const)('%s: first choices are spread as by chance, and no member has half as many copies again', (row) => {
    const [, membership, n] = row
    const { lists } = new Placement(membership, n)
    const members = membership.members.length
    const share = lists.length / members
    let unevenness = 0
    for (let index = 0; index < members; index++) {
      const copies = lists.filter(({ replicas }) => replicas.includes(index)).length
      const first = lists.filter(({ replicas }) => replicas[0] === index).length
      expect(copies).toBeGreaterThan(0.5 * n * share)
      expect(copies).toBeLessThan(1.5 * n * share)
      unevenness += (first - share) ** 2 / share
    }
    // Chi squared over its degrees of freedom: near 1 when chance alone is at work.
    expect(unevenness / (members - 1)).toBeLessThan(2)
  })

  test('numbered keys: fill every partition', () => {
    const placement = new Placement(FIVE, 3)
    const filled = new Map<number, number>()
    for (let i = 0; i < 25_600; i++) {
      const { partition } = placement.listOf(`user:${i}`)
      filled.set(partition, (filled.get(partition) ?? 0) + 1)
    }
    expect(filled.size).toBe(256)
    for (const keys of filled.values()) expect(Math.abs(keys - 100)).toBeLessThan(50)
  })
})
