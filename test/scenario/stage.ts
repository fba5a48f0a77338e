/**
 * The stage on which scenario scripts play: coordinators and replicas, one clock, and a mail bag in which every message
 * waits until the script delivers it, loses it, or delivers it again.
 *
 * Pings are answered behind the scenes for as long as a replica is awake. Records are kept in plain maps and are durable
 * at once: what happens between a write and its flush is the simulator's business.
 */
import { NO_BIRTHS } from '../../src/core/births.ts'
import { Random } from '../../src/core/base/random.ts'
import { mergeRecords } from '../../src/core/causality/merge.ts'
import { compareKeys } from '../../src/core/base/key-order.ts'
import { NO_LIFE } from '../../src/core/life-mark.ts'
import { Coordinator } from '../../src/core/coordinator.ts'
import {
  isReaping,
  type Acquainted,
  type Announce,
  type Answer,
  type Errand,
  type Hinted,
  type Life,
  type LocalMessage,
  type Request,
  type Scan,
} from '../../src/core/message.ts'
import type { OperationId } from '../../src/core/operation/operation-name.ts'
import { resolveCore, type CoreOptions, type ResolvedCore } from '../../src/core/options.ts'
import { membershipOf, type Membership } from '../../src/core/placement/membership.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { Replica } from '../../src/core/replica.ts'
import { Step, type Now } from '../../src/core/step.ts'
import { Words, type CallResult } from './words.ts'

const STARTED_AT_MS = Date.UTC(2026, 0, 1)
const FIRST_COORDINATOR = 1_000

interface Letter {
  readonly coordinator: string
  readonly replica: string
  readonly message: LocalMessage
}

/** What a call of the script became. */
export interface Ticket {
  readonly label: string
  readonly coordinator: string
  id: number
  result: CallResult | undefined
}

interface Surroundings {
  readonly membership: Membership
  readonly words: Words
  readonly options: ResolvedCore
  /** Whether a replica answers others. */
  readonly isAwake: (index: number) => boolean
  /** Whether replicas erase what is deleted, for which they have to know each other. */
  readonly reaps: boolean
  readonly now: () => Now
}

export class StagedReplica {
  readonly id: string
  readonly index: number
  /** Answers pings. */
  awake = true
  full = false
  /** How long pings take, there and back: a is the nearest. Other messages take as long as the script lets them. */
  distanceMs: number
  wallAheadMs = 0
  /** Records in one page of a scan, however many were asked for: pages are bounded in bytes as well. */
  pageMax = Infinity
  /** How often its data began anew, and its process. */
  #data = 0
  #run = 0
  #records = new Map<string, StoredRecord>()
  #machine: Replica | undefined
  readonly #stage: Surroundings

  constructor(id: string, index: number, stage: Surroundings) {
    this.id = id
    this.index = index
    this.#stage = stage
    this.distanceMs = index + 1
    this.restart({ wiped: true })
  }

  get machine(): Replica {
    return this.#machine as Replica
  }

  get incarnation(): number {
    return this.#data * 100 + this.index + 1
  }

  get life(): Life {
    return { incarnation: this.incarnation, run: this.#run }
  }

  /** A new process over the same records, or over none and as a new actor. */
  restart({ wiped }: { readonly wiped: boolean }): void {
    this.#run++
    if (wiped) {
      this.#records = new Map()
      this.#data++
      this.#stage.words.nameActor(this.life, this.id + "'".repeat(this.#data - 1))
    }
    const own = [...this.#records].flatMap(([place, record]) => {
      const { keyspace, key } = parsePlace(place)
      return keyspace === 0 ? [{ keyspace, key, record }] : []
    })
    const { membership, options, isAwake, reaps } = this.#stage
    const exchange = reaps && { random: new Random(this.index + 1), usable: isAwake, asOf: () => 0 }
    const { index, life } = this
    this.#machine = new Replica({ index, life, membership, records: this, own, options, ...(exchange && { exchange }) })
    this.#meet(this.#machine)
  }

