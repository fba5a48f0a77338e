/**
 * Latency samples: bounded, and split so that every sum is what was measured.
 */
import { array, double, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { LatencySamples } from '../../../src/core/base/latency-samples.ts'
import { holds } from '../../property.ts'

test('latency samples: the answer takes half of the usual ping, the request the rest', () => {
  const samples = new LatencySamples({ replicas: 2 })
  for (const roundTripMs of [1, 2, 3]) samples.pinged(1, { roundTripMs })
  for (const roundTripMs of [10, 1.5]) samples.wrote(1, { roundTripMs })
  samples.read(1, { roundTripMs: 4 })
  expect(samples.legs(1)).toEqual({
    w: Float64Array.of(9, 0.75),
    a: Float64Array.of(1, 0.75),
    r: Float64Array.of(3),
    s: Float64Array.of(1),
  })
  expect(samples.legs(0)).toBeUndefined()
})

test('latency samples: without pings the median read stands for the network', () => {
  const samples = new LatencySamples({ replicas: 1 })
  for (const roundTripMs of [2, 90, 4]) samples.read(0, { roundTripMs })
  samples.wrote(0, { roundTripMs: 50 })
  expect(samples.legs(0)).toEqual({
    w: Float64Array.of(48),
    a: Float64Array.of(2),
    r: Float64Array.of(1, 88, 2),
    s: Float64Array.of(1, 2, 2),
  })
})

test('latency samples: legs that are known stay as they are', () => {
  const samples = new LatencySamples({ replicas: 1 })
  samples.wrote(0, { requestMs: 7, answerMs: 1 })
  samples.read(0, { requestMs: 2, answerMs: 5 })
  expect(samples.legs(0)).toEqual({
    w: Float64Array.of(7),
    a: Float64Array.of(1),
    r: Float64Array.of(2),
    s: Float64Array.of(5),
  })
})

test('latency samples: what is no time span is left out, and so is a replica that there is not', () => {
  const samples = new LatencySamples({ replicas: 1 })
  for (const roundTripMs of [-1, NaN, Infinity]) samples.wrote(0, { roundTripMs })
  samples.wrote(0, { requestMs: 1, answerMs: -1 })
  samples.read(0, { roundTripMs: 1 })
  samples.wrote(5, { roundTripMs: 1 })
  expect(samples.count(0)).toEqual({ writes: 0, reads: 1 })
  expect(samples.count(5)).toEqual({ writes: 0, reads: 0 })
  expect(samples.legs(0)).toBeUndefined()
  expect(samples.legs(5)).toBeUndefined()
})

test('latency samples: the latest stay, and every sum is a round trip that was measured', () => {
  const spans = array(double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })
  holds(
    property(tuple(spans, spans, spans, integer({ min: 1, max: 10 })), ([writes, reads, pings, capacity]) => {
      const samples = new LatencySamples({ replicas: 1, capacity })
      for (const roundTripMs of pings) samples.pinged(0, { roundTripMs })
      for (const roundTripMs of writes) samples.wrote(0, { roundTripMs })
      for (const roundTripMs of reads) samples.read(0, { roundTripMs })
      const legs = samples.legs(0)
      if (legs === undefined) throw new Error('there are samples')
      const sums = (request: Float64Array, answer: Float64Array): number[] =>
        Array.from(request, (ms, at) => ms + (answer[at] ?? NaN)).toSorted((x, y) => x - y)
      for (const [[request, answer], all] of [
        [[legs.w, legs.a], writes],
        [[legs.r, legs.s], reads],
      ] as const) {
        const latest = all.slice(-capacity).toSorted((x, y) => x - y)
        expect(sums(request, answer)).toHaveLength(latest.length)
        for (const [at, sum] of sums(request, answer).entries()) expect(sum).toBeCloseTo(latest[at] ?? NaN, 6)
        for (const [at, ms] of answer.entries()) expect(ms).toBeLessThanOrEqual((request[at] ?? NaN) + 1e-9)
      }
    }),
  )
})

test('latency samples: sizes that cannot be are refused', () => {
  expect(() => new LatencySamples({ replicas: 0 })).toThrow('replicas is 0: use a whole number from 1 to')
  expect(() => new LatencySamples({ replicas: 3, capacity: 1.5 })).toThrow('capacity is 1.5')
})
