/**
 * One life of a simulated process: the machines in its memory, and the duties of core/step.ts between them, the disk
 * and the network. When the process crashes, this object is dropped.
 *
 * The disk's duty is kept in one of two ways, and a run draws which. *Joined*: everything that leaves waits for all
 * that was staged before it, and messages inside the process do not wait. *Apart*: an answer waits only if it speaks of
 * something that is not durable yet, and inside the process it waits as well, since what the coordinator does with it
 * may leave at once.
 */
import { Coordinator } from '../core/coordinator.ts'
import type { Call } from '../core/coordinator-calls.ts'
import type { Seats } from '../core/coordinator-seats.ts'
import {
  isExchangeAnswer,
  isQuestion,
  isReaping,
  type Accept,
  type Answer,
  type Errand,
  type LocalMessage,
  type Message,
  type Request,
} from '../core/message.ts'
import { definitionFingerprint } from '../core/keyspace-definition.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import { HANDOFF_IDS } from '../core/coordinator-handoff.ts'
import { Replica, type ScannedPage } from '../core/replica.ts'
import type { ReplicaExchange } from '../core/replica-exchange.ts'
import type { ReplicaStanding } from '../core/replica-standing.ts'
import type { Found } from '../core/repair/record-index.ts'
import { Step, type Address, type LookEffect, type Now, type Reply, type ScanEffect } from '../core/step.ts'
import {
  brokenSource,
  brokenWrite,
  ForgetfulBallots,
  forgetful,
  ForgetfulForest,
  hurried,
  TimerReaper,
  withoutFloors,
} from './breakage.ts'
import { isAnswer } from './answers.ts'
import { brokenCandidate, withoutVotes, WOULD } from './broken-elections.ts'
import { Fencing } from './fencing.ts'
import { NO_BALLOT } from '../core/base/ballot.ts'
import { UNWRITTEN } from '../core/consensus/register-state.ts'
import type { HostConfig } from './host-config.ts'
import type { Endpoint, Parcel } from './network.ts'

/** A call of a client and where its result goes. */
export class Ticket {
  /** The coordinator's id of the call; 0 before it began. */
  id = 0
  isOver = false
  readonly #done: (result: unknown) => void

  /** @param done called once, from inside the process: it must not call back into it. */
  constructor(done: (result: unknown) => void) {
    this.#done = done
  }

  end(result: unknown): void {
    if (this.isOver) return
    this.isOver = true
    this.#done(result)
  }
}

type CopiesOf = (keyspace: number) => number | undefined

/** What a call gets whose process crashed. */
export const CRASHED: unique symbol = Symbol('crashed')

/** An effect that waits for the disk. */
interface Held {
  /** How many staged writes must be durable. */
  readonly needs: number
  readonly to: Address
  readonly message: LocalMessage | undefined
  readonly reply: Reply | undefined
}

/** Addresses of links begin above every replica's index. */
const LINKS_FROM = 1024
const HOSTS_MAX = 64

export class Process {
  readonly endpoint: Endpoint
  readonly coordinator: Coordinator
  readonly tickets: Set<Ticket> = new Set()
  /** Scans that the replica asked for and that the host has to carry out. */
  readonly scans: ScanEffect[] = []
  /** Looks of its exchanges. */
  readonly looks: LookEffect[] = []
  keyspace: Keyspace | undefined = undefined
  /** Whether its replica has found that its disk holds an older copy. */
  isOlderCopy = false
  /** When the machine wants to be ticked, on its own clock. */
  wakeAtMs: number = Infinity
  readonly #config: HostConfig
  readonly #replica: Replica | undefined
  readonly #step = new Step()
  readonly #local: LocalMessage[] = []
  readonly #forged: { readonly from: Address; readonly answer: Answer }[] = []
  readonly #fencing: Fencing
  /** Whether a proposer asks its acceptor. */
  #isAsked = false
  /** Reads of registers. */
  readonly #reads = new Set<number>()
  readonly #endpoints = new Map<Address, Endpoint>()
  #held: Held[] = []
  /** Only where it is broken. */
  #timer: TimerReaper | undefined

