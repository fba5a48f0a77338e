/**
 * Random spans with the shapes that networks and disks have: mostly short, sometimes very long.
 *
 * Only comparisons, divisions and square roots are used, whose results the standard fixes to the last bit; `Math.log`
 * may differ between two versions of an engine, and with it every event of a run.
 */
import type { Random } from '../core/base/random.ts'

/** Exponential with mean 1, by von Neumann's comparisons ("Various techniques used with random digits", 1951). */
export function exponential(random: Random): number {
  for (let whole = 0; ; whole++) {
    const first = random.fraction()
    let before = first
    let runs = 1
    for (let next = random.fraction(); next < before; next = random.fraction()) {
      before = next
      runs++
    }
    if (runs % 2 === 1) return whole + first
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
