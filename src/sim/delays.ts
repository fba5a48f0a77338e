/**
 * Random spans with the shapes that networks and disks have: mostly short, sometimes very long.
 *
 * Only comparisons, divisions and square roots are used, whose results the standard fixes to the last bit; `Math.log`
 * may differ between two versions of an engine, and with it every event of a run.
 */
import type { Random } from '../core/base/random.ts'

const STEPS = 256

/** Where an exponential variable with mean 1 has passed each 256th of its probability; the rest is in the tail. */
const QUANTILES: readonly number[] = Array.from({ length: STEPS }, (_, step) => -logarithm(1 - step / STEPS))

/** The natural logarithm, by the series of the inverse hyperbolic tangent. */
function logarithm(x: number): number {
  const ratio = (x - 1) / (x + 1)
  const square = ratio * ratio
  let power = ratio
  let sum = 0
  for (let odd = 1; odd < 2000; odd += 2) {
    sum += power / odd
    power *= square
  }
  return 2 * sum
}

/** Exponential with mean 1. */
export function exponential(random: Random): number {
  let tail = 0
  for (;;) {
    const at = random.fraction() * STEPS
    const step = Math.floor(at)
    const from = QUANTILES[step] as number
    const to = QUANTILES[step + 1]
    if (to !== undefined) return tail + from + (to - from) * (at - step)
    // The exponential has no memory: beyond the last step it begins again from there.
    tail += from
  }
}

/** Pareto with shape 2 and minimum 1: one in a hundred is above 10, one in ten thousand above 100. */
export function pareto(random: Random): number {
  return 1 / Math.sqrt(1 - random.fraction())
}

/** Mostly exponential around the mean, and once in a while from the heavy tail; never more than 5 s. */
export function delayMs(random: Random, meanMs: number): number {
  const ms = random.chance(0.02) ? meanMs * 4 * pareto(random) : meanMs * (0.4 + 0.6 * exponential(random))
  return Math.min(ms, 5000)
}

/** A span between two bounds, the short ones likelier. */
export function spanMs(random: Random, bounds: { readonly min: number; readonly max: number }): number {
  const part = random.fraction()
  return Math.round(bounds.min + (bounds.max - bounds.min) * part * part)
}
