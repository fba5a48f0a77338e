/** What a simulated run is held to: the judges of its history, and what the run itself found wrong. */
import { checkApHistory } from '../../src/check/index.ts'
import type { SimulationRun } from '../../src/sim/index.ts'

/** Everything that is wrong with a run, one line each; empty for a good one. */
export function faultsOf({ history, guarantees, problems }: SimulationRun): string[] {
  const { conflicts, skewMs, monotonic } = guarantees
  const { violations } = checkApHistory(history, { conflicts, skewMs, monotonic })
  return [...problems, ...violations.map(({ judge, rule, message }) => `${judge} ${rule}: ${message}`)]
}

/** Which judges found something. */
export function accusersOf({ history, guarantees }: SimulationRun): Set<string> {
  const { conflicts, skewMs, monotonic } = guarantees
  return new Set(checkApHistory(history, { conflicts, skewMs, monotonic }).violations.map(({ judge }) => judge))
}
