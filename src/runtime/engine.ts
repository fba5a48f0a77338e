/**
 * The host of the machines on real time: obeys the contract of core/step.ts on sockets and disk.
 *
 * Every input is handed to a machine at once; what leaves is gathered until the end of the event-loop turn: one frame
 * per link, one flush of the disk.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import type { Coordinator } from '../core/coordinator.ts'
import type { Call } from '../core/coordinator-calls.ts'
import {
  isExchangeAnswer,
  isQuestion,
  isReaping,
  type Answer,
  type Errand,
  type LocalAnswer,
  type LocalMessage,
  type Message,
  type Request,
} from '../core/message.ts'
import type { Seats } from '../core/coordinator-seats.ts'
import type { Notice } from '../core/notice.ts'
import type { Replica } from '../core/replica.ts'
import { Step, type Address, type Now } from '../core/step.ts'
import { ByteReader } from './codec/bytes.ts'
import { isPackedAlike, readAnswer, readFrameHead, readRequest, type MessageLimits } from './codec/message-codec.ts'
import { Outbox } from './outbox.ts'
import { ReplicaHost, type DamagedRecord } from './replica-host.ts'
import type { Storage } from './storage/storage.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import type { Link } from './transport/transport.ts'

/** Receives the outcome of a call: the `tag` of every call is one of these. */
export interface Ticket {
  done(result: unknown): void
}

/** A replica in this process, with its storage. */
export interface LocalReplica {
  readonly replica: Replica
  readonly storage: Storage
}

export interface EngineConfig {
  readonly coordinator: Coordinator
  /** The replica in this process, with its place in the membership and its storage. */
  readonly local: (LocalReplica & { readonly index: number }) | undefined
  readonly members: number
  readonly epoch: number
  readonly limits: MessageLimits
  readonly telemetry: Telemetry
  readonly onNotice: (notice: Notice) => void
  /** The storage failed: the process must not go on as this replica. */
  readonly onFatal: (error: QuorateError) => void
}

/** Addresses of links from outside start above every replica's index. */
const FIRST_LINK_ADDRESS = 1024

export class Engine {
  readonly #config: EngineConfig
  readonly #localIndex: number
  #replica: Replica | undefined
  #host: ReplicaHost | undefined
  readonly #now = { monoMs: 0, wallMs: 0 }
  #turnOpen = false
  readonly #step = new Step()
  readonly #outboxes = new Map<Address, Outbox>()
  readonly #addresses = new Map<Link, Address>()
  #nextAddress = FIRST_LINK_ADDRESS
  readonly #localRequests: (Request | Errand)[] = []
  readonly #localAnswers: (Answer | LocalAnswer)[] = []
  #pumping = false
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Infinity
  #stopped = false
  #uninterrupted = false
  #draining = false

  constructor(config: EngineConfig) {
    this.#config = config
    this.#localIndex = config.local?.index ?? -1
    for (let index = 0; index < config.members; index++) this.#outboxes.set(index, new Outbox(config.epoch))
    if (config.local !== undefined) this.#serve(config.local)
    this.#tick()
  }

  /** The replica here stops; what it has not answered, it never will. */
  stopReplica(): void {
    this.#host?.stop()
  }

  /** Another replica takes its place, over other data. */
  replaceReplica(local: LocalReplica): void {
    this.#serve(local)
    this.#tick()
  }

