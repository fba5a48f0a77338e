/**
 * How old a message may be that brings a record, by the clock of the replica that gets it.
 *
 * A record in a message may be older than a delete that has been erased meanwhile, and would come back to life. So the
 * replica tells its clock in every pong, and whoever sends it a record says what that clock had told before the record
 * was got together. Nobody else's clock is asked, and none that can be set: a message that is too old is refused however
 * wrong the clocks of the others are, and a wrong clock keeps nobody from writing. Each run of a process begins its
 * clock elsewhere, so that what an earlier run told is too old.
 *
 * A quarter of the horizon leaves room for clocks whose rates differ by half.
 * Ring: machines.
 */
import type { Now } from './step.ts'

/** How much of the horizon a message may be under way. */
const AGE = 1 / 4
/** Two runs begin so far apart that they are told apart: all but one pair in many millions. */
const RUNS = 2 ** 48

export class ReplicaClock {
  /** How old it may be; `Infinity` where nothing is ever erased. */
  readonly ageMsMax: number
  readonly #base: number

  constructor({ run, horizonMs }: { readonly run: number; readonly horizonMs: number }) {
    this.ageMsMax = horizonMs === 0 ? Infinity : AGE * horizonMs
    this.#base = run % RUNS
  }

  /** What is told in a pong. */
  at({ monoMs }: Now): number {
    return this.#base + Math.floor(monoMs)
  }

  /** Whether what was got together after the clock had told `asOf` is refused. 0 stands for not knowing. */
  isTooOld(asOf: number, now: Now): boolean {
    if (this.ageMsMax === Infinity) return false
    const ageMs = this.at(now) - asOf
    return ageMs < 0 || ageMs > this.ageMsMax
  }
}
