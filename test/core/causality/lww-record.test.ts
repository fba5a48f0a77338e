/** The last writer wins: a total order, so that any order of arrival gives the same winner. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestLww, isNewer, mergeLww } from '../../../src/core/causality/lww-record.ts'
import type { LwwRecord } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'

const record = (at: number, op: number): LwwRecord => ({ kind: 'lww', at, op, value: Uint8Array.of(at, op) })

/** Few stamps and operations, so that ties are common. */
const anyRecord = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }))
  .map(([at, op]) => record(at, op))

test.for([
  ['a later stamp', [2, 1], [1, 9], true],
  ['an earlier stamp', [1, 9], [2, 1], false],
  ['an equal stamp and a larger operation', [1, 2], [1, 1], true],
  ['an equal stamp and a smaller operation', [1, 1], [1, 2], false],
  ['the same write', [1, 1], [1, 1], false],
] as const)('newer: %s', ([, [at, op], [otherAt, otherOp], newer]) => {
  expect(isNewer(record(at, op), record(otherAt, otherOp))).toBe(newer)
})

test('newer: the order is total', () => {
  holds(
    fc.property(anyRecord, anyRecord, anyRecord, (a, b, c) => {
      const same = a.at === b.at && a.op === b.op
      expect([isNewer(a, b), isNewer(b, a), same].filter(Boolean)).toHaveLength(1)
      if (isNewer(a, b) && isNewer(b, c)) expect(isNewer(a, c)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('merge: any order and grouping, doubles included, gives the greatest by stamp, then operation', () => {
  const deliveries = fc
    .array(anyRecord, { minLength: 1, maxLength: 8 })
    .chain((records) => fc.tuple(fc.constant(records), fc.shuffledSubarray([...records, ...records], { minLength: 1 })))
  holds(
    fc.property(deliveries, ([records, delivered]) => {
      const oracle = [...records].toSorted((a, b) => b.at - a.at || b.op - a.op)[0]
      const everything = [...delivered, ...records]
      const left = everything.reduce((all, one) => mergeLww(all, one))
      const right = everything.reduceRight((all, one) => mergeLww(one, all))
      expect([left.at, left.op]).toEqual([oracle?.at, oracle?.op])
      expect(right).toEqual(left)
    }),
    { numRuns: 500 },
  )
})

test('merge: of the same write twice, the first object comes back', () => {
  const a = record(1, 1)
  expect(mergeLww(a, record(1, 1))).toBe(a)
})

test('digest: equal exactly for the same write', () => {
  holds(
    fc.property(anyRecord, anyRecord, (a, b) => {
      expect(digestLww(a) === digestLww(b)).toBe(a.at === b.at && a.op === b.op)
    }),
    { numRuns: 500 },
  )
})
