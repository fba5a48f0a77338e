/**
 * The seats of one process: those that stand in elections, and those that only look on.
 *
 * What a seat does is decided in consensus/candidate.ts; here its questions get numbers and go to all electors, and the
 * answers find their way back. What happens to a seat is told as replies with the tag that it was opened with, as often
 * as something happens.
 * Ring: machines.
 */
import { QuorateError } from './base/errors.ts'
import type { Random } from './base/random.ts'
import { Candidate, SeatAgenda, type Ask, type CandidateConfig, type ElectorSaid } from './consensus/candidate.ts'
import type { ElectionRequest, Ruled } from './consensus/election-message.ts'
import { Electors, type Leader } from './consensus/group.ts'
import { Observer } from './consensus/observer.ts'
import type { Refused } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { PreferenceList } from './placement/placement.ts'
import { CountQuorum, firstPositions, majorityOf, type Quorum } from './quorum/quorum.ts'
import type { Now, Step } from './step.ts'

/** Questions of seats are numbered from here; those of handing over would take a century to come so far. */
export const SEAT_IDS: number = 2 ** 52 + 2 ** 51

export interface SeatsConfig {
  readonly membership: Membership
  readonly options: Pick<ResolvedCore, 'clockDriftMax' | 'seatsMax' | 'heartbeatMs'>
  readonly random: Random
  /** What stands in elections: `Candidate`, but for those who want to see it go wrong. */
  readonly candidate?: (config: CandidateConfig) => Candidate
}

/** A seat to be opened. */
export interface SeatPlan {
  /** Comes back with everything that is told of the seat. `undefined` for one that nobody wants to hear of. */
  readonly tag: unknown
  /** As `groupName` makes it. */
  readonly group: string
  /** The id of this process. */
  readonly holder: string
  readonly leaseMs: number
  /** Whether it leads only after `fenced`, where somebody led before. */
  readonly fences: boolean
  /** Whose votes elect, and whose renewals make a lease. Majorities by default. */
  readonly quorums?: { readonly electing: Quorum; readonly granting: Quorum }
}

/** What both kinds have in common. */
interface Place {
  readonly group: string
  readonly tag: unknown
  readonly list: PreferenceList
  /** Numbers of the latest questions. */
  readonly asked: number[]
  told: Leader | undefined
}

/** A seat that stands. For looking at; what changes it goes through `Seats`. */
export interface Seat extends Place {
  readonly candidate: Candidate
  readonly proposer: number
  readonly holder: string
  readonly leaseMs: number
  /** Why an elector refused last, whatever it was asked. */
  refusal: string | undefined
  isLow: boolean
}

/** A place from which to look on. */
export interface Watch extends Place {
  readonly observer: Observer
}

/** So many questions of one seat may still be answered. */
const ASKED_MAX = 16
/** What an elector said is looked at again this often in a heartbeat. */
const LOOKS_PER_HEARTBEAT = 2
/** Below this share of the lease observers are told how much is left. */
const LOW_SHARE = 1 / 2

interface Asked {
  readonly seat: Seat | undefined
  readonly watch: Watch | undefined
  readonly attempt: number
}

export class Seats {
  readonly #config: SeatsConfig
  readonly #electors: Electors
  readonly #seats = new Set<Seat>()
  readonly #watches = new Set<Watch>()
  readonly #asked = new Map<number, Asked>()
  readonly #agenda = new SeatAgenda()
  #nextId = SEAT_IDS

  constructor(config: SeatsConfig) {
    this.#config = config
    this.#electors = new Electors(config.membership)
  }

  /** How many there are. */
  get size(): number {
    return this.#seats.size + this.#watches.size
  }

  /** Those that stand in elections. */
  get standing(): ReadonlySet<Seat> {
    return this.#seats
  }

