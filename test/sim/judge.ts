/** What a simulated run is held to: the judges of its history, and what the run itself found wrong. */
import { checkApHistory } from '../../src/check/index.ts'
import type { SimulationRun } from '../../src/sim/index.ts'

/** Everything that is wrong with a run, one line each; empty for a good one. */
export function faultsOf({ history, guarantees, problems }: SimulationRun): string[] {
  const { conflicts, skewMs, monotonic } = guarantees
  const { violations } = checkApHistory(history, { conflicts, skewMs, monotonic })
  return [...problems, ...violations.map(({ judge, rule, message }) => `${judge} ${rule}: ${message}`)]
}

/** Which judges found something; `unreadHealing` is the run's own look at the replicas before anybody reads. */
export function accusersOf({ history, guarantees, problems }: SimulationRun): Set<string> {
  const { conflicts, skewMs, monotonic } = guarantees
  const { violations } = checkApHistory(history, { conflicts, skewMs, monotonic })
  const accusers = new Set<string>(violations.map(({ judge }) => judge))
  if (problems.some((problem) => problem.endsWith('without a read'))) accusers.add('unreadHealing')
  return accusers
}
