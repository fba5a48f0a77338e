/**
 * `quorate/predict`: how fresh reads will be and how long calls will take, before a cluster runs or from what it
 * measures. Probabilistically bounded staleness, after Bailis et al. 2012.
 */
export { LatencySamples, type LegSamples, type Sample } from '../core/base/latency-samples.ts'
export type { Constant, Distribution, Exponential, Mixture, Pareto, Samples, Simple, Uniform } from './distribution.ts'
export { kStaleness, type KStalenessOptions } from './k-staleness.ts'
export type { Latencies, ReplicaLatencies } from './latencies.ts'
export { latenciesFrom } from './live.ts'
export { predict, type PredictOptions } from './predict.ts'
export type { Prediction } from './prediction.ts'
export { parseProfile } from './profile-file.ts'
export { profile, profileNames, profiles, type ProfileName } from './profiles.ts'
export { compare, published, publishedTrials, type Comparison, type PublishedCell } from './published.ts'
export {
  adviceFrom,
  recommend,
  type Advice,
  type AdviceOptions,
  type Candidate,
  type FreshnessPromise,
  type RecommendOptions,
} from './recommend.ts'
export { Trials, type TrialsOptions } from './trials.ts'
