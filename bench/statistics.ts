/**
 * The few statistics that the report rests on, chosen for a machine that is shared and noisy: medians, and the slope of
 * a line through samples.
 */

/** The middle value, or the mean of the two in the middle; `NaN` for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] as number
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/**
 * The median over pairs that were measured in turn, one right after the other: what slows the machine down for a while
 * hits both of a pair, so their ratio stands when neither figure does.
 */
export function medianRatio(pairs: { readonly of: readonly number[]; readonly to: readonly number[] }): number {
  return median(pairs.of.map((value, round) => value / (pairs.to[round] ?? NaN)))
}

/** How much y rises for each x, by least squares. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length
  let above = 0
  let below = 0
  for (const { x, y } of points) {
    above += (x - meanX) * (y - meanY)
    below += (x - meanX) ** 2
  }
  return above / below
}
