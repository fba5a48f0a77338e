/** How a vote stands and whom to ask, against trying every set. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CountQuorum, firstPositions } from '../../../src/core/quorum/quorum.ts'
import { choose, tally } from '../../../src/core/quorum/tally.ts'
import { holds } from '../../property.ts'
import { anyParts, positionsIn, quorumOf, setsOf, slowlyMet, type Parts } from './any-quorum.ts'

const RUNS = { numRuns: 300 }

/** Won now; pending if some further answers would win; lost if none would. */
function slowTally(parts: Parts, answered: number, possible: number): string {
  if (slowlyMet(parts, answered)) return 'won'
  const ends = setsOf(parts.n).filter((more) => (more & ~possible) === 0)
  return ends.some((more) => slowlyMet(parts, answered | more)) ? 'pending' : 'lost'
}

test('tally: any answers and any hopes stand as trying every further answer says', () => {
  const seen = new Map<string, number>()
  holds(
    fc.property(anyParts, fc.nat(), fc.nat(), (parts, one, other) => {
      const quorum = quorumOf(parts)
      const answered = one & firstPositions(parts.n)
      const possible = other & firstPositions(parts.n)
      const expected = slowTally(parts, answered, possible)
      seen.set(expected, (seen.get(expected) ?? 0) + 1)
      expect(tally(quorum, { answered, possible })).toBe(expected)
    }),
    RUNS,
  )
  expect([...seen.keys()].toSorted()).toEqual(['lost', 'pending', 'won'])
})

test.for([
  ['no answers, all may come', 0b000, 0b111, 'pending'],
  ['one answer, one may come', 0b001, 0b010, 'pending'],
  ['one answer, none may come', 0b001, 0b000, 'lost'],
  ['one answer that is also hoped for', 0b001, 0b001, 'lost'],
  ['two answers', 0b101, 0b000, 'won'],
] as const)('tally of 2 of 3: %s', ([, answered, possible, stands]) => {
  expect(tally(new CountQuorum(2, 0b111), { answered, possible })).toBe(stands)
})

/** Some of the positions, in some order. */
function anyOrder(n: number): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray(Array.from({ length: n }, (_, position) => position))
}

test('choose: gives a set from the order that meets the quorum, and no member of it is needless', () => {
  const seen = { chosen: 0, none: 0 }
  const example = anyParts.chain((parts) => fc.tuple(fc.constant(parts), anyOrder(parts.n), fc.nat()))
  holds(
    fc.property(example, ([parts, order, some]) => {
      const quorum = quorumOf(parts)
      const have = some & firstPositions(parts.n)
      const chosen = choose(quorum, order, have)
      const all = order.reduce((mask, position) => mask | (1 << position), 0)
      if (chosen === undefined) {
        seen.none++
        expect(slowlyMet(parts, have | all)).toBe(false)
        return
      }
      seen.chosen++
      expect(chosen & ~all).toBe(0)
      expect(slowlyMet(parts, have | chosen)).toBe(true)
      for (const position of positionsIn(chosen)) {
        expect(slowlyMet(parts, have | (chosen & ~(1 << position)))).toBe(false)
      }
    }),
    RUNS,
  )
  expect(Math.min(seen.chosen, seen.none)).toBeGreaterThan(50)
})

test('choose: of a count, it takes the first of the order', () => {
  const quorum = new CountQuorum(2, 0b11111)
  expect(choose(quorum, [3, 1, 0, 2, 4])).toBe(0b01010)
  expect(choose(quorum, [3, 1, 0], 0b10000)).toBe(0b01000)
  expect(choose(quorum, [3], 0b11000)).toBe(0)
  expect(choose(quorum, [3])).toBeUndefined()
})

test('choose: replicas taken early that turn out not to help are left out', () => {
  // Positions 0 and 1 are no members.
  expect(choose(new CountQuorum(2, 0b11100), [0, 2, 1, 3])).toBe(0b01100)
})
