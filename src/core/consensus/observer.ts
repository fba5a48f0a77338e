/**
 * Looking on: asks the electors of a group again and again how they stand, and tells when another leads.
 *
 * Ring: decisions.
 */
import type { Leader } from './group.ts'
import { LeaderView, type ElectorState } from './leader-view.ts'

/** Another leads, or nobody is known to. */
export interface LeaderChange {
  readonly kind: 'leader'
  readonly leader: Leader | undefined
  readonly before: Leader | undefined
}

export class Observer {
  readonly #everyMs: number
  readonly #view = new LeaderView()
  #told: Leader | undefined
  #dueAtMs = -Infinity
  #lookedAtMs = -Infinity

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** When it wants to look again. */
  get wakeAtMs(): number {
    return this.#dueAtMs
  }

  leader(nowMs: number): Leader | undefined {
    return this.#view.leader(nowMs)
  }

  /** Whether all electors are to be asked now. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#dueAtMs) return false
    this.#lookedAtMs = nowMs
    this.#dueAtMs = nowMs + this.#everyMs
    return true
  }

  heard(position: number, state: ElectorState, nowMs: number): void {
    this.#view.heard(position, state, nowMs)
  }

  /** Somebody waits to hear of a leader: it looks again this long after it last did, or earlier. */
  hasten(afterMs: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, this.#lookedAtMs + afterMs)
  }

  /** What there is to tell since the last time. */
  change(nowMs: number): LeaderChange | undefined {
    const leader = this.#view.leader(nowMs)
    const before = this.#told
    if (leader?.generation === before?.generation) return undefined
    this.#told = leader
    return { kind: 'leader', leader, before }
  }
}
