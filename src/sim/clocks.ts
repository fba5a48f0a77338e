/**
 * The two clocks of a simulated process: they start where they like, run at their own rate, and the wall clock jumps.
 */
import type { Now } from '../core/step.ts'

/** The wall clock's true time when a run begins: 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000

export class NodeClock {
  /** The wall clock's largest distance from true time so far, as of the last change. */
  offsetMsMax: number
  readonly #now = { monoMs: 0, wallMs: 0 }
  #anchorUs = 0
  #monoMs = 0
  #wallMs = START_MS
  #rate = 1

  /** @param offsetMs how far the wall clock is ahead of true time at the start. */
  constructor(offsetMs: number) {
    this.#wallMs = START_MS + offsetMs
    this.offsetMsMax = Math.abs(offsetMs)
  }

  /** Both clocks at a true instant. The object is the same at every call. */
  at(trueUs: number): Now {
    const passedMs = ((trueUs - this.#anchorUs) / 1000) * this.#rate
    this.#now.monoMs = this.#monoMs + passedMs
    this.#now.wallMs = this.#wallMs + passedMs
    return this.#now
  }

  /** How far the wall clock is ahead of true time, in milliseconds. */
  offsetMs(trueUs: number): number {
    return this.at(trueUs).wallMs - START_MS - trueUs / 1000
  }

  /** The first true instant at which the monotonic clock shows at least this. */
  whenUs(monoMs: number): number {
    return this.#anchorUs + Math.ceil(((monoMs - this.#monoMs) / this.#rate) * 1000)
  }

  /** The first true instant at which the wall clock shows at least this, if nobody sets it. */
  whenWallUs(wallMs: number): number {
    return this.#anchorUs + Math.ceil(((wallMs - this.#wallMs) / this.#rate) * 1000)
  }

  /** From now on the clocks run at this rate. */
  setRate(rate: number, trueUs: number): void {
    this.#anchor(trueUs)
    this.#rate = rate
  }

  /** Sets the wall clock alone, to this much ahead of true time. */
  set(aheadMs: number, trueUs: number): void {
    this.#anchor(trueUs)
    this.#wallMs = START_MS + trueUs / 1000 + aheadMs
    this.offsetMsMax = Math.max(this.offsetMsMax, Math.abs(aheadMs))
  }

  /** A new process: its monotonic clock starts from anywhere. */
  restart(monoMs: number, trueUs: number): void {
    this.#anchor(trueUs)
    this.#monoMs = monoMs
  }

  #anchor(trueUs: number): void {
    const passedMs = ((trueUs - this.#anchorUs) / 1000) * this.#rate
    const monoMs = this.#monoMs + passedMs
    const wallMs = this.#wallMs + passedMs
    // Between two changes the distance grows or shrinks evenly.
    this.offsetMsMax = Math.max(this.offsetMsMax, Math.abs(this.offsetMs(trueUs)))
    this.#anchorUs = trueUs
    this.#monoMs = monoMs
    this.#wallMs = wallMs
  }
}
