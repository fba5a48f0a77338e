/**
 * The replica: stores records and answers coordinators.
 *
 * A deterministic machine. It reads its records synchronously and writes them as effects; an answer stands in the step
 * behind the write that it speaks of, so the host cannot send it before the write is durable.
 * The host's duty: see step.ts; hand in what the storage holds of keyspace 0 at the start.
 * Ring: machines.
 */
import { QuorateError } from './base/errors.ts'
import { stampOf } from './causality/hybrid-time.ts'
import {
  dotOf,
  EMPTY_RECORD,
  isPlausible,
  mayHaveForgotten,
  mergeAt,
  mint,
  type Dot,
} from './causality/dotted-record.ts'
import { isNewer, type Stamp } from './causality/lww-record.ts'
import { digestOf } from './causality/merge.ts'
import { highestSeen, sameContext, withAllUpTo } from './causality/causal-context.ts'
import { HANDOFF_IDS } from './coordinator-handoff.ts'
import type { ElectionRequest } from './consensus/election-message.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import { HINTS_KEYSPACE } from './hint.ts'
import type { Errand, Life, Mint, Minted, Open, Ping, Read, Request, Scan, Write } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { DottedRecord, RecordChange, RecordWrite, StoredRecord } from './record.ts'
import { Hints, type HintedWrite } from './replica-hints.ts'
import { Keyspaces, type Registered } from './replica-keyspaces.ts'
import { ReplicaStanding } from './replica-standing.ts'
import { Votes } from './replica-votes.ts'
import { ReplayGuard, Retried } from './replay-guard.ts'
import type { Refusal, RefusalCode } from './refusal.ts'
import { ReplicaExchange, WALK, type ExchangeSetting } from './replica-exchange.ts'
import { ReplicaClock } from './replica-clock.ts'
import { Floor } from './replica-floor.ts'
import { REAP_WALK, ReplicaReaper } from './replica-reaper.ts'
import { whyOverBudget } from './sibling-budget.ts'
import type { Address, Now, ScanEffect, Step } from './step.ts'

/** The replica's own view of its storage: staged writes included. */
export interface Records {
  read(keyspace: number, key: string): StoredRecord | undefined
  /**
   * The stamp of a last-writer-wins record, for storages that can tell it without reading the value; `undefined` where
   * there is none.
   */
  readStamp?(keyspace: number, key: string): Stamp | undefined
  /** Whether there is no room for further writes. */
  readonly full?: boolean
}

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

