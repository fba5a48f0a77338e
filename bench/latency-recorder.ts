/**
 * Latencies as they come in, in constant memory: buckets that grow with the value, after HdrHistogram (Gil Tene).
 *
 * A sample costs a few instructions and is kept with an error below 1.6 %, from an eighth of a microsecond to more than
 * an hour, so that recording a million calls changes neither the heap nor what is measured.
 */

/** Values are counted in eighths of a microsecond. */
const STEPS_PER_US = 8
/** Buckets in each doubling of the value. */
const FINE_BITS = 6
const FINE = 1 << FINE_BITS
const DOUBLINGS = 31 - FINE_BITS

/** What a cell of the report shows. */
export interface Latencies {
  readonly samples: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

export class LatencyRecorder {
  readonly #counts = new Float64Array((DOUBLINGS + 1) * FINE)
  #samples = 0
  #maxUs = 0

  get samples(): number {
    return this.#samples
  }

  /** Adds one sample. Negative ones, which a clock may give, count as 0. */
  record(us: number): void {
    const steps = Math.min(0x7fffffff, Math.max(0, Math.round(us * STEPS_PER_US)))
    const index = bucketOf(steps)
    this.#counts[index] = (this.#counts[index] as number) + 1
    this.#samples++
    if (us > this.#maxUs) this.#maxUs = us
  }

  /** The value below or at which this share of the samples lies, in microseconds; `NaN` without samples. */
  quantileUs(share: number): number {
    if (this.#samples === 0) return NaN
    const rank = Math.max(1, Math.ceil(share * this.#samples))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] as number
      if (seen >= rank) return middleOf(index) / STEPS_PER_US
    }
    return this.#maxUs
  }

  /** Adds another recorder's samples to these. */
  add(other: LatencyRecorder): void {
    for (let index = 0; index < this.#counts.length; index++) {
      this.#counts[index] = (this.#counts[index] as number) + (other.#counts[index] as number)
    }
    this.#samples += other.#samples
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs)
  }

  summary(): Latencies {
    const { samples } = this
    return { samples, p50Us: this.quantileUs(0.5), p99Us: this.quantileUs(0.99), maxUs: this.#maxUs }
  }
}

/** Small values have a bucket each; larger ones share one with those that agree in their highest bits. */
function bucketOf(steps: number): number {
  if (steps < 2 * FINE) return steps
  const shift = 31 - Math.clz32(steps) - FINE_BITS
  return shift * FINE + (steps >>> shift)
}

function middleOf(index: number): number {
  if (index < 2 * FINE) return index
  const shift = Math.floor(index / FINE) - 1
  const low = (index - shift * FINE) * 2 ** shift
  return low + (2 ** shift - 1) / 2
}
