/**
 * The newest writes that somebody knows of, by name: a bounded list of `at, op` pairs, newest first.
 *
 * Dots say exactly what was seen, but an operation that had to be minted twice has two. Names tell that both are one
 * write. The list is bounded because it is needed only until the twins have met; the bound is on writes to one key
 * that replaced others while a twin was cut off.
 * Ring: values.
 */

/** How many writes are remembered: 16 bytes each, kept only by keys that are overwritten. */
export const OVERWRITTEN_MAX = 128

const NONE: readonly number[] = []

export function holdsOp(pairs: readonly number[], op: number): boolean {
  for (let i = 1; i < pairs.length; i += 2) if (pairs[i] === op) return true
  return false
}

/** The newest of two lists in order, without doubles: a bounded join that is the same in any order. */
export function mergeNewest(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b
  if (b.length === 0 || a === b) return a
  const newest: number[] = []
  let i = 0
  let j = 0
  while ((i < a.length || j < b.length) && newest.length < 2 * OVERWRITTEN_MAX) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : compareNewest(a, i, b, j)
    if (order <= 0) newest.push(a[i] as number, a[i + 1] as number)
    else newest.push(b[j] as number, b[j + 1] as number)
    if (order <= 0) i += 2
    if (order >= 0) j += 2
  }
  return newest
}

/** Puts pairs in order, each once, and keeps the newest. */
export function newestFirst(pairs: readonly number[]): readonly number[] {
  if (pairs.length === 0) return NONE
  if (pairs.length === 2) return pairs
  const order: [number, number][] = []
  for (let i = 0; i < pairs.length; i += 2) order.push([pairs[i] as number, pairs[i + 1] as number])
  const newest: number[] = []
  for (const [at, op] of order.toSorted((x, y) => y[0] - x[0] || y[1] - x[1])) {
    if (newest.length >= 2 * OVERWRITTEN_MAX) break
    if (newest.at(-2) !== at || newest.at(-1) !== op) newest.push(at, op)
  }
  return newest
}

/** The list without one operation. */
export function withoutOp(pairs: readonly number[], op: number): readonly number[] {
  return holdsOp(pairs, op) ? pairs.filter((_, i) => pairs[i | 1] !== op) : pairs
}

/** Less than zero when the pair of `a` comes first, zero when they are the same. */
function compareNewest(a: readonly number[], i: number, b: readonly number[], j: number): number {
  return (b[j] as number) - (a[i] as number) || (b[j + 1] as number) - (a[i + 1] as number)
}
