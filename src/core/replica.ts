/**
 * The replica: stores records and answers coordinators.
 *
 * A deterministic machine. It reads its records synchronously and writes them as effects; an answer stands in the step
 * behind the write that it speaks of, so the host cannot send it before the write is durable.
 * The host's duty: see step.ts; hand in what the storage holds of keyspace 0 at the start.
 * Ring: machines.
 */
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
import { HINTS_KEYSPACE } from './hint.ts'
import type { Errand, Life, Mint, Minted, Open, Read, Request, Scan, Write } from './message.ts'
import { checkQuorums } from './operation/prove-quorums.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { DottedRecord, RecordWrite, StoredRecord } from './record.ts'
import { Hints, type HintedWrite } from './replica-hints.ts'
import { ReplayGuard, Retried } from './replay-guard.ts'
import type { RefusalCode } from './refusal.ts'
import type { Address, Now, Step } from './step.ts'

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
  readonly #config: ReplicaConfig
  readonly #records: Records
  readonly #byName = new Map<string, Registered>()
  readonly #guard = new ReplayGuard()
  readonly #retried = new Retried()
  readonly #byFingerprint = new Map<number, KeyspaceDefinition>()
  readonly #hints: Hints

  constructor(config: ReplicaConfig) {
    const { index, membership, options, records, own } = config
    this.#config = config
    this.#records = records
    this.#hints = new Hints({
      index,
      membership,
      options,
      incarnation: config.life.incarnation,
      read: (keyspace, key) => records.read(keyspace, key),
      ownKeyspace: OWN_KEYSPACE,
    })
    for (const write of own) if (!this.#hints.load(write)) this.#load(write.record)
  }

  /** The keyspaces registered here, by name. */
  keyspaces(): readonly Registered[] {
    return [...this.#byName.values()]
  }

  receive(request: Request | Errand, from: Address, now: Now, step: Step): void {
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
        return step.send(from, { kind: 'pong', sentAt: request.sentAt, ...this.#config.life })
      case 'hints':
        return step.send(from, { kind: 'hinted', id: request.id, round: request.round, owners: this.#hints.owners })
      case 'drop-hint':
        return this.#hints.drop(request, this.#byFingerprint.get(request.keyspace), step)
    }
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#guard.forget(from)
  }

  /** The host walked the records that a `ScanEffect` asked for. */
  scanned(request: Scan, to: Address, page: ScannedPage, step: Step): void {
    const { id, round, keyspace, after } = request
    const isNothing = page.done && page.entries.length === 0 && after === ''
    if (keyspace === HINTS_KEYSPACE && isNothing) this.#hints.foundNothing(request, step)
    step.send(to, { kind: 'scan-page', id, round, entries: page.entries, done: page.done })
  }

  /** Hints are walked by the coordinator of the same process alone. */
  #scan(request: Scan, from: Address, step: Step): void {
    const isWalk = request.keyspace === HINTS_KEYSPACE && from === this.#config.index
    if (isWalk) this.#hints.walks(request)
    if (isWalk || this.#knows(request, from, step)) step.scans.push({ to: from, request })
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
    const { keyspace, key, record, id, round } = request
    if ((definition.conflicts === 'lww') !== (record.kind === 'lww')) {
      return this.#refuse(request, 'wrong-kind', `the keyspace keeps ${definition.conflicts}`, from, step)
    }
    if (this.#records.full === true) return this.#refuse(request, 'storage-full', '', from, step)
    if (record.kind === 'lww') {
      const aheadMs = this.#config.options.driftMsMax
      if (record.at > stampOf(now.wallMs + aheadMs)) {
        return this.#refuse(request, 'clock-ahead', `by more than ${aheadMs} ms`, from, step)
      }
    }
    const next = this.#after(request)
    if (isHinted(request)) {
      const held = next ?? this.#records.read(keyspace, key) ?? record
      const wrong = this.#hints.keep(request, held, { now, definition, step })
      if (wrong !== undefined) return this.#refuse(request, wrong.code, wrong.detail, from, step)
    }
    if (next !== undefined) step.writes.push({ keyspace, key, record: next })
    step.send(from, { kind: 'written', id, round })
  }

  /** What is stored once the write is merged; nothing if that changes nothing. */
  #after({ keyspace, key, record }: Write): StoredRecord | undefined {
    if (record.kind === 'lww') {
      const stamp = this.#stampOf(keyspace, key)
      return stamp === undefined || isNewer(record, stamp) ? record : undefined
    }
    const before = this.#records.read(keyspace, key)
    const current = before?.kind === 'dotted' ? before : EMPTY_RECORD
    const merged = mergeAt(this.#config.life.incarnation, current, record)
    return addsTo(current, merged) ? merged : undefined
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
    if (request.again) this.#retried.note(request)
    const delta = mint(current, incarnation, request)
    const record = before === undefined ? delta : mergeAt(incarnation, current, delta)
    step.writes.push({ keyspace, key, record })
    step.send(from, minted(request, delta.siblings[0] as Dot, undefined))
  }

  /** Why a write that is not known here is not taken. A request that was refused once is not taken later either. */
  #whyNot(request: Mint, from: Address, current: DottedRecord): Reason | undefined {
    const isNew = this.#guard.note(from, request.id) === 'new'
    const isLost = request.again ? mayHaveForgotten(current, request.at) : this.#retried.has(request)
    if (!isNew || isLost) {
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

function isHinted(request: Write): request is HintedWrite {
  return request.owner !== undefined
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
