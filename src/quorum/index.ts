/**
 * `quorate/quorum`: quorum systems, the proof that reads meet writes, and what they cost and survive.
 */
export type { Expression, Name, Part, Threshold } from '../core/quorum/expression.ts'
export { parseQuorums, type QuorumsText } from './parse-quorums.ts'
export {
  counts,
  explicit,
  grid,
  majority,
  paths,
  tree,
  weighted,
  zones,
  type ExplicitSets,
  type Nodes,
  type VotesNeeded,
} from './systems.ts'
export { QuorumSystem, type QuorumSystemOptions } from './quorum-system.ts'
export {
  availabilityOf,
  availabilityTable,
  failureTable,
  type AvailabilityOptions,
  type AvailabilityRow,
  type FailureRow,
} from './availability.ts'
export type { ExplainOptions, Explanation, SideNow } from './explain.ts'
export type { Figures } from './figures.ts'
export type { Resilience } from './resilience.ts'
export { figuresFor, type Choice, type Strategy, type StrategyOptions } from './strategy.ts'
export type { Capacity, FractionShare, Objective, WorkloadOptions } from './workload.ts'
export { recommend, type Recommendation, type Recommendations, type RecommendOptions } from './recommend.ts'
