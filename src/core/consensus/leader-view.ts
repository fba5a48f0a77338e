/**
 * Who leads a group, as far as its electors have told: for seats that wait, and for whoever only looks on.
 *
 * It is hearsay and may be late by a round trip and a look: nobody may act on it as if he led, or as if nobody did.
 * Ring: decisions.
 */
import type { Leader } from './group.ts'

/** How an elector stands. */
export interface ElectorState {
  /** The highest generation that it voted in. */
  readonly generation: number
  /** Who led last, as far as it knows. */
  readonly led: Leader | undefined
  /** How long it keeps others out from now on. */
  readonly leftMs: number
}

interface Heard {
  readonly led: Leader
  /** Until when the lease runs there; the past if it is another's. */
  readonly untilMs: number
}

export class LeaderView {
  readonly #heard: (Heard | undefined)[] = []
  #last: Leader | undefined

  /** Who led in the highest generation of all that were told. */
  get last(): Leader | undefined {
    return this.#last
  }

  heard(position: number, { generation, led, leftMs }: ElectorState, nowMs: number): void {
    if (led === undefined) return
    const isPromised = led.generation === generation && leftMs > 0
    this.#heard[position] = { led, untilMs: isPromised ? nowMs + leftMs : -Infinity }
    if (led.generation > (this.#last?.generation ?? 0)) this.#last = led
  }

  /** Who leads now: the last one whose lease runs at some elector. */
  leader(nowMs: number): Leader | undefined {
    let leader: Leader | undefined
    for (const heard of this.#heard) {
      if (heard === undefined || nowMs >= heard.untilMs) continue
      if (leader === undefined || heard.led.generation > leader.generation) leader = heard.led
    }
    return leader
  }
}
