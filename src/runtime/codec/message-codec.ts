/**
 * Messages as bytes: a frame is a version, the epoch, and any number of messages.
 *
 * Headers are packed by hand at fixed widths, because they are most of the work of a small message; values pass through
 * as they are. Reading checks every field and throws `Malformed`, upon which the link is closed.
 */
import type { Submit, Submitted } from '../../core/consensus/submit-message.ts'
import {
  isExchangeAnswer,
  isQuestion,
  isReaping,
  type Acquainted,
  type Announce,
  type Answer,
  type Message,
  type Pong,
  type Request,
  type Write,
} from '../../core/message.ts'
import type { ElectionMessage } from '../../core/consensus/election-message.ts'
import { POSITIONS_MAX } from '../../core/quorum/quorum.ts'
import type { RecordWrite, StoredRecord } from '../../core/record.ts'
import { REFUSALS } from '../../core/refusal.ts'
import type { ExchangeAnswer, Question } from '../../core/repair/exchange-message.ts'
import type { Agree, Agreed, Reap } from '../../core/repair/reap-message.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { DEFINITION_BYTES_MAX, readDefinition, writeDefinition } from './definition-codec.ts'
import { ELECTION_KIND, isElection, readElection, writeElection } from './election-codec.ts'
import { EXCHANGE_KIND, readExchange, writeExchange } from './exchange-codec.ts'
import { readReaping, REAP_KIND, writeReaping } from './reap-codec.ts'
import { readContext, readRecord, writeContext, writeRecord } from './record-codec.ts'
import {
  isRegisterMessage,
  readRegisterMessage,
  REGISTER_KIND,
  writeRegisterMessage,
  type RegisterMessage,
} from './register-codec.ts'
import { readLife, readStanding, STANDING_KIND, writeLife, writeStanding } from './standing-codec.ts'
import { readSubmit, SUBMIT_KIND, writeSubmit } from './submit-codec.ts'
import { readAuthor, readExpiry, readMark, readValue, writeContent, type RecordLimits } from './value-bytes.ts'

export interface MessageLimits extends RecordLimits {
  readonly keyBytesMax: number
  /** Records in one page of a scan. */
  readonly pageEntriesMax: number
}

const FRAME_VERSION = 1
const DETAIL_BYTES_MAX = 1024

/** Requests are odd and answers even, so that a link carries each in one direction only. */
const KIND = {
  read: 1,
  'read-answer': 2,
  write: 3,
  written: 4,
  mint: 5,
  minted: 6,
  scan: 7,
  'scan-page': 8,
  open: 9,
  opened: 10,
  ping: 11,
  pong: 12,
  refused: 14,
  ...STANDING_KIND,
  ...EXCHANGE_KIND,
  ...REAP_KIND,
  ...ELECTION_KIND,
  ...REGISTER_KIND,
  ...SUBMIT_KIND,
} as const satisfies Record<Message['kind'], number>

/** A `write` that is to be kept for another replica: the others do without the field. */
const KIND_HINT = 13

/** Opens a frame. The epoch stands in each one, so that two memberships never mix. */
export function writeFrameHead(writer: ByteWriter, epoch: number): void {
  writer.uint8(FRAME_VERSION)
  writer.float64(epoch)
}

/** Throws `Malformed` for another version or epoch. */
export function readFrameHead(reader: ByteReader, epoch: number): void {
  const version = reader.uint8()
  if (version !== FRAME_VERSION) throw new Malformed(`frames of version ${version} are not known here`)
  if (reader.whole() !== epoch) throw new Malformed('the frame is from another epoch')
}

export function writeMessage(writer: ByteWriter, message: Message): void {
  // The messages of reads and writes first, with their kinds by name: all others together are few.
  switch (message.kind) {
    case 'read':
      writer.uint8(KIND.read)
      writeNumbers(writer, message)
      writer.float64(message.keyspace)
      writer.text(message.key)
      writer.uint8(message.digest ? 1 : 0)
      return
    case 'read-answer':
      writer.uint8(KIND['read-answer'])
      writeNumbers(writer, message)
      writer.float64(message.digest)
      writeOptional(writer, message.record)
      return
    case 'write':
      writer.uint8(message.owner === undefined ? KIND.write : KIND_HINT)
      writeNumbers(writer, message)
      writeWrite(writer, message)
      return
    case 'written':
      writer.uint8(KIND.written)
      writeNumbers(writer, message)
      return
    case 'mint':
      writer.uint8(KIND.mint)
      writeNumbers(writer, message)
      writer.float64(message.keyspace)
      writer.text(message.key)
      writeLife(writer, message)
      writer.float64(message.op)
      writer.float64(message.at)
      writeContext(writer, message.context)
      writeContent(writer, message)
      writer.uint8(message.again ? 1 : 0)
      return
    case 'minted':
      writer.uint8(KIND.minted)
      writeNumbers(writer, message)
      writer.float64(message.actor)
      writer.float64(message.counter)
      writer.float64(message.floor)
      writeOptional(writer, message.record)
      return
    default:
      writer.uint8(KIND[message.kind])
      writeUncommon(writer, message)
  }
}