/** What is merged: a write of a coordinator, a hint, or what an exchange brought. */
type Mergeable = RecordWrite & Partial<Pick<Write, 'owner' | 'repairs'>>

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
  readonly #records: Records
  readonly #guard = new ReplayGuard()
  readonly #retried = new Retried()
  readonly #keyspaces: Keyspaces
  readonly #hints: Hints
  readonly #floor = new Floor(OWN_KEYSPACE)
  readonly #votes: Votes

  constructor(config: ReplicaConfig) {
    const { index, membership, options, records, own, exchange } = config
    this.#config = config
    this.#records = records
    this.clock = new ReplicaClock({ run: config.life.run, horizonMs: options.horizonMs })
    this.#hints = new Hints({
      index,
      membership,
      options,
      incarnation: config.life.incarnation,
      read: (keyspace, key) => records.read(keyspace, key),
      erase: (key, before, step) => this.#change({ ...key, record: undefined }, before, step),
      ownKeyspace: OWN_KEYSPACE,
    })
    this.#keyspaces = new Keyspaces({
      membership,
      keyspacesMax: options.keyspacesMax,
      ownKeyspace: OWN_KEYSPACE,
      redefined: () => this.exchange?.redefined(),
      mayForget: (definition, confirmed) => this.standing?.mayForget(definition, confirmed) === true,
      behind: () => this.standing?.behind(),
    })
    this.#votes = new Votes({
      index,
      membership,
      options,
      read: (key) => records.read(OWN_KEYSPACE, key),
      asksOthers: exchange !== undefined,
      isFull: () => records.full === true,
      ownKeyspace: OWN_KEYSPACE,
    })
    const standing =
      exchange &&
      new ReplicaStanding({
        index,
        membership,
        life: config.life,
        options,
        keyspaces: this.#keyspaces,
        votes: this.#votes,
        ownKeyspace: OWN_KEYSPACE,
        known: () => this.exchange?.known() ?? 0,
        exchanges: () => this.exchange?.begun ?? 0,
        hasten: (peers, nowMs) => this.exchange?.hasten(peers, nowMs),
        teach: (peer, step) => this.exchange?.teach(peer, step),
      })
    this.standing = standing
    for (const write of own) {
      const isTaken = standing?.load(write) === true || this.#hints.load(write) || this.#floor.load(write)
      if (!isTaken && !this.#votes.load(write)) this.#keyspaces.load(write)
    }
    this.exchange =
      exchange &&
      standing &&
      new ReplicaExchange(exchange, {
        standing,
        index,
        membership,
        options,
        definitions: this.#keyspaces.definitions,
        isConfirmed: (definition) => this.#keyspaces.isConfirmed(definition),
        clock: this.clock,
        merge: (write, now, step) => this.#mergeOffered(write, now, step),
      })
    this.reaper =
      exchange &&
      new ReplicaReaper({
        index,
        run: config.life.run,
        membership,
        options,
        definitions: this.#keyspaces.definitions,
        floor: this.#floor,
        usable: exchange.usable,
        read: (keyspace, key) => records.read(keyspace, key),
        change: (change, before, step) => this.#change(change, before, step),
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

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#votes.forget(from)
    this.#guard.forget(from)
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

  #read(request: Read, from: Address, step: Step): void {
    const { id, round } = request
    const isHandoff = from === this.#config.index && id >= HANDOFF_IDS
    if (!(isHandoff ? this.#knows(request, from, step) : this.#mayRead(request, from, step))) return
    const record = this.#records.read(request.keyspace, request.key)
    const full = request.digest ? undefined : record
    step.send(from, { kind: 'read-answer', id, round, digest: digestOf(record), record: full })
  }

  #write(request: Write, from: Address, now: Now, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    // What comes from the same process was not under way.
    if (from !== this.#config.index && this.clock.isTooOld(request.asOf, now)) {
      return this.#refuse(request, 'too-old', 'it was under way for too long', from, step)
    }
    const reason = this.#merge(request, definition, now, step)
    if (reason !== undefined) return this.#refuse(request, reason.code, reason.detail, from, step)
    step.send(from, { kind: 'written', id: request.id, round: request.round })
  }

  /** Merges a record into the one that is here, and notes down for whom it is kept. Gives the reason why not. */
  #merge(write: Mergeable, definition: KeyspaceDefinition, now: Now, step: Step): Refusal | undefined {
    const { keyspace, key, record } = write
    const reason = this.#whyNoMerge(record, definition, now)
    if (reason !== undefined) return reason
    const before = record.kind === 'lww' ? this.#stampOf(keyspace, key) : this.#records.read(keyspace, key)
    if (before === undefined && write.repairs === false && this.#mayBeErased(record)) {
      return { code: 'too-late', detail: 'newer writes have been deleted and erased since' }
    }
    if (isDotted(before) && isDotted(record) && this.#isBefore(before, record)) {
      this.standing?.found(key, step)
      return { code: 'catching-up', detail: this.standing?.whyClosed ?? '' }
    }
    const next = this.#after(record, before)
    if (isHinted(write)) {
      const held = next ?? this.#records.read(keyspace, key) ?? record
      const wrong = this.#hints.keep(write, held, { now, definition, step })
      if (wrong !== undefined) return wrong
    }
    if (next !== undefined) this.#change({ keyspace, key, record: next }, before, step)
    return undefined
  }

  /**
   * Whether a write may be a retry of one that was deleted and erased. A sibling cannot: its dot is given once, and a
   * message that carries it is not old.
   */
  #mayBeErased(record: StoredRecord): boolean {
    return record.kind === 'lww' && this.#floor.mayHold('lww', record.at)
  }

  /** Whether the record holds a write of this very incarnation that the one here has never known. */
  #isBefore({ context }: DottedRecord, { siblings }: DottedRecord): boolean {
    const { incarnation: actor } = this.#config.life
    return siblings.some((sibling) => sibling.actor === actor && sibling.counter > highestSeen(context, actor))
  }

  #whyNoMerge(record: StoredRecord, definition: KeyspaceDefinition, now: Now): Refusal | undefined {
    if ((definition.conflicts === 'lww') !== (record.kind === 'lww')) {
      return { code: 'wrong-kind', detail: `the keyspace keeps ${definition.conflicts}` }
    }
    if (this.#records.full === true) return { code: 'storage-full', detail: '' }
    const aheadMs = this.#config.options.driftMsMax
    if (record.kind === 'lww' && record.at > stampOf(now.wallMs + aheadMs)) {
      return { code: 'clock-ahead', detail: `by more than ${aheadMs} ms` }
    }
    return undefined
  }

  /** What is stored once the record is merged; nothing if that changes nothing. */
  #after(record: StoredRecord, before: StoredRecord | Stamp | undefined): StoredRecord | undefined {
    if (record.kind === 'lww') return before === undefined || isNewer(record, before as Stamp) ? record : undefined
    const current = isDotted(before) ? before : EMPTY_RECORD
    const merged = mergeAt(this.#config.life.incarnation, current, record)
    return addsTo(current, merged) ? merged : undefined
  }

  /** A record of an exchange. What is refused stays a difference. */
  #mergeOffered(write: RecordWrite, now: Now, step: Step): void {
    const definition = this.#keyspaces.definitions.get(write.keyspace)
    if (definition === undefined) return
    try {
      this.#merge(write, definition, now, step)
    } catch (error) {
      // A record that is damaged here must not take those beside it along.
      if (!(error instanceof QuorateError)) throw error
    }
  }

  /** Changes what is stored; of what was there the stamp is enough. */
  #change(change: RecordChange, before: StoredRecord | Stamp | undefined, step: Step): void {
    step.writes.push(change)
    this.exchange?.upkeep.note(change, before)
    this.reaper?.changed(change)
    this.standing?.touched()
  }

  #stampOf(keyspace: number, key: string): Stamp | undefined {
    const records = this.#records
    if (records.readStamp !== undefined) return records.readStamp(keyspace, key)
    const record = records.read(keyspace, key)
    return record?.kind === 'lww' ? record : undefined
  }

  #mint(request: Mint, from: Address, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    if (definition.conflicts !== 'siblings') {
      return this.#refuse(request, 'wrong-kind', `the keyspace keeps ${definition.conflicts}`, from, step)
    }
    const { incarnation, run } = this.#config.life
    if (request.incarnation !== incarnation || request.run !== run) {
      const detail = request.incarnation === incarnation ? 'it has started again' : 'it has lost its data since'
      return this.#refuse(request, 'other-life', detail, from, step)
    }
    const { keyspace, key } = request
    const before = this.#records.read(keyspace, key)
    const current = before?.kind === 'dotted' ? before : EMPTY_RECORD
    const known = dotOf(current, { op: request.op, actor: incarnation })
    if (known !== undefined) return step.send(from, minted(request, known, { floor: 0, record: current }))
    const reason = this.#whyNot(request, from, current)
    if (reason !== undefined) return this.#refuse(request, reason.code, reason.detail, from, step)
    if (request.again) this.#retried.note(request)
    const floor = hasMinted(current, incarnation) ? 0 : this.#floor.counterOf(incarnation)
    const context = withAllUpTo(request.context, { actor: incarnation, counter: floor })
    const delta = mint(current, incarnation, { ...request, context })
    const record = before === undefined ? delta : mergeAt(incarnation, current, delta)
    this.#change({ keyspace, key, record }, before, step)
    step.send(from, minted(request, delta.siblings[0] as Dot, { floor }))
  }

  /** Why a write that is not known here is not taken. A request that was refused once is not taken later either. */
  #whyNot(request: Mint, from: Address, current: DottedRecord): Refusal | undefined {
    const isNew = this.#guard.note(from, request.id) === 'new'
    const { again, at } = request
    const isErased = again && this.#floor.mayHold('dotted', at)
    const isLost = isErased || (again ? mayHaveForgotten(current, at) : this.#retried.has(request))
    if (!isNew || isLost) {
      return { code: 'too-late', detail: 'too much came after the first attempt to tell whether it happened' }
    }
    if (this.#records.full === true) return { code: 'storage-full', detail: '' }
    if (!isPlausible(current, request.context, this.#floor.dots)) {
      return { code: 'bad-context', detail: 'it names writes that this key never had' }
    }
    const over = whyOverBudget(current, request, this.#config.options)
    return over === undefined ? undefined : { code: 'too-many-siblings', detail: `${over}; read the key first` }
  }

  #open(request: Open, from: Address, step: Step): void {
    const opened = this.#keyspaces.open(request, step)
    if ('kind' in opened) step.send(from, opened)
    else this.#refuse(request, opened.code, opened.detail, from, step)
  }

  /** The definition of the request's keyspace; without one the request is refused. */
  #knows(request: Read | Write | Mint | Scan, from: Address, step: Step): KeyspaceDefinition | undefined {
    const definition = this.#keyspaces.definitions.get(request.keyspace)
    const closed = this.standing?.whyClosed
    if (closed !== undefined) {
      // A copy of it that comes later is not taken either: its coordinator may ask another replica meanwhile.
      if (request.kind === 'mint') this.#guard.note(from, request.id)
      this.#refuse(request, 'catching-up', closed, from, step)
      return undefined
    }
    if (definition === undefined) this.#refuse(request, 'unknown-keyspace', '', from, step)
    return definition
  }

  /** The same, for requests that take part in a read quorum. */
  #mayRead(request: Read | Scan, from: Address, step: Step): KeyspaceDefinition | undefined {
    const definition = this.#knows(request, from, step)
    if (definition === undefined || this.standing === undefined) return definition
    if (this.standing.of(definition) === 'serving') return definition
    this.#refuse(request, 'catching-up', 'it may have forgotten writes, and exchanges with the others', from, step)
    return undefined
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

/** What a storage found for a `ScanEffect`. */
export interface ScannedPage {
  readonly entries: readonly RecordWrite[]
  readonly done: boolean
}

function isDotted(record: StoredRecord | Stamp | undefined): record is DottedRecord {
  return record !== undefined && 'kind' in record && record.kind === 'dotted'
}

function isHinted(request: Mergeable): request is HintedWrite {
  return request.owner !== undefined
}

/** Whether merging changed anything: new dots change the context, and overwriting without new dots drops siblings. */
function addsTo(before: DottedRecord, merged: DottedRecord): boolean {
  return !sameContext(before.context, merged.context) || before.siblings.length !== merged.siblings.length
}

function minted(
  { id, round }: Mint,
  { actor, counter }: Dot,
  { floor, record }: { readonly floor: number; readonly record?: StoredRecord },
): Minted {
  return { kind: 'minted', id, round, actor, counter, floor, record }
}

/**
 * Whether this actor's dots stand in the record since it first minted one for the key, or since the key was last erased:
 * then no others were ever given. A context alone does not tell: it may have come with a write of somebody who had seen
 * some of what was erased.
 */
function hasMinted({ siblings, replaced }: DottedRecord, actor: number): boolean {
  return replaced.length > 0 || siblings.some((sibling) => sibling.actor === actor)
}

/** Whether the replica asked for this walk itself, and nobody gets an answer. */
export function isOwnWalk({ to }: ScanEffect): boolean {
  return to === WALK || to === REAP_WALK
}
