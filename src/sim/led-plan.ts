/**
 * Leases and clocks of runs whose keyspace has a leader, drawn from the run's seed.
 */
import type { Random } from '../core/base/random.ts'
import type { Breakage } from './breakage.ts'
import type { ClusterPlan } from './cluster-plan.ts'
import { spanMs } from './delays.ts'
import type { NemesisPlan } from './faults.ts'
import type { LeadershipPlan } from './leadership-plan.ts'

/** By how much clocks may be off. */
const CLOCK_DRIFTS = [0.01, 0.2]
/** One-way delays in a lease at least: half as many in the time of a round of an election. */
const LEASE_TRIPS = 30

/** Leases long enough for elections on this network, and clocks that are off by no more than is believed. */
export function withLeases(
  cluster: ClusterPlan,
  { conditions }: NemesisPlan,
  { random, breakage }: { readonly random: Random; readonly breakage: Breakage | undefined },
): ClusterPlan {
  if (cluster.keyspace.definition.leader !== true) return cluster
  const clockDriftMax = random.pick(CLOCK_DRIFTS)
  const leaseMsMax = Math.max(spanMs(random, { min: 300, max: 4000 }), LEASE_TRIPS * conditions.farMs)
  const believed = breakage === 'lease-without-drift' ? 0 : clockDriftMax
  return { ...cluster, clockDriftMax, options: { ...cluster.options, clockDriftMax: believed, leaseMsMax } }
}

/** What clock rates are brought within; without a leader they are as they are drawn. */
export function driftOf({ clockDriftMax }: ClusterPlan): Pick<LeadershipPlan, 'exclusive' | 'clockDriftMax'> {
  return { exclusive: clockDriftMax !== undefined, clockDriftMax: clockDriftMax ?? 0 }
}
