/**
 * Seeded random numbers, so that one seed replays everything.
 *
 * The algorithm is sfc32 ("Small Fast Counting", Chris Doty-Humphrey, PractRand): 128 bits of state, 32-bit steps.
 * Ring: values.
 */

/** A stream of random numbers that depends on its seed alone. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed any finite number; its upper and lower 32 bits both count. */
  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    this.#c = 0x9e3779b9
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0
    this.#c = (this.#c + sum) >>> 0
    return sum
  }

  /** An integer from 1 to 2^52 - 1, for identities: two draws meet with probability 2^-52, and 0 stays free. */
  identity(): number {
    const drawn = (this.uint32() & 0xfffff) * 2 ** 32 + this.uint32()
    return drawn === 0 ? 1 : drawn
  }

  /** A number from 0 up to but not including 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32
  }

  /** An integer from 0 up to but not including `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** A stream of its own, drawn from this one: what it yields does not shift when others draw more. */
  fork(): Random {
    return new Random(this.identity())
  }
}