  /** Behind the scenes the others tell it that they know of no other life of it. */
  #meet({ standing }: Replica): void {
    const { membership, now } = this.#stage
    const step = new Step()
    standing?.tick(now(), step)
    const acquainted = { kind: 'acquainted', before: NO_LIFE, whole: true, remembers: true, known: 0 } as const
    const acceptor = { abstains: [], kept: 0, births: NO_BIRTHS, lives: [], bound: 0, revision: 0, forgottenAt: 0 }
    const recollection = { voted: 0, recalls: true, hadAnother: false, acceptor }
    for (const [at, message] of [...step.messages].entries()) {
      const peer = step.to[at] as number
      if (message.kind !== 'announce') continue
      const told = {
        ...acquainted,
        ...recollection,
        id: message.id,
        incarnation: membership.members.length + peer,
        to: message.incarnation,
      }
      standing?.answered(told, peer, now(), step)
    }
    for (const write of step.writes) this.store(write)
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    return this.#records.get(`${keyspace} ${key}`)
  }

  store({ keyspace, key, record }: RecordChange): void {
    if (record === undefined) this.#records.delete(`${keyspace} ${key}`)
    else this.#records.set(`${keyspace} ${key}`, record)
  }

  scan({ keyspace, prefix, after, limit }: Scan): { entries: RecordWrite[]; done: boolean } {
    const all = [...this.#records]
      .map(([place, record]) => ({ ...parsePlace(place), record }))
      .filter((entry) => entry.keyspace === keyspace && entry.key.startsWith(prefix))
      .filter(({ key }) => compareKeys(key, after) > 0)
      .toSorted((a, b) => compareKeys(a.key, b.key))
    const room = Math.min(limit, this.pageMax)
    return { entries: all.slice(0, room), done: all.length <= room }
  }
}

function parsePlace(place: string): { keyspace: number; key: string } {
  const space = place.indexOf(' ')
  return { keyspace: Number(place.slice(0, space)), key: place.slice(space + 1) }
}

export interface StageOptions {
  readonly replicas: readonly string[]
  readonly zones: readonly string[]
  /** Names of coordinators; one that is named like a replica is in its process. */
  readonly coordinators: readonly string[]
  readonly zone: string
  readonly core: CoreOptions
  /** Whether notices are printed. */
  readonly notices: boolean
}

export class Stage {
  readonly words: Words = new Words(STARTED_AT_MS)
  readonly membership: Membership
  readonly replicas = new Map<string, StagedReplica>()
  readonly coordinators = new Map<string, Coordinator>()
  /** What happened since the script last looked. */
  readonly lines: string[] = []
  bag: Letter[] = []
  /** Every answer that was delivered, to be delivered again. */
  readonly delivered: Letter[] = []
  /** Every request that was served, of which copies may come later. */
  readonly served: Letter[] = []
  /** The write that was sent last, for retries. */
  written: OperationId | undefined
  wallAheadMs = 0
  #monoMs = 1_000
  readonly #names: readonly string[]
  readonly #wakeAt = new Map<string, number>()
  readonly #notices: boolean

  constructor(options: StageOptions) {
    const { replicas, zones, coordinators, zone } = options
    const core = resolveCore(options.core)
    this.membership = membershipOf(replicas.map((id, i) => ({ id, zone: zones[i] ?? '' })))
    this.#names = coordinators
    this.#notices = options.notices
    const isAwake = (index: number): boolean => this.replica(this.membership.members[index]?.id as string).awake
    const around = {
      membership: this.membership,
      words: this.words,
      options: core,
      isAwake,
      reaps: options.core.horizonMs !== undefined,
      now: () => this.now(),
    }
    for (const [index, { id }] of this.membership.members.entries()) {
      this.replicas.set(id, new StagedReplica(id, index, around))
    }
    this.#acquaint()
    for (const [at, name] of coordinators.entries()) {
      const local = this.membership.members.findIndex(({ id }) => id === name)
      const { membership } = this
      const life = this.replicas.get(name)?.life
      const place = { name, membership, local, life, zone }
      const coordinator = new Coordinator({ ...place, options: core, random: new Random(at + 1) })
      this.coordinators.set(name, coordinator)
    }
  }

