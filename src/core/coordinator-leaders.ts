/**
 * The coordinator's part for keyspaces with a leader: knows who leads, sends him what is asked for, and serves what
 * others send if this process leads.
 *
 * A process with a replica stands for every such keyspace that it has heard of; a client only looks on. A call waits,
 * within its time, until a leader is known; one that a leader did not answer goes to his successor.
 * Ring: machines.
 */
import type { QuorateError } from './base/errors.ts'
import type { Random } from './base/random.ts'
import type { Visible } from './consensus/change.ts'
import { groupName, type Leader } from './consensus/group.ts'
import type { Submit, Submitted } from './consensus/submit-message.ts'
import { Lead, type LeadHost } from './coordinator-lead.ts'
import type { Seat, Seats, Watch } from './coordinator-seats.ts'
import { OwnCall, RemoteCall, UNAVAILABLE, type OwnHost } from './coordinator-led-calls.ts'
import { definitionFingerprint, type KeyspaceDefinition } from './keyspace-definition.ts'
import type { Stuck } from './message.ts'
import type { Keyspace } from './operation/keyspace.ts'
import { LedOperation } from './operation/led-operation.ts'
import type { Agenda, Operation, View } from './operation/operation.ts'
import type { Peers } from './operation/peers.ts'
import type { Proposal } from './operation/proposal.ts'
import { BothPhases, phasesOf } from './operation/register-operation.ts'
import type { ResolvedCore } from './options.ts'
import { CountQuorum, firstPositions, majorityOf } from './quorum/quorum.ts'
import { ReplayGuard } from './replay-guard.ts'
import type { Address, Now, Step } from './step.ts'

export interface LeadersHost {
  /** The id of this process. */
  readonly name: string
  /** The index of the replica here, or -1. */
  readonly local: number
  readonly options: Pick<ResolvedCore, 'heartbeatMs' | 'leaseMsMax' | 'inFlightMax'>
  readonly random: Random
  readonly seats: Seats
  readonly peers: Peers
  keyspaceOf(definition: KeyspaceDefinition): Keyspace
  run(operation: Proposal | LedOperation, now: Now, step: Step): void
  drop(round: Proposal): void
  conclude(operation: Operation, decide: (agenda: Agenda, view: View) => void, now: Now, step: Step): void
}

/** Leases of keyspaces, as those of seats by default. */
const LEASE_HEARTBEATS = 3
/** How soon those who wait for a leader look again. */
const HASTE_MS = 20
/** Registers settled at a time without anybody asking. */
const SETTLING_MAX = 16

/** One keyspace with a leader. */
interface Led {
  readonly keyspace: Keyspace
  readonly watch: Watch
  readonly seat: Seat | undefined
  readonly lead: Lead | undefined
  /** Leaders up to this generation have said that they lead no more. */
  overIn: number
  /** Whom the last of them named. */
  hint: Leader | undefined
  /** The leader that was known when anybody looked last. */
  knownIn: number
  readonly seeking: Set<LedOperation>
  readonly sent: Set<LedOperation>
}

export class Leaders {
  readonly #host: LeadersHost
  readonly #ownHost: OwnHost
  readonly #leadHost: Pick<LeadHost, 'run' | 'drop' | 'resign'>
  readonly #led = new Map<number, Led>()
  /** Heard of, and not stood for yet. */
  readonly #wanted = new Map<number, Keyspace>()
  readonly #guard = new ReplayGuard()
  readonly #settling = new Set<LedOperation>()
  /** Operations of others that are served here. */
  #remote = 0
  #serial = 0

