/**
 * Sets of small numbers as bits: how "this write saw that one" is kept for every pair of writes of a key.
 */

/** A set of integers from 0 up to its size. Asking for a number beyond its size is allowed and answers no. */
export class BitSet {
  readonly #words: Uint32Array

  constructor(size: number) {
    this.#words = new Uint32Array((size + 31) >>> 5)
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0)
  }

  has(member: number): boolean {
    return (((this.#words[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1
  }

  add(member: number): void {
    const at = member >>> 5
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (member & 31))
  }

  remove(member: number): void {
    const at = member >>> 5
    this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (member & 31))
  }

  /** The caller's duty: the other is not larger than this one. */
  addAll(other: BitSet): void {
    const words = this.#words
    const more = other.#words
    for (let at = 0; at < more.length; at++) words[at] = (words[at] ?? 0) | (more[at] ?? 0)
  }

  /** The members that none of `others` has, from the smallest up. */
  without(others: readonly BitSet[]): number[] {
    const members: number[] = []
    for (let at = 0; at < this.#words.length; at++) {
      let left = this.#words[at] ?? 0
      for (const other of others) left &= ~(other.#words[at] ?? 0)
      while (left !== 0) {
        const lowest = left & -left
        members.push((at << 5) + 31 - Math.clz32(lowest))
        left ^= lowest
      }
    }
    return members
  }
}

/** Has no members. The caller's duty: never add to it. */
export const NOTHING: BitSet = new BitSet(0)
