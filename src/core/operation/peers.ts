/**
 * What a coordinator knows of the replicas: who can be asked, who is fast, and how long to wait before asking others.
 *
 * Ring: decisions.
 */
import { joinBirths, NO_BIRTHS, type Births } from '../births.ts'
import type { Life, Pong } from '../message.ts'
import type { Reachability } from '../notice.ts'
import { FaultDetector } from '../placement/fault-detector.ts'
import { Outlook } from '../placement/outlook.ts'
import type { Membership } from '../placement/membership.ts'
import type { PreferenceList } from '../placement/placement.ts'
import type { Step } from '../step.ts'
import type { Names, View } from './operation.ts'
import { RoundTrips } from './round-trips.ts'

const PATIENCE_MS_MIN = 10
const PATIENCE_MS_MAX = 1_000

export interface PeersConfig {
  readonly membership: Membership
  /** The index of the replica in this process, or -1. */
  readonly local: number
  /** The life of that replica. */
  readonly life: Life | undefined
  readonly options: { readonly heartbeatMs: number }
}

/** What is known of one list, kept for some calls. */
interface ListView extends View {
  usable: number
  slow: number
  births: Births
  order: readonly number[]
  local: number
  nowMs: number
  madeAtMs: number
}

const VIEW_MS = 1
/** A replica is slow when its round trip exceeds the fastest one's by this factor and this many milliseconds. */
const SLOW_FACTOR = 4
const SLOW_MS = 5

export class Peers {
  readonly names: Names
  /** What replicas were measured to take. */
  readonly roundTrips: RoundTrips
  readonly #local: number
  readonly #detector: FaultDetector
  readonly #lives: (Life | undefined)[]
  /** What each replica's clock told last. */
  readonly #clocks: number[]
  readonly #views = new Map<PreferenceList, ListView>()
  /** When a replica last became usable or was lost. */
  #changedAtMs = -Infinity
  readonly #states: Reachability[]
  readonly #outlook: Outlook
  /** Smoothed time of answers and its deviation, as TCP keeps them for its retransmission timer (RFC 6298). */
  #meanMs = 0
  #deviationMs = 0
  #pingAtMs = -Infinity
  #births: Births = NO_BIRTHS

  constructor({ membership, local, life, options }: PeersConfig) {
    this.names = membership.members.map(({ id }) => id)
    this.roundTrips = new RoundTrips(this.names.length)
    this.#lives = this.names.map((_, index) => (index === local ? life : undefined))
    this.#clocks = this.names.map(() => 0)
    this.#local = local
    this.#detector = new FaultDetector({ replicas: this.names.length, heartbeatMs: options.heartbeatMs })
    this.#states = this.names.map(() => 'unreachable')
    this.#outlook = new Outlook(this.names)
  }

