/**
 * From samples that a running coordinator keeps to latencies that can be predicted from.
 */
import { invalid } from '../core/base/errors.ts'
import type { LatencySamples } from '../core/base/latency-samples.ts'
import type { ReplicaLatencies } from './latencies.ts'

/**
 * The measured latencies of each replica, as `latencies` for `predict` with `n` as many; nearest first, by the median
 * read, so that `reads: 'quorum'` asks as a coordinator would.
 *
 * @param replicas indexes of the replicas that hold the key.
 * @throws QuorateError `QUORATE_INVALID_OPTION` for a replica without a write or without a read so far.
 */
export function latenciesFrom(samples: LatencySamples, replicas: readonly number[]): ReplicaLatencies[] {
  const measured = replicas.map((replica) => {
    const legs = samples.legs(replica)
    if (legs === undefined) throw invalid(`replica ${replica} has no measured writes and reads yet`)
    const { w, a, r, s } = legs
    const readMs = r.map((ms, at) => ms + (s[at] as number)).toSorted()
    const of = (ms: Float64Array) => ({ kind: 'samples', ms }) as const
    return { latencies: { w: of(w), a: of(a), r: of(r), s: of(s) }, medianMs: readMs[readMs.length >>> 1] as number }
  })
  return measured.toSorted((x, y) => x.medianMs - y.medianMs).map(({ latencies }) => latencies)
}
