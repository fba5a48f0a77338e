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
import { hasDot, sameContext } from './causality/causal-context.ts'
import {
  definitionFingerprint,
  definitionText,
  parseDefinition,
  type KeyspaceDefinition,
} from './keyspace-definition.ts'
import type { Life, Mint, Minted, Open, Read, Request, Scan, Write } from './message.ts'
import { checkQuorums } from './operation/prove-quorums.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { DottedRecord, RecordWrite, StoredRecord } from './record.ts'
import { ReplayGuard } from './replay-guard.ts'
import type { RefusalCode } from './refusal.ts'
import { ReplicaExchange, WALK, type ExchangeSetting } from './replica-exchange.ts'
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

interface Registered {
  readonly definition: KeyspaceDefinition
  readonly confirmed: boolean
}

/** A refusal travels with its reason, of which so much has to do. */
const WHY_CHARS_MAX = 300

/** The keyspace in which a replica keeps what is its own: registered definitions, by name. */
export const OWN_KEYSPACE = 0

export class Replica {
  readonly exchange: ReplicaExchange | undefined
  readonly #config: ReplicaConfig
  readonly #records: Records
  readonly #byName = new Map<string, Registered>()
  readonly #guard = new ReplayGuard()
  readonly #byFingerprint = new Map<number, KeyspaceDefinition>()

  constructor(config: ReplicaConfig) {
    this.#config = config
    this.#records = config.records
    for (const { record } of config.own) this.#load(record)
    const { exchange, membership, options } = config
    this.exchange =
      exchange &&
      new ReplicaExchange(exchange, {
        membership,
        options,
        definitions: this.#byFingerprint,
        isConfirmed: ({ name }) => this.#byName.get(name)?.confirmed === true,
        merge: (write, now, step) => this.#mergeOffered(write, now, step),
      })
  }

