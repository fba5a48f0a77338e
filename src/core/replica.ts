/**
 * The replica: stores records and answers coordinators.
 *
 * A deterministic machine. It reads its records synchronously and writes them as effects; an answer stands in the step
 * behind the write that it speaks of, so the host cannot send it before the write is durable.
 * The host's duty: see step.ts; hand in what the storage holds of keyspace 0 at the start.
 * Ring: machines.
 */
import { digestLww, type Stamp } from './causality/lww-record.ts'
import { ABSENT, digestOf } from './causality/merge.ts'
import { HANDOFF_IDS } from './coordinator-handoff.ts'
import type { ElectionRequest } from './consensus/election-message.ts'
import { groupName } from './consensus/group.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import { HINTS_KEYSPACE } from './hint.ts'
import type { Accept, Errand, Inquire, Life, Mint, Open, Ping, Prepare, Read, Request, Scan, Write } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { RecordChange, RecordWrite, StoredRecord } from './record.ts'
import type { Records } from './records.ts'
import { Hints } from './replica-hints.ts'
import { Keyspaces, type Registered } from './replica-keyspaces.ts'
import { ReplicaStanding } from './replica-standing.ts'
import { Votes } from './replica-votes.ts'
import { Rebirth } from './replica-rebirth.ts'
import { ReplicaRegisters } from './replica-registers.ts'
import { Merges, wrongKind } from './replica-merges.ts'
import { Mints } from './replica-mints.ts'
import type { RefusalCode } from './refusal.ts'
import { ReplicaExchange, WALK, type ExchangeSetting } from './replica-exchange.ts'
import { ReplicaClock } from './replica-clock.ts'
import { Floor } from './replica-floor.ts'
import { REAP_WALK, ReplicaReaper } from './replica-reaper.ts'
import type { Address, Now, ScanEffect, Step } from './step.ts'

export interface ReplicaConfig {
  /** Its place in the membership. Errands come from this address. */
  readonly index: number
  /** Its incarnation is the actor of the dots minted here. No other replica or run ever has the same numbers. */
  readonly life: Life
  readonly membership: Membership
  readonly records: Records
  /** The records of keyspace 0 at the start. */
  readonly own: readonly RecordWrite[]
  readonly options: ResolvedCore
  /** Left out for a replica that exchanges with none, and keeps no digests. */
  readonly exchange?: ExchangeSetting
}

type ReplicaChange = (change: RecordChange, before: StoredRecord | Stamp | undefined, step: Step) => void

/** The keyspace in which a replica keeps what is its own: registered definitions, by name. */
export const OWN_KEYSPACE = 0

export class Replica {
  readonly exchange: ReplicaExchange | undefined
  /** Told in pongs. */
  readonly clock: ReplicaClock
  /** Where there is an exchange. */
  readonly reaper: ReplicaReaper | undefined
  /** Whether it may have forgotten anything. Left out with the exchange: it could never catch up. */
  readonly standing: ReplicaStanding | undefined
  readonly #config: ReplicaConfig
  readonly #mints: Mints
  readonly #merges: Merges
  readonly #keyspaces: Keyspaces
  readonly #hints: Hints
  readonly #floor = new Floor(OWN_KEYSPACE)
  readonly #rebirth: Rebirth
  readonly #votes: Votes
  readonly #registers: ReplicaRegisters

