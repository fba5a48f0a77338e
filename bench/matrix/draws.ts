/**
 * Single draws from the distributions of `quorate/predict`, for whoever needs one delay at a time.
 */
import type { Random } from '../../src/core/base/random.ts'
import type { Distribution, Simple } from '../../src/predict/index.ts'

/** Milliseconds. */
export function drawMs(random: Random, distribution: Distribution): number {
  return drawSimple(random, 'mixture' in distribution ? pick(random, distribution.mixture) : distribution)
}

type Weighted = Simple & { readonly weight: number }

function pick(random: Random, mixture: readonly Weighted[]): Simple {
  const total = mixture.reduce((sum, { weight }) => sum + weight, 0)
  let left = random.fraction() * total
  for (const component of mixture) {
    left -= component.weight
    if (left < 0) return component
  }
  return mixture.at(-1) as Simple
}

function drawSimple(random: Random, part: Simple): number {
  const u = random.fraction()
  switch (part.kind) {
    case 'exponential':
      return -Math.log(1 - u) / part.lambda
    case 'pareto':
      return part.xm * (1 - u) ** (-1 / part.alpha)
    case 'uniform':
      return part.minMs + u * (part.maxMs - part.minMs)
    case 'constant':
      return part.ms
    case 'samples':
      return part.ms[Math.floor(u * part.ms.length)] as number
  }
}