  /** Replicas that may have to tell whether they have forgotten anything have all met before the story begins. */
  #acquaint(): void {
    for (const replica of this.replicas.values()) {
      const asked = this.#storing(replica, ({ standing }, now, step) => standing?.tick(now, step))
      for (const [i, announce] of asked.messages.entries()) {
        const peer = this.replica(this.membership.members[asked.to[i] as number]?.id as string)
        const from = { from: replica.index, peer: replica.index }
        const told = this.#storing(peer, ({ standing }, _, step) => standing?.asked(announce as Announce, from, step))
        this.#storing(replica, ({ standing }, now, step) => {
          standing?.answered(told.messages[0] as Acquainted, peer.index, now, step)
        })
      }
    }
  }

  #storing(replica: StagedReplica, run: (machine: Replica, now: Now, step: Step) => void): Step {
    const step = new Step()
    run(replica.machine, this.now(replica.wallAheadMs), step)
    for (const write of step.writes) replica.store(write)
    return step
  }

  get monoMs(): number {
    return this.#monoMs
  }

  now(aheadMs = this.wallAheadMs): Now {
    return { monoMs: this.#monoMs, wallMs: STARTED_AT_MS + this.#monoMs - 1_000 + aheadMs }
  }

  replica(id: string): StagedReplica {
    const replica = this.replicas.get(id)
    if (replica === undefined) throw new Error(`there is no replica ${id}`)
    return replica
  }

  coordinator(name: string): Coordinator {
    const coordinator = this.coordinators.get(name)
    if (coordinator === undefined) throw new Error(`there is no coordinator ${name}`)
    return coordinator
  }

  /** Lets a coordinator act, and takes what comes of it. */
  act(name: string, run: (coordinator: Coordinator, now: Now, step: Step) => void): void {
    const step = new Step()
    run(this.coordinator(name), this.now(), step)
    this.#wakeAt.set(name, Math.min(step.wakeAt, this.#wakeAt.get(name) ?? Infinity))
    this.#take(name, step)
  }

  #take(name: string, step: Step): void {
    const pings: string[] = []
    const hints: Errand[] = []
    for (let i = 0; i < step.to.length; i++) {
      const message = step.messages[i] as LocalMessage
      const to = this.membership.members[step.to[i] as number]?.id as string
      if (message.kind === 'ping') {
        pings.push(to)
        continue
      }
      if (message.kind === 'hints') {
        hints.push(message)
        continue
      }
      this.#noteWrite(message)
      // The same for several, but for what each is told of its own clock.
      const said = this.words.message(message)
      const receivers = [to]
      this.bag.push({ coordinator: name, replica: to, message })
      for (let next = step.messages[i + 1]; next?.kind === message.kind; next = step.messages[i + 1]) {
        if (this.words.message(next) !== said) break
        const replica = this.membership.members[step.to[++i] as number]?.id as string
        receivers.push(replica)
        this.bag.push({ coordinator: name, replica, message: next })
      }
      this.#say(name, `to ${receivers.join(' ')}: ${said}`)
    }
    if (this.#notices) for (const notice of step.notices) this.#say(name, `notice: ${this.words.notice(notice)}`)
    for (const { tag, result } of step.replies) {
      const ticket = tag as Ticket
      ticket.result = result as CallResult
      this.lines.push(`${ticket.label}: ${this.words.result(ticket.result)}`)
    }
    for (const id of pings) this.#pong(name, this.replica(id))
    for (const errand of hints) this.#askForHints(name, errand)
    const here = this.bag.filter(({ coordinator, replica }) => coordinator === name && replica === name)
    if (here.some(({ message }) => isRequest(message))) {
      this.serve(name, name)
      this.arrive(name, name)
    }
  }

  #noteWrite(message: LocalMessage): void {
    if (message.kind === 'mint') this.written = { op: message.op, at: message.at, home: message.incarnation }
    if (message.kind !== 'write' || message.record.kind !== 'lww') return
    this.written = { op: message.record.op, at: message.record.at, home: 0 }
  }

  /** With several coordinators, each line says whose it is. */
  #say(name: string, line: string): void {
    this.lines.push(this.#names.length > 1 ? `${name} ${line}` : line)
  }

  #pong(name: string, replica: StagedReplica): void {
    if (!replica.awake) return
    const step = new Step()
    const ping = { kind: 'ping', sentAt: this.#monoMs - replica.distanceMs } as const
    replica.machine.receive(ping, FIRST_COORDINATOR, this.now(replica.wallAheadMs), step)
    const pong = step.messages[0] as Answer
    this.act(name, (coordinator, now, then) => coordinator.receive(pong, replica.index, now, then))
  }

  /** A coordinator looks after hints behind the scenes as well; what it then does about them is told. */
  #askForHints(name: string, errand: Errand): void {
    const replica = this.replica(name)
    const step = new Step()
    replica.machine.receive(errand, replica.index, this.now(), step)
    for (const answer of step.messages) {
      this.act(name, (coordinator, now, next) => coordinator.receive(answer as Hinted, replica.index, now, next))
    }
  }

  /** Hands a replica its requests; its answers go into the bag. */
  serve(id: string, only?: string): number {
    const replica = this.replica(id)
    const mine = this.#pick((letter) => letter.replica === id && isRequest(letter.message), only)
    for (const letter of mine) this.handTo(replica, letter)
    return mine.length
  }

  handTo(replica: StagedReplica, letter: Letter): void {
    const { coordinator, message } = letter
    const { id } = replica
    this.served.push(letter)
    const step = new Step()
    const from = coordinator === id ? replica.index : FIRST_COORDINATOR + this.#names.indexOf(coordinator)
    const now = this.now(replica.wallAheadMs)
    replica.machine.receive(message as Request | Errand, from, now, step)
    for (const scan of step.scans) replica.machine.scanned(scan, replica.scan(scan.request), now, step)
    for (const write of step.writes) replica.store(write)
    if (this.#notices) for (const notice of step.notices) this.lines.push(`${id} notice: ${this.words.notice(notice)}`)
    for (const [at, answer] of step.messages.entries()) {
      this.bag.push({ coordinator: this.#whoIs(step.to[at] as number), replica: id, message: answer })
    }
  }

  /** The coordinator behind an address: most answers go where the request came from. */
  #whoIs(address: number): string {
    if (address >= FIRST_COORDINATOR) return this.#names[address - FIRST_COORDINATOR] as string
    return this.membership.members[address]?.id as string
  }

  /** The replica refuses what it was asked, without looking at it. */
  refuse(id: string, reason: Omit<Extract<Answer, { kind: 'refused' }>, 'kind' | 'id' | 'round'>): void {
    const mine = this.#pick((letter) => letter.replica === id && isRequest(letter.message))
    for (const { coordinator, message } of mine) {
      if (message.kind === 'ping' || message.kind === 'pong') continue
      if (!('round' in message)) continue
      const { id: request, round } = message
      this.bag.push({ coordinator, replica: id, message: { kind: 'refused', id: request, round, ...reason } })
    }
  }

  /** Hands coordinators the answers of a replica. */
  arrive(id: string, only?: string): number {
    const mine = this.#pick((letter) => letter.replica === id && !isRequest(letter.message), only)
    for (const letter of mine) this.deliver(letter)
    return mine.length
  }

  deliver(letter: Letter): void {
    const { coordinator, replica, message } = letter
    this.delivered.push(letter)
    this.#say(coordinator, `${replica}: ${this.words.message(message)}`)
    const { index } = this.replica(replica)
    this.act(coordinator, (machine, now, step) => machine.receive(message as Answer, index, now, step))
  }

  lose(id: string, direction: 'to' | 'from', only?: string): number {
    const lost = (letter: Letter): boolean =>
      letter.replica === id && isRequest(letter.message) === (direction === 'to')
    return this.#pick(lost, only).length
  }

  #pick(wanted: (letter: Letter) => boolean, only?: string): Letter[] {
    const picked = this.bag.filter((letter) => wanted(letter) && (only ?? letter.coordinator) === letter.coordinator)
    this.bag = this.bag.filter((letter) => !picked.includes(letter))
    return picked
  }

  /** Time passes; coordinators wake when they asked to. */
  wait(ms: number): void {
    const untilMs = this.#monoMs + ms
    for (;;) {
      const next = Math.min(...this.#names.map((name) => this.#wakeAt.get(name) ?? Infinity))
      if (next > untilMs) break
      this.#monoMs = Math.max(this.#monoMs, next)
      for (const name of this.#names) if ((this.#wakeAt.get(name) ?? Infinity) <= this.#monoMs) this.tick(name)
    }
    this.#monoMs = untilMs
  }

  /** The processes of the coordinators stand still, and then all wake. */
  pause(ms: number): void {
    this.#monoMs += ms
    for (const name of this.#names) this.tick(name)
  }

  tick(name: string): void {
    this.#wakeAt.set(name, Infinity)
    const before = this.lines.length
    const at = this.#monoMs - 1_000
    this.act(name, (coordinator, now, step) => coordinator.tick(now, step))
    if (this.lines.length > before) this.lines.splice(before, 0, `at ${at} ms`)
  }

  link(id: string, up: boolean): void {
    const { index } = this.replica(id)
    for (const name of this.#names) {
      if (name !== id) this.act(name, (coordinator, now, step) => coordinator.linked(index, up, now, step))
    }
  }

  /** Replicas that are awake look after deleted records, and say what they have to say to each other. */
  reap(): void {
    for (const replica of this.replicas.values()) {
      if (replica.awake) this.#background(replica, ({ reaper }, now, step) => reaper?.tick(now, step))
    }
  }

  #background(replica: StagedReplica, run: (machine: Replica, now: Now, step: Step) => void): void {
    const step = this.#storing(replica, run)
    for (const [i, message] of step.messages.entries()) {
      const to = this.replica(this.membership.members[step.to[i] as number]?.id as string)
      this.lines.push(`${replica.id} to ${to.id}: ${this.words.message(message)}`)
      if (!to.awake) continue
      this.#background(to, ({ reaper }, at, next) => {
        if (message.kind === 'agreed') reaper?.answered(message, replica.index, at, next)
        else if (isReaping(message)) reaper?.asked(message, { from: replica.index, peer: replica.index }, at, next)
      })
    }
    for (const scan of step.scans) {
      const page = replica.scan(scan.request)
      this.#background(replica, (machine, at, next) => machine.walked(scan, page, at, next))
    }
  }

  /** Puts a record where it is wanted without any message. */
  place(id: string, write: RecordWrite): void {
    const replica = this.replica(id)
    const merged = mergeRecords(replica.read(write.keyspace, write.key), write.record) as StoredRecord
    replica.store({ ...write, record: merged })
  }
}

const REQUESTS = new Set('read write mint scan open ping drop-hint look pre-vote vote renew resign'.split(' '))

function isRequest({ kind }: LocalMessage): boolean {
  return REQUESTS.has(kind)
}
