/**
 * The trials: against a naive simulation of the same model, against hand-worked cases, and what must hold of any.
 */
import { array, constantFrom, double, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { predict, profiles, Trials, type Distribution, type Latencies } from '../../src/predict/index.ts'
import { holds } from '../property.ts'
import { naive } from './naive.ts'

const exponential = (meanMs: number): Distribution => ({ kind: 'exponential', lambda: 1 / meanMs })
const constant = (ms: number): Distribution => ({ kind: 'constant', ms })
const still: Latencies = { w: constant(5), a: constant(1), r: constant(1), s: constant(1) }

const MEANS = { w: 8, a: 2, r: 1, s: 3 } as const
const SPREAD: Latencies = { w: exponential(8), a: exponential(2), r: exponential(1), s: exponential(3) }

const SETTINGS = [
  { n: 3, r: 1, w: 1 },
  { n: 3, r: 2, w: 1 },
  { n: 3, r: 1, w: 2 },
  { n: 5, r: 2, w: 2 },
  { n: 2, r: 1, w: 1, remoteMs: 12 },
  { n: 3, r: 1, w: 1, reads: 'quorum' },
  { n: 5, r: 2, w: 2, reads: 'quorum' },
  { n: 3, r: 1, w: 1, writes: 'home' },
  { n: 3, r: 1, w: 2, writes: 'home', reads: 'quorum' },
  { n: 3, r: 2, w: 1, remoteMs: 12, reads: 'quorum', writes: 'home' },
] as const

describe('against a naive simulation', () => {
  test.for(SETTINGS)('trials: %o give the same freshness and latencies', { timeout: 60_000 }, (setting) => {
    const { n, r, w } = setting
    const remoteMs = 'remoteMs' in setting ? setting.remoteMs : 0
    const model = {
      ...('reads' in setting && { reads: setting.reads }),
      ...('writes' in setting && { writes: setting.writes }),
    }
    const prediction = predict({ n, r, w, ...model, latencies: { ...SPREAD, remoteMs }, trials: 200_000, seed: 11 })
    const trials = 20_000
    for (const tMs of [0, 3, 20]) {
      const slow = naive({
        ...setting,
        tMs,
        trials,
        seed: 5 + tMs,
        draw: (leg, _, random) => -Math.log(1 - random.fraction()) * MEANS[leg],
      })
      const p = slow.pFresh
      expect(Math.abs(prediction.pFresh(tMs) - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / trials) + 1e-3)
      const mean = (quantile: (share: number) => number): number => {
        const steps = 2000
        return Array.from({ length: steps }, (_, at) => quantile((at + 0.5) / steps)).reduce((x, y) => x + y) / steps
      }
      expect(mean((share) => prediction.readMs(share)) / slow.meanReadMs).toBeCloseTo(1, 1.3)
      expect(mean((share) => prediction.writeMs(share)) / slow.meanWriteMs).toBeCloseTo(1, 1.3)
    }
  })
})

describe('by hand', () => {
  test('trials: constant legs that cannot overtake give a read that is fresh at once', () => {
    const prediction = predict({ n: 3, r: 1, w: 1, latencies: still, trials: 1000 })
    expect(prediction.readMs(0.5)).toBe(2)
    expect(prediction.writeMs(1)).toBe(6)
    expect(prediction.pFresh(0)).toBe(1)
    expect(prediction.tVisibility(1)).toBe(0)
  })

  test('trials: one replica that is slow to write and first to answer makes reads stale until it has the write', () => {
    const slow = { w: constant(100), a: constant(1), r: constant(1), s: constant(1) }
    const quick = { w: constant(5), a: constant(1), r: constant(4), s: constant(4) }
    const prediction = predict({ n: 3, r: 1, w: 1, latencies: [quick, slow, quick], trials: 1000 })
    // Acknowledged at 6; a read that begins t later reaches the slow one at 6 + t + 1, and it is written at 100.
    expect(prediction.writeMs(0.5)).toBe(6)
    expect(prediction.readMs(0.5)).toBe(2)
    expect(prediction.tVisibility(0.001)).toBe(93)
    expect([prediction.pFresh(92.9), prediction.pFresh(93)]).toEqual([0, 1])
  })

  test('trials: two replicas with exponential legs have the freshness of the closed form', () => {
    // W exponential with mean m, the rest 0. The write ends at the lesser W; the replica that the read takes has the
    // greater one with probability 1/2, and lags by another exponential span: P(stale at t) = exp(-t / m) / 2.
    const latencies = {
      w: exponential(10),
      a: constant(0),
      r: constant(0),
      s: { kind: 'uniform', minMs: 0, maxMs: 1 },
    } as const
    const prediction = predict({ n: 2, r: 1, w: 1, latencies, trials: 1_000_000, seed: 3 })
    for (const tMs of [0, 1, 5, 10, 30]) {
      expect(prediction.pFresh(tMs)).toBeCloseTo(1 - Math.exp(-tMs / 10) / 2, 2.4)
    }
    expect(prediction.tVisibility(0.999) / (10 * Math.log(500))).toBeCloseTo(1, 1.3)
    expect(prediction.writeMs(0.5) / (5 * Math.log(2))).toBeCloseTo(1, 1.6)
  })

  test('trials: a write by way of its home takes a round trip more, and the others get it later', () => {
    const prediction = predict({ n: 3, r: 1, w: 2, writes: 'home', latencies: still, trials: 100 })
    expect(prediction.writeMs(1)).toBe(12)
    expect(predict({ n: 3, r: 1, w: 1, writes: 'home', latencies: still, trials: 100 }).writeMs(1)).toBe(6)
  })

  test('trials: a read that asks r replicas waits for the slowest of the first r', () => {
    const at = (ms: number) => ({ w: constant(0), a: constant(0), r: constant(ms), s: constant(0) })
    const latencies = [at(30), at(10), at(20)]
    const asked = (r: number, reads: 'all' | 'quorum'): number =>
      predict({ n: 3, r, w: 1, reads, latencies, trials: 10 }).readMs(1)
    expect([1, 2, 3].map((r) => asked(r, 'quorum'))).toEqual([30, 30, 30])
    expect([1, 2, 3].map((r) => asked(r, 'all'))).toEqual([10, 20, 30])
  })

  test('trials: with places of their own, an operation is at home at one replica in n', () => {
    const latencies = { w: constant(0), a: constant(0), r: constant(0), s: constant(0), remoteMs: 75 }
    const prediction = predict({ n: 3, r: 1, w: 1, latencies, trials: 90_000 })
    expect(prediction.readMs(1)).toBe(0)
    // Fresh at once where both come from one place; else the write is 75 ms away.
    expect(prediction.pFresh(0)).toBeCloseTo(1 / 3, 2)
    expect(prediction.tVisibility(0.999)).toBe(75)
    expect(predict({ n: 3, r: 2, w: 2, latencies, trials: 1000 }).readMs(0.001)).toBe(150)
  })
})

const legs = array(double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 5 }).map(
  (ms): Distribution => ({ kind: 'samples', ms }),
)
const anyCluster = record({
  n: integer({ min: 1, max: 5 }),
  latencies: record({ w: legs, a: legs, r: legs, s: legs, remoteMs: constantFrom(0, 50) }),
  reads: constantFrom('all' as const, 'quorum' as const),
  writes: constantFrom('all' as const, 'home' as const),
  seed: integer({ min: 0, max: 2 ** 32 }),
})

