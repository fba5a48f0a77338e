/** What both kinds of record have in common, and the clock contexts of `lww`, ordered as their records are. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  clockContext,
  covers,
  EMPTY_CONTEXT,
  isClock,
  joinContexts,
  sameContext,
} from '../../../src/core/causality/causal-context.ts'
import { EMPTY_RECORD, mergeDotted, mint } from '../../../src/core/causality/dotted-record.ts'
import { mergeLww } from '../../../src/core/causality/lww-record.ts'
import { ABSENT, contextOf, digestOf, mergeRecords, versionsOf } from '../../../src/core/causality/merge.ts'
import type { LwwRecord } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'

const latest = (at: number, op: number): LwwRecord => ({ kind: 'lww', at, op, value: null })
const one = mint(EMPTY_RECORD, 1, { op: 1, at: 1, value: Uint8Array.of(1), context: EMPTY_CONTEXT })
const other = mint(EMPTY_RECORD, 2, { op: 2, at: 2, value: null, context: EMPTY_CONTEXT })

describe('either kind of record', () => {
  test('with nothing: merges to itself, and nothing with nothing is nothing', () => {
    for (const record of [one, latest(1, 1)]) {
      expect(mergeRecords(record, undefined)).toBe(record)
      expect(mergeRecords(undefined, record)).toBe(record)
    }
    expect(mergeRecords(undefined, undefined)).toBeUndefined()
  })

  test('with its own kind: merges as its kind does', () => {
    expect(mergeRecords(one, other)).toEqual(mergeDotted(one, other))
    expect(mergeRecords(latest(1, 1), latest(2, 1))).toEqual(mergeLww(latest(1, 1), latest(2, 1)))
  })

  test('with the other kind, which no keyspace mixes: the first stays', () => {
    expect(mergeRecords(one, latest(1, 1))).toBe(one)
    expect(mergeRecords(latest(1, 1), one)).toEqual(latest(1, 1))
  })

  test('digests: 0 for absent and for nothing else', () => {
    expect(digestOf(undefined)).toBe(ABSENT)
    expect([one, latest(0, 1), EMPTY_RECORD].map(digestOf)).not.toContain(ABSENT)
  })

  test('known digests: a change here makes replicas of two versions repair for ever', () => {
    const context = { vector: [1, 2], cloud: [3, 4] }
    const siblings = [{ actor: 1, counter: 2, op: 1, at: 1, value: null }]
    expect(digestOf({ kind: 'dotted', context, siblings, replaced: [] })).toBe(2071425915767558)
    expect(digestOf(latest(5, 9))).toBe(2229174360741901)
  })

  test('versions: all siblings, tombstones among them', () => {
    expect(versionsOf(undefined)).toEqual([])
    expect(versionsOf(latest(1, 1))).toEqual([latest(1, 1)])
    expect(versionsOf(mergeDotted(one, other)).map(({ op }) => op)).toEqual([1, 2])
  })

  test('contexts: nothing, what the record has seen, or its clock', () => {
    expect(contextOf(undefined)).toBe(EMPTY_CONTEXT)
    expect(contextOf(one)).toEqual(one.context)
    expect(contextOf(latest(4, 2))).toEqual(clockContext({ at: 4, op: 2 }))
  })
})

describe('clock contexts', () => {
  const anyLatest = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
    .map(([at, op]) => latest(at, op))

  test('one covers another exactly when its record is the same or wins', () => {
    holds(
      fc.property(anyLatest, anyLatest, (a, b) => {
        expect(covers(contextOf(a), contextOf(b))).toBe(mergeLww(b, a) === a || (a.at === b.at && a.op === b.op))
      }),
      { numRuns: 300 },
    )
  })

  test('two joined are the context of the record that wins', () => {
    holds(
      fc.property(anyLatest, anyLatest, (a, b) => {
        expect(joinContexts(contextOf(a), contextOf(b))).toEqual(contextOf(mergeLww(a, b)))
      }),
      { numRuns: 300 },
    )
  })

  test('are no contexts of siblings, and cover none', () => {
    const clock = clockContext({ at: 5, op: 5 })
    expect([clock, one.context, EMPTY_CONTEXT].map((context) => isClock(context))).toEqual([true, false, false])
    expect(covers(one.context, clock)).toBe(false)
    expect(covers(clock, one.context)).toBe(false)
    expect(covers(clock, EMPTY_CONTEXT)).toBe(true)
    expect(sameContext(clock, clockContext({ at: 5, op: 6 }))).toBe(false)
  })
})
