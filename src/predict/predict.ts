/**
 * `predict`: one setting, in one call.
 */
import type { Prediction } from './prediction.ts'
import { Trials, type TrialsOptions } from './trials.ts'

export interface PredictOptions extends Omit<TrialsOptions, 'rs' | 'ws'> {
  /** How many answers a read waits for: 1 to n. */
  readonly r: number
  /** How many acknowledgements a write waits for: 1 to n. */
  readonly w: number
}

/**
 * How fresh reads will be, and how long reads and writes will take: PBS with the WARS model (Bailis et al. 2012).
 *
 * It runs in this thread until it is done, about a microsecond a trial for three replicas; `Trials` does it in steps.
 *
 * @throws QuorateError `QUORATE_INVALID_OPTION`, naming what is wrong.
 */
export function predict({ r, w, ...options }: PredictOptions): Prediction {
  return new Trials({ ...options, rs: [r], ws: [w] }).cell({ r, w })
}
