/**
 * Records as bytes: the same on the wire and on the disk, but for what a replica remembers of its own writes, and what
 * it has promised as an acceptor: both stay at home.
 *
 * What comes back has every promise that the core relies on, whoever wrote the bytes: contexts in canonical form, dots
 * in order and covered by the context, numbers whole.
 */
import { isSameBallot } from '../../core/base/ballot.ts'
import { contextFromPairs, hasDot, type CausalContext } from '../../core/causality/causal-context.ts'
import { REPLACED_MAX } from '../../core/causality/dotted-record.ts'
import type { DottedRecord, LwwRecord, Sibling, StoredRecord } from '../../core/record.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { readBallot, readCopy, writeBallot, writeCopy } from './register-codec.ts'
import { readAuthor, readExpiry, readMark, readValue, writeContent, type RecordLimits } from './value-bytes.ts'

/** The widest limits that the format has room for. */
export const RECORD_LIMITS: RecordLimits = { valueBytesMax: 2 ** 30, entriesMax: 16_384 }

const KIND_LWW = 1
const KIND_DOTTED = 2
/** A dotted record as its replica keeps it. */
const KIND_KEPT = 3
const KIND_REGISTER = 4
/** A register whose acceptor has promised more than it has accepted. */
const KIND_ACCEPTOR = 5

/** Where an encoded last-writer-wins record has its kind and its stamp. */
export const LWW_LAYOUT: {
  readonly kindAt: number
  readonly kind: number
  readonly opAt: number
  readonly atAt: number
} = {
  kindAt: 0,
  kind: KIND_LWW,
  opAt: 1,
  atAt: 9,
}

const NONE: readonly number[] = []

export function writeRecord(writer: ByteWriter, record: StoredRecord): void {
  if (record.kind === 'lww') {
    writer.uint8(KIND_LWW)
    writeVersion(writer, record)
  } else if (record.kind === 'register') {
    writer.uint8(KIND_REGISTER)
    writeCopy(writer, record)
  } else writeDotted(writer, record, KIND_DOTTED)
}

/** As a replica keeps it. */
export function writeKept(writer: ByteWriter, record: StoredRecord): void {
  if (record.kind === 'register' && !isSameBallot(record.promised, record.accepted)) {
    writer.uint8(KIND_ACCEPTOR)
    writeBallot(writer, record.promised)
    writeCopy(writer, record)
    return
  }
  if (record.kind !== 'dotted' || record.replaced.length === 0) {
    writeRecord(writer, record)
    return
  }
  writeDotted(writer, record, KIND_KEPT)
  writer.numbers(record.replaced)
}

function writeDotted(writer: ByteWriter, record: DottedRecord, kind: number): void {
  writer.uint8(kind)
  writeContext(writer, record.context)
  writer.uint16(record.siblings.length)
  for (const sibling of record.siblings) {
    writer.float64(sibling.actor)
    writer.float64(sibling.counter)
    writeVersion(writer, sibling)
  }
}

/** Throws `Malformed` for anything that `writeRecord` would not have written. */
export function readRecord(reader: ByteReader, limits: RecordLimits): StoredRecord {
  const kind = reader.uint8()
  if (kind === KIND_LWW) return readLww(reader, limits)
  if (kind === KIND_DOTTED) return readDotted(reader, limits)
  if (kind === KIND_REGISTER) return readCopy(reader, limits)
  throw new Malformed(`${kind} is no kind of record`)
}

/** What `writeKept` wrote. Throws `Malformed` for anything else. */
export function readKept(reader: ByteReader, limits: RecordLimits): StoredRecord {
  const kind = reader.peek()
  if (kind !== KIND_KEPT && kind !== KIND_ACCEPTOR) return readRecord(reader, limits)
  reader.uint8()
  if (kind === KIND_ACCEPTOR) {
    const promised = readBallot(reader)
    return { ...readCopy(reader, limits), promised }
  }
  return { ...readDotted(reader, limits), replaced: reader.numbers(3 * REPLACED_MAX, 3) }
}

export function writeContext(writer: ByteWriter, context: CausalContext): void {
  writer.numbers(context.vector)
  writer.numbers(context.cloud)
}

export function readContext(reader: ByteReader, limits: RecordLimits): CausalContext {
  const vector = reader.numbers(2 * limits.entriesMax, 2)
  const cloud = reader.numbers(2 * limits.entriesMax, 2)
  if (cloud.length === 0 && isSortedVector(vector)) return { vector, cloud }
  return contextFromPairs({ vector, cloud })
}

function isSortedVector(vector: readonly number[]): boolean {
  for (let i = 0; i < vector.length; i += 2) {
    if (i > 0 && (vector[i] as number) <= (vector[i - 2] as number)) return false
    if (vector[i + 1] === 0) return false
  }
  return true
}

function writeVersion(writer: ByteWriter, version: LwwRecord | Sibling): void {
  writer.float64(version.op)
  writer.float64(version.at)
  writeContent(writer, version)
}

function readLww(reader: ByteReader, limits: RecordLimits): LwwRecord {
  const op = reader.whole()
  const at = reader.whole()
  const mark = readMark(reader)
  const by = readAuthor(reader, mark)
  const expires = readExpiry(reader, mark)
  return { kind: 'lww', op, at, by, value: readValue(reader, mark, limits), expires }
}

function readDotted(reader: ByteReader, limits: RecordLimits): DottedRecord {
  const context = readContext(reader, limits)
  const count = reader.uint16()
  if (count > limits.entriesMax) throw new Malformed(`${count} siblings are over the limit`)
  const siblings: Sibling[] = []
  for (let i = 0; i < count; i++) {
    const actor = reader.whole()
    const counter = reader.whole()
    const op = reader.whole()
    const at = reader.whole()
    const mark = readMark(reader)
    const by = readAuthor(reader, mark)
    const expires = readExpiry(reader, mark)
    const sibling = { actor, counter, op, at, by, value: readValue(reader, mark, limits), expires }
    if (counter === 0 || !hasDot(context, sibling)) throw new Malformed('a sibling is not covered by its context')
    const last = siblings.at(-1)
    if (last !== undefined && (last.actor > actor || (last.actor === actor && last.counter >= counter))) {
      throw new Malformed('siblings are not in order')
    }
    siblings.push(sibling)
  }
  return { kind: 'dotted', context, siblings, replaced: NONE }
}
