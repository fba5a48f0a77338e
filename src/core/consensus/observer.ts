/**
 * Looking on: asks the electors of a group again and again how they stand, and tells when another leads.
 *
 * Each elector is asked on its own, one question at a time: whoever is in a hurry asks a near one often, and does not pile
 * questions onto a slow link, where election messages queue behind them.
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
  /** By position: when the elector was asked last, and when it was heard last, whoever had asked it. */
  readonly #askedAtMs: number[]
  readonly #heardAtMs: number[]
  /** How soon after an answer an elector is asked again. */
  #afterMs: number

  /** @param settings `everyMs`: how long what an elector said is good for. */
  constructor({ electors, everyMs }: { readonly electors: number; readonly everyMs: number }) {
    this.#everyMs = this.#afterMs = everyMs
    this.#askedAtMs = Array.from({ length: electors }, () => -Infinity)
    this.#heardAtMs = [...this.#askedAtMs]
  }

  /** When it wants to look again. */
  get wakeAtMs(): number {
    let wakeAtMs = Infinity
    for (let position = 0; position < this.#askedAtMs.length; position++) {
      wakeAtMs = Math.min(wakeAtMs, this.#dueAtMs(position))
    }
    return wakeAtMs
  }

  leader(nowMs: number): Leader | undefined {
    return this.#view.leader(nowMs)
  }

  /** The positions of those to be asked now. */
  due(nowMs: number): number {
    let due = 0
    for (let position = 0; position < this.#askedAtMs.length; position++) {
      if (nowMs < this.#dueAtMs(position)) continue
      this.#askedAtMs[position] = nowMs
      due |= 1 << position
    }
    this.#afterMs = this.#everyMs
    return due
  }

  heard(position: number, state: ElectorState, nowMs: number): void {
    this.#heardAtMs[position] = nowMs
    this.#view.heard(position, state, nowMs)
  }

  /** Somebody waits to hear of a leader: who has answered is asked again so long after that. Holds until the next look. */
  hasten(afterMs: number): void {
    this.#afterMs = Math.min(this.#everyMs, afterMs)
  }

  /** What there is to tell since the last time. */
  change(nowMs: number): LeaderChange | undefined {
    const leader = this.#view.leader(nowMs)
    const before = this.#told
    if (leader?.generation === before?.generation) return undefined
    this.#told = leader
    return { kind: 'leader', leader, before }
  }

  /** An answer that is still on its way is waited for: questions on top of it would only hold it up. */
  #dueAtMs(position: number): number {
    const askedAtMs = this.#askedAtMs[position] as number
    const heardAtMs = this.#heardAtMs[position] as number
    return heardAtMs >= askedAtMs ? heardAtMs + this.#afterMs : askedAtMs + this.#everyMs
  }
}
