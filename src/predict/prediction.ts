/**
 * What is predicted for one n, r and w: how fresh reads are, and how long reads and writes take.
 */
import { invalid } from '../core/base/errors.ts'
import { kStaleness } from './k-staleness.ts'

/** A prediction from Monte Carlo trials. Deterministic by its seed. */
export class Prediction {
  readonly n: number
  readonly r: number
  readonly w: number
  readonly trials: number
  readonly seed: number
  /** How many times it was seen whether a read was fresh. */
  readonly #looks: number
  readonly #sorted: Sorted

  /** @internal made by `predict`. */
  constructor(given: PredictionParts) {
    this.n = given.n
    this.r = given.r
    this.w = given.w
    this.trials = given.trials
    this.seed = given.seed
    this.#looks = given.trials * given.pairings
    this.#sorted = given.sorted
  }

  /** Whether every read meets every write, so that no trial can be stale: r + w > n. */
  get strict(): boolean {
    return this.r + this.w > this.n
  }

  /** The probability that a read sees a write, or a later one, if it begins `tMs` after the write was acknowledged. */
  pFresh(tMs: number): number {
    if (!(tMs >= 0)) throw invalid(`tMs is ${String(tMs)}: use milliseconds from 0 on`)
    const { freshAfterMs } = this.#sorted
    let [low, high] = [0, freshAfterMs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((freshAfterMs[middle] as number) <= tMs) low = middle + 1
      else high = middle
    }
    return 1 - (freshAfterMs.length - low) / this.#looks
  }

  /**
   * t-visibility: how many milliseconds after a write's acknowledgement reads see it with probability `p`.
   *
   * @param p above 0 and at most 1. With `1 - p` not far above one in `trials`, it rests on a handful of trials.
   */
  tVisibility(p: number): number {
    return this.#freshAfter(rankOf(p, this.#looks))
  }

  /**
   * Between which milliseconds t-visibility is with a probability of 95 %, as far as the number of trials leaves it open.
   *
   * The order statistics whose ranks are 1.96 standard deviations of a binomial away; no shape is assumed. Trials are
   * drawn more evenly than chance would, so it is rather too wide.
   */
  tVisibilityBetween(p: number): { readonly lowMs: number; readonly highMs: number } {
    const rank = rankOf(p, this.#looks)
    const spread = Math.ceil(1.96 * Math.sqrt(this.trials * p * (1 - p))) * (this.#looks / this.trials)
    const last = this.#looks - 1
    return { lowMs: this.#freshAfter(rank - spread), highMs: this.#freshAfter(Math.min(last, rank + spread)) }
  }

  /**
   * PBS k-staleness: the probability that a read returns one of the last `k` versions, in closed form.
   *
   * It takes a write's copies to stay on w replicas, so it is a lower bound: copies spread on in truth.
   */
  kStaleness(k: number): number {
    return kStaleness({ n: this.n, r: this.r, w: this.w, k })
  }

  /** Milliseconds within which a share `p` of the reads have their r answers. */
  readMs(p: number): number {
    return this.#sorted.readMs()[rankOf(p, this.trials)] as number
  }

  /** Milliseconds within which a share `p` of the writes have their w acknowledgements. */
  writeMs(p: number): number {
    return this.#sorted.writeMs()[rankOf(p, this.trials)] as number
  }

  #freshAfter(rank: number): number {
    const { freshAfterMs } = this.#sorted
    const late = rank - (this.#looks - freshAfterMs.length)
    return late < 0 ? 0 : (freshAfterMs[late] as number)
  }
}

/** Where the smallest of `count` sorted values stands that at least a share `p` of them do not exceed. */
function rankOf(p: number, count: number): number {
  if (!(p > 0 && p <= 1)) throw invalid(`p is ${String(p)}: use a probability above 0, at most 1`)
  return Math.ceil(p * count) - 1
}

interface Sorted {
  readonly readMs: () => Float64Array
  readonly writeMs: () => Float64Array
  /** Of what is not fresh at once, when it becomes so. */
  readonly freshAfterMs: Float64Array
}

interface PredictionParts {
  readonly n: number
  readonly r: number
  readonly w: number
  readonly trials: number
  readonly seed: number
  /** How often each trial was looked at. */
  readonly pairings: number
  readonly sorted: Sorted
}
