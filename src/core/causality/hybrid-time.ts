/**
 * Hybrid logical time: stamps that rise even when the wall clock does not, and stay near it.
 *
 * After Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks" (OPODIS 2014), with both parts in one
 * number: 41 bits of milliseconds since 2024 and 12 bits of counter, which fits a double exactly until the year 2093.
 * A counter that runs over carries into the milliseconds: the clock is then ahead by
 * a millisecond and waits for the wall there.
 * Ring: values.
 */

/** 2024-01-01T00:00:00Z in Unix milliseconds. */
const ORIGIN_MS = 1_704_067_200_000
const STEPS_PER_MS = 4096

/** The first stamp of a wall-clock millisecond. Walls before 2024 count as 2024. */
export function stampOf(wallMs: number): number {
  return Math.max(0, Math.floor(wallMs) - ORIGIN_MS) * STEPS_PER_MS
}

/** The Unix milliseconds in which a stamp lies. */
export function wallOf(stamp: number): number {
  return Math.floor(stamp / STEPS_PER_MS) + ORIGIN_MS
}

/** One process's hybrid clock. */
export class HybridClock {
  #last = 0

  /** A stamp above every stamp given or observed before. */
  next(wallMs: number): number {
    this.#last = Math.max(this.#last + 1, stampOf(wallMs))
    return this.#last
  }

  /**
   * Makes later stamps exceed `stamp`. The caller's duty: do not pass stamps that lie further ahead of the wall than
   * the drift bound, or one bad clock drags this one along.
   */
  observe(stamp: number): void {
    if (stamp > this.#last) this.#last = stamp
  }
}