  /** The keyspaces registered here, by name. */
  keyspaces(): readonly Registered[] {
    return [...this.#byName.values()]
  }

  receive(request: Request, from: Address, now: Now, step: Step): void {
    if (request.kind !== 'ping') this.exchange?.served(now.monoMs)
    switch (request.kind) {
      case 'read':
        return this.#read(request, from, step)
      case 'write':
        return this.#write(request, from, now, step)
      case 'mint':
        return this.#mint(request, from, step)
      case 'scan':
        if (this.#knows(request, from, step)) step.scans.push({ to: from, request })
        return
      case 'open':
        return this.#open(request, from, step)
      case 'ping':
        return step.send(from, { kind: 'pong', sentAt: request.sentAt, ...this.#config.life })
    }
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#guard.forget(from)
  }

  /** The host walked the records that a `ScanEffect` asked for. */
  scanned({ request, to }: ScanEffect, page: ScannedPage, now: Now, step: Step): void {
    if (to === WALK) return this.exchange?.paged(request, page, now, step)
    const { id, round } = request
    step.send(to, { kind: 'scan-page', id, round, entries: page.entries, done: page.done })
  }

  #read(request: Read, from: Address, step: Step): void {
    if (!this.#knows(request, from, step)) return
    const record = this.#records.read(request.keyspace, request.key)
    const { id, round } = request
    const full = request.digest ? undefined : record
    step.send(from, { kind: 'read-answer', id, round, digest: digestOf(record), record: full })
  }

  #write(request: Write, from: Address, now: Now, step: Step): void {
    const definition = this.#knows(request, from, step)
    if (definition === undefined) return
    const reason = this.#merge(request, definition, now, step)
    if (reason !== undefined) return this.#refuse(request, reason.code, reason.detail, from, step)
    step.send(from, { kind: 'written', id: request.id, round: request.round })
  }

  /** Merges a record into the one that is here. Gives the reason why not. */
  #merge(write: RecordWrite, definition: KeyspaceDefinition, now: Now, step: Step): Reason | undefined {
    const { keyspace, key, record } = write
    if ((definition.conflicts === 'lww') !== (record.kind === 'lww')) {
      return { code: 'wrong-kind', detail: `the keyspace keeps ${definition.conflicts}` }
    }
    if (this.#records.full === true) return { code: 'storage-full', detail: '' }
    if (record.kind === 'lww') {
      const aheadMs = this.#config.options.driftMsMax
      if (record.at > stampOf(now.wallMs + aheadMs)) {
        return { code: 'clock-ahead', detail: `by more than ${aheadMs} ms` }
      }
      const stamp = this.#stampOf(keyspace, key)
      if (stamp === undefined || isNewer(record, stamp)) this.#put({ keyspace, key, record }, stamp, step)
    } else {
      const before = this.#records.read(keyspace, key)
      const current = before?.kind === 'dotted' ? before : EMPTY_RECORD
      const merged = mergeAt(this.#config.life.incarnation, current, record)
      if (addsTo(current, merged)) this.#put({ keyspace, key, record: merged }, before, step)
    }
    return undefined
  }

  /** A record of an exchange. What is refused stays a difference. */
  #mergeOffered(write: RecordWrite, now: Now, step: Step): void {
    const definition = this.#byFingerprint.get(write.keyspace)
    if (definition === undefined) return
    try {
      this.#merge(write, definition, now, step)
    } catch (error) {
      // A record that is damaged here must not take those beside it along.
      if (!(error instanceof QuorateError)) throw error
    }
  }

  /** Stores a record in the place of another, of which the stamp is enough. */
  #put(write: RecordWrite, before: StoredRecord | Stamp | undefined, step: Step): void {
    step.writes.push(write)
    this.exchange?.upkeep.note(write, before)
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
    if (known !== undefined) return step.send(from, minted(request, known, current))
    const reason = this.#whyNot(request, from, current)
    if (reason !== undefined) return this.#refuse(request, reason.code, reason.detail, from, step)
    const delta = mint(current, incarnation, request)
    const record = before === undefined ? delta : mergeAt(incarnation, current, delta)
    this.#put({ keyspace, key, record }, before, step)
    step.send(from, minted(request, delta.siblings[0] as Dot, undefined))
  }

  /** Why a write that is not known here is not taken. A request that was refused once is not taken later either. */
  #whyNot(request: Mint, from: Address, current: DottedRecord): Reason | undefined {
    const isNew = this.#guard.note(from, request.id) === 'new'
    if (!isNew || (request.again && mayHaveForgotten(current, request.at))) {
      return { code: 'too-late', detail: 'too much came after the first attempt to tell whether it happened' }
    }
    if (this.#records.full === true) return { code: 'storage-full', detail: '' }
    if (!isPlausible(current, request.context)) {
      return { code: 'bad-context', detail: 'it names writes that this key never had' }
    }
    if (!this.#tooManySiblings(current, request)) return undefined
    const detail = `${current.siblings.length} siblings; read the key and write with its context`
    return { code: 'too-many-siblings', detail }
  }

  /** At the bound, a write has to replace at least one sibling to be taken. */
  #tooManySiblings(current: DottedRecord, { context }: Mint): boolean {
    if (current.siblings.length < this.#config.options.siblingsMax) return false
    return !current.siblings.some((sibling) => hasDot(context, sibling))
  }

  /** The first definition under a name stays, unless it was never confirmed and a confirmed one comes. */
  #open(request: Open, from: Address, step: Step): void {
    const { name, definition, confirmed, id, round } = request
    const registered = this.#byName.get(name)
    if (
      registered === undefined &&
      definition !== undefined &&
      this.#byName.size >= this.#config.options.keyspacesMax
    ) {
      const detail = `${this.#byName.size} are registered: use one of them, or raise keyspacesMax`
      return this.#refuse(request, 'too-many-keyspaces', detail, from, step)
    }
    if (definition !== undefined && definition.name === name && replaces({ definition, confirmed }, registered)) {
      const wrong = this.#whyNoDefinition(definition)
      if (wrong !== undefined) return this.#refuse(request, 'bad-definition', wrong, from, step)
      this.#register({ definition, confirmed }, step)
    }
    const now = this.#byName.get(name)
    step.send(from, {
      kind: 'opened',
      id,
      round,
      definition: now?.definition,
      confirmed: now?.confirmed ?? false,
    })
  }

  /** Coordinators look before they ask; one that did not would leave a keyspace that nobody can use. */
  #whyNoDefinition(definition: KeyspaceDefinition): string | undefined {
    try {
      checkQuorums(definition, this.#config.membership)
      return undefined
    } catch (error) {
      const [why = ''] = (error as Error).message.split('\n')
      return why.slice(0, WHY_CHARS_MAX)
    }
  }

  #register(registered: Registered, step: Step): void {
    const { definition, confirmed } = registered
    const before = this.#byName.get(definition.name)
    if (before !== undefined) this.#byFingerprint.delete(definitionFingerprint(before.definition))
    this.#remember(registered)
    if (before !== undefined && definitionText(before.definition) !== definitionText(definition)) {
      this.exchange?.redefined()
    }
    const value = new TextEncoder().encode(definitionText(definition))
    const record: StoredRecord = { kind: 'lww', op: 1, at: confirmed ? 1 : 0, value }
    step.writes.push({ keyspace: OWN_KEYSPACE, key: definition.name, record })
    step.notices.push({ kind: 'keyspace', name: definition.name, confirmed })
  }

  #remember(registered: Registered): void {
    this.#byName.set(registered.definition.name, registered)
    this.#byFingerprint.set(definitionFingerprint(registered.definition), registered.definition)
  }

  #load(record: StoredRecord): void {
    if (record.kind !== 'lww' || record.value === null) return
    const definition = parseDefinition(new TextDecoder().decode(record.value))
    if (definition !== undefined) this.#remember({ definition, confirmed: record.at > 0 })
  }

  /** The definition of the request's keyspace; without one the request is refused. */
  #knows(request: Read | Write | Mint | Scan, from: Address, step: Step): KeyspaceDefinition | undefined {
    const definition = this.#byFingerprint.get(request.keyspace)
    if (definition === undefined) this.#refuse(request, 'unknown-keyspace', '', from, step)
    return definition
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

/** Whether merging changed anything: new dots change the context, and overwriting without new dots drops siblings. */
function addsTo(before: DottedRecord, merged: DottedRecord): boolean {
  return !sameContext(before.context, merged.context) || before.siblings.length !== merged.siblings.length
}

interface Reason {
  readonly code: RefusalCode
  readonly detail: string
}

function minted({ id, round }: Mint, { actor, counter }: Dot, record: StoredRecord | undefined): Minted {
  return { kind: 'minted', id, round, actor, counter, record }
}

function replaces(offered: Registered, registered: Registered | undefined): boolean {
  if (registered === undefined) return true
  return offered.confirmed && !registered.confirmed
}
