/**
 * One trial at a time: when its messages arrive, and in which order the acknowledgements and answers come back.
 *
 * Everything is in arrays that live as long as the trials. Sorting is by insertion, since there are few replicas.
 */
import { Sampler, type Distribution } from './distribution.ts'
import type { Uniforms } from './uniforms.ts'

/** One of the four legs: the delays of a block of trials, replica by replica. */
export class Leg {
  readonly delays: Float64Array
  readonly #samplers: readonly Sampler[]
  readonly #parts: readonly Float64Array[]
  readonly #uniforms: Uniforms

  /** @param options.size how many trials a block has. */
  constructor(replicas: readonly Distribution[], options: { readonly size: number; readonly uniforms: Uniforms }) {
    const { size, uniforms } = options
    this.delays = new Float64Array(replicas.length * size)
    this.#samplers = replicas.map((distribution) => new Sampler(distribution))
    this.#parts = replicas.map((_, index) => this.delays.subarray(index * size, (index + 1) * size))
    this.#uniforms = uniforms
  }

  draw(): void {
    for (const [index, sampler] of this.#samplers.entries()) {
      sampler.draw(this.#parts[index] as Float64Array, this.#uniforms)
    }
  }
}

/** The arrivals of one trial. */
export class Arrivals {
  /** When acknowledgements are back, earliest first. */
  readonly ackedMs: Float64Array
  /** When answers are back, earliest first. */
  readonly answeredMs: Float64Array
  /** How much later than the read the write comes at best, among the first r answers; by r - 1. See `pair`. */
  readonly leastLagMs: Float64Array
  readonly #inQuorum: boolean
  /** When the write is at the replica. */
  readonly #reachedMs: Float64Array
  /** Of each answer, in the order of `answeredMs`: when the read was at its replica, and which one that is. */
  readonly #askedMs: Float64Array
  readonly #answerOf: Uint8Array
  #acks = 0
  #answers = 0

  /** @param options.inQuorum whether reads wait for the replicas that are noted first, however late they answer. */
  constructor({ n, inQuorum }: { readonly n: number; readonly inQuorum: boolean }) {
    this.#inQuorum = inQuorum
    this.ackedMs = new Float64Array(n)
    this.answeredMs = new Float64Array(n)
    this.leastLagMs = new Float64Array(n)
    this.#reachedMs = new Float64Array(n)
    this.#askedMs = new Float64Array(n)
    this.#answerOf = new Uint8Array(n)
  }

  clear(): void {
    this.#acks = 0
    this.#answers = 0
  }

  write(replica: number, { reachedMs, ackMs }: { readonly reachedMs: number; readonly ackMs: number }): void {
    this.#reachedMs[replica] = reachedMs
    const sorted = this.ackedMs
    const ackedMs = reachedMs + ackMs
    let at = this.#acks++
    for (; at > 0 && (sorted[at - 1] as number) > ackedMs; at--) sorted[at] = sorted[at - 1] as number
    sorted[at] = ackedMs
  }

  read(replica: number, { askedMs, answerMs }: { readonly askedMs: number; readonly answerMs: number }): void {
    const sorted = this.answeredMs
    let answeredMs = askedMs + answerMs
    let at = this.#answers++
    if (this.#inQuorum && at > 0) answeredMs = Math.max(answeredMs, sorted[at - 1] as number)
    for (; at > 0 && (sorted[at - 1] as number) > answeredMs; at--) {
      sorted[at] = sorted[at - 1] as number
      this.#askedMs[at] = this.#askedMs[at - 1] as number
      this.#answerOf[at] = this.#answerOf[at - 1] as number
    }
    sorted[at] = answeredMs
    this.#askedMs[at] = askedMs
    this.#answerOf[at] = replica
  }

  /** Works out `leastLagMs`, with the reads moved on by so many replicas. */
  pair(moved: number): void {
    const n = this.leastLagMs.length
    let least = Infinity
    for (let at = 0; at < n; at++) {
      const replica = (this.#answerOf[at] as number) + moved
      const reachedMs = this.#reachedMs[replica < n ? replica : replica - n] as number
      least = Math.min(least, reachedMs - (this.#askedMs[at] as number))
      this.leastLagMs[at] = least
    }
  }
}
