/**
 * `quorate/sim`: a whole cluster in virtual time, decided by one seed. The core is the very same; hosts, network, disks
 * and clocks are simulated, and broken in all the ways that a seed draws.
 */
export { BREAKAGES, ELECTION_BREAKAGES, type Breakage } from './breakage.ts'
export { describeFault, FAULT_CLASSES, type Fault, type FaultClass, type NemesisPlan } from './faults.ts'
export {
  simulate,
  type Drawn,
  type Guarantees,
  type SimulateOptions,
  type SimulationRun,
  type SimulationStats,
} from './run.ts'
export type { GivenKeyspace } from './cluster-plan.ts'
export type { WorkloadPlan } from './workload-plan.ts'
