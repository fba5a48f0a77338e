/**
 * A run's decisions, drawn from a seed and up to a length: a property test can draw them without knowing what they
 * decide, and finds the shortest run that fails.
 */
import { integer, nat, noBias, record, type Arbitrary } from 'fast-check'
import { Random } from '../../src/core/base/random.ts'

export interface Decisions {
  readonly seed: number
  readonly length: number
}

export class Choices {
  readonly #random: Random
  #left: number

  constructor({ seed, length }: Decisions) {
    this.#random = new Random(seed)
    this.#left = length
  }

  get isOver(): boolean {
    return this.#left <= 0
  }

  /** A number below `bound`. */
  below(bound: number): number {
    this.#left--
    return this.#random.below(bound)
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of a list that is not empty. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** Those of a list that a coin chose. */
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.oneIn(2))
  }
}

/** Up to `length` decisions. Without the usual bias to small numbers, which decide nothing new. */
export function decisions(length: number): Arbitrary<Decisions> {
  return noBias(record({ seed: nat(), length: integer({ min: 0, max: length }) }))
}
