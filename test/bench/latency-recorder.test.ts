/** The recorder of the benchmark against a sorted list. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyRecorder } from '../../bench/latency-recorder.ts'
import { holds } from '../property.ts'

const spansUs = fc.array(fc.double({ min: 0, max: 60_000_000, noNaN: true }), { minLength: 1, maxLength: 300 })

describe('latency recorder', () => {
  it('quantiles: lie within 1.6 % or an eighth of a microsecond of the sorted samples', () => {
    holds(
      fc.property(spansUs, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (samples, share) => {
        const recorder = new LatencyRecorder()
        for (const us of samples) recorder.record(us)
        const rank = Math.max(1, Math.ceil(share * samples.length))
        const exact = samples.toSorted((a, b) => a - b)[rank - 1] as number
        expect(Math.abs(recorder.quantileUs(share) - exact)).toBeLessThanOrEqual(Math.max(0.125, 0.016 * exact))
      }),
    )
  })

  it('two recorders: added together give what one gives for all samples', () => {
    holds(
      fc.property(spansUs, spansUs, (left, right) => {
        const parts = [left, right].map((samples) => {
          const recorder = new LatencyRecorder()
          for (const us of samples) recorder.record(us)
          return recorder
        })
        const [sum, other] = parts as [LatencyRecorder, LatencyRecorder]
        sum.add(other)
        const whole = new LatencyRecorder()
        for (const us of [...left, ...right]) whole.record(us)
        expect(sum.summary()).toEqual(whole.summary())
      }),
    )
  })

  it('no samples: give no quantile, rather than a fast one', () => {
    expect(new LatencyRecorder().quantileUs(0.5)).toBeNaN()
  })

  it('an hour and a clock that ran backwards: are counted, not lost', () => {
    const recorder = new LatencyRecorder()
    recorder.record(3_600_000_000)
    recorder.record(-5)
    expect(recorder.samples).toBe(2)
    expect(recorder.quantileUs(0.5)).toBe(0)
    expect(recorder.quantileUs(1)).toBeGreaterThan(200_000_000)
  })
})
