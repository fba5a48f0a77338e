/**
 * What a replica remembers of records that it has erased, together: the *floor*.
 *
 * Of each actor the highest counter that was among them, so that no dot is ever given twice: the first write that this
 * replica mints for a key that it has none of here gets a counter above the floor, and knows all of this replica's dots
 * below it, which are over for this key. And the newest stamp, so that a retry of a write that may have been among them is
 * told to be too late. Of registers the highest ballot, revision and time of an operation: a register that is not here is
 * one that has promised that ballot and is past that revision.
 * It is stored before the records are erased: should the disk tear a step, it is too high rather than too low.
 * Ring: machines.
 */
import { higherBallot, NO_BALLOT } from './base/ballot.ts'
import {
  contextFromPairs,
  EMPTY_CONTEXT,
  highestSeen,
  joinContexts,
  sameContext,
  seenUpTo,
  type CausalContext,
} from './causality/causal-context.ts'
import { versionsOf } from './causality/merge.ts'
import { EMPTY_REGISTER } from './consensus/acceptor.ts'
import { erasedState } from './consensus/register-state.ts'
import type { DottedRecord, RecordWrite, RegisterRecord, StoredRecord } from './record.ts'
import type { Step } from './step.ts'

/** Kinds with a stamp. */
type ErasedKind = Exclude<StoredRecord['kind'], 'register'>

/** No keyspace has a name that begins like these. */
const DOTS = '/erased/dots'
const REGISTERS = '/erased/registers/'
const ALL_REGISTERS = '/erased/registers'
const STAMPS: Readonly<Record<ErasedKind, string>> = { dotted: '/erased/siblings', lww: '/erased/lww' }

export interface Erased {
  readonly revision: number
  readonly forgottenAt: number
}

export class Floor {
  readonly #ownKeyspace: number
  #dots: CausalContext = EMPTY_CONTEXT
  /** The newest stamp in an erased record of each kind; 0 for none. */
  readonly #newest: Record<ErasedKind, number> = { dotted: 0, lww: 0 }
  /** By keyspace: proposers of one know nothing of the ballots of another. */
  readonly #registers = new Map<number, RegisterRecord>()
  /** Of every keyspace: what was erased by an earlier life of this replica is not known better. */
  #ofAll: RegisterRecord = EMPTY_REGISTER

