/**
 * The simulated network: every directed link between two hosts delays, loses, doubles, reorders and replays messages,
 * and can be cut on its own.
 *
 * Messages travel as the objects that the machines made: all of them are read-only, and `freezes` makes that sure.
 * A request reaches whatever life of the replica is up when it arrives. An answer goes back on the link on which the
 * request came, so it reaches only the life of the process that asked, as on a real connection.
 */
import type { Random } from '../core/base/random.ts'
import type { Message } from '../core/message.ts'
import { delayMs } from './delays.ts'
import { SimEvent, type Simulator } from './simulator.ts'

export interface NetworkConditions {
  /** The share of messages that never arrive, from 0 to 1. */
  readonly lossRate: number
  /** The share of messages that arrive twice at nearly the same time. */
  readonly duplicateRate: number
  /** The share of messages that arrive once more, seconds later. */
  readonly replayRate: number
  /** Whether each link keeps the order, as TCP does. */
  readonly inOrder: boolean
  /** Mean one-way delay between hosts of one zone, and of two. */
  readonly nearMs: number
  readonly farMs: number
}

/** A link, from one host to another. */
export interface Link {
  readonly from: number
  readonly to: number
}

/** Which life of a process a message comes from or goes to: a process that crashed and restarted has a new one. */
export interface Endpoint {
  readonly host: number
  readonly life: number
}

export interface Letter {
  readonly message: Message
  readonly from: Endpoint
  /** `life` is -1 when any life will do. */
  readonly to: Endpoint
}

/** A letter under way: the event of its arrival. */
export class Parcel extends SimEvent implements Letter {
  readonly message: Message
  readonly from: Endpoint
  readonly to: Endpoint
  /** Whether the network made this copy of it. */
  readonly isCopy: boolean
  readonly #network: Network

  constructor({ message, from, to }: Letter, isCopy: boolean, network: Network) {
    super()
    this.message = message
    this.from = from
    this.to = to
    this.isCopy = isCopy
    this.#network = network
  }

  override fire(): void {
    this.#network.arrive(this)
  }
}

/** How long a letter is under way, in milliseconds, in place of what the conditions say. */
export type DelayOf = (letter: Letter, random: Random) => number

export interface Receiver {
  receive(parcel: Parcel): void
}

export interface NetworkStats {
  sent: number
  delivered: number
  lost: number
  cut: number
  copies: number
}

const CALM: Partial<NetworkConditions> = { lossRate: 0, duplicateRate: 0, replayRate: 0 }
const DELAY_MS_MAX = 5000
const REPLAY_MS_MAX = 10_000

export class Network {
  readonly stats: NetworkStats = { sent: 0, delivered: 0, lost: 0, cut: 0, copies: 0 }
  readonly #simulator: Simulator
  readonly #random: Random
  readonly #receivers: Receiver[] = []
  readonly #zones: readonly string[]
  readonly #freezes: boolean
  readonly #delayOf: DelayOf | undefined
  /** By link: how many cuts are in force, how many of them hold messages back, and what they hold. */
  readonly #cuts: Uint8Array
  readonly #holds: Uint8Array
  readonly #held = new Map<number, Parcel[]>()
  readonly #lastAtUs: Float64Array
  readonly #slowness: Float64Array
  #conditions: NetworkConditions

  /** @param parts `zones` has one entry for each host; `freezes` makes every message immutable, which is slow. */
  constructor(parts: {
    readonly simulator: Simulator
    readonly random: Random
    readonly zones: readonly string[]
    readonly conditions: NetworkConditions
    readonly freezes: boolean
    readonly delayOf?: DelayOf
  }) {
    const hosts = parts.zones.length
    this.#simulator = parts.simulator
    this.#random = parts.random
    this.#zones = parts.zones
    this.#conditions = parts.conditions
    this.#freezes = parts.freezes
    this.#delayOf = parts.delayOf
    this.#cuts = new Uint8Array(hosts * hosts)
    this.#holds = new Uint8Array(hosts * hosts)
    this.#lastAtUs = new Float64Array(hosts * hosts)
    this.#slowness = new Float64Array(hosts).fill(1)
  }

  /** Hosts join in the order of their indexes. */
  join(receiver: Receiver): void {
    this.#receivers.push(receiver)
  }

