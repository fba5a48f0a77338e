/** What siblings of a key may add up to. */
import { describe, expect, test } from 'vitest'
import { resolveCore } from '../../src/core/options.ts'
import { whyOverBudget } from '../../src/core/sibling-budget.ts'
import type { DottedRecord } from '../../src/core/record.ts'

const limits = resolveCore({ siblingsMax: 3, siblingBytesMax: 100 })

/** A record with siblings of these sizes, minted by actor 1 in this order; `null` is a tombstone. */
function recordOf(...sizes: (number | null)[]): DottedRecord {
  const siblings = sizes.map((size, i) => {
    return { actor: 1, counter: i + 1, op: i + 1, at: 0, value: size === null ? null : new Uint8Array(size) }
  })
  return { kind: 'dotted', context: { vector: [1, sizes.length], cloud: [] }, siblings, replaced: [] }
}

/** A write of so many bytes after the first so many siblings. */
function writeOf(size: number | null, sawUpTo = 0): Parameters<typeof whyOverBudget>[1] {
  const value = size === null ? null : new Uint8Array(size)
  return { value, context: { vector: sawUpTo === 0 ? [] : [1, sawUpTo], cloud: [] } }
}

describe('budget of siblings', () => {
  test.for([
    ['the first write, however large', [], writeOf(1_000)],
    ['one below the number', [1, 1], writeOf(1)],
    ['at the number, one that replaces one', [1, 1, 1], writeOf(1, 1)],
    ['over the number, one that replaces one', [1, 1, 1, 1, 1], writeOf(1, 1)],
    ['as many bytes as there may be', [50, 40], writeOf(10)],
    ['large siblings, one that replaces all of them', [1_000, 1_000], writeOf(1_000, 2)],
    ['large siblings, one that leaves room', [1_000, 10], writeOf(90, 1)],
    ['full of bytes, a delete', [50, 50], writeOf(null)],
    ['tombstones', [null, null], writeOf(100)],
  ] as const)('%s: is taken', ([, sizes, write]) => {
    expect(whyOverBudget(recordOf(...sizes), write, limits)).toBeUndefined()
  })

  test.for([
    ['at the number, blind', [1, 1, 1], writeOf(1), '3 siblings of siblingsMax 3'],
    ['at the number, a blind delete', [1, 1, 1], writeOf(null), '3 siblings of siblingsMax 3'],
    [
      'at the number, after other writes',
      [1, 1, 1],
      { ...writeOf(1), context: { vector: [2, 9], cloud: [] } },
      '3 sib',
    ],
    ['one byte too many', [50, 40], writeOf(11), '101 bytes in siblings of siblingBytesMax 100'],
    ['bytes beside a sibling that stays', [10, 60], writeOf(50, 1), '110 bytes in siblings of siblingBytesMax 100'],
    ['a delete where there is too much', [90, 90], writeOf(null), '180 bytes in siblings of siblingBytesMax 100'],
  ] as const)('%s: is refused', ([, sizes, write, why]) => {
    expect(whyOverBudget(recordOf(...sizes), write, limits)).toContain(why)
  })
})