  #serve({ replica, storage }: LocalReplica): void {
    const { onNotice, onFatal } = this.#config
    const resume = (): Now => this.now
    const deliver = this.#deliver
    this.#replica = replica
    this.#host = new ReplicaHost({ replica, storage, deliver, resume, settle: this.#pump, onNotice, onFatal })
  }

  /** The two clocks, read once per turn, and the monotonic one anew with every frame. */
  get now(): Now {
    if (!this.#turnOpen) {
      this.#now.monoMs = performance.now()
      this.#now.wallMs = Date.now()
      this.#turnOpen = true
      setImmediate(this.#endTurn)
    }
    return this.#now
  }

  /**
   * The time at which a frame is taken up. A turn may have begun long ago, when a callback before this one took long;
   * a lease that is granted in it must not count from then.
   */
  get #frameNow(): Now {
    const now = this.now
    this.#now.monoMs = performance.now()
    return now
  }

  get telemetry(): Telemetry {
    return this.#config.telemetry
  }

  /** Answers of the replica here that wait for its disk. */
  get held(): number {
    return this.#host?.held ?? 0
  }

  /** Records of the replica here that could not be read when it started. */
  get damaged(): readonly DamagedRecord[] {
    return this.#host?.damaged ?? []
  }

  /** Messages to a replica that no link could take. */
  droppedTo(index: number): number {
    return this.#outboxes.get(index)?.dropped ?? 0
  }

  /** Hands on what this process leads, and takes no more calls; those in flight go on. */
  drain(): void {
    if (this.#stopped || this.#draining) return
    this.#draining = true
    this.#config.coordinator.seats.closeAll(this.#frameNow, this.#step)
    this.#pump()
  }

  call(call: Call): number {
    if (this.#stopped || this.#draining) {
      ;(call.tag as Ticket).done(new QuorateError('QUORATE_CLOSED', 'this store is closed; nothing was sent'))
      return 0
    }
    if (this.#uninterrupted) {
      const message = 'a function that makes the value of an update must not call the store: nothing was sent'
      ;(call.tag as Ticket).done(invalid(message))
      return 0
    }
    // A lease must not count from when this turn began.
    const now = call.kind !== 'open' && call.keyspace.isLed ? this.#frameNow : this.now
    const id = this.#config.coordinator.call(call, now, this.#step)
    this.#pump()
    return id
  }

  /** Runs code of the application in the middle of an input: what it asks of this engine meanwhile is refused. */
  uninterrupted<T>(run: () => T): T {
    this.#uninterrupted = true
    try {
      return run()
    } finally {
      this.#uninterrupted = false
    }
  }

  cancel(id: number): void {
    if (this.#uninterrupted) {
      setImmediate(() => this.cancel(id))
      return
    }
    this.#config.coordinator.cancel(id, this.now, this.#step)
    this.#pump()
  }

  /** Exchanges with every other replica that shares records with the one here, soon. */
  repair(): { readonly peers: readonly number[]; readonly from: number } {
    let demanded: { readonly peers: readonly number[]; readonly from: number } = { peers: [], from: 0 }
    if (this.#stopped) return demanded
    const { now } = this
    this.#host?.exchange(-1, undefined, (exchange, step) => (demanded = exchange.demand(now, step)))
    this.#pump()
    return demanded
  }

  /** Does something with the seats of this process. Throws `QUORATE_CLOSED`, and whatever that throws. */
  seats<T>(run: (seats: Seats, now: Now, step: Step) => T): T {
    if (this.#stopped || this.#draining) {
      throw new QuorateError('QUORATE_CLOSED', 'this store is closed; nothing was sent')
    }
    try {
      return run(this.#config.coordinator.seats, this.#frameNow, this.#step)
    } finally {
      this.#pump()
    }
  }

  /** The link that this process dialed to a replica came up, or went (`undefined`). */
  dialed(index: number, link: Link | undefined): void {
    if (this.#stopped) return
    const outbox = this.#outboxes.get(index) as Outbox
    outbox.link = link
    this.#config.coordinator.linked(index, link !== undefined, this.now, this.#step)
    this.#pump()
  }

  /** Somebody dialed this process: requests come from there, answers go back. */
  accepted(link: Link): void {
    const address = this.#nextAddress++
    this.#outboxes.set(address, new Outbox(this.#config.epoch, link))
    this.#addresses.set(link, address)
  }

  gone(link: Link): void {
    const address = this.#addresses.get(link)
    if (address === undefined) return
    this.#addresses.delete(link)
    this.#replica?.forget(address)
    this.#config.coordinator.leaders.forget(address)
    this.#outboxes.delete(address)
  }

  /** A frame from the replica that was dialed. Throws `Malformed`: the caller closes the link. */
  answers(index: number, bytes: Uint8Array): void {
    if (this.#stopped) return
    const { coordinator, epoch, limits } = this.#config
    const reader = new ByteReader(bytes)
    readFrameHead(reader, epoch)
    const now = this.#frameNow
    while (!reader.done) {
      const answer = readAnswer(reader, limits)
      if (isExchangeAnswer(answer)) this.#host?.answered(answer, index, now)
      else if (answer.kind === 'agreed') this.#host?.agreed(answer, index, now)
      else if (answer.kind === 'acquainted') this.#host?.acquainted(answer, index, now)
      else coordinator.receive(answer, index, now, this.#step)
    }
    this.#pump()
  }

  /** A frame from whoever dialed here, a member or (-1) a client. Throws `Malformed`: the caller closes the link. */
  requests(link: Link, memberIndex: number, bytes: Uint8Array): void {
    const from = this.#addresses.get(link)
    if (from === undefined || this.#stopped) return
    const { coordinator, epoch, limits } = this.#config
    const reader = new ByteReader(bytes)
    readFrameHead(reader, epoch)
    const now = this.#frameNow
    if (memberIndex >= 0) coordinator.peers.heard(memberIndex, now.monoMs)
    while (!reader.done) {
      const request = readRequest(reader, limits)
      if (isQuestion(request)) this.#host?.ask(request, { from, peer: memberIndex }, now)
      else if (isReaping(request)) this.#host?.reap(request, { from, peer: memberIndex }, now)
      else if (request.kind === 'announce') this.#host?.announced(request, { from, peer: memberIndex })
      else if (request.kind === 'submit') coordinator.leaders.submitted(request, from, now, this.#step)
      else this.#host?.serve(request, from, now)
    }
    this.#pump()
  }

  /**
   * Nothing is sent, answered or ticked any more. Calls in flight end with `QUORATE_CLOSED`, and what this process leads
   * is handed on; with `isCrash` nobody is told.
   */
  stop({ isCrash }: { readonly isCrash: boolean }): void {
    if (this.#stopped) return
    this.#config.coordinator.close(this.#frameNow, this.#step)
    if (isCrash) this.#step.clearSends()
    this.#pump()
    this.#flush()
    this.#host?.stop()
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  readonly #endTurn = (): void => {
    this.#turnOpen = false
    if (this.#stopped) return
    this.#host?.endTurn()
    this.#flush()
  }

  #flush(): void {
    for (const outbox of this.#outboxes.values()) if (outbox.waiting) outbox.flush()
  }

  readonly #deliver = (to: Address, message: LocalMessage): void => {
    if (to === this.#localIndex) this.#localAnswers.push(message as Answer | LocalAnswer)
    else this.#outboxes.get(to)?.add(message as Message)
  }

  /** Takes everything out of the coordinator's step and carries it out, until nothing more comes of it. */
  readonly #pump = (): void => {
    if (this.#pumping || this.#stopped) return
    this.#pumping = true
    const now = this.now
    do {
      this.#carryOut()
      for (let request = this.#localRequests.shift(); request; request = this.#localRequests.shift()) {
        this.#host?.serve(request, this.#localIndex, now)
      }
      for (let answer = this.#localAnswers.shift(); answer; answer = this.#localAnswers.shift()) {
        this.#config.coordinator.receive(answer, this.#localIndex, now, this.#step)
      }
    } while (this.#step.to.length > 0 || this.#step.replies.length > 0)
    this.#pumping = false
    this.#arm()
  }

  #carryOut(): void {
    const step = this.#step
    let last: Outbox | undefined
    let packed: Message | undefined
    for (let i = 0; i < step.to.length; i++) {
      const to = step.to[i] as Address
      const message = step.messages[i] as Message
      if (to === this.#localIndex) {
        this.#localRequests.push(message as Request | Errand)
        continue
      }
      const outbox = this.#outboxes.get(to)
      // The link of somebody who waits for an answer may be gone.
      if (outbox === undefined) continue
      if (last !== undefined && packed !== undefined && isPackedAlike(message, packed)) outbox.addAsIn(last, message)
      else outbox.add(message)
      last = outbox
      packed = message
    }
    step.clearSends()
    if (step.notices.length > 0) for (const notice of step.notices.splice(0)) this.#config.onNotice(notice)
    if (step.replies.length > 0) for (const { tag, result } of step.replies.splice(0)) (tag as Ticket).done(result)
  }

  /** One timer, moved only when the machine wants to wake earlier than it would. */
  #arm(): void {
    const wakeAtMs = Math.min(this.#step.wakeAt, this.#host?.takeWake() ?? Infinity)
    this.#step.wakeAt = Infinity
    if (wakeAtMs >= this.#timerAtMs || this.#stopped) return
    clearTimeout(this.#timer)
    this.#timerAtMs = wakeAtMs
    this.#timer = setTimeout(this.#tick, Math.max(0, Math.ceil(wakeAtMs - performance.now())))
    this.#timer.unref()
  }

  readonly #tick = (): void => {
    this.#timerAtMs = Infinity
    if (this.#stopped) return
    this.#config.coordinator.tick(this.#frameNow, this.#step)
    this.#host?.tick(this.now)
    this.#pump()
  }
}
