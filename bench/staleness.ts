/**
 * Whether a read is stale, judged by what had been acknowledged when it began.
 *
 * Each write of a key carries the next number of that key. All writes of a key go through one coordinator, whose stamps
 * rise with every call, so numbers and stamps order the writes alike and the last writer is the one with the highest
 * number. Reads go through any coordinator.
 */

export class StalenessJudge {
  readonly #given: Uint32Array
  readonly #acknowledged: Uint32Array
  reads = 0
  stale = 0

  constructor(keys: number) {
    this.#given = new Uint32Array(keys)
    this.#acknowledged = new Uint32Array(keys)
  }

  /** The number of the next write of a key; the first is 1. */
  next(key: number): number {
    const number = (this.#given[key] as number) + 1
    this.#given[key] = number
    return number
  }

  /** The write with this number was acknowledged. Acknowledgements may overtake each other. */
  acknowledged(key: number, number: number): void {
    if (number > (this.#acknowledged[key] as number)) this.#acknowledged[key] = number
  }

  /** What a read that begins now must not fall behind. */
  readBegins(key: number): number {
    return this.#acknowledged[key] as number
  }

  /** A read ended with this number, 0 for a key without a value. */
  readEnds(begun: number, number: number): void {
    this.reads++
    if (number < begun) this.stale++
  }

  /** The share of stale reads since the last call, which starts over. */
  take(): { readonly reads: number; readonly stale: number } {
    const { reads, stale } = this
    this.reads = this.stale = 0
    return { reads, stale }
  }
}
