/**
 * The coordinator: runs client operations against replicas.
 *
 * A deterministic machine. Inputs are calls, messages, link changes and ticks, each with the time; effects go into a
 * `Step`. It keeps the operations in flight, their deadlines, and what it knows of the replicas; what an operation does
 * is decided in operation/.
 * The host's duty: see step.ts; deliver answers with the index of the replica they came from; tick by `wakeAt`.
 * Ring: machines.
 */
import { authorText } from './author.ts'
import { invalid, QuorateError } from './base/errors.ts'
import type { Random } from './base/random.ts'
import { CLOCK_ACTOR, EMPTY_CONTEXT, seenUpTo, type CausalContext } from './causality/causal-context.ts'
import { HybridClock, stampOf, wallOf } from './causality/hybrid-time.ts'
import { ABSENT } from './causality/merge.ts'
import { Keyspace } from './operation/keyspace.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Call, PutCall } from './coordinator-calls.ts'
import { Handoff, HANDOFF_IDS } from './coordinator-handoff.ts'
import { sendQuestions } from './coordinator-messages.ts'
import { SEAT_IDS, Seats, type SeatsConfig } from './coordinator-seats.ts'
import type { Answer, Hinted, Life, Refused } from './message.ts'
import { isFinal } from './refusal.ts'
import { InFlight } from './operation/in-flight.ts'
import { Get, type GetResult } from './operation/get.ts'
import { Open } from './operation/open.ts'
import { Agenda, type Operation } from './operation/operation.ts'
import { Peers } from './operation/peers.ts'
import { chooseHome } from './operation/home.ts'
import type { OperationId } from './operation/operation-name.ts'
import { Put } from './operation/put.ts'
import { Scan } from './operation/scan.ts'
import type { ResolvedCore, ResolvedKeyspace } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { PreferenceList } from './placement/placement.ts'
import type { Now, Step } from './step.ts'

const BEAT_MS = 5

export interface CoordinatorConfig {
  /** The id of the node or client, which its writes carry. */
  readonly name: string
  readonly membership: Membership
  /** The index of the replica in this process, or -1. */
  readonly local: number
  /** The life of that replica. */
  readonly life: Life | undefined
  readonly zone: string
  readonly options: ResolvedCore
  readonly random: Random
  /** What stands in elections, where that is another. */
  readonly candidate?: NonNullable<SeatsConfig['candidate']>
}

export class Coordinator {
  readonly #config: CoordinatorConfig
  readonly #clock = new HybridClock()
  readonly #peers: Peers
  readonly #inFlight: InFlight
  readonly #agenda = new Agenda()
  readonly #everybody: PreferenceList
  /** Definitions opened here, to teach a replica that has forgotten one. */
  readonly #opened = new Map<number, KeyspaceDefinition>()
  /** Only where there is a replica that may keep hints. */
  readonly #handoff: Handoff | undefined
  /** Where this process stands in elections. */
  readonly seats: Seats

