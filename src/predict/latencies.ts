/**
 * The four legs of the WARS model, for all replicas alike or for each its own.
 */
import { invalid } from '../core/base/errors.ts'
import { checkDistribution, checkNumber, type Distribution } from './distribution.ts'

/** How long the four legs between a coordinator and one replica take (Bailis et al. 2012, section 4.1). */
export interface ReplicaLatencies {
  /** From sending a write until the replica has it where reads see it: network, queue, and disk if that comes first. */
  readonly w: Distribution
  /** From there until the acknowledgement is back. */
  readonly a: Distribution
  /** From sending a read until the replica looks the key up. */
  readonly r: Distribution
  /** From there until the answer is back. */
  readonly s: Distribution
}

/** The legs to every replica alike. */
export interface Latencies extends ReplicaLatencies {
  /**
   * None if left out. Else replicas stand in places of their own, far from each other: each write and each read comes
   * from the place of one of the replicas, whichever, and every leg to or from another takes this much longer.
   */
  readonly remoteMs?: number
}

const LEGS = ['w', 'a', 'r', 's'] as const

/** The legs of each of `n` replicas, checked; see {@link Latencies}. */
export interface Legs {
  readonly replicas: readonly ReplicaLatencies[]
  readonly remoteMs: number
}

/** @throws QuorateError `QUORATE_INVALID_OPTION`, naming the place. */
export function legsOf(latencies: Latencies | readonly ReplicaLatencies[], n: number): Legs {
  if (isList(latencies)) {
    if (latencies.length !== n) {
      throw invalid(`latencies has ${latencies.length} replicas and n is ${n}: give one entry for each, or one for all`)
    }
    return { replicas: latencies.map((one, index) => checkLegs(one, `latencies[${index}]`)), remoteMs: 0 }
  }
  const checked = checkLegs(latencies, 'latencies')
  const { remoteMs = 0 } = latencies
  checkNumber(remoteMs, { name: 'latencies.remoteMs', min: 0 })
  return { replicas: Array.from({ length: n }, () => checked), remoteMs }
}

function isList(latencies: Latencies | readonly ReplicaLatencies[]): latencies is readonly ReplicaLatencies[] {
  return Array.isArray(latencies)
}

function checkLegs(given: ReplicaLatencies, name: string): ReplicaLatencies {
  if (typeof given !== 'object' || given === null) throw invalid(`${name} is missing: use { w, a, r, s }`)
  for (const leg of LEGS) checkDistribution(given[leg], `${name}.${leg}`)
  return given
}
