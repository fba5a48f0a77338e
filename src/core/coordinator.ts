/**
 * The coordinator: runs client operations against replicas.
 *
 * A deterministic machine. Inputs are calls, messages, link changes and ticks, each with the time; effects go into a
 * `Step`. It keeps the operations in flight, their deadlines, and what it knows of the replicas; what an operation does
 * is decided in operation/.
 * The host's duty: see step.ts; deliver answers with the index of the replica they came from; tick by `wakeAt`.
 * Ring: machines.
 */
import { QuorateError } from './base/errors.ts'
import type { Random } from './base/random.ts'

import { ABSENT } from './causality/merge.ts'
import { Keyspace } from './operation/keyspace.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Call, LookCall } from './coordinator-calls.ts'
import { Handoff, HANDOFF_IDS } from './coordinator-handoff.ts'
import { sendQuestions } from './coordinator-messages.ts'
import { SEAT_IDS, Seats, type SeatsConfig } from './coordinator-seats.ts'
import { Operations } from './coordinator-operations.ts'
import { Registers } from './coordinator-registers.ts'
import { Leaders, type LeadersHost } from './coordinator-leaders.ts'
import { BallotSource } from './consensus/ballot-source.ts'
import { newestOf } from './consensus/register-state.ts'
import type { Answer, Life, LocalAnswer, Refused } from './message.ts'
import { isFinal } from './refusal.ts'
import { InFlight } from './operation/in-flight.ts'
import { Get, type GetResult } from './operation/get.ts'
import { LedOperation, leaseReceipt } from './operation/led-operation.ts'
import { Open } from './operation/open.ts'
import { Agenda, type Operation } from './operation/operation.ts'
import { Peers } from './operation/peers.ts'
import type { OperationId } from './operation/operation-name.ts'
import { Proposal, type ProposalEnd } from './operation/proposal.ts'
import { Put } from './operation/put.ts'
import { RegisterOperation } from './operation/register-operation.ts'
import { RegisterRead } from './operation/register-read.ts'
import type { RegisterResult } from './operation/register-write.ts'
import { Scan } from './operation/scan.ts'
import type { ResolvedCore, ResolvedKeyspace } from './options.ts'
import type { Membership } from './placement/membership.ts'
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
  /** How ballots are drawn, for simulations of proposers that are broken. */
  readonly ballots?: (proposer: number) => BallotSource
}

export class Coordinator {
  readonly #config: CoordinatorConfig
  readonly #operations: Operations
  readonly #peers: Peers
  readonly #inFlight: InFlight
  readonly #agenda = new Agenda()
  /** Definitions opened here, to teach a replica that has forgotten one. */
  readonly #opened = new Map<number, KeyspaceDefinition>()
  /** Only where there is a replica that may keep hints. */
  readonly #handoff: Handoff | undefined
  /** Where this process stands in elections. */
  readonly seats: Seats
  readonly #registers: Registers
  /** Keyspaces with a leader. */
  readonly leaders: Leaders