/** All that reads and writes do not take. */
type Uncommon = Exclude<Message, { kind: 'read' | 'read-answer' | 'write' | 'written' | 'mint' | 'minted' }>

function writeUncommon(writer: ByteWriter, message: Uncommon): void {
  switch (message.kind) {
    case 'ping':
      writer.float64(message.sentAt)
      return
    case 'pong':
      writer.float64(message.sentAt)
      writePong(writer, message)
      return
    case 'announce':
    case 'acquainted':
      writeStanding(writer, message)
      return
    default:
      if (isQuestion(message) || isExchangeAnswer(message)) writeExchange(writer, message)
      else if (isReaping(message) || message.kind === 'agreed') writeReaping(writer, message)
      else writeNumbered(writer, message)
  }
}

/** Election, register, and rare messages. */
type Numbered = ElectionMessage | RegisterMessage | Submit | Submitted | Rare

function writeNumbered(writer: ByteWriter, message: Numbered): void {
  writeNumbers(writer, message)
  if (isElection(message)) writeElection(writer, message)
  else if (isRegisterMessage(message)) writeRegisterMessage(writer, message)
  else if (message.kind === 'submit' || message.kind === 'submitted') writeSubmit(writer, message)
  else writeRare(writer, message)
}

function writeNumbers(writer: ByteWriter, { id, round }: { readonly id: number; readonly round: number }): void {
  writer.float64(id)
  writer.uint8(round)
}

function writePong(writer: ByteWriter, pong: Pong): void {
  writer.float64(pong.clock)
  writeLife(writer, pong)
}

/** Where `asOf` stands in a packed write: behind its kind, its id and its round. */
export const AS_OF_AT = 10

/** Whether packing the one gives the bytes of the other, but for `asOf`: the same write for another replica. */
export function isPackedAlike(one: Message, other: Message): boolean {
  if (one === other) return true
  if (one.kind !== 'write' || other.kind !== 'write' || one.record !== other.record) return false
  return one.id === other.id && one.round === other.round && one.key === other.key && one.owner === other.owner
}

function writeWrite(writer: ByteWriter, { keyspace, key, record, owner, asOf, repairs }: Write): void {
  writer.float64(asOf)
  writer.float64(keyspace)
  writer.text(key)
  writer.uint8(repairs ? 1 : 0)
  if (owner !== undefined) writer.uint8(owner)
  writeRecord(writer, record)
}

type Rare = Extract<Message, { kind: 'scan' | 'scan-page' | 'open' | 'opened' | 'refused' }>

function writeRare(writer: ByteWriter, message: Rare): void {
  switch (message.kind) {
    case 'scan':
      writer.float64(message.keyspace)
      writer.text(message.prefix)
      writer.text(message.after)
      writer.uint32(message.limit)
      return
    case 'scan-page':
      writer.uint8(message.done ? 1 : 0)
      writer.uint32(message.entries.length)
      for (const { keyspace, key, record } of message.entries) {
        writer.float64(keyspace)
        writer.text(key)
        writeRecord(writer, record)
      }
      return
    case 'open':
      writer.text(message.name)
      writeDefinition(writer, message.definition)
      writer.uint8(message.confirmed ? 1 : 0)
      return
    case 'opened':
      writeDefinition(writer, message.definition)
      writer.uint8(message.confirmed ? 1 : 0)
      return
    case 'refused':
      writer.uint8(REFUSALS.indexOf(message.code))
      writer.text(message.detail.slice(0, DETAIL_BYTES_MAX / 4))
  }
}

/** What comes to a node on a link that others dialed. */
type RequestMessage = Request | Submit | Question | Agree | Reap | Announce

/** One request. Throws `Malformed` for anything that `writeMessage` would not have written within the limits. */
export function readRequest(reader: ByteReader, limits: MessageLimits): RequestMessage {
  const kind = reader.uint8()
  if (kind % 2 === 0) throw new Malformed('an answer came where requests are expected')
  return readMessage(reader, limits, kind) as RequestMessage
}

/** One answer. Throws `Malformed` for anything that `writeMessage` would not have written within the limits. */
export function readAnswer(reader: ByteReader, limits: MessageLimits): Answer | ExchangeAnswer | Agreed | Acquainted {
  const kind = reader.uint8()
  if (kind % 2 === 1) throw new Malformed('a request came where answers are expected')
  return readMessage(reader, limits, kind) as Answer | ExchangeAnswer | Agreed | Acquainted
}

