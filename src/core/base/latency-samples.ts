/**
 * The latest round trips to each replica, and how they are split into the legs that staleness depends on.
 *
 * A coordinator measures with its own clock from sending a question to getting the answer. When the replica had it in
 * between takes a second clock in step with the first, as the authors of PBS used in Cassandra, whose replicas stamp
 * their answers. Without one, the answer's leg is taken to be half of what the network alone takes, the median of the
 * latest pings or else reads, and never more than half of the round trip; all the rest, the queue and the disk, goes
 * to the request's leg. So W and R carry the tails, as in the published fits, and each sum is what was measured.
 *
 * Where the legs are known, because they were injected or clocks are in step, they can be added as they are.
 * Ring: values.
 */
import { invalid } from './errors.ts'

/** What was measured with one clock, or leg by leg; milliseconds. */
export type Sample = { readonly roundTripMs: number } | { readonly requestMs: number; readonly answerMs: number }

/** The legs to one replica: `w[i] + a[i]` is one write, `r[i] + s[i]` one read. Milliseconds. */
export interface LegSamples {
  readonly w: Float64Array
  readonly a: Float64Array
  readonly r: Float64Array
  readonly s: Float64Array
}

const CAPACITY = 1024
/** The network's own round trip changes slowly, and its median needs few. */
const PINGS = 64
/** Room that each list begins with. */
const FIRST = 16

/** Bounded: of each replica and kind the latest samples stay. Adding one allocates nothing, but for a few steps of growth at first. */
export class LatencySamples {
  readonly #writes: readonly Ring[]
  readonly #reads: readonly Ring[]
  readonly #pings: readonly Ring[]

  /** @param options.capacity how many writes and how many reads of each replica are kept: 1024 by default. */
  constructor({ replicas, capacity = CAPACITY }: { readonly replicas: number; readonly capacity?: number }) {
    for (const [name, value] of Object.entries({ replicas, capacity })) {
      if (!Number.isInteger(value) || value < 1 || value > 2 ** 20) {
        throw invalid(`${name} is ${String(value)}: use a whole number from 1 to ${2 ** 20}`)
      }
    }
    const rings = (size: number): Ring[] => Array.from({ length: replicas }, () => new Ring(size))
    this.#writes = rings(capacity)
    this.#reads = rings(capacity)
    this.#pings = rings(PINGS)
  }

  /** A replica, by its index, acknowledged a write. What is no time span is left out. */
  wrote(replica: number, sample: Sample): void {
    this.#writes[replica]?.add(sample)
  }

  /** A replica answered a read. */
  read(replica: number, sample: Sample): void {
    this.#reads[replica]?.add(sample)
  }

  /** A replica answered a ping, which waits for no disk and in no queue. */
  pinged(replica: number, sample: Sample): void {
    this.#pings[replica]?.add(sample)
  }

  /** How many writes and reads of a replica are kept now. */
  count(replica: number): { readonly writes: number; readonly reads: number } {
    return { writes: this.#writes[replica]?.count ?? 0, reads: this.#reads[replica]?.count ?? 0 }
  }

  /** The legs to a replica; `undefined` before its first write and first read. */
  legs(replica: number): LegSamples | undefined {
    const [writes, reads, pings] = [this.#writes[replica], this.#reads[replica], this.#pings[replica]]
    if (writes === undefined || reads === undefined || pings === undefined) return undefined
    if (writes.count === 0 || reads.count === 0) return undefined
    const networkMs = (pings.count > 0 ? pings : reads).medianMs()
    const [w, a] = writes.split(networkMs / 2)
    const [r, s] = reads.split(networkMs / 2)
    return { w, a, r, s }
  }
}

/** The latest samples of one kind: the newest takes the place of the oldest. */
class Ring {
  readonly #capacity: number
  /** Both grow until they have the capacity: many processes never measure much. */
  #requestMs: Float64Array
  /** NaN where the round trip alone is known; it then stands in `#requestMs`. */
  #answerMs: Float64Array
  #added = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#requestMs = new Float64Array(Math.min(capacity, FIRST))
    this.#answerMs = new Float64Array(this.#requestMs.length)
  }

  get count(): number {
    return Math.min(this.#added, this.#requestMs.length)
  }

  add(sample: Sample): void {
    const known = 'answerMs' in sample
    const first = known ? sample.requestMs : sample.roundTripMs
    const second = known ? sample.answerMs : 0
    if (!(first >= 0 && second >= 0 && first + second < Infinity)) return
    if (this.#added === this.#requestMs.length && this.#added < this.#capacity) this.#grow()
    const at = this.#added++ % this.#requestMs.length
    this.#requestMs[at] = first
    this.#answerMs[at] = known ? second : NaN
  }

  #grow(): void {
    const size = Math.min(this.#capacity, 4 * this.#requestMs.length)
    const [request, answer] = [new Float64Array(size), new Float64Array(size)]
    request.set(this.#requestMs)
    answer.set(this.#answerMs)
    this.#requestMs = request
    this.#answerMs = answer
  }

  medianMs(): number {
    const whole = this.#requestMs.slice(0, this.count)
    for (let at = 0; at < whole.length; at++) {
      const answerMs = this.#answerMs[at] as number
      if (!Number.isNaN(answerMs)) whole[at] = (whole[at] as number) + answerMs
    }
    return whole.toSorted()[whole.length >>> 1] as number
  }

  split(usualAnswerMs: number): [requestMs: Float64Array, answerMs: Float64Array] {
    const request = this.#requestMs.slice(0, this.count)
    const answer = this.#answerMs.slice(0, this.count)
    for (let at = 0; at < request.length; at++) {
      if (!Number.isNaN(answer[at])) continue
      const roundTripMs = request[at] as number
      answer[at] = Math.min(usualAnswerMs, roundTripMs / 2)
      request[at] = roundTripMs - (answer[at] as number)
    }
    return [request, answer]
  }
}
