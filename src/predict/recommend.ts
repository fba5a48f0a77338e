/**
 * Which r and w keep a promise such as "99.9 % fresh within 10 ms", and which of those is cheapest.
 */
import { invalid } from '../core/base/errors.ts'
import type { Prediction } from './prediction.ts'
import { Trials, type TrialsOptions } from './trials.ts'

/** What reads are to be. */
export interface FreshnessPromise {
  /** At least this share of the reads sees the write. 1 leaves only r + w > n. */
  readonly probability: number
  /** So many milliseconds after it was acknowledged, or later. */
  readonly withinMs: number
}

export interface RecommendOptions extends Omit<TrialsOptions, 'rs' | 'ws'> {
  readonly promise: FreshnessPromise
  /** 0.5 by default: which part of the operations are reads. */
  readonly readFraction?: number
  /** 0.999 by default: the percentile of read and write latency that is to be low. */
  readonly percentile?: number
  /** 1 by default: how many copies an acknowledged write has at least. One is lost with the disk of one replica. */
  readonly wMin?: number
}

/** One pair and what it gives. */
export interface Candidate {
  readonly r: number
  readonly w: number
  /** r + w > n: every read meets every write. */
  readonly strict: boolean
  /** Whether it keeps the promise, with what the number of trials leaves open counted against it. */
  readonly meets: boolean
  /** The share of reads that are fresh after the promise's time. */
  readonly pFresh: number
  /** From when on reads are as fresh as promised. */
  readonly tVisibilityMs: number
  readonly readMs: number
  readonly writeMs: number
  /** `readFraction` of `readMs` and the rest of `writeMs`. */
  readonly costMs: number
}

export interface Advice {
  /** The cheapest that keeps the promise; there is always one, since r + w > n keeps any. */
  readonly best: Candidate
  /** All that were looked at, cheapest first. */
  readonly candidates: readonly Candidate[]
}

/** The same with options checked, for trials that were run in steps; see {@link recommend}. */
export type AdviceOptions = Pick<RecommendOptions, 'promise' | 'readFraction' | 'percentile' | 'wMin'>

/**
 * The cheapest r and w that keep a promise: least latency at the percentile, reads and writes weighted by how often each
 * happens; of equals the one that waits for fewer replicas.
 *
 * A pair keeps the promise if the lower end of the 95 % interval of its estimate does, so one that is too close to call
 * does not; more trials narrow that down.
 *
 * @throws QuorateError `QUORATE_INVALID_OPTION`, naming what is wrong.
 */
export function recommend(options: RecommendOptions): Advice {
  return adviceFrom(new Trials(options), options)
}

/** {@link recommend} from trials that have all r and w. */
export function adviceFrom(trials: Trials, options: AdviceOptions): Advice {
  const { promise, readFraction = 0.5, percentile = 0.999, wMin = 1 } = options
  const { n } = trials
  checkShare(promise.probability, 'promise.probability')
  checkShare(percentile, 'percentile')
  if (!(promise.withinMs >= 0 && promise.withinMs < Infinity)) {
    throw invalid(`promise.withinMs is ${String(promise.withinMs)}: use milliseconds from 0 on`)
  }
  if (!(readFraction >= 0 && readFraction <= 1)) {
    throw invalid(`readFraction is ${String(readFraction)}: use a number from 0 to 1`)
  }
  if (!Number.isInteger(wMin) || wMin < 1 || wMin > n) {
    throw invalid(`wMin is ${String(wMin)}: use a whole number from 1 to n, which is ${n}`)
  }
  const candidates: Candidate[] = []
  for (let r = 1; r <= n; r++) {
    for (let w = wMin; w <= n; w++) {
      candidates.push(candidateOf(trials.cell({ r, w }), { promise, readFraction, percentile }))
    }
  }
  candidates.sort((a, b) => a.costMs - b.costMs || a.r + a.w - (b.r + b.w) || a.r - b.r)
  return { best: candidates.find(({ meets }) => meets) as Candidate, candidates }
}

function candidateOf(
  prediction: Prediction,
  { promise, readFraction, percentile }: Required<Omit<AdviceOptions, 'wMin'>>,
): Candidate {
  const { r, w, strict, trials } = prediction
  const pFresh = prediction.pFresh(promise.withinMs)
  const readMs = prediction.readMs(percentile)
  const writeMs = prediction.writeMs(percentile)
  return {
    r,
    w,
    strict,
    meets: strict || atLeast({ share: pFresh, trials }) >= promise.probability,
    pFresh,
    tVisibilityMs: prediction.tVisibility(promise.probability),
    readMs,
    writeMs,
    costMs: readFraction * readMs + (1 - readFraction) * writeMs,
  }
}

/** The lower end of Wilson's score interval at 95 %. */
function atLeast({ share, trials }: { readonly share: number; readonly trials: number }): number {
  const z = 1.96
  const spread = z * Math.sqrt((share * (1 - share) + z ** 2 / (4 * trials)) / trials)
  return (share + z ** 2 / (2 * trials) - spread) / (1 + z ** 2 / trials)
}

function checkShare(value: number, name: string): void {
  if (!(value > 0 && value <= 1)) throw invalid(`${name} is ${String(value)}: use a probability above 0, at most 1`)
}
