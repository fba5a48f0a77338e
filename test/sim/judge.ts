/** What a simulated run is held to: the judges of its history, and what the run itself found wrong. */
import {
  checkApHistory,
  checkLeadership,
  checkLinearizable,
  checkSettled,
  type ApHistoryOptions,
  type JudgeName,
} from '../../src/check/index.ts'
import type { SimulationRun } from '../../src/sim/index.ts'

/**
 * Those of AP histories, those of registers, and the run's own look: at the replicas before anybody reads, and at
 * acceptors that voted for a leader.
 */
export type Accuser = JudgeName | 'linearizable' | 'settled' | 'unreadHealing' | 'fencing'

interface Accusation {
  readonly judge: Accuser
  readonly rule: string
  readonly message: string
}

/** The same for a run with leaders and locks. */
export function leadershipFaultsOf({ history, guarantees, problems }: SimulationRun): string[] {
  const { violations } = checkLeadership(history, { exclusive: guarantees.exclusive ?? true })
  return [...problems, ...violations.map(({ rule, message }) => `leadership ${rule}: ${message}`)]
}

function accusationsOf({ history, guarantees }: SimulationRun): Accusation[] {
  const { conflicts, skewMs, monotonic, settles } = guarantees
  if (conflicts !== 'registers') return [...checkApHistory(history, { conflicts, skewMs, monotonic }).violations]
  const verdicts = { linearizable: checkLinearizable(history), ...(settles && { settled: checkSettled(history) }) }
  return (['linearizable', 'settled'] as const).flatMap((judge) => {
    const { violations = [], undecided = [] } = verdicts[judge] ?? {}
    return [
      ...violations.map(({ rule, message }) => ({ judge, rule, message })),
      ...undecided.map((key) => ({ judge, rule: 'undecided', message: `key ${key} took too many steps` })),
    ]
  })
}

/** How an AP run is judged. */
export function apOptionsOf({ guarantees }: SimulationRun): ApHistoryOptions {
  const { conflicts, skewMs, monotonic } = guarantees
  if (conflicts === 'registers') throw new Error('a run of registers')
  return { conflicts, skewMs, monotonic }
}

/** Everything that is wrong with a run, one line each; empty for a good one. */
export function faultsOf(run: SimulationRun): string[] {
  return [...run.problems, ...accusationsOf(run).map(({ judge, rule, message }) => `${judge} ${rule}: ${message}`)]
}

/** Which judges found something. */
export function accusersOf(run: SimulationRun): Set<string> {
  const accusers = new Set<string>(accusationsOf(run).map(({ judge }) => judge))
  if (run.problems.some((problem) => problem.endsWith('without a read'))) accusers.add('unreadHealing')
  if (run.problems.some((problem) => problem.includes('had voted in'))) accusers.add('fencing')
  return accusers
}