  send(letter: Letter): void {
    this.stats.sent++
    if (this.#freezes) freeze(letter.message)
    const random = this.#random
    const { lossRate, duplicateRate, replayRate } = this.#conditions
    if (lossRate > 0 && random.chance(lossRate)) this.stats.lost++
    else this.#post(new Parcel(letter, false, this), 0)
    if (duplicateRate > 0 && random.chance(duplicateRate)) this.#copy(letter, 0)
    if (replayRate > 0 && random.chance(replayRate)) this.#copy(letter, 1000 + random.fraction() * REPLAY_MS_MAX)
  }

  /** Messages on this link do not arrive; with `holds` they arrive when the last cut of the link is mended. */
  cut(link: Link, holds: boolean): void {
    const at = this.#at(link)
    this.#cuts[at] = (this.#cuts[at] as number) + 1
    if (holds) this.#holds[at] = (this.#holds[at] as number) + 1
  }

  /** Takes back one `cut` with the same arguments. */
  mend(link: Link, holds: boolean): void {
    const at = this.#at(link)
    this.#cuts[at] = (this.#cuts[at] as number) - 1
    if (holds) this.#holds[at] = (this.#holds[at] as number) - 1
    if (this.#cuts[at] !== 0) return
    const held = this.#held.get(at)
    this.#held.delete(at)
    for (const parcel of held ?? []) this.#post(parcel, 0)
  }

  isCut(link: Link): boolean {
    return (this.#cuts[this.#at(link)] as number) > 0
  }

  /** Delays to and from a host are this many times as long. */
  slow(host: number, factor: number): void {
    this.#slowness[host] = factor
  }

  /** From now on nothing is lost, doubled or replayed. Cuts and slow hosts stay. */
  calm(): void {
    this.#conditions = { ...this.#conditions, ...CALM }
  }

  /** For parcels: what was sent arrives now, if nothing is in the way. */
  arrive(parcel: Parcel): void {
    const { from, to, message } = parcel
    const link = from.host * this.#slowness.length + to.host
    if ((this.#cuts[link] as number) > 0) {
      if ((this.#holds[link] as number) > 0) this.#hold(link, parcel)
      else this.stats.cut++
      return
    }
    this.stats.delivered++
    this.#simulator.note(link * 32 + KINDS[message.kind])
    this.#receivers[to.host]?.receive(parcel)
  }

  #hold(at: number, parcel: Parcel): void {
    const held = this.#held.get(at)
    if (held === undefined) this.#held.set(at, [parcel])
    else held.push(parcel)
  }

  #copy(letter: Letter, extraMs: number): void {
    this.stats.copies++
    this.#post(new Parcel(letter, true, this), extraMs)
  }

  #post(parcel: Parcel, extraMs: number): void {
    const simulator = this.#simulator
    const from = parcel.from.host
    const to = parcel.to.host
    const meanMs = this.#zones[from] === this.#zones[to] ? this.#conditions.nearMs : this.#conditions.farMs
    const slowness = (this.#slowness[from] as number) * (this.#slowness[to] as number)
    const usualMs = this.#delayOf?.(parcel, this.#random) ?? delayMs(this.#random, meanMs)
    const tookMs = Math.min(usualMs * slowness, DELAY_MS_MAX)
    let atUs = simulator.nowUs + Math.ceil((tookMs + extraMs) * 1000)
    if (this.#conditions.inOrder && extraMs === 0) {
      const link = from * this.#slowness.length + to
      atUs = Math.max(atUs, this.#lastAtUs[link] as number)
      this.#lastAtUs[link] = atUs
    }
    simulator.scheduleAt(atUs, parcel)
  }

  #at({ from, to }: Link): number {
    return from * this.#slowness.length + to
  }
}

/** Numbers of the kinds in the trace. */
const KINDS: { readonly [Kind in Message['kind']]: number } = {
  read: 0,
  'read-answer': 1,
  write: 2,
  written: 3,
  mint: 4,
  minted: 5,
  scan: 6,
  'scan-page': 7,
  open: 8,
  opened: 9,
  refused: 10,
  ping: 11,
  pong: 12,
  compare: 13,
  compared: 14,
  descend: 15,
  differing: 16,
  list: 17,
  trade: 18,
  traded: 19,
  declined: 20,
  agree: 21,
  agreed: 22,
  reap: 23,
  announce: 24,
  acquainted: 25,
  look: 26,
  'pre-vote': 27,
  vote: 28,
  renew: 29,
  resign: 30,
  ruled: 31,
  prepare: 32,
  promised: 33,
  accept: 34,
  accepted: 35,
  preempted: 36,
  inquire: 37,
  told: 38,
  submit: 39,
  submitted: 40,
  outdated: 41,
}

/** Deeply; the bytes of values cannot be frozen and are left alone. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}
