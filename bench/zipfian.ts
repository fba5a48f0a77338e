/**
 * Which record a client asks for: few are popular, most are not.
 *
 * YCSB's generator, after Gray and others, "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994). Ranks
 * are scattered over the records by a hash, as YCSB does, so that popular records are not neighbours.
 */
import { hashString } from '../src/core/base/hash.ts'
import type { Random } from '../src/core/base/random.ts'

export class Zipfian {
  readonly #items: number
  readonly #random: Random
  readonly #theta: number
  readonly #alpha: number
  readonly #zeta: number
  readonly #eta: number
  readonly #places: Uint32Array

  constructor(options: { readonly items: number; readonly theta: number; readonly random: Random }) {
    const { items, theta, random } = options
    this.#items = items
    this.#random = random
    this.#theta = theta
    this.#alpha = 1 / (1 - theta)
    this.#zeta = zeta(items, theta)
    this.#eta = (1 - (2 / items) ** (1 - theta)) / (1 - zeta(2, theta) / this.#zeta)
    this.#places = Uint32Array.from({ length: items }, (_, rank) => hashString(String(rank)) % items)
  }

  /** A record's number, from 0 up to but not including `items`. */
  next(): number {
    return this.#places[this.rank()] as number
  }

  /** A rank: 0 is the most popular. */
  rank(): number {
    const drawn = this.#random.fraction()
    const scaled = drawn * this.#zeta
    if (scaled < 1) return 0
    if (scaled < 1 + 0.5 ** this.#theta) return 1
    const rank = Math.floor(this.#items * (this.#eta * drawn - this.#eta + 1) ** this.#alpha)
    return Math.min(this.#items - 1, rank)
  }
}

function zeta(items: number, theta: number): number {
  let sum = 0
  for (let rank = 1; rank <= items; rank++) sum += 1 / rank ** theta
  return sum
}