  /** Stands in elections from now on. Throws `QUORATE_OVERLOADED`. */
  open({ tag, group, holder, leaseMs, fences, quorums: given }: SeatPlan, now: Now, step: Step): Seat {
    this.#checkRoom()
    const list = this.#electors.listOf(group)
    const electors = list.replicas.length
    const majority = new CountQuorum(majorityOf(electors), firstPositions(electors))
    const proposer = this.#config.random.identity()
    const drift = this.#config.options.clockDriftMax
    const quorums = { electors, ...(given ?? { electing: majority, granting: majority }) }
    const random = this.#config.random.fork()
    const settings = { proposer, holder, ...quorums, leaseMs, drift, fences, random }
    const candidate = this.#config.candidate?.(settings) ?? new Candidate(settings)
    const named = { group, tag, list, proposer, holder, leaseMs }
    const seat: Seat = { ...named, candidate, asked: [], told: undefined, refusal: undefined, isLow: false }
    this.#seats.add(seat)
    this.#tick(seat, now, step)
    return seat
  }

  /** Looks on from now on. Throws `QUORATE_OVERLOADED`. */
  watch({ tag, group }: Pick<SeatPlan, 'tag' | 'group'>, now: Now, step: Step): Watch {
    this.#checkRoom()
    const list = this.#electors.listOf(group)
    const electors = list.replicas.length
    const observer = new Observer({ electors, everyMs: this.#config.options.heartbeatMs / LOOKS_PER_HEARTBEAT })
    const watch: Watch = { group, tag, list, observer, asked: [], told: undefined }
    this.#watches.add(watch)
    this.#look(watch, now, step)
    return watch
  }

  /** Who led before this generation cannot do anything any more. */
  fenced(seat: Seat, generation: number, now: Now, step: Step): void {
    seat.candidate.fenced(generation, now.monoMs, this.#agenda)
    this.#carryOut(seat, now, step)
  }

  /** Gives up what it has, and stands again a while later. */
  resign(seat: Seat, now: Now, step: Step): void {
    seat.candidate.resign(now.monoMs, this.#agenda)
    this.#carryOut(seat, now, step)
  }

  /** Gives up what it has; nothing more is told once this has been. */
  close(place: Seat | Watch, now: Now, step: Step): void {
    if ('candidate' in place && this.#seats.delete(place)) {
      place.candidate.retire(now.monoMs, this.#agenda)
      this.#carryOut(place, now, step)
    } else if ('observer' in place) {
      this.#watches.delete(place)
    }
    for (const id of place.asked) this.#asked.delete(id)
  }

  closeAll(now: Now, step: Step): void {
    for (const place of [...this.#seats, ...this.#watches]) this.close(place, now, step)
  }

  receive(answer: Ruled | Refused, from: number, now: Now, step: Step): void {
    const asked = this.#asked.get(answer.id)
    if (asked === undefined) return
    const { seat, watch, attempt } = asked
    const position = (seat ?? watch)?.list.replicas.indexOf(from) ?? -1
    if (position < 0) return
    if (watch !== undefined) this.#answered(watch, answer.id)
    if (answer.kind === 'ruled') this.#observe(asked, { position, ruled: answer }, now, step)
    if (seat === undefined) return
    if (answer.kind === 'refused') seat.refusal = `${answer.code} ${answer.detail}`.trim()
    const said = answer.kind === 'ruled' ? answer : NOTHING
    seat.candidate.answered(position, attempt, said, { nowMs: now.monoMs, agenda: this.#agenda })
    this.#carryOut(seat, now, step)
  }

  tick(now: Now, step: Step): void {
    for (const seat of this.#seats) this.#tick(seat, now, step)
    for (const watch of this.#watches) this.#look(watch, now, step)
  }

  /** What a seat is told, whoever looks on at the same group in this process need not ask for. */
  #observe(
    { watch, seat }: Asked,
    { position, ruled }: { readonly position: number; readonly ruled: Ruled },
    now: Now,
    step: Step,
  ): void {
    for (const each of this.#watches) {
      if (each !== watch && each.group !== seat?.group) continue
      each.observer.heard(position, ruled, now.monoMs)
      this.#tellLeader(each, now, step)
    }
  }

  #checkRoom(): void {
    const { seatsMax } = this.#config.options
    if (this.size < seatsMax) return
    const message = `${seatsMax} seats, locks and observers are open already: close some, or raise seatsMax`
    throw new QuorateError('QUORATE_OVERLOADED', message, { retry: 'safe' })
  }

  #tick(seat: Seat, now: Now, step: Step): void {
    seat.candidate.tick(now.monoMs, this.#agenda)
    this.#carryOut(seat, now, step)
  }

  #look(watch: Watch, now: Now, step: Step): void {
    const { group, list, observer } = watch
    const due = observer.due(now.monoMs)
    for (let position = 0; due >> position > 0; position++) {
      if ((due & (1 << position)) === 0) continue
      const id = this.#number(watch, { seat: undefined, watch, attempt: 0 })
      step.send(list.replicas[position] as number, { kind: 'look', id, round: 0, group })
    }
    this.#tellLeader(watch, now, step)
    step.wakeAt = Math.min(step.wakeAt, observer.wakeAtMs)
  }

  #carryOut(seat: Seat, now: Now, step: Step): void {
    const { asks, events } = this.#agenda
    for (const ask of asks.splice(0)) this.#ask(seat, ask, step)
    for (const event of events.splice(0)) {
      if (seat.tag !== undefined) step.replies.push({ tag: seat.tag, result: event })
    }
    this.#tellLeader(seat, now, step)
    this.#tellLease(seat, now, step)
    step.wakeAt = Math.min(step.wakeAt, seat.candidate.wakeAtMs)
  }

  #ask(seat: Seat, { kind, generation, acts, attempt }: Ask, step: Step): void {
    const id = this.#number(seat, { seat, watch: undefined, attempt })
    const { group, proposer, holder, leaseMs } = seat
    const where = { id, round: 0, group, proposer }
    switch (kind) {
      case 'pre-vote':
        return this.#send(seat, { kind, ...where }, step)
      case 'vote':
        return this.#send(seat, { kind, ...where, generation, holder, leaseMs }, step)
      case 'renew':
        return this.#send(seat, { kind, ...where, generation, holder, leaseMs, acts }, step)
      case 'resign':
        return this.#send(seat, { kind, ...where, generation }, step)
    }
  }

  #number(place: Place, asked: Asked): number {
    const id = this.#nextId++
    this.#asked.set(id, asked)
    place.asked.push(id)
    if (place.asked.length > ASKED_MAX) this.#asked.delete(place.asked.shift() as number)
    return id
  }

  /** It was asked of one elector alone: no other answer to it will come. */
  #answered({ asked }: Watch, id: number): void {
    this.#asked.delete(id)
    asked.splice(asked.indexOf(id), 1)
  }

  #send({ list }: Place, message: ElectionRequest, step: Step): void {
    for (const replica of list.replicas) step.send(replica, message)
  }

  #tellLeader(place: Seat | Watch, now: Now, step: Step): void {
    const leader = 'candidate' in place ? place.candidate.leader(now.monoMs) : place.observer.leader(now.monoMs)
    const { told: before, group, tag } = place
    if (leader?.generation === before?.generation) return
    place.told = leader
    // Where this process stands it watches as well, and tells once.
    if (tag !== undefined || 'observer' in place) step.notices.push({ kind: 'leader', group, leader, before })
    if (tag !== undefined) step.replies.push({ tag, result: { kind: 'leader', leader, before } })
  }

  #tellLease(seat: Seat, now: Now, step: Step): void {
    const { candidate, group, leaseMs } = seat
    const leftMs = candidate.leftMs(now.monoMs)
    const isLow = candidate.role === 'leader' && leftMs < leaseMs * LOW_SHARE
    if (isLow && !seat.isLow) {
      step.notices.push({ kind: 'lease', group, generation: candidate.generation, leftMs })
    }
    seat.isLow = isLow
  }
}

/** What a refusal tells: no more than that. */
const NOTHING: ElectorSaid = { granted: false, generation: 0, led: undefined, leftMs: 0 }
