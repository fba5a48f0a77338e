/** Bounded lists of writes by name, against sorting everything. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMPTY_CONTEXT, joinContexts, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import {
  holdsOp,
  mergeNewest,
  newestFirst,
  OVERWRITTEN_MAX,
  withoutOp,
} from '../../../src/core/causality/newest-writes.ts'
import { holds } from '../../property.ts'

type Pair = readonly [at: number, op: number]

/** Few times and operations, so that lists share much, and more than a list has room for. */
const anyPairs: fc.Arbitrary<readonly Pair[]> = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
  { maxLength: 60, size: 'max' },
)

function slowly(...lists: readonly (readonly Pair[])[]): number[] {
  const all = new Map(lists.flat().map((pair) => [pair.join(), pair]))
  const sorted = [...all.values()].toSorted((a, b) => b[0] - a[0] || b[1] - a[1])
  return sorted.slice(0, OVERWRITTEN_MAX).flat()
}

const listOf = (pairs: readonly Pair[]): readonly number[] => newestFirst(pairs.flat())

test('newest first: any pairs, doubled and in any order, are sorted, each once, up to the bound', () => {
  holds(
    fc.property(anyPairs, (pairs) => {
      expect(listOf(pairs)).toEqual(slowly(pairs))
    }),
    { numRuns: 500 },
  )
})

test('merge: the newest of all, whatever the order and the grouping', () => {
  holds(
    fc.property(anyPairs, anyPairs, anyPairs, (a, b, c) => {
      const expected = slowly(a, b, c)
      expect(mergeNewest(mergeNewest(listOf(a), listOf(b)), listOf(c))).toEqual(expected)
      expect(mergeNewest(listOf(c), mergeNewest(listOf(b), listOf(a)))).toEqual(expected)
      expect(mergeNewest(listOf(a), listOf(a))).toEqual(listOf(a))
    }),
    { numRuns: 500 },
  )
})

test('one operation: is found, and taken out, and nothing else is', () => {
  holds(
    fc.property(anyPairs, fc.integer({ min: 1, max: 9 }), (pairs, op) => {
      const list = listOf(pairs)
      const kept = slowly(pairs).filter((_, i, all) => all[i % 2 === 0 ? i + 1 : i] !== op)
      expect(holdsOp(list, op)).toBe(list.some((number, i) => i % 2 === 1 && number === op))
      expect(withoutOp(list, op)).toEqual(kept)
      expect(holdsOp(withoutOp(list, op), op)).toBe(false)
    }),
    { numRuns: 500 },
  )
})

test('contexts joined: know the newest writes of both by name', () => {
  const context = (...writes: readonly number[]): CausalContext => ({ vector: [1, 1], cloud: [], writes })
  expect(joinContexts(context(9, 2, 7, 1), context(8, 3, 7, 1)).writes).toEqual([9, 2, 8, 3, 7, 1])
  const plain: CausalContext = { vector: [2, 1], cloud: [] }
  expect(joinContexts(context(9, 2), plain).writes).toEqual([9, 2])
  expect(joinContexts(plain, context(9, 2)).writes).toEqual([9, 2])
  expect(joinContexts(plain, { vector: [1, 1], cloud: [] })).not.toHaveProperty('writes')
  expect(joinContexts(EMPTY_CONTEXT, context(9, 2)).writes).toEqual([9, 2])
})
