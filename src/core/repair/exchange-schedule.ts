/**
 * When a replica exchanges with which of the others.
 *
 * Each peer has its turn once in a period, less a random part, so that the turns of a cluster do not meet. A peer that
 * can be reached again has it soon: what it missed is missed now. One that cannot be reached waits for that.
 * Ring: decisions.
 */
import type { Random } from '../base/random.ts'

export interface ScheduleConfig {
  readonly peers: readonly number[]
  /** 0: only on demand. */
  readonly periodMs: number
  readonly random: Random
  readonly usable: (peer: number, nowMs: number) => boolean
}

interface Turn {
  readonly peer: number
  dueAtMs: number
  isUsable: boolean
  /** Somebody waits for it. */
  demanded: boolean
}

/** The random part of a period. */
const JITTER = 0.25
/** A peer that came back has its turn within this part of a period, and this time. */
const SOON = 0.1
const SOON_MS_MAX = 500
/** A peer that declined is asked again after this long: it may only be starting. */
const DECLINED_MS = 1_000

export class ExchangeSchedule {
  readonly #config: ScheduleConfig
  readonly #turns: readonly Turn[]
  #begun = false

  constructor(config: ScheduleConfig) {
    this.#config = config
    this.#turns = config.peers.map((peer) => ({ peer, dueAtMs: Infinity, isUsable: false, demanded: false }))
  }

  /** Whose turn it is, of those that may have one. */
  next(nowMs: number, mayHave: (peer: number) => boolean): number | undefined {
    this.#look(nowMs)
    let first: Turn | undefined
    for (const turn of this.#turns) {
      const isDue = turn.demanded || (turn.isUsable && turn.dueAtMs <= nowMs)
      if (!isDue || !mayHave(turn.peer)) continue
      if (first === undefined || turn.dueAtMs < first.dueAtMs) first = turn
    }
    return first?.peer
  }

  /** Everybody has a turn as soon as may be. */
  demand(peers: readonly number[]): void {
    for (const turn of this.#turns) if (peers.includes(turn.peer)) turn.demanded = true
  }

  /** Nobody waits any more. */
  relax(): void {
    for (const turn of this.#turns) turn.demanded = false
  }

  /** An exchange with this peer begins. Tells whether it was demanded. */
  began(peer: number): boolean {
    const turn = this.#turns.find((other) => other.peer === peer)
    const demanded = turn?.demanded === true
    if (turn !== undefined) turn.demanded = false
    return demanded
  }

  ended(peer: number, { declined, nowMs }: { readonly declined: boolean; readonly nowMs: number }): void {
    const turn = this.#turns.find((other) => other.peer === peer)
    if (turn === undefined) return
    const { periodMs, random } = this.#config
    const nextMs = periodMs * (1 - JITTER * random.fraction())
    if (periodMs > 0) turn.dueAtMs = nowMs + (declined ? Math.min(DECLINED_MS, nextMs) : nextMs)
  }

  /** The first turn to come after now. One that is due and not taken waits for something else. */
  wakeAfter(nowMs: number): number {
    let atMs = Infinity
    for (const { dueAtMs, isUsable } of this.#turns) {
      if (isUsable && dueAtMs > nowMs) atMs = Math.min(atMs, dueAtMs)
    }
    return atMs
  }

  /** Who came, and who went. */
  #look(nowMs: number): void {
    const { periodMs, random, usable } = this.#config
    for (const turn of this.#turns) {
      if (!this.#begun && periodMs > 0) turn.dueAtMs = nowMs + periodMs * random.fraction()
      const isUsable = usable(turn.peer, nowMs)
      if (isUsable && !turn.isUsable && periodMs > 0) {
        turn.dueAtMs = Math.min(turn.dueAtMs, nowMs + Math.min(SOON * periodMs, SOON_MS_MAX) * random.fraction())
      }
      turn.isUsable = isUsable
    }
    this.#begun = true
  }
}