  /** @param ownKeyspace the keyspace in which a replica keeps what is its own. */
  constructor(ownKeyspace: number) {
    this.#ownKeyspace = ownKeyspace
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load({ key, record }: RecordWrite): boolean {
    if (key === DOTS && record.kind === 'dotted') this.#dots = record.context
    else if (key === STAMPS.dotted && record.kind === 'lww') this.#newest.dotted = record.at
    else if (key === STAMPS.lww && record.kind === 'lww') this.#newest.lww = record.at
    else if (key === ALL_REGISTERS && record.kind === 'register') this.#ofAll = asAbsent(record)
    else if (key.startsWith(REGISTERS) && record.kind === 'register') {
      this.#registers.set(Number(key.slice(REGISTERS.length)), asAbsent(record))
    } else return false
    return true
  }

  /** By actor: no dot up to here is given again. */
  get dots(): CausalContext {
    return this.#dots
  }

  counterOf(actor: number): number {
    return seenUpTo(this.#dots, actor)
  }

  /** What stands for a register that is not here; the same object until another one is erased. */
  registerOf(keyspace: number): RegisterRecord {
    return this.#registers.get(keyspace) ?? this.#ofAll
  }

  /** Of all registers that were erased here: the highest revision, and the latest time of an operation. */
  get erased(): Erased {
    let { revision, forgottenAt } = this.#ofAll.state
    for (const { state } of this.#registers.values()) {
      revision = Math.max(revision, state.revision)
      forgottenAt = Math.max(forgottenAt, state.forgottenAt)
    }
    return { revision, forgottenAt }
  }

  /** In whatever keyspace, registers as these may have been erased. They promise nothing. */
  raiseAll(erased: Erased, step: Step): void {
    const { revision, forgottenAt } = this.erased
    const isAbove = erased.revision > revision || erased.forgottenAt > forgottenAt
    if (!isAbove) return
    const state = erasedState(Math.max(revision, erased.revision), Math.max(forgottenAt, erased.forgottenAt))
    this.#ofAll = asAbsent({ promised: NO_BALLOT, state })
    this.#keep(ALL_REGISTERS, this.#ofAll, step)
    for (const [keyspace, { promised }] of this.#registers) {
      this.#registers.set(keyspace, asAbsent({ promised, state }))
      this.#keep(REGISTERS + keyspace, { kind: 'register', promised, accepted: promised, state }, step)
    }
  }

  /** Whether a write of this time may have been in an erased record of this kind. */
  mayHold(kind: ErasedKind, at: number): boolean {
    return at <= this.#newest[kind]
  }

  /** These records are about to be erased. */
  raise(erased: readonly { readonly keyspace: number; readonly record: StoredRecord }[], step: Step): void {
    let dots = this.#dots
    const newest = { ...this.#newest }
    const registers = new Map<number, RegisterRecord>()
    for (const { keyspace, record } of erased) {
      if (record.kind === 'register') {
        registers.set(keyspace, above(registers.get(keyspace) ?? this.registerOf(keyspace), record))
        continue
      }
      newest[record.kind] = Math.max(newest[record.kind], newestIn(record))
      if (record.kind === 'dotted') dots = joinContexts(dots, highestOf(record))
    }
    for (const [keyspace, register] of registers) {
      this.#registers.set(keyspace, register)
      const { promised, state } = register
      this.#keep(REGISTERS + keyspace, { kind: 'register', promised, accepted: promised, state }, step)
    }
    if (!sameContext(dots, this.#dots)) {
      this.#dots = dots
      this.#keep(DOTS, { kind: 'dotted', context: dots, siblings: [], replaced: [] }, step)
    }
    for (const kind of ['dotted', 'lww'] as const) {
      if (newest[kind] === this.#newest[kind]) continue
      this.#newest[kind] = newest[kind]
      this.#keep(STAMPS[kind], { kind: 'lww', op: 1, at: newest[kind], value: null }, step)
    }
  }

  #keep(key: string, record: StoredRecord, step: Step): void {
    step.writes.push({ keyspace: this.#ownKeyspace, key, record })
  }
}

/** The floor once this register is erased as well. */
function above({ promised, state }: RegisterRecord, erased: RegisterRecord): RegisterRecord {
  const revision = Math.max(state.revision, erased.state.revision)
  let forgottenAt = Math.max(state.forgottenAt, erased.state.forgottenAt)
  for (let i = 1; i < erased.state.operations.length; i += 3) {
    forgottenAt = Math.max(forgottenAt, erased.state.operations[i] as number)
  }
  return asAbsent({ promised: higherBallot(promised, erased.promised), state: erasedState(revision, forgottenAt) })
}

/** Kept like an acceptor's record, and read as that of one that has promised and accepted nothing. */
function asAbsent({ promised, state }: Pick<RegisterRecord, 'promised' | 'state'>): RegisterRecord {
  return { kind: 'register', promised, accepted: NO_BALLOT, state }
}

/** Writes that were replaced long ago count as well, for those who retry them. */
function newestIn(record: StoredRecord): number {
  let newest = 0
  for (const { at } of versionsOf(record)) newest = Math.max(newest, at)
  if (record.kind === 'dotted') newest = Math.max(newest, record.replaced[0] ?? 0)
  return newest
}

function highestOf({ context }: DottedRecord): CausalContext {
  const { vector, cloud } = context
  const pairs: number[] = []
  for (let i = 0; i < vector.length; i += 2) pairs.push(vector[i] as number, vector[i + 1] as number)
  for (let i = 0; i < cloud.length; i += 2) {
    const actor = cloud[i] as number
    pairs.push(actor, highestSeen(context, actor))
  }
  return contextFromPairs({ vector: pairs, cloud: [] })
}
