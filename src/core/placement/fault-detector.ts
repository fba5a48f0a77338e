/**
 * Who can be reached, judged by two-way evidence, and how fast each one answers.
 *
 * Only an answer to something that we sent proves both directions; hearing a replica proves one. A replica counts as
 * reached at the moment the answered question *left*, not when the answer came, so a slow link does not look fresher
 * than it is. When this process itself was paused, nobody is blamed for silence that we could not have heard.
 * Ring: decisions.
 */
import type { Reachability } from '../notice.ts'

export interface FaultDetectorOptions {
  readonly replicas: number
  /** A replica is given up after two of these without proof; pings go out twice as often. */
  readonly heartbeatMs: number
}

const SMOOTHING = 1 / 8

export class FaultDetector {
  readonly heartbeatMs: number
  readonly #linked: boolean[]
  readonly #reachedAt: number[]
  readonly #heardAt: number[]
  readonly #latencyMs: number[]
  #checkedAt = -Infinity

  constructor({ replicas, heartbeatMs }: FaultDetectorOptions) {
    this.heartbeatMs = heartbeatMs
    this.#linked = Array.from({ length: replicas }, () => true)
    this.#reachedAt = Array.from({ length: replicas }, () => -Infinity)
    this.#heardAt = Array.from({ length: replicas }, () => -Infinity)
    this.#latencyMs = Array.from({ length: replicas }, () => 0)
  }

  /** The host opened or lost its link: a lost one needs no time to be believed. */
  linked(replica: number, up: boolean): void {
    this.#linked[replica] = up
    if (!up) this.#reachedAt[replica] = -Infinity
  }

  /** Something came from the replica. */
  heard(replica: number, nowMs: number): void {
    this.#heardAt[replica] = nowMs
  }

  /** The replica answered what was sent at `sentAtMs`. */
  answered(replica: number, times: { readonly sentAtMs: number; readonly nowMs: number }): void {
    this.#heardAt[replica] = times.nowMs
    if (times.sentAtMs > (this.#reachedAt[replica] as number)) this.#reachedAt[replica] = times.sentAtMs
    const tookMs = times.nowMs - times.sentAtMs
    const before = this.#latencyMs[replica] as number
    this.#latencyMs[replica] = before === 0 ? tookMs : before + (tookMs - before) * SMOOTHING
  }

  /** The replica has not answered for this long: it counts as that slow already, or it would be asked first again. */
  overdue(replica: number, ms: number): void {
    const before = this.#latencyMs[replica] as number
    if (ms > before) this.#latencyMs[replica] = before + (ms - before) * SMOOTHING
  }

  /** The smoothed round trip, queueing at the replica included; 0 before the first answer. */
  latencyMs(replica: number): number {
    return this.#latencyMs[replica] as number
  }

  /**
   * Called with every input, before anything is judged. Ticks come twice in a heartbeat, so a longer gap means that
   * this process did not run; that time is not counted as anybody's silence.
   */
  check(nowMs: number): void {
    const gapMs = nowMs - this.#checkedAt
    this.#checkedAt = nowMs
    if (gapMs <= this.heartbeatMs || gapMs === Infinity) return
    const pausedMs = gapMs - this.heartbeatMs / 2
    for (let i = 0; i < this.#reachedAt.length; i++) {
      this.#reachedAt[i] = (this.#reachedAt[i] as number) + pausedMs
      this.#heardAt[i] = (this.#heardAt[i] as number) + pausedMs
    }
  }

  /** Whether requests may be sent: `reachable` or `late`. */
  usable(replica: number, nowMs: number): boolean {
    return (this.#linked[replica] as boolean) && nowMs - (this.#reachedAt[replica] as number) < 2 * this.heartbeatMs
  }

  state(replica: number, nowMs: number): Reachability {
    if (this.usable(replica, nowMs)) {
      return nowMs - (this.#reachedAt[replica] as number) < 1.5 * this.heartbeatMs ? 'reachable' : 'late'
    }
    return nowMs - (this.#heardAt[replica] as number) < 2 * this.heartbeatMs ? 'one-way' : 'unreachable'
  }
}