  constructor(host: LeadersHost) {
    this.#host = host
    this.#leadHost = {
      run: (round, now, step) => host.run(round, now, step),
      drop: (round) => host.drop(round),
      resign: (seat, now, step) => host.seats.resign(seat, now, step),
    }
    this.#ownHost = {
      conclude: (operation, decide, now, step) => host.conclude(operation, decide, now, step),
      wait: (operation, now, step) => this.#wait(operation, now, step),
    }
  }

  /** This process has to do with the keyspace from now on. */
  want(keyspace: Keyspace): void {
    if (keyspace.isLed && !this.#led.has(keyspace.fingerprint)) this.#wanted.set(keyspace.fingerprint, keyspace)
  }

  /** It is registered at the replica here. */
  registered(definition: KeyspaceDefinition): void {
    if (definition.leader !== true) return
    if (!this.#led.has(definitionFingerprint(definition))) this.want(this.#host.keyspaceOf(definition))
  }

  /** Who leads, as far as is known here. */
  leader(keyspace: Keyspace, nowMs: number): Leader | undefined {
    const led = this.#led.get(keyspace.fingerprint)
    return led && leaderOf(led, nowMs)
  }

  /** A key's value, if this process leads and knows it: while the lease lasts, nobody has to be asked. */
  look(keyspace: Keyspace, key: string, now: Now, step: Step): Visible | undefined {
    return this.#led.get(keyspace.fingerprint)?.lead?.look(key, now, step)
  }

  /** The operation is to be done by whoever leads. */
  seek(operation: LedOperation, now: Now, step: Step): void {
    let led: Led
    try {
      led = this.#open(operation.plan.keyspace, now, step)
    } catch (error) {
      this.#host.conclude(operation, (agenda) => (agenda.done = error as QuorateError), now, step)
      return
    }
    led.sent.delete(operation)
    operation.seeks()
    if (led.lead?.leads(now.monoMs) === true) this.#serveHere(led.lead, operation, now, step)
    else if (led.seeking.size > 0 || !this.#sendsAtOnce(led, operation, now, step)) {
      led.seeking.add(operation)
      this.#dispatch(led, now, step)
    }
  }

  /** The operation has ended, however. Whether anybody waits for it. */
  left(operation: LedOperation): boolean {
    const led = this.#led.get(operation.plan.keyspace.fingerprint)
    operation.isOver = true
    led?.seeking.delete(operation)
    led?.sent.delete(operation)
    return !this.#settling.delete(operation)
  }

  /** What the leader answered. */
  answered(operation: LedOperation, { result }: Submitted, at: { readonly agenda: Agenda; readonly view: View }): void {
    const led = this.#led.get(operation.plan.keyspace.fingerprint)
    const { agenda, view } = at
    if (led === undefined || operation.stage !== 'sent') return
    led.sent.delete(operation)
    switch (result.kind) {
      case 'told':
        return operation.told(result.told, result.by, at)
      case 'not-leader': {
        if (result.isOver) led.overIn = Math.max(led.overIn, operation.sentIn)
        const { leader } = result
        if (leader !== undefined && leader.generation > (led.hint?.generation ?? 0)) led.hint = leader
        if (!result.mayLand) operation.undone()
        operation.notBeforeMs = result.isOver ? 0 : view.nowMs + HASTE_MS
        agenda.queue = true
        return
      }
      case 'unavailable':
        if (!result.mayLand) operation.undone()
        return operation.fail(agenda, UNAVAILABLE, view.names)
      case 'overloaded':
        operation.undone()
        return operation.fail(agenda, OVERLOADED, view.names)
    }
  }

  /** Somebody sends the leader something. */
  submitted(request: Submit, from: Address, now: Now, step: Step): void {
    const { id, round, serial, keyspace, generation } = request
    const led = this.#led.get(keyspace)
    if (led?.lead === undefined || led.seat === undefined) {
      step.send(from, { kind: 'refused', id, round, code: 'unknown-keyspace', detail: '' })
      return
    }
    const note = this.#guard.note(from, serial)
    if (note === 'again') return
    const { candidate } = led.seat
    const isOurs = candidate.generation === generation
    if (note === 'ancient' || !isOurs || !led.lead.leads(now.monoMs)) {
      const isOver = note !== 'ancient' && !(isOurs && candidate.role === 'elect')
      const leader = leaderOf(led, now.monoMs)
      const result = { kind: 'not-leader', isOver, mayLand: false, leader } as const
      step.send(from, { kind: 'submitted', id, round, result })
    } else if (this.#remote >= this.#host.options.inFlightMax) {
      step.send(from, { kind: 'submitted', id, round, result: { kind: 'overloaded' } })
    } else {
      this.#remote++
      const leader = (nowMs: number): Leader | undefined => leaderOf(led, nowMs)
      led.lead.serve(new RemoteCall(request, from, { leader, ended: () => this.#remote-- }), now, step)
    }
  }

  /** A round is over. */
  ended(round: Proposal, end: Parameters<Lead['ended']>[1], now: Now, step: Step): void {
    this.#led.get(round.keyspaceFingerprint)?.lead?.ended(round, end, now, step)
  }

  /** A register that exchanges cannot make equal: a round above all promises does. */
  settle({ definition, key }: Stuck, now: Now, step: Step): void {
    if (this.#settling.size >= SETTLING_MAX) return
    const { keyspace } = this.#led.get(definitionFingerprint(definition)) ?? {}
    if (keyspace === undefined) return
    const times = { nowMs: now.monoMs, timeoutMs: keyspace.timeoutMs }
    const change = { kind: 'look', isFresh: true } as const
    const what = { keyspace, key, list: keyspace.listOf(key), times, change, isRetry: false, isOwn: true }
    const operation = new LedOperation({ ...what, op: this.#host.random.identity(), at: 0 })
    this.#settling.add(operation)
    this.#host.run(operation, now, step)
    if (operation.id === 0) this.#settling.delete(operation)
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#guard.forget(from)
  }

  /** Before the seats are ticked: those who wait want to hear soon. */
  hasten(now: Now, step: Step): void {
    for (const [fingerprint, keyspace] of this.#wanted) {
      try {
        this.#open(keyspace, now, step)
      } catch {
        // As many seats as are allowed: the first call that needs this one tells.
        this.#wanted.delete(fingerprint)
      }
    }
    for (const { seeking, watch } of this.#led.values()) if (seeking.size > 0) watch.observer.hasten(HASTE_MS)
  }

  /** After anything that may have changed who leads. */
  check(now: Now, step: Step): void {
    for (const led of this.#led.values()) {
      led.lead?.check(now, step)
      const { generation = 0 } = leaderOf(led, now.monoMs) ?? {}
      if (generation > led.knownIn) {
        led.knownIn = generation
        const earlier = [...led.sent].filter(({ sentIn }) => sentIn < generation)
        for (const operation of earlier) this.seek(operation, now, step)
      }
      this.#dispatch(led, now, step)
    }
  }

  /** Whoever waits for this process is told that it leads no more. */
  close(now: Now, step: Step): void {
    for (const { lead } of this.#led.values()) lead?.close(now, step)
  }

  #open(keyspace: Keyspace, now: Now, step: Step): Led {
    const known = this.#led.get(keyspace.fingerprint)
    if (known !== undefined) return known
    const { seats, local, name: holder, options } = this.#host
    const group = groupName('keyspace', keyspace.name)
    const watch = seats.watch({ tag: undefined, group }, now, step)
    const leaseMs = Math.min(LEASE_HEARTBEATS * options.heartbeatMs, options.leaseMsMax)
    const plan = { tag: undefined, group, holder, leaseMs, fences: false, quorums: quorumsOf(keyspace) }
    const seat = local < 0 ? undefined : seats.open(plan, now, step)
    const lead = seat && new Lead({ keyspace, seat, ...this.#leadHost })
    const shared = { overIn: 0, hint: undefined, knownIn: 0, seeking: new Set<LedOperation>() }
    const led: Led = { keyspace, watch, seat, lead, ...shared, sent: new Set<LedOperation>() }
    this.#led.set(keyspace.fingerprint, led)
    this.#wanted.delete(keyspace.fingerprint)
    return led
  }

  /** The usual case: somebody leads whom messages reach. */
  #sendsAtOnce(led: Led, operation: LedOperation, now: Now, step: Step): boolean {
    const leader = leaderOf(led, now.monoMs)
    if (leader === undefined || now.monoMs < operation.notBeforeMs) return false
    const { peers, local } = this.#host
    const to = peers.names.indexOf(leader.id)
    if (to < 0 || to === local || !peers.usable(to, now.monoMs)) return false
    operation.leader = leader
    this.#send(led, operation, { leader, to }, now, step)
    return true
  }

  /** Sends those who wait to whoever leads, if that is known and he can be reached. */
  #dispatch(led: Led, now: Now, step: Step): void {
    if (led.seeking.size === 0) return
    const { peers, local } = this.#host
    const { lead, keyspace, seeking, watch } = led
    const isHere = lead?.leads(now.monoMs) === true
    const leader = leaderOf(led, now.monoMs)
    const to = leader === undefined ? -1 : peers.names.indexOf(leader.id)
    const isThere = to >= 0 && to !== local && peers.usable(to, now.monoMs)
    const list = keyspace.listOf('')
    const { phase1, phase2 } = phasesOf(keyspace, list)
    const { usable } = peers.view(list, now.monoMs)
    const reaches = phase1.met(usable) && phase2.met(usable)
    const waiting = [...seeking]
    for (const operation of waiting) {
      operation.leader = leader
      operation.reaches = reaches
      if (isHere) this.#serveHere(lead, operation, now, step)
      else if (leader !== undefined && isThere) this.#send(led, operation, { leader, to }, now, step)
      else if (!reaches && operation.asked === 0 && operation.notBeforeMs === 0) {
        this.#host.conclude(operation, (agenda) => operation.fail(agenda, MINORITY, peers.names), now, step)
      } else operation.notBeforeMs = Math.max(operation.notBeforeMs, now.monoMs)
    }
    if (seeking.size === 0) return
    watch.observer.hasten(HASTE_MS)
    step.wakeAt = Math.min(step.wakeAt, Math.max(now.monoMs + 1, watch.observer.wakeAtMs))
  }

  #send(
    led: Led,
    operation: LedOperation,
    { leader, to }: { readonly leader: Leader; readonly to: number },
    now: Now,
    step: Step,
  ): void {
    if (now.monoMs < operation.notBeforeMs) return
    led.seeking.delete(operation)
    led.sent.add(operation)
    const wish = operation.sends(operation.list.replicas.indexOf(to), leader)
    const { id, round, key, keyspaceFingerprint: keyspace } = operation
    const { op, at, isRetry, token = 0 } = operation.attempt
    const { generation } = leader
    const serial = ++this.#serial
    step.send(to, { kind: 'submit', id, round, keyspace, key, generation, serial, op, at, isRetry, token, wish })
  }

  #serveHere(lead: Lead, operation: LedOperation, now: Now, step: Step): void {
    this.#led.get(operation.plan.keyspace.fingerprint)?.seeking.delete(operation)
    operation.stage = 'here'
    lead.serve(new OwnCall(operation, this.#ownHost), now, step)
  }

  /** Not at once: the lead that it was lost with is still being taken down. */
  #wait(operation: LedOperation, now: Now, step: Step): void {
    operation.seeks()
    operation.notBeforeMs = now.monoMs
    this.#led.get(operation.plan.keyspace.fingerprint)?.seeking.add(operation)
    step.wakeAt = Math.min(step.wakeAt, now.monoMs + 1)
  }
}

/** The highest generation that anybody told of, but for those who said that it is over. */
function leaderOf({ seat, watch, hint, overIn }: Led, nowMs: number): Leader | undefined {
  const heard = later(watch.observer.leader(nowMs), hint)
  const leader = seat === undefined ? heard : later(seat.candidate.leader(nowMs), heard)
  return leader !== undefined && leader.generation > overIn ? leader : undefined
}

function later(one: Leader | undefined, other: Leader | undefined): Leader | undefined {
  return other === undefined || (one !== undefined && one.generation >= other.generation) ? one : other
}

/** An electing quorum meets every other one, so that a generation has one leader, and all that accept or grant. */
function quorumsOf(keyspace: Keyspace): { readonly electing: BothPhases; readonly granting: BothPhases } {
  const list = keyspace.listOf('')
  const { phase1, phase2 } = phasesOf(keyspace, list)
  const { length } = list.replicas
  const majority = new CountQuorum(majorityOf(length), firstPositions(length))
  return { electing: new BothPhases(majority, phase1), granting: new BothPhases(majority, phase2) }
}

const OVERLOADED = { code: 'QUORATE_OVERLOADED', why: 'the leader has too much to do' } as const
const MINORITY = { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can be reached; nothing was sent' } as const