function readMessage(reader: ByteReader, limits: MessageLimits, kind: number): Message {
  const isCommon = kind <= KIND.minted || kind === KIND_HINT
  const other = isCommon ? undefined : readOther(reader, limits, kind)
  if (other !== undefined) return other
  const id = reader.whole()
  const round = reader.uint8()
  switch (kind) {
    case KIND.read: {
      const keyspace = reader.whole()
      return { kind: 'read', id, round, keyspace, key: readKey(reader, limits), digest: reader.flag() }
    }
    case KIND['read-answer']:
      return { kind: 'read-answer', id, round, digest: reader.whole(), record: readOptional(reader, limits) }
    case KIND.write:
    case KIND_HINT: {
      // Field by field: to spread a part of it would take as long as all the rest.
      const asOf = reader.whole()
      const keyspace = reader.whole()
      const key = readKey(reader, limits)
      const repairs = reader.flag()
      if (kind === KIND.write) {
        return { kind: 'write', id, round, asOf, keyspace, key, repairs, record: readRecord(reader, limits) }
      }
      const owner = reader.uint8()
      if (owner >= POSITIONS_MAX) throw new Malformed(`${owner} is no member's index`)
      return { kind: 'write', id, round, asOf, keyspace, key, repairs, record: readRecord(reader, limits), owner }
    }
    case KIND.written:
      return { kind: 'written', id, round }
    case KIND.mint: {
      const keyspace = reader.whole()
      const key = readKey(reader, limits)
      const { incarnation, run } = readLife(reader)
      const op = reader.whole()
      const at = reader.whole()
      const context = readContext(reader, limits)
      const mark = readMark(reader)
      const by = readAuthor(reader, mark)
      const expires = readExpiry(reader, mark)
      const value = readValue(reader, mark, limits)
      const again = reader.flag()
      return { kind: 'mint', id, round, keyspace, key, incarnation, run, op, at, by, context, value, expires, again }
    }
    case KIND.minted: {
      const actor = reader.whole()
      const counter = reader.whole()
      const floor = reader.whole()
      return { kind: 'minted', id, round, actor, counter, floor, record: readOptional(reader, limits) }
    }
    default:
      return readNumbered(reader, limits, { kind, id, round })
  }
}

/** A message without a round, or nothing for one that has it. */
function readOther(reader: ByteReader, limits: MessageLimits, kind: number): Message | undefined {
  if (kind === KIND.ping) return { kind: 'ping', sentAt: readTime(reader) }
  if (kind === KIND.pong) {
    return { kind: 'pong', sentAt: readTime(reader), clock: reader.whole(), ...readLife(reader) }
  }
  if (kind === KIND.announce || kind === KIND.acquainted) return readStanding(reader, kind)
  return readExchange(reader, limits, kind) ?? readReaping(reader, limits, kind)
}

function readNumbered(
  reader: ByteReader,
  limits: MessageLimits,
  head: { kind: number; id: number; round: number },
): Message {
  return readRegisterMessage(reader, limits, head) ?? readSubmit(reader, limits, head) ?? readRare(reader, limits, head)
}

function readRare(
  reader: ByteReader,
  limits: MessageLimits,
  head: { kind: number; id: number; round: number },
): Message {
  const { kind, id, round } = head
  const election = readElection(reader, head)
  if (election !== undefined) return election
  switch (kind) {
    case KIND.scan: {
      const keyspace = reader.whole()
      const prefix = reader.text(limits.keyBytesMax)
      const after = reader.text(limits.keyBytesMax)
      const limit = reader.uint32()
      if (limit < 1 || limit > limits.pageEntriesMax) throw new Malformed(`a page of ${limit} records is not allowed`)
      return { kind: 'scan', id, round, keyspace, prefix, after, limit }
    }
    case KIND['scan-page']: {
      const done = reader.flag()
      const count = reader.uint32()
      if (count > limits.pageEntriesMax) throw new Malformed(`a page of ${count} records is not allowed`)
      const entries: RecordWrite[] = []
      for (let i = 0; i < count; i++) {
        const keyspace = reader.whole()
        entries.push({ keyspace, key: readKey(reader, limits), record: readRecord(reader, limits) })
      }
      return { kind: 'scan-page', id, round, entries, done }
    }
    case KIND.open: {
      const name = reader.text(DEFINITION_BYTES_MAX)
      return { kind: 'open', id, round, name, definition: readDefinition(reader), confirmed: reader.flag() }
    }
    case KIND.opened:
      return { kind: 'opened', id, round, definition: readDefinition(reader), confirmed: reader.flag() }
    case KIND.refused: {
      const code = REFUSALS[reader.uint8()]
      if (code === undefined) throw new Malformed('a refusal has no known reason')
      return { kind: 'refused', id, round, code, detail: reader.text(DETAIL_BYTES_MAX) }
    }
    default:
      throw new Malformed(`${kind} is no kind of message`)
  }
}

function readKey(reader: ByteReader, limits: MessageLimits): string {
  const key = reader.text(limits.keyBytesMax)
  if (key === '') throw new Malformed('a key is empty')
  return key
}

function readTime(reader: ByteReader): number {
  const time = reader.float64()
  if (!Number.isFinite(time)) throw new Malformed('a time is not a number')
  return time
}

function writeOptional(writer: ByteWriter, record: StoredRecord | undefined): void {
  writer.uint8(record === undefined ? 0 : 1)
  if (record !== undefined) writeRecord(writer, record)
}

function readOptional(reader: ByteReader, limits: RecordLimits): StoredRecord | undefined {
  return reader.flag() ? readRecord(reader, limits) : undefined
}
