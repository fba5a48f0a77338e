/**
 * The replica's part that is an acceptor: one register for each key of a CP keyspace.
 *
 * Its transitions are in consensus/acceptor.ts; here they meet storage and messages. Whatever an answer speaks of is
 * among the step's writes before it. An acceptor never answers from memory that its disk does not have: a promise that
 * is forgotten at a restart is one that was never given.
 * Ring: machines.
 */
import type { Ballot } from './base/ballot.ts'
import { accept, EMPTY_REGISTER, isStuck, prepare, takeOver, type Transition } from './consensus/acceptor.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Accept, Inquire, Prepare } from './message.ts'
import type { RecordWrite, RegisterRecord, StoredRecord } from './record.ts'
import type { Rebirth } from './replica-rebirth.ts'
import type { Address, Step } from './step.ts'

export interface ReplicaRegistersConfig {
  /** The address of the coordinator in the same process. */
  readonly index: Address
  readonly read: (keyspace: number, key: string) => StoredRecord | undefined
  /** What stands for a register that is not here: it may have been erased. */
  readonly absent: (keyspace: number) => RegisterRecord
  readonly rebirth: Rebirth
  /** Stores a record in place of another. */
  readonly change: (write: RecordWrite, before: StoredRecord | undefined, step: Step) => void
}

export class ReplicaRegisters {
  readonly #config: ReplicaRegistersConfig

  constructor(config: ReplicaRegistersConfig) {
    this.#config = config
  }

  /** @param led for a keyspace with a leader: what the vote for him promises for all keys. */
  prepare(request: Prepare, led: Ballot | undefined, from: Address, step: Step): void {
    const { id, round, ballot } = request
    const floor = this.#floorFor(led, ballot, step)
    const record = this.#carryOut(request, (before) => prepare(before, ballot, floor), from, step)
    if (record === undefined) return
    step.send(from, { kind: 'promised', id, round, accepted: record.accepted, state: record.state })
  }

  accept(request: Accept, led: Ballot | undefined, from: Address, step: Step): void {
    const { id, round } = request
    const floor = this.#floorFor(led, request.ballot, step)
    const record = this.#carryOut(request, (before) => accept(before, request, floor), from, step)
    if (record !== undefined) step.send(from, { kind: 'accepted', id, round })
  }

  inquire({ id, round, keyspace, key, digest }: Inquire, isLed: boolean, from: Address, step: Step): void {
    // Nobody has promised anything for a register that is not here: those that are erased had nothing under way.
    const record = this.#read(keyspace, key) ?? EMPTY_REGISTER
    const { accepted, state } = record
    const promised = isLed ? record.promised : this.#config.rebirth.promisedOf(record)
    step.send(from, { kind: 'told', id, round, promised, accepted, state: digest ? undefined : state })
  }

  /** A copy that another acceptor sent in an exchange. Where it must not be taken, the coordinator here is told. */
  takeOver(
    { keyspace, key, record }: RecordWrite & { readonly record: RegisterRecord },
    definition: KeyspaceDefinition,
    step: Step,
  ): void {
    const before = this.#held(keyspace, key)
    if (isStuck(before, record)) {
      step.send(this.#config.index, { kind: 'stuck', id: 0, round: 0, definition, key, promised: before.promised })
    }
    const after = takeOver(before, record)
    if (after !== before) this.#store({ keyspace, key, record: after }, before, step)
  }

  /** What is promised for all keys. What was promised to leaders is told by votes. */
  #floorFor(led: Ballot | undefined, ballot: Ballot, step: Step): Ballot {
    const { rebirth } = this.#config
    if (led === undefined) rebirth.promise(ballot, step)
    return led ?? rebirth.floor
  }

  /** Gives the register after the transition; `undefined` once the sender has been told of a higher ballot. */
  #carryOut(
    request: Prepare | Accept,
    transition: (before: RegisterRecord) => Transition,
    from: Address,
    step: Step,
  ): RegisterRecord | undefined {
    const { id, round, keyspace, key } = request
    const before = this.#held(keyspace, key)
    const after = transition(before)
    if (after.kind === 'preempted') {
      step.send(from, { kind: 'preempted', id, round, promised: after.promised })
      return undefined
    }
    if (after.kind === 'changed') this.#store({ keyspace, key, record: after.record }, before, step)
    return after.record
  }

  #held(keyspace: number, key: string): RegisterRecord {
    return this.#read(keyspace, key) ?? this.#config.absent(keyspace)
  }

  #read(keyspace: number, key: string): RegisterRecord | undefined {
    const record = this.#config.read(keyspace, key)
    return record?.kind === 'register' ? record : undefined
  }

  #store(write: RecordWrite, before: RegisterRecord, step: Step): void {
    this.#config.change(write, before === this.#config.absent(write.keyspace) ? undefined : before, step)
  }
}