  constructor(config: HostConfig, life: number) {
    const { name, membership, options, disk, zone, random, index, breakage } = config
    this.#config = config
    this.endpoint = { host: index, life }
    this.#fencing = new Fencing(config.keyspace.definition)
    const local = disk === undefined ? -1 : index
    const lifeOfReplica = disk && { incarnation: disk.incarnation, run: random.identity() }
    this.coordinator = new Coordinator({
      name,
      membership,
      local,
      life: lifeOfReplica,
      zone,
      options,
      random: random.fork(),
      ...(breakage === 'counter-without-max' && { ballots: (proposer: number) => new ForgetfulBallots(proposer) }),
      ...brokenCandidate(breakage),
    })
    if (disk === undefined || lifeOfReplica === undefined) return
    const { peers } = this.coordinator
    const exchange = {
      random: random.fork(),
      usable: (replica: number, nowMs: number) => peers.usable(replica, nowMs),
      asOf: (replica: number, sinceMs: number, nowMs: number) => peers.asOf(replica, sinceMs, nowMs),
      ...(breakage === 'stale-digest' && { forest: (copiesOf: CopiesOf) => new ForgetfulForest(copiesOf) }),
    }
    const own = breakage === 'counters-restart' ? withoutFloors(disk.own()) : disk.own()
    const records = breakage === 'floor-ignored' ? withoutVotes(disk, () => this.#isAsked) : disk
    const parts = { index, life: lifeOfReplica, membership, records, own, options, exchange }
    for (const write of own) this.#fencing.wrote(write)
    this.#replica = new Replica(parts)
    for (const { definition, confirmed } of this.#replica.keyspaces()) {
      if (confirmed) this.coordinator.leaders.registered(definition)
    }
    if (breakage === 'reaps-by-timer') this.#timer = new TimerReaper(options.horizonMs)
  }

  /** What machines that work would not do. */
  get problems(): string[] {
    return this.#fencing.problems
  }

  /** Whether its replica has everything that it should have, and votes on registers. */
  get isWhole(): boolean {
    const { definition } = this.#config.keyspace
    const { standing } = this.#replica ?? {}
    return standing === undefined || (standing.isWhole && (definition.mode !== 'cp' || standing.mayVote(definition)))
  }

  /** Whether its replica votes in elections. */
  get votes(): boolean {
    return this.#replica?.votes === true
  }

  receive(parcel: Parcel, now: Now): void {
    const { from } = parcel
    const { membership, breakage } = this.#config
    const message = forgetful(breakage, parcel.message)
    const members = membership.members.length
    const source = breakage === 'duplicate-counts' ? brokenSource(parcel, members) : from.host
    if (isExchangeAnswer(message)) {
      this.#exchange((exchange) => exchange.answered(message, source, now, this.#step))
    } else if (message.kind === 'agreed') {
      this.#quietly(() => this.#replica?.reaper?.answered(message, source, now, this.#step))
    } else if (message.kind === 'acquainted') {
      this.#exchange((_, standing) => standing.answered(message, source, now, this.#step))
    } else if (isAnswer(message)) {
      this.coordinator.receive(message, source, now, this.#step)
      this.#absorb()
    } else {
      if (from.host < members) this.coordinator.peers.heard(from.host, now.monoMs)
      const address = LINKS_FROM + from.life * HOSTS_MAX + from.host
      const asker = { from: address, peer: from.host < members ? from.host : -1 }
      if (isQuestion(message)) this.#exchange((exchange) => exchange.asked(message, asker, now, this.#step))
      else if (isReaping(message)) this.#quietly(() => this.#replica?.reaper?.asked(message, asker, now, this.#step))
      else if (message.kind === 'announce') this.#exchange((_, standing) => standing.asked(message, asker, this.#step))
      else if (message.kind === 'submit') {
        this.coordinator.leaders.submitted(message, address, now, this.#step)
        this.#absorb()
      } else {
        const isFresh = breakage === 'late-messages' && this.#replica !== undefined
        this.#serve(isFresh ? hurried(message, this.#replica.clock.at(now)) : message, address, now)
      }
    }
  }

  call(ticket: Ticket, call: Call, now: Now): void {
    ticket.id = this.coordinator.call(call, now, this.#step)
    this.#absorb()
  }

  cancel(ticket: Ticket, now: Now): void {
    if (ticket.isOver) return
    this.coordinator.cancel(ticket.id, now, this.#step)
    this.#absorb()
  }

  /** Does something with the seats of the coordinator. */
  seats(now: Now, run: (seats: Seats, step: Step) => void): void {
    run(this.coordinator.seats, this.#step)
    this.#absorb()
    this.settle(now)
  }

  linked(link: { readonly replica: number; readonly up: boolean }, now: Now): void {
    this.coordinator.linked(link.replica, link.up, now, this.#step)
    this.#absorb()
  }

  tick(now: Now): void {
    this.wakeAtMs = Infinity
    this.coordinator.tick(now, this.#step)
    this.#absorb()
    this.#exchange((exchange) => exchange.tick(now, this.#step))
    this.#quietly(() => this.#replica?.reaper?.tick(now, this.#step))
    if (this.#timer !== undefined) this.#eraseRashly(this.#timer, now)
  }

  #eraseRashly(timer: TimerReaper, now: Now): void {
    const { disk, keyspace } = this.#config
    const range = { keyspace: definitionFingerprint(keyspace.definition), prefix: '', after: '', limit: 1_000 }
    const records = disk?.scan({ kind: 'scan', id: 0, round: 0, ...range }).entries ?? []
    for (const change of timer.ripe(records, now)) disk?.stage(change)
  }

  scanned(scan: ScanEffect, page: ScannedPage, now: Now): void {
    this.#replica?.scanned(scan, page, now, this.#step)
    this.#absorb()
  }

  looked(look: LookEffect, found: Found, now: Now): void {
    this.#exchange((exchange) => exchange.looked(look, found, now, this.#step))
  }

  /** Digests speak of all that is staged. */
  #exchange(input: (exchange: ReplicaExchange, standing: ReplicaStanding) => void): void {
    const { exchange, standing } = this.#replica ?? {}
    if (exchange !== undefined && standing !== undefined) this.#quietly(() => input(exchange, standing))
  }

  #quietly(input: () => void): void {
    const { disk } = this.#config
    if (disk === undefined) return
    input()
    disk.touchedStaged = true
    this.#absorb()
  }

  /** Delivers what the machines say to each other until they have nothing more to say. */
  settle(now: Now): void {
    this.#forge(now)
    for (let message = this.#local.shift(); message !== undefined; message = this.#local.shift()) {
      const { index } = this.#config
      if (isAnswer(message)) {
        this.coordinator.receive(message, index, now, this.#step)
        this.#absorb()
      } else {
        this.#serve(message as Request, index, now)
      }
      this.#forge(now)
    }
  }

  /** The disk has made more durable: lets go what waited for it. */
  flushed(): void {
    const { disk } = this.#config
    const held = this.#held
    let free = 0
    while (free < held.length && (held[free] as Held).needs <= (disk?.durable ?? 0)) free++
    if (free === 0) return
    this.#held = held.slice(free)
    for (const effect of held.slice(0, free)) this.#letGo(effect)
  }

  #serve(request: Request | Errand, from: Address, now: Now): void {
    if (this.#replica === undefined) return
    this.#isAsked = request.kind === 'prepare' || request.kind === 'accept'
    this.#replica.receive(request, from, now, this.#step)
    if (request.kind === 'accept') this.#fencing.answered(request, this.#step.messages)
    this.#isAsked = false
    this.#absorb()
  }

  /** Takes everything out of the step. */
  #absorb(): void {
    const step = this.#step
    const needs = this.#stage()
    const waits = needs > (this.#config.disk?.durable ?? 0)
    for (let i = 0; i < step.messages.length; i++) {
      const to = step.to[i] as Address
      const message = step.messages[i] as LocalMessage
      const passes = !waits || (this.#config.joinsEffects && this.#isHere(to))
      if (passes) this.#transmit(to, message)
      else this.#held.push({ needs, to, message, reply: undefined })
    }
    for (const reply of step.replies) {
      if (waits) this.#held.push({ needs, to: -1, message: undefined, reply })
      else this.#reply(reply)
    }
    for (const scan of step.scans) this.scans.push(scan)
    for (const look of step.looks) this.looks.push(look)
    if (step.wakeAt < this.wakeAtMs) this.wakeAtMs = step.wakeAt
    this.isOlderCopy ||= step.notices.some(({ kind }) => kind === 'older-copy')
    step.clear()
  }

  /** Makes the step's writes visible. Gives how many staged writes must be durable before the step's effects leave. */
  #stage(): number {
    const { disk, joinsEffects, breakage } = this.#config
    if (disk === undefined) return 0
    const { writes } = this.#step
    const waits = writes.length > 0 || disk.touchedStaged
    for (const write of writes) this.#fencing.wrote(write)
    for (const write of writes) disk.stage(breakage === undefined ? write : brokenWrite(write, breakage))
    disk.touchedStaged = false
    if (breakage === 'early-acknowledgement') return 0
    return waits || joinsEffects ? disk.staged : 0
  }

  #letGo({ to, message, reply }: Held): void {
    if (reply !== undefined) this.#reply(reply)
    else if (message !== undefined) this.#transmit(to, message)
  }

  #isHere(to: Address): boolean {
    return this.#replica !== undefined && to === this.#config.index
  }

  #transmit(to: Address, message: LocalMessage): void {
    const { network, breakage } = this.#config
    if (breakage === 'no-pre-vote' && message.kind === 'pre-vote') {
      this.#forged.push({ from: to, answer: { ...WOULD, id: message.id } })
      return
    }
    if (breakage === 'leader-skips-recovery' && message.kind === 'prepare') {
      const { id, round } = message
      this.#forged.push({
        from: to,
        answer: { kind: 'promised', id, round, accepted: NO_BALLOT, state: UNWRITTEN },
      })
      return
    }
    if (breakage === 'unsettled-read' && this.#isReadAgain(message)) {
      this.#forged.push({ from: to, answer: { kind: 'accepted', id: message.id, round: message.round } })
      return
    }
    if (this.#isHere(to)) {
      this.#local.push(message)
      return
    }
    network.send({ message: message as Message, from: this.endpoint, to: this.#endpointOf(to) })
    if (breakage === 'hint-dropped-early' && message.kind === 'write' && message.id >= HANDOFF_IDS) {
      this.#forged.push({ from: to, answer: { kind: 'written', id: message.id, round: 0 } })
    }
  }

  /** Whether a read proposes again what it has found. */
  #isReadAgain(message: LocalMessage): message is Accept {
    if (message.kind === 'inquire') this.#reads.add(message.id)
    return message.kind === 'accept' && this.#reads.has(message.id)
  }

  /** Answers that nobody gave, in a process that is broken. */
  #forge(now: Now): void {
    for (let forged = this.#forged.shift(); forged !== undefined; forged = this.#forged.shift()) {
      this.coordinator.receive(forged.answer, forged.from, now, this.#step)
      this.#absorb()
    }
  }

  /** A replica in whatever life, or the other end of a link. */
  #endpointOf(to: Address): Endpoint {
    const known = this.#endpoints.get(to)
    if (known !== undefined) return known
    const link = to - LINKS_FROM
    const endpoint = link < 0 ? { host: to, life: -1 } : { host: link % HOSTS_MAX, life: Math.floor(link / HOSTS_MAX) }
    this.#endpoints.set(to, endpoint)
    return endpoint
  }

  #reply({ tag, result }: Reply): void {
    const ticket = tag as Ticket
    this.tickets.delete(ticket)
    ticket.end(result)
  }
}