  /** Who of this list can be asked now. Made anew each millisecond; the object is this list's for good. */
  view(list: PreferenceList, nowMs: number): View {
    this.#detector.check(nowMs)
    const known = this.#views.get(list)
    const view = known ?? this.#newView(list)
    view.nowMs = nowMs
    if (nowMs - view.madeAtMs >= VIEW_MS || this.#changedAtMs >= view.madeAtMs) this.#look(view, list, nowMs)
    return view
  }

  #newView(list: PreferenceList): ListView {
    const lives = this.#lives
    const about = { names: this.names, lives, births: this.#births }
    const view = { usable: 0, slow: 0, order: [], local: -1, ...about, nowMs: 0, madeAtMs: -Infinity }
    this.#views.set(list, view)
    return view
  }

  /** The replica in this process has begun anew. */
  reborn(life: Life): void {
    this.#lives[this.#local] = life
  }

  /** An acceptor told what it knows of others that lost their disks. Whether that is news. */
  learn(births: Births): boolean {
    const known = this.#births
    this.#births = joinBirths(known, births)
    for (const view of this.#views.values()) view.births = this.#births
    return this.#births !== known
  }

  get births(): Births {
    return this.#births
  }

  usable(replica: number, nowMs: number): boolean {
    return replica === this.#local || this.#detector.usable(replica, nowMs)
  }

  state(replica: number, nowMs: number): Reachability {
    return replica === this.#local ? 'reachable' : this.#detector.state(replica, nowMs)
  }

  /** The smoothed round trip to a replica; 0 for the local one, and before the first answer. */
  latencyMs(replica: number): number {
    return replica === this.#local ? 0 : this.#detector.latencyMs(replica)
  }

  /** How long an operation waits before it hedges: what nearly all answers take. */
  patienceMs(): number {
    const usualMs = this.#meanMs + 4 * this.#deviationMs
    return Math.min(PATIENCE_MS_MAX, Math.max(PATIENCE_MS_MIN, usualMs))
  }

  /**
   * What a replica's clock had told by `sinceMs`, or less: it may have told the last of it just now. 0 for nothing, and
   * for the replica in this process.
   */
  asOf(replica: number, sinceMs: number, nowMs: number): number {
    return Math.max(0, Math.floor((this.#clocks[replica] as number) - (nowMs - sinceMs)))
  }

  /** Something arrived from a replica, answered or not. */
  heard(replica: number, nowMs: number): void {
    this.#detector.heard(replica, nowMs)
  }

  /** A replica answered the ping of `sentAt`. */
  ponged(replica: number, { sentAt, clock, incarnation, run }: Pong, nowMs: number, step: Step): void {
    this.roundTrips.ponged(replica, nowMs - sentAt)
    const life = this.#lives[replica]
    const isSame = life?.run === run && life.incarnation === incarnation
    if (!isSame) this.#lives[replica] = { incarnation, run }
    this.#clocks[replica] = isSame ? Math.max(clock, this.#clocks[replica] as number) : clock
    this.#detector.answered(replica, { sentAtMs: sentAt, nowMs })
    if (this.#states[replica] !== 'reachable') this.#tell(replica, nowMs, step)
  }

  /** An answer to the first question of an operation took this long. */
  took(replica: number, ms: number, nowMs: number): void {
    if (replica === this.#local) return
    this.#detector.answered(replica, { sentAtMs: nowMs - ms, nowMs })
    this.#deviationMs += (Math.abs(ms - this.#meanMs) - this.#deviationMs) / 16
    this.#meanMs += (ms - this.#meanMs) / 16
  }

  /** These positions were asked so long ago and have not answered. */
  overdue(list: PreferenceList, positions: number, ms: number): void {
    for (let position = 0; position < list.replicas.length; position++) {
      if (positions & (1 << position)) this.#detector.overdue(list.replicas[position] as number, ms)
    }
  }

  linked(replica: number, up: boolean, nowMs: number, step: Step): void {
    this.#detector.linked(replica, up)
    if (up) this.#pingAtMs = -Infinity
    this.#tell(replica, nowMs, step)
  }

  /** Whether it is time to ping every replica again. */
  pingDue(nowMs: number, step: Step): boolean {
    this.#detector.check(nowMs)
    for (let replica = 0; replica < this.names.length; replica++) this.#tell(replica, nowMs, step)
    if (nowMs < this.#pingAtMs) return false
    this.#pingAtMs = nowMs + this.#detector.heartbeatMs / 2
    return true
  }

  get wakeAtMs(): number {
    return this.#pingAtMs
  }

  #look(view: ListView, list: PreferenceList, nowMs: number): void {
    const order: number[] = []
    view.usable = 0
    view.madeAtMs = nowMs
    for (let position = 0; position < list.replicas.length; position++) {
      const replica = list.replicas[position] as number
      if (replica === this.#local) view.local = position
      if (!this.usable(replica, nowMs)) continue
      view.usable |= 1 << position
      this.#insert(order, list, position)
    }
    view.order = order
    view.slow = this.#slowOf(list, order)
  }

  #slowOf(list: PreferenceList, order: readonly number[]): number {
    let slow = 0
    const fastestMs = this.latencyMs(list.replicas[order[0] ?? 0] as number)
    for (const position of order) {
      const latencyMs = this.latencyMs(list.replicas[position] as number)
      if (latencyMs > SLOW_FACTOR * fastestMs + SLOW_MS) slow |= 1 << position
    }
    return slow
  }

  /** Keeps the order by rising latency; lists are short. */
  #insert(order: number[], list: PreferenceList, position: number): void {
    const cost = this.latencyMs(list.replicas[position] as number)
    let at = order.length
    while (at > 0 && this.latencyMs(list.replicas[order[at - 1] as number] as number) > cost) {
      order[at] = order[at - 1] as number
      at--
    }
    order[at] = position
  }

  #tell(replica: number, nowMs: number, step: Step): void {
    const before = this.#states[replica] as Reachability
    const state = this.state(replica, nowMs)
    if (state === before) return
    this.#states[replica] = state
    this.#changedAtMs = nowMs
    step.notices.push({ kind: 'reachability', replica: this.names[replica] as string, state, before })
    step.notices.push(...this.#outlook.look(this.#states))
  }
}
