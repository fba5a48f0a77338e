/**
 * Registers as bytes: ballots, states, and the messages of rounds and reads.
 *
 * What comes back has the promises that the core relies on, whoever wrote the bytes: whole numbers, counters that can
 * still be counted up, a table of operations within its bound.
 */
import { BALLOT_COUNTER_MAX, type Ballot } from '../../core/base/ballot.ts'
import { NO_BIRTHS, type Births } from '../../core/births.ts'
import { GENERATION_MAX } from '../../core/consensus/group.ts'
import { PROPOSERS_MAX, REMEMBERED_MAX } from '../../core/consensus/register-state.ts'
import type {
  Accept,
  Accepted,
  Inquire,
  Message,
  Outdated,
  Preempted,
  Prepare,
  Promised,
  Told,
} from '../../core/message.ts'
import { POSITIONS_MAX } from '../../core/quorum/quorum.ts'
import type { RegisterRecord, RegisterState } from '../../core/record.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { readMark, readValue, writeContent, type RecordLimits } from './value-bytes.ts'

export type RegisterMessage = Prepare | Promised | Accept | Accepted | Preempted | Outdated | Inquire | Told

/** Requests are odd and answers even, like all kinds. */
export const REGISTER_KIND: Readonly<Record<RegisterMessage['kind'], number>> = {
  promised: 48,
  prepare: 49,
  accepted: 50,
  accept: 51,
  told: 52,
  inquire: 53,
  preempted: 54,
  outdated: 56,
}

export interface RegisterLimits extends RecordLimits {
  readonly keyBytesMax: number
}

export function isRegisterMessage(message: Message): message is RegisterMessage {
  return Object.hasOwn(REGISTER_KIND, message.kind)
}

export function writeBallot(writer: ByteWriter, { counter, proposer, step }: Ballot): void {
  writer.float64(counter)
  writer.float64(proposer)
  writer.float64(step)
}

export function readBallot(reader: ByteReader): Ballot {
  const counter = reader.whole()
  if (counter > BALLOT_COUNTER_MAX) throw new Malformed('nobody has counted ballots this far')
  return { counter, proposer: reader.whole(), step: reader.whole() }
}

function writeState(writer: ByteWriter, state: RegisterState): void {
  writer.float64(state.revision)
  writer.float64(state.forgottenAt)
  writer.float64(state.token)
  writer.numbers(state.operations)
  writer.numbers(state.proposers)
  writeContent(writer, { value: state.value })
}

function readState(reader: ByteReader, limits: RecordLimits): RegisterState {
  const revision = reader.whole()
  const forgottenAt = reader.whole()
  const token = reader.whole()
  if (token > GENERATION_MAX) throw new Malformed('a token is none')
  const operations = reader.numbers(3 * REMEMBERED_MAX, 3)
  for (let i = 2; i < operations.length; i += 3) {
    if ((operations[i] as number) > revision) throw new Malformed('an operation is ahead of its register')
  }
  const proposers = reader.numbers(2 * PROPOSERS_MAX, 2)
  const mark = readMark(reader)
  if (mark > 1) throw new Malformed('a register has no author and no end')
  return { revision, forgottenAt, token, operations, proposers, value: readValue(reader, mark, limits) }
}

/** What was accepted. What was promised stays with its acceptor. */
export function writeCopy(writer: ByteWriter, { accepted, state }: RegisterRecord): void {
  writeBallot(writer, accepted)
  writeState(writer, state)
}

export function readCopy(reader: ByteReader, limits: RecordLimits): RegisterRecord {
  const accepted = readBallot(reader)
  return { kind: 'register', promised: accepted, accepted, state: readState(reader, limits) }
}

/** After the kind, id and round. */
export function writeRegisterMessage(writer: ByteWriter, message: RegisterMessage): void {
  if (message.kind === 'prepare' || message.kind === 'accept' || message.kind === 'inquire') {
    writer.float64(message.keyspace)
    writer.text(message.key)
    writer.numbers(message.births)
  }
  switch (message.kind) {
    case 'prepare':
      return writeBallot(writer, message.ballot)
    case 'promised':
      writeBallot(writer, message.accepted)
      return writeState(writer, message.state)
    case 'accept':
      writeBallot(writer, message.ballot)
      return writeState(writer, message.state)
    case 'accepted':
      return
    case 'preempted':
      return writeBallot(writer, message.promised)
    case 'outdated':
      return writer.numbers(message.births)
    case 'inquire':
      return writer.uint8(message.digest ? 1 : 0)
    case 'told':
      writeBallot(writer, message.promised)
      writeBallot(writer, message.accepted)
      writer.uint8(message.state === undefined ? 0 : 1)
      if (message.state !== undefined) writeState(writer, message.state)
  }
}

/** What `writeRegisterMessage` wrote; `undefined` for a kind that is none of its. Throws `Malformed`. */
export function readRegisterMessage(
  reader: ByteReader,
  limits: RegisterLimits,
  head: { readonly kind: number; readonly id: number; readonly round: number },
): RegisterMessage | undefined {
  const { kind, id, round } = head
  switch (kind) {
    case REGISTER_KIND.prepare:
      return { kind: 'prepare', id, round, ...readPlace(reader, limits), ballot: readBallot(reader) }
    case REGISTER_KIND.promised:
      return { kind: 'promised', id, round, accepted: readBallot(reader), state: readState(reader, limits) }
    case REGISTER_KIND.accept: {
      const place = readPlace(reader, limits)
      return { kind: 'accept', id, round, ...place, ballot: readBallot(reader), state: readState(reader, limits) }
    }
    case REGISTER_KIND.accepted:
      return { kind: 'accepted', id, round }
    case REGISTER_KIND.preempted:
      return { kind: 'preempted', id, round, promised: readBallot(reader) }
    case REGISTER_KIND.outdated:
      return { kind: 'outdated', id, round, births: readBirths(reader) }
    case REGISTER_KIND.inquire:
      return { kind: 'inquire', id, round, ...readPlace(reader, limits), digest: reader.flag() }
    case REGISTER_KIND.told: {
      const promised = readBallot(reader)
      const accepted = readBallot(reader)
      const state = reader.flag() ? readState(reader, limits) : undefined
      return { kind: 'told', id, round, promised, accepted, state }
    }
    default:
      return undefined
  }
}

/** Members by rising index, each with a number above 0. */
function readBirths(reader: ByteReader): Births {
  const births = reader.numbers(2 * POSITIONS_MAX, 2)
  if (births.length === 0) return NO_BIRTHS
  for (let i = 0; i < births.length; i += 2) {
    const isNext = (births[i] as number) > (births[i - 2] ?? -1) && (births[i] as number) < POSITIONS_MAX
    if (!isNext || births[i + 1] === 0) throw new Malformed('births are out of order')
  }
  return births
}

function readPlace(
  reader: ByteReader,
  limits: RegisterLimits,
): { readonly keyspace: number; readonly key: string; readonly births: Births } {
  const keyspace = reader.whole()
  const key = reader.text(limits.keyBytesMax)
  if (key === '') throw new Malformed('a key is empty')
  return { keyspace, key, births: readBirths(reader) }
}
