/**
 * WARS once more, as the paper tells it and as slowly as it may be: for one t at a time, every replica an object, sorted
 * with a comparator. Its random numbers are its own.
 */
import { Random } from '../../src/core/base/random.ts'

export interface NaiveOptions {
  readonly n: number
  readonly r: number
  readonly w: number
  /** Draws a leg to a replica. */
  readonly draw: (leg: 'w' | 'a' | 'r' | 's', replica: number, random: Random) => number
  readonly remoteMs?: number
  readonly reads?: 'all' | 'quorum'
  readonly writes?: 'all' | 'home'
  readonly tMs: number
  readonly trials: number
  readonly seed: number
}

export interface NaiveResult {
  readonly pFresh: number
  readonly meanReadMs: number
  readonly meanWriteMs: number
}

export function naive(options: NaiveOptions): NaiveResult {
  const { n, r, w, draw, remoteMs = 0, reads = 'all', writes = 'all', tMs, trials, seed } = options
  const random = new Random(seed)
  let [fresh, readSum, writeSum] = [0, 0, 0]
  for (let trial = 0; trial < trials; trial++) {
    const [writer, reader] = remoteMs > 0 ? [random.below(n), random.below(n)] : [0, 0]
    const replicas = Array.from({ length: n }, (_, id) => {
      const write = id === writer ? 0 : remoteMs
      const read = id === reader ? 0 : remoteMs
      return {
        id,
        w: draw('w', id, random) + write,
        a: draw('a', id, random) + write,
        r: draw('r', id, random) + read,
        s: draw('s', id, random) + read,
      }
    })
    const home = replicas.find(({ id }) => id === writer)
    const reachedAt = new Map(
      replicas.map((one) => [
        one.id,
        one.w + (writes === 'home' && one !== home ? (home?.w ?? 0) + (home?.a ?? 0) : 0),
      ]),
    )
    const acks = replicas.map(({ id, a }) => (reachedAt.get(id) ?? 0) + a).toSorted((x, y) => x - y)
    const writeMs = acks[w - 1] ?? NaN
    const asked =
      reads === 'quorum'
        ? Array.from({ length: r }, (_, step) => replicas[(reader + step) % n]).filter((one) => one !== undefined)
        : replicas.toSorted((x, y) => x.r + x.s - (y.r + y.s)).slice(0, r)
    writeSum += writeMs
    readSum += Math.max(...asked.map((one) => one.r + one.s))
    if (asked.some((one) => writeMs + tMs + one.r >= (reachedAt.get(one.id) ?? 0))) fresh++
  }
  return { pFresh: fresh / trials, meanReadMs: readSum / trials, meanWriteMs: writeSum / trials }
}