  constructor(config: ReplicaConfig) {
    const { index, membership, options, records, own, exchange, life } = config
    const read = (keyspace: number, key: string): StoredRecord | undefined => records.read(keyspace, key)
    const isFull = (): boolean => records.full === true
    const change: ReplicaChange = (write, before, step) => this.#change(write, before, step)
    this.#config = config
    this.clock = new ReplicaClock({ run: life.run, horizonMs: options.horizonMs })
    this.#hints = new Hints({
      index,
      membership,
      options,
      incarnation: life.incarnation,
      read,
      erase: (key, before, step) => change({ ...key, record: undefined }, before, step),
      ownKeyspace: OWN_KEYSPACE,
    })
    this.#rebirth = new Rebirth({ index, life, membership, floor: this.#floor, ownKeyspace: OWN_KEYSPACE })
    this.#registers = new ReplicaRegisters({
      index,
      read,
      absent: (keyspace) => this.#floor.registerOf(keyspace),
      rebirth: this.#rebirth,
      change,
    })
    this.#mints = new Mints({ life, options, floor: this.#floor, read, isFull, change })
    this.#keyspaces = new Keyspaces({
      index,
      membership,
      keyspacesMax: options.keyspacesMax,
      ownKeyspace: OWN_KEYSPACE,
      redefined: () => this.exchange?.redefined(),
      mayForget: (definition, confirmed) => this.standing?.mayForget(definition, confirmed) === true,
      behind: (definition, step) => this.standing?.behind(definition, step),
    })
    const { definitions } = this.#keyspaces
    const parts = { floor: this.#floor, hints: this.#hints, registers: this.#registers, definitions }
    this.#merges = new Merges({ life, options, records, ...parts, standing: () => this.standing, change })
    const electing = { asksOthers: exchange !== undefined, isFull, ownKeyspace: OWN_KEYSPACE }
    const ownKey = (key: string): StoredRecord | undefined => read(OWN_KEYSPACE, key)
    this.#votes = new Votes({ index, membership, options, read: ownKey, ...electing })
    const standing = exchange && this.#standingOf(config)
    this.standing = standing
    for (const write of own) this.#load(write)
    if (exchange === undefined || standing === undefined) return
    const around = { index, membership, options, definitions }
    this.exchange = new ReplicaExchange(exchange, {
      ...around,
      standing,
      isConfirmed: (definition) => this.#keyspaces.isConfirmed(definition),
      clock: this.clock,
      merge: (write, now, step) => this.#merges.mergeOffered(write, now, step),
    })
    const { usable } = exchange
    this.reaper = new ReplicaReaper({ ...around, run: life.run, floor: this.#floor, usable, read, change })
  }

  #load(write: RecordWrite): void {
    const isTaken = this.standing?.load(write) === true || this.#hints.load(write) || this.#floor.load(write)
    if (!isTaken && !this.#rebirth.load(write) && !this.#votes.load(write)) this.#keyspaces.load(write)
  }

  #standingOf({ index, membership, life, options }: ReplicaConfig): ReplicaStanding {
    return new ReplicaStanding({
      index,
      membership,
      life,
      options,
      keyspaces: this.#keyspaces,
      votes: this.#votes,
      rebirth: this.#rebirth,
      ownKeyspace: OWN_KEYSPACE,
      known: () => this.exchange?.known() ?? 0,
      exchanges: () => this.exchange?.begun ?? 0,
      hasten: (peers, nowMs) => this.exchange?.hasten(peers, nowMs),
      teach: (peer, step) => this.exchange?.teach(peer, step),
    })
  }

  /** The keyspaces registered here, by name. */
  keyspaces(): readonly Registered[] {
    return this.#keyspaces.all()
  }

  receive(request: Request | Errand, from: Address, now: Now, step: Step): void {
    if (request.kind !== 'ping') this.exchange?.served(now.monoMs)
    switch (request.kind) {
      case 'read':
        return this.#read(request, from, step)
      case 'write':
        return this.#write(request, from, now, step)
      case 'mint':
        return this.#mint(request, from, step)
      case 'prepare':
      case 'accept':
      case 'inquire':
        return this.#register(request, from, step)
      case 'scan':
        return this.#scan(request, from, step)
      case 'open':
        return this.#open(request, from, step)
      case 'ping':
        this.#votes.runs(now.monoMs)
        return this.#pong(request, from, now, step)
      case 'hints':
        return step.send(from, { kind: 'hinted', id: request.id, round: request.round, owners: this.#hints.owners })
      case 'drop-hint':
        return this.#hints.drop(request, this.#keyspaces.definitions.get(request.keyspace), step)
      case 'look':
      case 'pre-vote':
      case 'vote':
      case 'renew':
      case 'resign':
        return this.#elect(request, from, now, step)
    }
  }

  #elect(request: ElectionRequest, from: Address, now: Now, step: Step): void {
    const closed = this.standing?.whyClosed
    if (closed !== undefined) return this.#refuse(request, 'catching-up', closed, from, step)
    const before = step.writes.length
    const reason = this.#votes.receive(request, from, now, step)
    if (step.writes.length > before) this.standing?.touched()
    if (reason !== undefined) this.#refuse(request, reason.code, reason.detail, from, step)
  }

  /** Whether it votes in elections: not before it has asked the others, where it may have forgotten its votes. */
  get votes(): boolean {
    return this.#votes.recalls
  }

  /** Bytes that are kept here for replicas that are away, by their index. */
  get hintBytes(): readonly number[] {
    return this.#hints.bytes
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#votes.forget(from)
    this.#mints.forget(from)
  }

  /** The host walked the records that a `ScanEffect` asked for. */
  scanned(effect: ScanEffect, page: ScannedPage, now: Now, step: Step): void {
    const { request, to } = effect
    if (isOwnWalk(effect)) return this.walked(effect, page, now, step)
    const { id, round, keyspace, after } = request
    const isNothing = page.done && page.entries.length === 0 && after === ''
    if (keyspace === HINTS_KEYSPACE && isNothing) this.#hints.foundNothing(request, step)
    step.send(to, { kind: 'scan-page', id, round, entries: page.entries, done: page.done })
  }

  /** The host walked for the replica itself; without a page, its storage failed. */
  walked({ request, to }: ScanEffect, page: ScannedPage | undefined, now: Now, step: Step): void {
    if (to === WALK) this.exchange?.paged(request, page, now, step)
    else this.reaper?.paged(request, page, now)
  }

  /** Hints are walked by the coordinator of the same process alone. */
  #scan(request: Scan, from: Address, step: Step): void {
    const isWalk = request.keyspace === HINTS_KEYSPACE && from === this.#config.index
    if (isWalk) this.#hints.walks(request)
    if (isWalk || this.#mayRead(request, from, step)) step.scans.push({ to: from, request })
  }

  #pong({ sentAt }: Ping, from: Address, now: Now, step: Step): void {
    step.send(from, { kind: 'pong', sentAt, clock: this.clock.at(now), ...this.#config.life })
  }

  #register(request: Prepare | Accept | Inquire, from: Address, step: Step): void {
    const definition = this.#mayRead(request, from, step)
    if (definition === undefined) return
    if (definition.mode !== 'cp') return this.#refuseKind(request, definition, from, step)
    if (this.#rebirth.isOutdated(request.births)) {
      const { id, round } = request
      return step.send(from, { kind: 'outdated', id, round, births: this.#rebirth.births })
    }
    const isLed = definition.leader === true
    if (request.kind === 'inquire') return this.#registers.inquire(request, isLed, from, step)
    if (this.#config.records.full === true) return this.#refuse(request, 'storage-full', '', from, step)
    const floor = isLed ? this.#votes.floorOf(groupName('keyspace', definition.name)) : undefined
    if (request.kind === 'prepare') this.#registers.prepare(request, floor, from, step)
    else this.#registers.accept(request, floor, from, step)
  }

  #read(request: Read, from: Address, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    if (definition.mode === 'cp') return this.#refuseKind(request, definition, from, step)
    const { id, round } = request
    const isHandoff = from === this.#config.index && id >= HANDOFF_IDS
    if (!isHandoff && !this.#isWhole(definition, request, from, step)) return
    const { records } = this.#config
    if (request.digest && definition.conflicts === 'lww' && records.readStamp !== undefined) {
      const stamp = records.readStamp(request.keyspace, request.key)
      const digest = stamp === undefined ? ABSENT : digestLww(stamp)
      return step.send(from, { kind: 'read-answer', id, round, digest, record: undefined })
    }
    const record = records.read(request.keyspace, request.key)
    const full = request.digest ? undefined : record
    step.send(from, { kind: 'read-answer', id, round, digest: digestOf(record), record: full })
  }

  #write(request: Write, from: Address, now: Now, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    if (definition.mode === 'cp') return this.#refuseKind(request, definition, from, step)
    // What comes from the same process was not under way.
    if (from !== this.#config.index && this.clock.isTooOld(request.asOf, now)) {
      return this.#refuse(request, 'too-old', 'it was under way for too long', from, step)
    }
    const reason = this.#merges.merge(request, definition, now, step)
    if (reason !== undefined) return this.#refuse(request, reason.code, reason.detail, from, step)
    step.send(from, { kind: 'written', id: request.id, round: request.round })
  }

  /** Changes what is stored; of what was there the stamp is enough. */
  #change(change: RecordChange, before: StoredRecord | Stamp | undefined, step: Step): void {
    step.writes.push(change)
    this.exchange?.upkeep.note(change, before)
    this.reaper?.changed(change)
    this.standing?.touched()
  }

  #mint(request: Mint, from: Address, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    if (definition.conflicts !== 'siblings') return this.#refuseKind(request, definition, from, step)
    const reason = this.#mints.mint(request, from, step)
    if (reason !== undefined) this.#refuse(request, reason.code, reason.detail, from, step)
  }

  #open(request: Open, from: Address, step: Step): void {
    const opened = this.#keyspaces.open(request, step)
    if ('kind' in opened) step.send(from, opened)
    else this.#refuse(request, opened.code, opened.detail, from, step)
  }

  /** The definition of the request's keyspace; without one the request is refused. */
  #knows(
    request: Read | Write | Mint | Scan | Prepare | Accept | Inquire,
    from: Address,
    step: Step,
  ): KeyspaceDefinition | undefined {
    const definition = this.#keyspaces.definitionOf(request.keyspace)
    const closed = this.standing?.whyClosed
    if (closed !== undefined) {
      if (this.standing?.isNew === true) return undefined
      // Its coordinator may ask another replica meanwhile.
      if (request.kind === 'mint') this.#mints.pass(request, from)
      this.#refuse(request, 'catching-up', closed, from, step)
      return undefined
    }
    if (definition === undefined) this.#refuse(request, 'unknown-keyspace', '', from, step)
    return definition
  }

  /** The same, for requests that take part in a quorum of those who read, or of acceptors. */
  #mayRead(
    request: Read | Scan | Prepare | Accept | Inquire,
    from: Address,
    step: Step,
  ): KeyspaceDefinition | undefined {
    const definition = this.#knows(request, from, step)
    return definition !== undefined && this.#isWhole(definition, request, from, step) ? definition : undefined
  }

  /** Whether nothing of the keyspace may be forgotten here; if it may, the request is refused. */
  #isWhole(
    definition: KeyspaceDefinition,
    request: { readonly id: number; readonly round: number },
    from: Address,
    step: Step,
  ): boolean {
    if (this.standing === undefined) return true
    const isAcceptor = definition.mode === 'cp'
    if (isAcceptor ? this.standing.mayVote(definition) : this.standing.of(definition) === 'serving') return true
    if (this.standing.isNew) return false
    this.#refuse(request, 'catching-up', isAcceptor ? MAY_HAVE_PROMISED : MAY_HAVE_FORGOTTEN, from, step)
    return false
  }

  #refuseKind(
    request: { readonly id: number; readonly round: number },
    definition: KeyspaceDefinition,
    from: Address,
    step: Step,
  ): void {
    const { code, detail } = wrongKind(definition)
    this.#refuse(request, code, detail, from, step)
  }

  #refuse(
    request: { readonly id: number; readonly round: number },
    code: RefusalCode,
    detail: string,
    from: Address,
    step: Step,
  ): void {
    step.send(from, { kind: 'refused', id: request.id, round: request.round, code, detail })
  }
}

const MAY_HAVE_FORGOTTEN = 'it may have forgotten writes, and exchanges with the others'
const MAY_HAVE_PROMISED = 'it has lost its data, or cannot rule it out yet: it may have forgotten what it promised'

/** What a storage found for a `ScanEffect`. */
export interface ScannedPage {
  readonly entries: readonly RecordWrite[]
  readonly done: boolean
}

/** Whether the replica asked for this walk itself, and nobody gets an answer. */
export function isOwnWalk({ to }: ScanEffect): boolean {
  return to === WALK || to === REAP_WALK
}