  constructor(config: CoordinatorConfig) {
    const { membership, options, local } = config
    this.#config = config
    this.#peers = new Peers(config)
    this.#inFlight = new InFlight(options.inFlightMax)
    const { members } = membership
    this.seats = new Seats(config)
    if (local >= 0) this.#handoff = new Handoff({ local, peers: this.#peers, options, opened: this.#opened })
    this.#everybody = {
      partition: -1,
      replicas: members.map((_, index) => index),
      zones: members.map(({ zone }) => zone),
      fallbacks: [],
    }
  }

  get peers(): Peers {
    return this.#peers
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** A handle for calls, once `proveQuorums` passed and the members have agreed on the definition (an `open` call). */
  keyspace(resolved: ResolvedKeyspace): Keyspace {
    const { membership, zone, options } = this.#config
    const keyspace = new Keyspace(resolved, { membership, zone, timeoutMs: options.timeoutMs })
    this.#opened.set(keyspace.fingerprint, keyspace.definition)
    return keyspace
  }

  /**
   * The identity of a write to this key that is yet to be made, to be given to the put and to each retry of it. Throws
   * `QUORATE_UNAVAILABLE` when no replica of the key can be reached to be its home.
   */
  newOperation(keyspace: Keyspace, key: string, now: Now): OperationId {
    const list = keyspace.listOf(key)
    const id = { op: this.#config.random.identity(), at: this.#clock.next(now.wallMs) }
    if (keyspace.definition.conflicts === 'lww') return { ...id, home: 0 }
    const view = this.#peers.view(list, now.monoMs)
    const life = view.lives[list.replicas[chooseHome(list, view)] ?? -1]
    if (life !== undefined) return { ...id, home: life.incarnation }
    const message = `${keyspace.name}: no replica of the key can be reached; nothing was sent`
    throw new QuorateError('QUORATE_UNAVAILABLE', message, { retry: 'safe' })
  }

  /** Starts an operation. Its reply comes in this step or a later one. Gives the id for `cancel`, 0 if it is over. */
  call(call: Call, now: Now, step: Step): number {
    let operation: Operation
    try {
      operation = this.#operationFor(call, now)
    } catch (error) {
      step.replies.push({ tag: call.tag, result: error })
      return 0
    }
    operation.tag = call.tag
    if (!this.#inFlight.add(operation)) {
      const limit = this.#config.options.inFlightMax
      const message = `${limit} calls are in flight already: wait for some to end, or raise inFlightMax`
      const error = new QuorateError('QUORATE_OVERLOADED', message, { retry: 'safe' })
      step.replies.push({ tag: call.tag, result: error })
      return 0
    }
    operation.begin(this.#agenda, this.#peers.view(operation.list, now.monoMs))
    operation.lateAtMs = this.#lateAtMs(operation, now)
    this.#carryOut(operation, now, step)
    step.wakeAt = Math.min(step.wakeAt, operation.lateAtMs, operation.deadlineMs)
    return operation.id
  }

  /** The application no longer waits. What was sent may still happen: the outcome says so. */
  cancel(id: number, now: Now, step: Step): void {
    const operation = this.#inFlight.get(id)
    if (operation === undefined) return
    operation.fail(this.#agenda, { code: 'QUORATE_ABORTED', why: 'the caller gave up waiting' }, this.#peers.names)
    this.#carryOut(operation, now, step)
  }

  /** Ends every operation: the host is closing. */
  close(now: Now, step: Step): void {
    for (const operation of this.#inFlight.all()) {
      operation.fail(this.#agenda, { code: 'QUORATE_CLOSED', why: 'this store was closed' }, this.#peers.names)
      this.#carryOut(operation, now, step)
    }
    this.seats.closeAll(now, step)
  }

  /** An answer from a replica. Late, doubled and unknown answers change nothing. */
  receive(answer: Answer | Hinted, from: number, now: Now, step: Step): void {
    if (answer.kind === 'pong') {
      this.#peers.ponged(from, answer, now.monoMs, step)
      return
    }
    if (answer.kind === 'ruled' || (answer.kind === 'refused' && answer.id >= SEAT_IDS)) {
      this.seats.receive(answer, from, now, step)
      return
    }
    if (answer.id >= HANDOFF_IDS || answer.kind === 'hinted') {
      this.#handoff?.receive(answer, from, now, step)
      return
    }
    const operation = this.#inFlight.get(answer.id)
    if (operation === undefined) return
    // What comes after the time of a call is up is not counted: replicas that lost something wait that long for it.
    if (now.monoMs >= operation.deadlineMs) return
    const position = operation.list.replicas.indexOf(from)
    if (position < 0 || !(operation.asked & (1 << position))) return
    if ((operation.tookMs[position] as number) < 0) {
      operation.tookMs[position] = now.monoMs - operation.startedAtMs
      if (answer.round === 0) this.#peers.took(from, operation.tookMs[position], now.monoMs)
    }
    this.#deliver(operation, position, answer, now, step)
    this.#carryOut(operation, now, step)
  }

  /** The host gained or lost the link to a replica. */
  linked(replica: number, up: boolean, now: Now, step: Step): void {
    this.#peers.linked(replica, up, now.monoMs, step)
    if (up) {
      this.tick(now, step)
      return
    }
    for (const operation of this.#inFlight.all()) {
      const position = operation.list.replicas.indexOf(replica)
      if (position < 0 || !(operation.asked & ~operation.failed & (1 << position))) continue
      operation.lost(position, this.#agenda, this.#peers.view(operation.list, now.monoMs))
      this.#carryOut(operation, now, step)
    }
  }

  /** Deadlines, hedges, heartbeats. */
  tick(now: Now, step: Step): void {
    if (this.#peers.pingDue(now.monoMs, step)) this.#ping(now, step)
    for (const operation of this.#inFlight.all()) {
      if (now.monoMs >= operation.deadlineMs) {
        operation.fail(this.#agenda, { code: 'QUORATE_TIMEOUT', why: operation.waitingFor() }, this.#peers.names)
        this.#carryOut(operation, now, step)
        continue
      }
      if (now.monoMs >= operation.lateAtMs) {
        const silent = operation.asked & ~operation.answered & ~operation.failed
        this.#peers.overdue(operation.list, silent, now.monoMs - operation.startedAtMs)
        operation.late(this.#agenda, this.#peers.view(operation.list, now.monoMs))
        operation.lateAtMs = Math.max(this.#lateAtMs(operation, now), 2 * now.monoMs - operation.startedAtMs)
        this.#carryOut(operation, now, step)
      }
      step.wakeAt = Math.min(step.wakeAt, operation.lateAtMs, operation.deadlineMs)
    }
    this.#handoff?.tick(now, step)
    this.seats.tick(now, step)
    step.wakeAt = Math.min(step.wakeAt, this.#peers.wakeAtMs)
  }

  /** Rounded up to a common beat, so that one tick serves all operations of some milliseconds. */
  #lateAtMs(operation: Operation, now: Now): number {
    const at = now.monoMs + Math.max(this.#peers.patienceMs(), operation.patienceMsMin)
    return Math.ceil(at / BEAT_MS) * BEAT_MS
  }

  #operationFor(call: Call, now: Now): Operation {
    const nowMs = now.monoMs
    switch (call.kind) {
      case 'get': {
        const { keyspace, atLeast } = call
        const list = keyspace.listOf(call.key)
        const read = keyspace.readChoice(list, call.level)
        const repair = call.repair ?? keyspace.repairFor(read)
        const preferred = call.level === undefined ? keyspace.drawRead(list, this.#config.random) : 0
        const times = { nowMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
        return new Get({ keyspace, key: call.key, list, read, repair, preferred, atLeast, times })
      }
      case 'put':
        return this.#put(call, now)
      case 'scan': {
        const { keyspace, level, prefix, after, limit } = call
        const times = { nowMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
        return new Scan({ keyspace, list: this.#everybody, level, prefix, after, limit, times })
      }
      case 'open': {
        const { name, definition } = call
        const times = { nowMs, timeoutMs: call.timeoutMs ?? this.#config.options.timeoutMs }
        return new Open({ name, definition, list: this.#everybody, times })
      }
    }
  }

  #put(call: PutCall, now: Now): Put {
    const { keyspace, key, value, context: seen = EMPTY_CONTEXT } = call
    const list = keyspace.listOf(key)
    const write = keyspace.writeChoice(list, call.level)
    this.#orderAfter(seen, now)
    const { operation } = call
    if (operation?.home === 0 && keyspace.definition.conflicts === 'siblings') {
      throw invalid(`this operation is not one of ${keyspace.name}: it names no replica to mint it`)
    }
    if (operation !== undefined && keyspace.definition.conflicts === 'lww') this.#checkAge(operation.at, now)
    const op = operation?.op ?? this.#config.random.identity()
    const at = operation?.at ?? this.#clock.next(now.wallMs)
    const expires = expiryOf(call, at)
    const times = { nowMs: now.monoMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
    const reach = keyspace.isSloppy ? keyspace.reachOf(list) : undefined
    const by = authorText({ coordinator: this.#config.name, session: call.session })
    const version = { op, at, by, value, expires }
    return new Put({ keyspace, key, list, reach, write, ...version, home: operation?.home, seen, times })
  }

  /** A write that was first tried before the horizon may have been deleted since, and that erased. */
  #checkAge(at: number, now: Now): void {
    const { horizonMs } = this.#config.options
    if (horizonMs === 0 || at >= stampOf(now.wallMs - horizonMs)) return
    const message = 'the first attempt was made before the horizon: nothing was sent; read the key, and write anew'
    throw new QuorateError('QUORATE_LIMIT', message, { outcome: 'unknown' })
  }

  /** A write that follows from a context must get a later stamp than it, or be refused: else it would lose to what it read. */
  #orderAfter(seen: CausalContext, now: Now): void {
    const stamp = seenUpTo(seen, CLOCK_ACTOR)
    this.#observe(stamp, now)
    if (stamp <= stampOf(now.wallMs + this.#config.options.driftMsMax)) return
    const message =
      'the context was written by a clock that is ahead of this one by more than driftMsMax, so nothing can be ' +
      'written after it yet; nothing was sent: set the clocks right'
    throw new QuorateError('QUORATE_LIMIT', message)
  }

  /** A stamp that somebody else made: ours come after it, unless it lies beyond what replicas would accept. */
  #observe(stamp: number, now: Now): void {
    if (stamp <= stampOf(now.wallMs + this.#config.options.driftMsMax)) this.#clock.observe(stamp)
  }

  #deliver(
    operation: Operation,
    position: number,
    answer: Exclude<Answer, { kind: 'pong' }>,
    now: Now,
    step: Step,
  ): void {
    const view = this.#peers.view(operation.list, now.monoMs)
    const agenda = this.#agenda
    if (answer.kind === 'refused') {
      this.#refused(operation, position, answer, now, step)
    } else if (operation instanceof Get) {
      if (answer.kind === 'read-answer') {
        const { digest, record } = answer
        if (record?.kind === 'lww') this.#observe(record.at, now)
        operation.received(position, { digest, record, full: record !== undefined || digest === ABSENT }, agenda, view)
      } else if (answer.kind === 'written' && answer.round === operation.round)
        operation.written(position, agenda, view)
    } else if (operation instanceof Put) {
      if (answer.kind === 'minted') {
        operation.minted(position, answer, agenda, view)
        operation.lateAtMs = this.#lateAtMs(operation, now)
      } else if (answer.kind === 'written') operation.written(position, agenda, view)
    } else if (operation instanceof Scan) {
      if (answer.kind === 'scan-page') operation.paged(position, answer, agenda)
    } else if (operation instanceof Open) {
      if (answer.kind === 'opened') operation.opened(position, answer, agenda, view)
    }
  }

  /** A replica refused. One that does not know the keyspace is taught it and asked again. */
  #refused(operation: Operation, position: number, answer: Refused, now: Now, step: Step): void {
    if (answer.round !== operation.round) return
    const view = this.#peers.view(operation.list, now.monoMs)
    const definition = operation instanceof Open ? undefined : this.#opened.get(operation.keyspaceFingerprint)
    if (answer.code === 'unknown-keyspace' && definition !== undefined && operation.teach(position)) {
      const to = operation.list.replicas[position] as number
      step.send(to, { kind: 'open', id: 0, round: 0, name: definition.name, definition, confirmed: true })
      operation.again(position, this.#agenda)
      return
    }
    if (answer.code === 'too-old') {
      // What it knew of the replica's clock was too old as well. The operation asks again when answers are overdue.
      step.send(operation.list.replicas[position] as number, { kind: 'ping', sentAt: now.monoMs })
      return
    }
    if (isFinal(answer.code)) operation.refusedForGood |= 1 << position
    operation.refusals ??= new Map()
    operation.refusals.set(position, `${answer.code} ${answer.detail}`.trim())
    operation.refused(position, answer.code, this.#agenda, view)
  }

  #ping(now: Now, step: Step): void {
    const { members } = this.#config.membership
    for (let replica = 0; replica < members.length; replica++) {
      if (replica !== this.#config.local) step.send(replica, { kind: 'ping', sentAt: now.monoMs })
    }
  }

  /** Turns what the operation wants into messages, and its end into a reply. */
  #carryOut(operation: Operation, now: Now, step: Step): void {
    const agenda = this.#agenda
    if (!agenda.any) return
    const asOf = (replica: number): number => this.#peers.asOf(replica, operation.startedAtMs, now.monoMs)
    sendQuestions(operation, agenda, asOf, step)
    if (operation instanceof Get && agenda.write) this.#tellRepair(operation, agenda.write, step)
    if (agenda.done !== undefined) this.#end(operation, agenda.done, now, step)
    agenda.clear()
  }

  #tellRepair(operation: Get, positions: number, step: Step): void {
    const replicas = operation.list.replicas
      .filter((_, position) => positions & (1 << position))
      .map((replica) => this.#peers.names[replica] as string)
    const { keyspace, key } = operation.plan
    step.notices.push({ kind: 'repair', keyspace: keyspace.name, key, replicas })
  }

  #end(operation: Operation, result: unknown, now: Now, step: Step): void {
    this.#inFlight.remove(operation)
    step.replies.push({ tag: operation.tag, result })
    if (result instanceof QuorateError) {
      const { kind, keyspaceName } = operation
      step.notices.push({ kind: 'failed', operation: kind, code: result.code, keyspace: keyspaceName })
    } else if (operation instanceof Get) {
      const { record } = result as GetResult
      if (record?.kind === 'lww') this.#observe(record.at, now)
      else if (record !== undefined && record.siblings.length > 1) {
        const { keyspace, key } = operation.plan
        const siblings = { keyspace: keyspace.name, key, count: record.siblings.length }
        step.notices.push({ kind: 'siblings', ...siblings })
      }
    }
  }
}

/** When a value ends whose write has this stamp: the same for each retry. Nothing for one that stays, and for a delete. */
function expiryOf({ value, ttlMs, keyspace }: PutCall, at: number): number | undefined {
  const lastsMs = ttlMs ?? keyspace.ttlMs ?? Infinity
  return value === null || lastsMs === Infinity ? undefined : wallOf(at) + Math.ceil(lastsMs)
}
