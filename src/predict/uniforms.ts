/**
 * Uniform random numbers, a block at a time, spread evenly: Latin hypercube sampling (McKay, Beckman, Conover 1979).
 *
 * A block of N numbers has exactly one in each of the N equal parts from 0 to 1, in random order. Each number by itself
 * is uniform, and so is what is drawn from it, but the tails no longer depend on how many numbers happened to be
 * large: the 99.9th percentile of the slowest of three disks fluctuates a fifth as much.
 *
 * The generator is that of `Random` in the core, sfc32, with its state in local variables for the length of a block: a
 * quarter of the time, and a prediction spends most of its time on random numbers and logarithms.
 */
import type { Random } from '../core/base/random.ts'

/** The longest block. */
export const BLOCK_MAX: number = 2 ** 14

/** A stream of uniform numbers that depends on its seed alone. */
export class Uniforms {
  readonly #state: Int32Array
  readonly #order = new Uint16Array(BLOCK_MAX)

  /** @param seed gives the state, and moves on by four numbers. */
  constructor(seed: Random) {
    this.#state = Int32Array.from({ length: 4 }, () => seed.uint32())
  }

  /** Fills `into`, at most a block, with one number from each part `[i / N, (i + 1) / N)`, in random order. */
  draw(into: Float64Array): void {
    const order = this.#order
    const width = 1 / into.length
    let [a, b, c, counter] = this.#state as unknown as [number, number, number, number]
    for (let at = 0; at < into.length; at++) {
      let sum = (((a + b) | 0) + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + sum) | 0
      // Fisher and Yates, from the inside out: what stood at a random place moves here, and this part takes the place.
      const place = Math.floor(((sum >>> 0) / 2 ** 32) * (at + 1))
      order[at] = order[place] as number
      order[place] = at
      sum = (((a + b) | 0) + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + sum) | 0
      into[at] = (sum >>> 0) / 2 ** 32
    }
    for (let at = 0; at < into.length; at++) into[at] = ((order[at] as number) + (into[at] as number)) * width
    this.#state[0] = a
    this.#state[1] = b
    this.#state[2] = c
    this.#state[3] = counter
  }
}
