/**
 * `recommend`: the cheapest pair that keeps the promise, and never one that does not.
 */
import { constantFrom, double, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { predict, profiles, recommend, type Latencies } from '../../src/predict/index.ts'
import { holds } from '../property.ts'

const disk = { n: 3, latencies: profiles['LNKD-DISK'] } as const
const pair = ({ r, w }: { readonly r: number; readonly w: number }): string => `${r}/${w}`

test('recommend: LNKD-DISK, 99.9 % within 10 ms needs r + w > n, within 100 ms one answer each will do', () => {
  const strict = recommend({ ...disk, promise: { probability: 0.999, withinMs: 10 } })
  expect(pair(strict.best)).toBe('3/1')
  expect(strict.best).toMatchObject({ strict: true, meets: true, pFresh: 1, tVisibilityMs: 0 })
  const loose = recommend({ ...disk, promise: { probability: 0.999, withinMs: 100 } })
  expect(pair(loose.best)).toBe('1/1')
  expect(loose.best.pFresh).toBeGreaterThan(0.999)
  const between = recommend({ ...disk, promise: { probability: 0.999, withinMs: 20 } })
  expect(pair(between.best)).toBe('2/1')
})

test('recommend: with reads in plenty the cheap side is the read', () => {
  const promise = { probability: 1, withinMs: 0 }
  const reads = recommend({ n: 3, latencies: profiles.YMMR, promise, readFraction: 0.999, percentile: 0.5 })
  expect(reads.best.r).toBe(1)
  const writes = recommend({ n: 3, latencies: profiles.YMMR, promise, readFraction: 0.001 })
  expect(writes.best.w).toBe(1)
})

test('recommend: a least number of copies is kept', () => {
  const { best, candidates } = recommend({ ...disk, wMin: 2, promise: { probability: 0.5, withinMs: 1000 } })
  expect(pair(best)).toBe('1/2')
  expect(candidates.every(({ w }) => w >= 2)).toBe(true)
  expect(candidates).toHaveLength(6)
})

test('recommend: what is too close to call does not count, and more trials call it', () => {
  const { best } = recommend({ ...disk, trials: 400_000, promise: { probability: 0.437, withinMs: 0 } })
  const exact = predict({ ...disk, r: 1, w: 1, trials: 400_000 }).pFresh(0)
  const promise = { probability: exact - 0.001, withinMs: 0 }
  expect(pair(recommend({ ...disk, trials: 400_000, promise: { probability: exact - 0.003, withinMs: 0 } }).best)).toBe(
    '1/1',
  )
  expect(pair(recommend({ ...disk, trials: 2000, promise }).best)).not.toBe('1/1')
  expect(best.meets).toBe(true)
})

test('recommend: the best keeps the promise, and nothing cheaper does', () => {
  const cluster = record({
    meanMs: double({ min: 0.1, max: 100, noNaN: true }),
    probability: constantFrom(0.5, 0.9, 0.99, 0.999, 1),
    withinMs: double({ min: 0, max: 200, noNaN: true }),
    readFraction: double({ min: 0, max: 1, noNaN: true }),
    n: constantFrom(1, 2, 3, 5),
  })
  holds(
    property(cluster, ({ meanMs, probability, withinMs, readFraction, n }) => {
      const leg = { kind: 'exponential', lambda: 1 / meanMs } as const
      const latencies: Latencies = { w: leg, a: leg, r: leg, s: leg }
      const promise = { probability, withinMs }
      const { best, candidates } = recommend({ n, latencies, promise, readFraction, trials: 500 })
      expect(best.meets).toBe(true)
      expect(candidates).toHaveLength(n * n)
      for (const one of candidates) {
        if (one.costMs < best.costMs) expect(one.meets).toBe(false)
        if (one.meets) expect(one.strict || one.pFresh >= probability).toBe(true)
        expect(one.costMs).toBeCloseTo(readFraction * one.readMs + (1 - readFraction) * one.writeMs, 9)
      }
    }),
    { numRuns: 50 },
  )
})

test.for([
  [{ promise: { probability: 0, withinMs: 1 } }, 'promise.probability is 0'],
  [{ promise: { probability: 1.01, withinMs: 1 } }, 'promise.probability is 1.01'],
  [{ promise: { probability: 0.9, withinMs: -1 } }, 'promise.withinMs is -1'],
  [{ promise: { probability: 0.9, withinMs: Infinity } }, 'promise.withinMs is Infinity'],
  [{ percentile: 0 }, 'percentile is 0'],
  [{ readFraction: 2 }, 'readFraction is 2'],
  [{ wMin: 4 }, 'wMin is 4: use a whole number from 1 to n, which is 3'],
] as const)('recommend: %o is refused', ([given, said]) => {
  const promise = { probability: 0.9, withinMs: 1 }
  expect(() => recommend({ ...disk, trials: 10, promise, ...given })).toThrow(
    expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(said) as string }),
  )
})
