/**
 * k-staleness: the closed form against all read quorums, counted.
 */
import { integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { kStaleness, predict, profiles } from '../../src/predict/index.ts'
import { holds } from '../property.ts'

/** The share of r-sized sets of n replicas that miss the first w. */
function missing({ n, r, w }: { readonly n: number; readonly r: number; readonly w: number }): number {
  let [all, missed] = [0, 0]
  for (let set = 0; set < 1 << n; set++) {
    const members = Array.from({ length: n }, (_, at) => (set >>> at) & 1)
    if (members.reduce((sum, bit) => sum + bit, 0) !== r) continue
    all++
    if (members.slice(0, w).every((bit) => bit === 0)) missed++
  }
  return missed / all
}

test('k-staleness: equals what counting all read quorums gives', () => {
  const settings = integer({ min: 1, max: 8 }).chain((n) =>
    tuple(integer({ min: 1, max: n }), integer({ min: 1, max: n }), integer({ min: 1, max: 4 })).map(([r, w, k]) => ({
      n,
      r,
      w,
      k,
    })),
  )
  holds(
    property(settings, ({ n, r, w, k }) => {
      expect(kStaleness({ n, r, w, k })).toBeCloseTo(1 - missing({ n, r, w }) ** k, 12)
    }),
  )
})

test('k-staleness: r + w > n is always the last version; n = 3 with r = w = 1 is it once in three times', () => {
  expect(kStaleness({ n: 3, r: 2, w: 2, k: 1 })).toBe(1)
  expect(kStaleness({ n: 3, r: 1, w: 1, k: 1 })).toBeCloseTo(1 / 3, 12)
  expect(kStaleness({ n: 3, r: 1, w: 1, k: 3 })).toBeCloseTo(1 - (2 / 3) ** 3, 12)
  expect(kStaleness({ n: 31, r: 1, w: 1, k: 1 })).toBeCloseTo(1 / 31, 12)
})

test('k-staleness: a prediction has it for its own setting', () => {
  const prediction = predict({ n: 5, r: 2, w: 1, latencies: profiles['LNKD-SSD'], trials: 100 })
  expect(prediction.kStaleness(2)).toBe(kStaleness({ n: 5, r: 2, w: 1, k: 2 }))
  expect(() => prediction.kStaleness(0)).toThrow('k is 0: use a whole number from 1 on')
})

test('k-staleness: what cannot be is refused', () => {
  expect(() => kStaleness({ n: 3, r: 4, w: 1, k: 1 })).toThrow('r is 4, w is 1 and n is 3: r and w are at most n')
  expect(() => kStaleness({ n: 3, r: 1, w: 1.5, k: 1 })).toThrow('w is 1.5')
})