test('trials: more answers are never quicker and never less fresh; r + w > n is always fresh', () => {
  holds(
    property(anyCluster, (cluster) => {
      const { n } = cluster
      const trials = new Trials({ ...cluster, trials: 300 })
      for (let r = 1; r <= n; r++) {
        for (let w = 1; w <= n; w++) {
          const cell = trials.cell({ r, w })
          expect(cell.strict).toBe(r + w > n)
          if (cell.strict) expect(cell.tVisibility(1)).toBe(0)
          const more = trials.cell({ r: Math.min(n, r + 1), w })
          const safer = trials.cell({ r, w: Math.min(n, w + 1) })
          for (const p of [0.1, 0.5, 0.9, 1]) {
            expect(more.readMs(p)).toBeGreaterThanOrEqual(cell.readMs(p))
            expect(safer.writeMs(p)).toBeGreaterThanOrEqual(cell.writeMs(p))
            expect(more.tVisibility(p)).toBeLessThanOrEqual(cell.tVisibility(p))
            expect(safer.tVisibility(p)).toBeLessThanOrEqual(cell.tVisibility(p))
          }
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('prediction: pFresh and tVisibility are inverse, and both rise', () => {
  const prediction = predict({ n: 3, r: 1, w: 1, latencies: profiles['LNKD-DISK'], trials: 20_000 })
  let before = 0
  for (const p of [0.001, 0.2, 0.5, 0.9, 0.99, 0.9999, 1]) {
    const tMs = prediction.tVisibility(p)
    expect(tMs).toBeGreaterThanOrEqual(before)
    expect(prediction.pFresh(tMs)).toBeGreaterThanOrEqual(p)
    if (tMs > 0) expect(prediction.pFresh(tMs * (1 - 1e-12))).toBeLessThan(p)
    before = tMs
    const { lowMs, highMs } = prediction.tVisibilityBetween(p)
    expect(lowMs).toBeLessThanOrEqual(tMs)
    expect(highMs).toBeGreaterThanOrEqual(tMs)
  }
  expect(prediction.pFresh(Infinity)).toBe(1)
})

test('prediction: the interval of t-visibility has the true value in at least 95 of 100 runs', () => {
  // The closed form of two replicas, as above: stale after t with probability exp(-t / 10) / 2.
  const latencies = {
    w: exponential(10),
    a: constant(0),
    r: constant(0),
    s: { kind: 'uniform', minMs: 0, maxMs: 1 },
  } as const
  const truth = 10 * Math.log(50)
  let inside = 0
  for (let seed = 0; seed < 200; seed++) {
    const { lowMs, highMs } = predict({ n: 2, r: 1, w: 1, latencies, trials: 5000, seed }).tVisibilityBetween(0.99)
    if (lowMs <= truth && truth <= highMs) inside++
  }
  expect(inside).toBeGreaterThanOrEqual(0.95 * 200)
})

describe('determinism', () => {
  const options = { n: 3, latencies: profiles.WAN, trials: 10_000 } as const
  const figures = (trials: Trials): number[] => {
    const cell = trials.cell({ r: 1, w: 1 })
    return [cell.pFresh(0), cell.pFresh(10), cell.readMs(0.999), cell.writeMs(0.5), cell.tVisibility(0.999)]
  }

  test('trials: the same seed gives the same figures, another seed gives others', () => {
    expect(figures(new Trials({ ...options, seed: 7 }))).toEqual(figures(new Trials({ ...options, seed: 7 })))
    expect(figures(new Trials({ ...options, seed: 7 }))).not.toEqual(figures(new Trials({ ...options, seed: 8 })))
  })

  test('trials: how they are cut into steps does not matter, nor which r and w are kept', () => {
    const whole = figures(new Trials(options))
    const steps = new Trials(options)
    while (steps.done < steps.trials) steps.advance(1 + (steps.done % 777))
    expect(steps.done).toBe(10_000)
    expect(figures(steps)).toEqual(whole)
    expect(figures(new Trials({ ...options, rs: [1], ws: [1] }))).toEqual(whole)
  })
})

test.for([
  [{ n: 0 }, 'n is 0: use a whole number from 1 to 31'],
  [{ n: 32 }, 'n is 32: use a whole number from 1 to 31'],
  [{ n: 2.5 }, 'n is 2.5: use a whole number'],
  [{ r: 4 }, 'r is 4: use a whole number from 1 to 3'],
  [{ w: 0 }, 'w is 0: use a whole number from 1 to 3'],
  [{ trials: 0 }, 'trials is 0: use a whole number from 1 to 10000000'],
  [{ trials: 1e9 }, 'trials is 1000000000'],
  [{ seed: NaN }, 'seed is NaN: use a finite number'],
  [{ reads: 'some' }, 'reads is "some": use all or quorum'],
  [{ writes: 'away' }, 'writes is "away": use all or home'],
  [{ latencies: [still] }, 'latencies has 1 replicas and n is 3'],
  [{ latencies: undefined }, 'latencies is missing: use { w, a, r, s }'],
  [{ latencies: [still, still, null] }, 'latencies[2] is missing'],
  [{ latencies: { ...still, remoteMs: -1 } }, 'latencies.remoteMs is -1: use a number from 0 to'],
  [{ latencies: { ...still, s: undefined } }, 'latencies.s is missing: use a distribution'],
] as const)('predict: %o is refused', ([given, said]) => {
  const options = { n: 3, r: 1, w: 1, latencies: still, trials: 10, ...given }
  expect(() => predict(options as unknown as Parameters<typeof predict>[0])).toThrow(
    expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(said) as string }),
  )
})

test('trials: more than memory should hold is refused before it is taken', () => {
  expect(() => new Trials({ n: 31, latencies: still, trials: 1_000_000 })).toThrow(
    expect.objectContaining({ code: 'QUORATE_LIMIT' }),
  )
})

test('prediction: times and probabilities that cannot be are refused', () => {
  const trials = new Trials({ n: 3, latencies: still, trials: 10, rs: [1], ws: [2, 3] })
  const cell = trials.cell({ r: 1, w: 2 })
  expect(() => cell.pFresh(-1)).toThrow('tMs is -1')
  for (const p of [0, -0.1, 1.1, NaN]) {
    expect(() => cell.tVisibility(p)).toThrow(`p is ${p}`)
    expect(() => cell.readMs(p)).toThrow(`p is ${p}`)
    expect(() => cell.writeMs(p)).toThrow(`p is ${p}`)
  }
  expect(() => trials.cell({ r: 2, w: 2 })).toThrow('r is 2: use 1')
  expect(() => trials.cell({ r: 1, w: 1 })).toThrow('w is 1: use 2, 3')
})
