/** Quorums as predicates over sets: counting, majorities, and what they tolerate. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, CountQuorum, firstPositions, majorityOf, POSITIONS_MAX } from '../../../src/core/quorum/quorum.ts'
import { holds } from '../../property.ts'
import { anyParts, positionsIn, quorumOf, setsOf, slowlyMet } from './any-quorum.ts'

/** The largest number of failures, whichever replicas they hit, with which the rest still forms the quorum. */
function tolerated(quorum: CountQuorum, n: number): number {
  for (let failures = 0; ; failures++) {
    const sets = setsOf(n).filter((failed) => positionsIn(failed).length === failures + 1)
    if (sets.length === 0 || sets.some((failed) => !quorum.met(firstPositions(n) & ~failed))) return failures
  }
}

describe('majorities', () => {
  test.for([
    [1, 1, 0],
    [2, 2, 0],
    [3, 2, 1],
    [4, 3, 1],
    [5, 3, 2],
    [6, 4, 2],
    [7, 4, 3],
    [8, 5, 3],
    [9, 5, 4],
  ] as const)('of %d: %d are needed, and %d failures are tolerated', ([n, needed, failures]) => {
    expect(majorityOf(n)).toBe(needed)
    const quorum = new CountQuorum(majorityOf(n), firstPositions(n))
    expect(tolerated(quorum, n)).toBe(failures)
    expect(quorum.required).toBe(needed)
    expect(quorum.text).toBe(`${needed} of ${n}`)
  })

  test('of any number up to 31: two always meet, and with one less they need not', () => {
    for (let n = 1; n <= POSITIONS_MAX; n++) {
      expect(2 * majorityOf(n)).toBeGreaterThan(n)
      expect(2 * (majorityOf(n) - 1)).toBeLessThanOrEqual(n)
    }
  })
})

describe('sets', () => {
  test('count: the number of members, for any mask of 31 positions', () => {
    holds(
      fc.property(fc.nat({ max: 0x7fffffff }), (mask) => {
        expect(count(mask)).toBe(positionsIn(mask).length)
      }),
      { numRuns: 1_000 },
    )
    expect(count(0x7fffffff)).toBe(31)
  })

  test('first positions: exactly the lowest n, 31 included', () => {
    for (let n = 0; n <= POSITIONS_MAX; n++) {
      expect(positionsIn(firstPositions(n))).toEqual(Array.from({ length: n }, (_, position) => position))
      expect(firstPositions(n)).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('quorums', () => {
  test('counts, alone or one in each part: met exactly by the sets that the slow way counts', () => {
    holds(
      fc.property(anyParts, (parts) => {
        const quorum = quorumOf(parts)
        for (const set of setsOf(parts.n)) expect(quorum.met(set)).toBe(slowlyMet(parts, set))
      }),
      { numRuns: 200 },
    )
  })

  test('required: the size of the smallest set that is met', () => {
    holds(
      fc.property(anyParts, (parts) => {
        const sizes = setsOf(parts.n)
          .filter((set) => slowlyMet(parts, set))
          .map((set) => positionsIn(set).length)
        expect(quorumOf(parts).required).toBe(Math.min(...sizes))
      }),
      { numRuns: 200 },
    )
  })

  test('more replicas never unmake a quorum', () => {
    holds(
      fc.property(anyParts, fc.nat(), fc.nat(), (parts, a, b) => {
        const quorum = quorumOf(parts)
        if (quorum.met(a & b)) expect(quorum.met(a)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
