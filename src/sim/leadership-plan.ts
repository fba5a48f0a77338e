/**
 * Who stands for what in a run with leaders, and how long their leases are, drawn from the run's seed.
 */
import type { Random } from '../core/base/random.ts'
import { spanMs } from './delays.ts'
import type { Fault } from './faults.ts'

export interface GroupPlan {
  readonly name: string
  /** Indexes of the hosts on which seats stand. */
  readonly hosts: readonly number[]
}

export interface LeadershipPlan {
  readonly leaseMs: number
  /** What the processes believe clocks are off by at most, as a share of their rate. */
  readonly clockDriftMax: number
  /**
   * Whether no clock is off by more. Then there is one leader at a time; otherwise no more is promised than that no
   * generation has two.
   */
  readonly exclusive: boolean
  readonly groups: readonly GroupPlan[]
  readonly locks: readonly GroupPlan[]
  /** Mean time between two questions to a leader, and how long it works on one. */
  readonly askMs: number
  readonly workMs: number
  /** Mean time for which a lock is held. */
  readonly holdMs: number
}

/** What may be fixed of it. */
export type GivenLeadership = Partial<LeadershipPlan>

const WIDE_DRIFT = 0.2
const USUAL_DRIFT = 0.01

export function drawLeadership(
  random: Random,
  hosts: { readonly replicas: number; readonly all: number },
  given: GivenLeadership,
): LeadershipPlan {
  const drawn = {
    leaseMs: spanMs(random, { min: 300, max: 4000 }),
    clockDriftMax: random.chance(0.5) ? WIDE_DRIFT : USUAL_DRIFT,
    exclusive: random.chance(0.75),
    groups: drawGroups(random, hosts, ['g1', 'g2']),
    locks: drawGroups(random, hosts, ['l1', 'l2']),
    askMs: spanMs(random, { min: 20, max: 500 }),
    workMs: spanMs(random, { min: 1, max: 1000 }),
    holdMs: spanMs(random, { min: 20, max: 4000 }),
  }
  return { ...drawn, ...given }
}

/** One or two, each with seats on some replicas and perhaps on clients. */
function drawGroups(random: Random, hosts: { readonly all: number }, names: readonly string[]): GroupPlan[] {
  return names.slice(0, 1 + random.below(names.length)).map((name) => {
    const rate = 0.4 + random.fraction() * 0.6
    const seats = Array.from({ length: hosts.all }, (_, host) => host).filter(() => random.chance(rate))
    return { name, hosts: seats.length > 1 ? seats : [0, 1] }
  })
}

/** Clock rates, which are drawn from four fifths to six fifths, brought within what the processes believe. */
export function withinDrift(
  faults: readonly Fault[],
  { exclusive, clockDriftMax }: Pick<LeadershipPlan, 'exclusive' | 'clockDriftMax'>,
): readonly Fault[] {
  if (!exclusive) return faults
  return faults.map((fault) =>
    fault.kind === 'rate' ? { ...fault, rate: 1 + ((fault.rate - 1) / WIDE_DRIFT) * clockDriftMax } : fault,
  )
}
