/**
 * The replica's part that takes records from others: what coordinators write, hints, and what exchanges bring.
 *
 * A record is merged into the one that is here, or refused with the reason; what changes nothing is not stored anew.
 * Ring: machines.
 */
import { QuorateError } from './base/errors.ts'
import { highestSeen, sameContext } from './causality/causal-context.ts'
import { EMPTY_RECORD, mergeAt } from './causality/dotted-record.ts'
import { stampOf } from './causality/hybrid-time.ts'
import { isNewer, type Stamp } from './causality/lww-record.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Life, Write } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { DottedRecord, LwwRecord, RecordChange, RecordWrite, StoredRecord } from './record.ts'
import type { Records } from './records.ts'
import type { Refusal } from './refusal.ts'
import type { Floor } from './replica-floor.ts'
import type { Hints, HintedWrite } from './replica-hints.ts'
import type { ReplicaRegisters } from './replica-registers.ts'
import type { ReplicaStanding } from './replica-standing.ts'
import type { Now, Step } from './step.ts'

/** What is merged: a write of a coordinator, a hint, or what an exchange brought. */
export type Mergeable = RecordWrite & Partial<Pick<Write, 'owner' | 'repairs'>>

export interface MergesConfig {
  readonly life: Life
  readonly options: ResolvedCore
  readonly records: Records
  readonly floor: Floor
  readonly hints: Hints
  readonly registers: ReplicaRegisters
  /** What is registered, by fingerprint. */
  readonly definitions: ReadonlyMap<number, KeyspaceDefinition>
  readonly standing: () => ReplicaStanding | undefined
  readonly change: (change: RecordChange, before: StoredRecord | Stamp | undefined, step: Step) => void
}

export class Merges {
  readonly #config: MergesConfig

  constructor(config: MergesConfig) {
    this.#config = config
  }

  /** Merges a record into the one that is here, and notes down for whom it is kept. Gives the reason why not. */
  merge(write: Mergeable, definition: KeyspaceDefinition, now: Now, step: Step): Refusal | undefined {
    const { keyspace, key, record } = write
    const reason = this.#whyNoMerge(record, definition, now)
    if (reason !== undefined) return reason
    if (record.kind === 'register') {
      this.#config.registers.takeOver({ keyspace, key, record }, definition, step)
      return undefined
    }
    const before = record.kind === 'lww' ? this.#stampOf(keyspace, key) : this.#config.records.read(keyspace, key)
    if (before === undefined && write.repairs === false && this.#mayBeErased(record)) {
      return { code: 'too-late', detail: 'newer writes have been deleted and erased since' }
    }
    if (isDotted(before) && isDotted(record) && this.#isBefore(before, record)) {
      this.#config.standing()?.found(key, step)
      return { code: 'catching-up', detail: this.#config.standing()?.whyClosed ?? '' }
    }
    const next = this.#after(record, before)
    if (isHinted(write)) {
      const held = next ?? this.#config.records.read(keyspace, key) ?? record
      const wrong = this.#config.hints.keep(write, held, { now, definition, step })
      if (wrong !== undefined) return wrong
    }
    if (next !== undefined) this.#config.change({ keyspace, key, record: next }, before, step)
    return undefined
  }

  /**
   * Whether a write may be a retry of one that was deleted and erased. A sibling cannot: its dot is given once, and a
   * message that carries it is not old.
   */
  #mayBeErased(record: StoredRecord): boolean {
    return record.kind === 'lww' && this.#config.floor.mayHold('lww', record.at)
  }

  /** Whether the record holds a write of this very incarnation that the one here has never known. */
  #isBefore({ context }: DottedRecord, { siblings }: DottedRecord): boolean {
    const { incarnation: actor } = this.#config.life
    return siblings.some((sibling) => sibling.actor === actor && sibling.counter > highestSeen(context, actor))
  }

  #whyNoMerge(record: StoredRecord, definition: KeyspaceDefinition, now: Now): Refusal | undefined {
    if (KIND_OF[definition.conflicts] !== record.kind) return wrongKind(definition)
    if (this.#config.records.full === true) return { code: 'storage-full', detail: '' }
    const aheadMs = this.#config.options.driftMsMax
    if (record.kind === 'lww' && record.at > stampOf(now.wallMs + aheadMs)) {
      return { code: 'clock-ahead', detail: `by more than ${aheadMs} ms` }
    }
    return undefined
  }

  /** What is stored once the record is merged; nothing if that changes nothing. */
  #after(record: DottedRecord | LwwRecord, before: StoredRecord | Stamp | undefined): StoredRecord | undefined {
    if (record.kind === 'lww') return before === undefined || isNewer(record, before as Stamp) ? record : undefined
    const current = isDotted(before) ? before : EMPTY_RECORD
    const merged = mergeAt(this.#config.life.incarnation, current, record)
    return addsTo(current, merged) ? merged : undefined
  }

  /** A record of an exchange. What is refused stays a difference. False for a register that is refused. */
  mergeOffered(write: RecordWrite, now: Now, step: Step): boolean {
    const definition = this.#config.definitions.get(write.keyspace)
    if (definition === undefined) return true
    try {
      return this.merge(write, definition, now, step) === undefined || definition.mode !== 'cp'
    } catch (error) {
      // A record that is damaged here must not take those beside it along.
      if (!(error instanceof QuorateError)) throw error
      return definition.mode !== 'cp'
    }
  }

  #stampOf(keyspace: number, key: string): Stamp | undefined {
    const { records } = this.#config
    if (records.readStamp !== undefined) return records.readStamp(keyspace, key)
    const record = records.read(keyspace, key)
    return record?.kind === 'lww' ? record : undefined
  }
}

/** The kind of record in a keyspace. */
const KIND_OF = { siblings: 'dotted', lww: 'lww', registers: 'register' } as const

export function wrongKind({ conflicts }: KeyspaceDefinition): Refusal {
  return { code: 'wrong-kind', detail: `the keyspace keeps ${conflicts}` }
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
