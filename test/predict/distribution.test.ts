/**
 * Distributions: what is drawn has the quantiles of the formula, and bad parameters are named.
 */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { checkDistribution, Sampler, type Distribution } from '../../src/predict/distribution.ts'
import { BLOCK_MAX, Uniforms } from '../../src/predict/uniforms.ts'

const BLOCK = 10_000
const DRAWS = 20 * BLOCK

function drawn(distribution: Distribution, seed = 1): Float64Array {
  const values = new Float64Array(DRAWS)
  const [sampler, uniforms] = [new Sampler(distribution), new Uniforms(new Random(seed))]
  for (let at = 0; at < DRAWS; at += BLOCK) sampler.draw(values.subarray(at, at + BLOCK), uniforms)
  return values.toSorted()
}

const SHARES = [0.01, 0.1, 0.5, 0.9, 0.99] as const

test.for([
  ['exponential', { kind: 'exponential', lambda: 0.2 }, (p: number) => -Math.log(1 - p) / 0.2],
  ['pareto', { kind: 'pareto', xm: 1.05, alpha: 1.51 }, (p: number) => 1.05 * (1 - p) ** (-1 / 1.51)],
  ['uniform', { kind: 'uniform', minMs: 2, maxMs: 6 }, (p: number) => 2 + 4 * p],
  ['constant', { kind: 'constant', ms: 7 }, () => 7],
  ['samples', { kind: 'samples', ms: [5, 1, 9] }, (p: number) => [1, 5, 9][Math.floor(p * 3)] ?? NaN],
] as const)('distribution: %s has the quantiles of its formula', ([, distribution, quantile]) => {
  const values = drawn(distribution)
  for (const p of SHARES) expect((values[Math.floor(p * DRAWS)] ?? NaN) / quantile(p)).toBeCloseTo(1, 1.2)
})

test('distribution: a mixture draws each component by its weight, whatever they add up to', () => {
  const values = drawn({
    mixture: [
      { weight: 3, kind: 'constant', ms: 1 },
      { weight: 1, kind: 'uniform', minMs: 10, maxMs: 20 },
      { weight: 4, kind: 'exponential', lambda: 1e-3 },
    ],
  })
  const share = (fits: (ms: number) => boolean): number => values.filter(fits).length / DRAWS
  expect(share((ms) => ms === 1)).toBeCloseTo(3 / 8, 2)
  expect(share((ms) => ms >= 10 && ms <= 20)).toBeCloseTo(1 / 8 + 0.5 * (Math.exp(-0.01) - Math.exp(-0.02)), 2)
  const uniform = values.filter((ms) => ms >= 10 && ms <= 20)
  expect(uniform[uniform.length >>> 1]).toBeCloseTo(15, 0)
})

test('distribution: every draw is finite, at the ends of what is allowed as well', () => {
  const extreme = drawn({
    mixture: [
      { weight: 1e-9, kind: 'exponential', lambda: 1e-9 },
      { weight: 1, kind: 'pareto', xm: 1e12, alpha: 0.1 },
    ],
  })
  expect(extreme.every((ms) => Number.isFinite(ms) && ms >= 0)).toBe(true)
})

test('uniforms: a block has one number in each of its equal parts, in no order, and one seed gives one stream', () => {
  const uniforms = new Uniforms(new Random(4))
  const block = new Float64Array(1000)
  const sums = new Float64Array(block.length)
  for (let round = 0; round < 400; round++) {
    uniforms.draw(block)
    const parts = block.map((u) => Math.floor(u * block.length)).toSorted()
    expect(parts.every((part, index) => part === index)).toBe(true)
    for (const [at, u] of block.entries()) sums[at] = (sums[at] ?? 0) + u
  }
  // At every place of a block the mean of all blocks is one half: 400 uniform numbers have a deviation of 0.0144.
  for (const sum of sums) expect(Math.abs(sum / 400 - 0.5)).toBeLessThan(0.08)
  const [first, second] = [new Float64Array(64), new Float64Array(64)]
  new Uniforms(new Random(4)).draw(first)
  new Uniforms(new Random(4)).draw(second)
  expect(second).toEqual(first)
  new Uniforms(new Random(5)).draw(second)
  expect(second).not.toEqual(first)
})

test('uniforms: two streams, and what follows in one, do not depend on each other', () => {
  const [one, other] = [new Uniforms(new Random(1)), new Uniforms(new Random(2))]
  const [x, y] = [new Float64Array(BLOCK_MAX), new Float64Array(BLOCK_MAX)]
  one.draw(x)
  other.draw(y)
  // The correlation of so many independent pairs has a deviation of 1 / 128.
  const correlation = (a: Float64Array, b: Float64Array): number =>
    (12 * a.reduce((sum, u, at) => sum + (u - 0.5) * ((b[at] ?? NaN) - 0.5), 0)) / a.length
  expect(correlation(x, x)).toBeCloseTo(1, 2)
  expect(Math.abs(correlation(x, y))).toBeLessThan(0.04)
  expect(Math.abs(correlation(x.subarray(1), x.subarray(0, -1)))).toBeLessThan(0.04)
  one.draw(y)
  expect(Math.abs(correlation(x, y))).toBeLessThan(0.04)
})

describe('bad parameters', () => {
  test.for([
    [undefined, 'it is missing: use a distribution such as'],
    [7, 'it is 7: use a distribution'],
    [{}, 'it.kind is missing: use exponential, pareto, uniform, constant, samples, or a mixture'],
    [{ kind: 'normal' }, 'it.kind is "normal"'],
    [{ kind: 'toString' }, 'it.kind is "toString"'],
    [{ kind: 'exponential' }, 'it.lambda is missing'],
    [{ kind: 'exponential', lambda: 0 }, 'it.lambda is 0: use a number from 1e-9 to'],
    [{ kind: 'exponential', lambda: Infinity }, 'it.lambda is Infinity'],
    [{ kind: 'exponential', lambda: '1' }, 'it.lambda is "1"'],
    [{ kind: 'pareto', xm: 1, alpha: 0.01 }, 'it.alpha is 0.01: use a number from 0.1 to'],
    [{ kind: 'pareto', xm: -1, alpha: 2 }, 'it.xm is -1'],
    [{ kind: 'uniform', minMs: 3, maxMs: 2 }, 'it.minMs is above it.maxMs'],
    [{ kind: 'constant', ms: NaN }, 'it.ms is NaN'],
    [{ kind: 'samples', ms: [] }, 'it.ms is a list of at least one'],
    [{ kind: 'samples', ms: [1, -2] }, 'it.ms[1] is -2: use a number from 0 to'],
    [{ mixture: [] }, 'it.mixture is a list of 1 to 64'],
    [{ mixture: [{ kind: 'constant', ms: 1 }] }, 'it.mixture[0].weight is missing'],
    [{ mixture: [{ weight: 1, kind: 'pareto', xm: 1 }] }, 'it.mixture[0].alpha is missing'],
    [{ mixture: [{ weight: 1, mixture: [] }] }, 'it.mixture[0].kind is missing'],
  ] as const)('distribution: %o is refused', ([given, said]) => {
    expect(() => checkDistribution(given, 'it')).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(said) as string }),
    )
  })
})