  constructor(config: CoordinatorConfig) {
    const { options, local } = config
    this.#config = config
    this.#peers = new Peers(config)
    this.#inFlight = new InFlight(options.inFlightMax)
    this.seats = new Seats(config)
    if (local >= 0) this.#handoff = new Handoff({ local, peers: this.#peers, options, opened: this.#opened })
    const host: Pick<LeadersHost, 'random' | 'peers' | 'keyspaceOf' | 'run' | 'conclude' | 'drop'> = {
      random: config.random,
      peers: this.#peers,
      keyspaceOf: (definition) => this.keyspace({ definition, repair: undefined, timeoutMs: undefined }),
      run: (operation, now, step) => {
        if (operation instanceof Proposal) this.#inFlight.addOwn(operation)
        else if (!this.#inFlight.add(operation)) return
        this.#begin(operation, now, step)
      },
      conclude: (operation, decide, now, step) => {
        decide(this.#agenda, this.#peers.view(operation.list, now.monoMs))
        this.#carryOut(operation, now, step)
      },
      drop: (operation) => this.#inFlight.remove(operation),
    }
    const ballots = config.ballots ?? ((proposer: number) => new BallotSource(proposer))
    this.#registers = new Registers({ ...host, ballots })
    this.leaders = new Leaders({ ...host, name: config.name, local, options, seats: this.seats })
    this.#operations = new Operations({ ...config, peers: this.#peers })
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
    this.leaders.want(keyspace)
    return keyspace
  }

  /**
   * The identity of a write to this key that is yet to be made, to be given to the put and to each retry of it. Throws
   * `QUORATE_UNAVAILABLE` when no replica of the key can be reached to be its home.
   */
  newOperation(keyspace: Keyspace, key: string, now: Now): OperationId {
    return this.#operations.identityFor(keyspace, key, now)
  }

  /** Starts an operation. Its reply comes in this step or a later one. Gives the id for `cancel`, 0 if it is over. */
  call(call: Call, now: Now, step: Step): number {
    if (call.kind === 'look' && !call.stale && this.#lookHere(call, now, step)) return 0
    let operation: Operation
    try {
      operation = this.#operations.begunBy(call, now)
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
    this.#begin(operation, now, step)
    return operation.id
  }

  /** A read that needs nobody: of a key that this process leads and knows. */
  #lookHere({ keyspace, key, tag }: LookCall, now: Now, step: Step): boolean {
    if (!keyspace.isLed) return false
    const found = this.leaders.look(keyspace, key, now, step)
    if (found === undefined) return false
    const { value, revision } = found
    const list = keyspace.listOf(key)
    const receipt = leaseReceipt(this.#peers.view(list, now.monoMs), list)
    step.replies.push({ tag, result: { kind: 'register', value, revision, receipt } satisfies RegisterResult })
    return true
  }

  #begin(operation: Operation, now: Now, step: Step): void {
    operation.begin(this.#agenda, this.#peers.view(operation.list, now.monoMs))
    operation.lateAtMs = this.#lateAtMs(operation, now)
    if (operation instanceof Put || operation instanceof Get) this.#peers.roundTrips.began(operation, now.monoMs)
    this.#carryOut(operation, now, step)
    step.wakeAt = Math.min(step.wakeAt, operation.lateAtMs, operation.deadlineMs)
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
      if (!this.#inFlight.has(operation) || operation instanceof Proposal) continue
      operation.fail(this.#agenda, { code: 'QUORATE_CLOSED', why: 'this store was closed' }, this.#peers.names)
      this.#carryOut(operation, now, step)
    }
    this.leaders.close(now, step)
    this.seats.closeAll(now, step)
  }

  /** An answer from a replica. Late, doubled and unknown answers change nothing. */
  receive(answer: Answer | LocalAnswer, from: number, now: Now, step: Step): void {
    if (answer.kind === 'pong') {
      this.#peers.ponged(from, answer, now.monoMs, step)
      return
    }
    if (answer.kind === 'ruled' || (answer.kind === 'refused' && answer.id >= SEAT_IDS)) {
      this.seats.receive(answer, from, now, step)
      this.leaders.check(now, step)
      return
    }
    if (answer.kind === 'led') {
      this.leaders.registered(answer.definition)
      step.wakeAt = Math.min(step.wakeAt, now.monoMs)
      return
    }
    if (answer.kind === 'stuck') {
      if (answer.definition.leader === true) this.leaders.settle(answer, now, step)
      else this.#registers.settle(answer, now, step)
      return
    }
    if (answer.id >= HANDOFF_IDS || answer.kind === 'hinted') {
      this.#handoff?.receive(answer, from, now, step)
      return
    }
    this.#peers.roundTrips.answered(answer, from, now.monoMs)
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
      if (!this.#inFlight.has(operation)) continue
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
      if (!this.#inFlight.has(operation)) continue
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
    this.#registers.tick(now, step)
    this.#handoff?.tick(now, step)
    this.leaders.hasten(now, step)
    this.seats.tick(now, step)
    this.leaders.check(now, step)
    step.wakeAt = Math.min(step.wakeAt, this.#peers.wakeAtMs, this.#registers.wakeAtMs)
  }

  /** Rounded up to a common beat, so that one tick serves all operations of some milliseconds. */
  #lateAtMs(operation: Operation, now: Now): number {
    const at = now.monoMs + Math.max(this.#peers.patienceMs(), operation.patienceMsMin)
    return Math.ceil(at / BEAT_MS) * BEAT_MS
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
        if (record?.kind === 'lww') this.#operations.observe(record.at, now)
        operation.received(position, { digest, record, full: record !== undefined || digest === ABSENT }, agenda, view)
      } else if (answer.kind === 'written' && answer.round === operation.round)
        operation.written(position, agenda, view)
    } else if (operation instanceof Put) {
      if (answer.kind === 'minted') {
        operation.minted(position, answer, agenda, view)
        operation.lateAtMs = this.#lateAtMs(operation, now)
      } else if (answer.kind === 'written') operation.written(position, agenda, view)
    } else if (operation instanceof RegisterRead || operation instanceof Proposal) {
      const isPromise = answer.kind === 'promised'
      if (isPromise) this.#operations.observe(newestOf(answer.state), now)
      this.#registers.deliver(operation, position, answer, { agenda, view })
      // Its second phase takes as long again: nobody is late before that.
      if (isPromise && agenda.accept !== 0) operation.lateAtMs = this.#lateAtMs(operation, now)
      step.wakeAt = Math.min(step.wakeAt, operation.lateAtMs)
    } else if (operation instanceof LedOperation) {
      if (answer.kind === 'submitted' && answer.round === operation.round) {
        this.leaders.answered(operation, answer, { agenda, view })
      }
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
    const { done, queue } = agenda
    agenda.clear()
    if (done !== undefined) this.#end(operation, done, now, step)
    else if (queue && operation instanceof LedOperation) this.leaders.seek(operation, now, step)
    else if (queue && operation instanceof RegisterOperation) this.#registers.enqueue(operation, now, step)
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
    if (operation instanceof Proposal) {
      const rounds = operation.plan.led === undefined ? this.#registers : this.leaders
      return rounds.ended(operation, result as ProposalEnd, now, step)
    }
    if (operation instanceof LedOperation) {
      if (!this.leaders.left(operation)) return
    } else if (operation instanceof RegisterOperation && !this.#registers.left(operation)) return
    step.replies.push({ tag: operation.tag, result })
    if (result instanceof QuorateError) {
      const { kind, keyspaceName } = operation
      step.notices.push({ kind: 'failed', operation: kind, code: result.code, keyspace: keyspaceName })
    } else if (operation instanceof Get) {
      const { record } = result as GetResult
      if (record?.kind === 'lww') this.#operations.observe(record.at, now)
      else if (record?.kind === 'dotted' && record.siblings.length > 1) {
        const { keyspace, key } = operation.plan
        const siblings = { keyspace: keyspace.name, key, count: record.siblings.length }
        step.notices.push({ kind: 'siblings', ...siblings })
      }
    }
  }
}
