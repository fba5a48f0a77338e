/**
 * From measured samples to a prediction: what a cluster with known delays would give is found again.
 */
import { expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { LatencySamples, latenciesFrom, predict, type Distribution } from '../../src/predict/index.ts'

const MEANS = { w: 20, a: 10, r: 10, s: 10 } as const

/** What three replicas with exponential delays would show: each leg apart, or whole round trips. */
function measured(legs: 'apart' | 'together'): LatencySamples {
  const samples = new LatencySamples({ replicas: 3, capacity: 20_000 })
  const random = new Random(21)
  const draw = (leg: keyof typeof MEANS): number => -Math.log(1 - random.fraction()) * MEANS[leg]
  const sample = (requestMs: number, answerMs: number) =>
    legs === 'apart' ? { requestMs, answerMs } : { roundTripMs: requestMs + answerMs }
  for (let replica = 0; replica < 3; replica++) {
    for (let at = 0; at < 20_000; at++) {
      samples.wrote(replica, sample(draw('w'), draw('a')))
      samples.read(replica, sample(draw('r'), draw('s')))
    }
  }
  return samples
}

const exponential = (meanMs: number): Distribution => ({ kind: 'exponential', lambda: 1 / meanMs })
const TRUE = { w: exponential(20), a: exponential(10), r: exponential(10), s: exponential(10) }

test('live: with the legs known, P(fresh) has a root-mean-square error below one point over 1 to 199 ms', () => {
  const latencies = latenciesFrom(measured('apart'), [0, 1, 2])
  for (const [r, w] of [
    [1, 1],
    [2, 1],
    [1, 2],
  ] as const) {
    const found = predict({ n: 3, r, w, latencies, trials: 50_000, seed: 1 })
    const exact = predict({ n: 3, r, w, latencies: TRUE, trials: 50_000, seed: 2 })
    const squares = Array.from({ length: 199 }, (_, t) => (found.pFresh(t + 1) - exact.pFresh(t + 1)) ** 2)
    expect(Math.sqrt(squares.reduce((x, y) => x + y) / squares.length)).toBeLessThan(0.01)
  }
})

test('live: from round trips alone the latencies are right within a tenth, and freshness is not overstated', () => {
  const latencies = latenciesFrom(measured('together'), [0, 1, 2])
  const found = predict({ n: 3, r: 2, w: 2, latencies, trials: 50_000 })
  const exact = predict({ n: 3, r: 2, w: 2, latencies: TRUE, trials: 50_000 })
  for (const p of [0.5, 0.9, 0.99]) {
    expect(Math.abs(found.readMs(p) / exact.readMs(p) - 1)).toBeLessThan(0.1)
    expect(Math.abs(found.writeMs(p) / exact.writeMs(p) - 1)).toBeLessThan(0.1)
  }
  for (const [r, w] of [
    [1, 1],
    [2, 1],
    [1, 2],
  ] as const) {
    const guessed = predict({ n: 3, r, w, latencies, trials: 50_000 })
    const known = predict({ n: 3, r, w, latencies: TRUE, trials: 50_000 })
    for (const tMs of [0, 5, 10, 20, 40, 80]) {
      expect(guessed.pFresh(tMs)).toBeLessThan(known.pFresh(tMs) + 0.005)
      expect(guessed.pFresh(tMs)).toBeGreaterThan(known.pFresh(tMs) - 0.05)
    }
  }
})

test('live: the nearest replica stands first, and one without samples is named', () => {
  const samples = new LatencySamples({ replicas: 3 })
  for (const [replica, roundTripMs] of [30, 10, 20].entries()) {
    samples.read(replica, { roundTripMs })
    samples.wrote(replica, { roundTripMs: 2 * roundTripMs })
  }
  const latencies = latenciesFrom(samples, [0, 1, 2])
  const asked = [1, 2, 3].map((r) => predict({ n: 3, r, w: 1, reads: 'quorum', latencies, trials: 10 }).readMs(1))
  expect(asked).toEqual([10, 20, 30])
  expect(() => latenciesFrom(new LatencySamples({ replicas: 2 }), [1])).toThrow('replica 1 has no measured writes')
})
