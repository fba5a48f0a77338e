/**
 * Staleness in versions, in closed form (Bailis et al. 2012, section 3).
 */
import { invalid } from '../core/base/errors.ts'

export interface KStalenessOptions {
  readonly n: number
  readonly r: number
  readonly w: number
  /** How many versions back is still good enough: 1 means the last one alone. */
  readonly k: number
}

/**
 * The probability that a read returns one of the last `k` versions.
 *
 * Read and write quorums are taken to be drawn uniformly and to stay as they are: a read misses one write with
 * probability C(n - w, r) / C(n, r), and k writes independently, so all of them with the k-th power. Real writes go on
 * to the other replicas, so this is a lower bound.
 *
 * @throws QuorateError `QUORATE_INVALID_OPTION` unless 1 <= r, w <= n and k >= 1, all whole.
 */
export function kStaleness({ n, r, w, k }: KStalenessOptions): number {
  for (const [name, value] of Object.entries({ n, r, w, k })) {
    if (!Number.isInteger(value) || value < 1)
      throw invalid(`${name} is ${String(value)}: use a whole number from 1 on`)
  }
  if (r > n || w > n) throw invalid(`r is ${r}, w is ${w} and n is ${n}: r and w are at most n`)
  // C(n - w, r) / C(n, r), factor by factor; 0 as soon as r replicas cannot all be outside the write's.
  let missed = 1
  for (let at = 0; at < r; at++) missed *= Math.max(0, n - w - at) / (n - at)
  return 1 - missed ** k
}
