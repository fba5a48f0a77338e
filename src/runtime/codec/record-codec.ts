/**
 * Records as bytes, the same on the wire and on the disk.
 *
 * What comes back has every promise that the core relies on, whoever wrote the bytes: contexts in canonical form, dots
 * in order and covered by the context, numbers whole.
 */
import { contextFromPairs, hasDot, type CausalContext } from '../../core/causality/causal-context.ts'
import { OVERWRITTEN_MAX } from '../../core/causality/newest-writes.ts'
import type { DottedRecord, LwwRecord, Sibling, StoredRecord } from '../../core/record.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Sizes above which a record is refused when it is read. */
export interface RecordLimits {
  readonly valueBytesMax: number
  /** Actors and single dots in a context, and siblings in a record. */
  readonly entriesMax: number
}

/** The widest limits that the format has room for. */
export const RECORD_LIMITS: RecordLimits = { valueBytesMax: 2 ** 30, entriesMax: 16_384 }

const KIND_LWW = 1
const KIND_DOTTED = 2
const HAS_VALUE = 1
const TOMBSTONE = 0

export function writeRecord(writer: ByteWriter, record: StoredRecord): void {
  if (record.kind === 'lww') {
    writer.uint8(KIND_LWW)
    writeVersion(writer, record)
    return
  }
  writer.uint8(KIND_DOTTED)
  writeContext(writer, record.context)
  writer.uint16(record.siblings.length)
  for (const sibling of record.siblings) {
    writer.float64(sibling.actor)
    writer.float64(sibling.counter)
    writeVersion(writer, sibling)
  }
  writer.numbers(record.overwritten)
}

/** Throws `Malformed` for anything that `writeRecord` would not have written. */
export function readRecord(reader: ByteReader, limits: RecordLimits): StoredRecord {
  const kind = reader.uint8()
  if (kind === KIND_LWW) return readLww(reader, limits)
  if (kind === KIND_DOTTED) return readDotted(reader, limits)
  throw new Malformed(`${kind} is no kind of record`)
}

function writeContext(writer: ByteWriter, context: CausalContext): void {
  writer.numbers(context.vector)
  writer.numbers(context.cloud)
}

function readContext(reader: ByteReader, limits: RecordLimits): CausalContext {
  const vector = reader.pairs(2 * limits.entriesMax)
  const cloud = reader.pairs(2 * limits.entriesMax)
  if (cloud.length === 0 && isSortedVector(vector)) return { vector, cloud }
  return contextFromPairs({ vector, cloud })
}

/** A context with the writes that its reader saw: what travels with a mint, and in a token. */
export function writeSeen(writer: ByteWriter, context: CausalContext): void {
  writeContext(writer, context)
  writer.numbers(context.writes ?? [])
}

export function readSeen(reader: ByteReader, limits: RecordLimits): CausalContext {
  const context = readContext(reader, limits)
  const writes = readOverwritten(reader)
  return writes.length === 0 ? context : { ...context, writes }
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
  writeValue(writer, version.value)
}

/** The bytes of a value, or `null` for a tombstone. */
export function readValue(reader: ByteReader, limits: RecordLimits): Uint8Array | null {
  const mark = reader.uint8()
  if (mark === TOMBSTONE) return null
  if (mark !== HAS_VALUE) throw new Malformed('a value is neither there nor a tombstone')
  return reader.bytes(limits.valueBytesMax)
}

export function writeValue(writer: ByteWriter, value: Uint8Array | null): void {
  if (value === null) {
    writer.uint8(TOMBSTONE)
  } else {
    writer.uint8(HAS_VALUE)
    writer.bytes(value)
  }
}

function readLww(reader: ByteReader, limits: RecordLimits): LwwRecord {
  const op = reader.whole()
  const at = reader.whole()
  return { kind: 'lww', op, at, value: readValue(reader, limits) }
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
    const sibling = { actor, counter, op, at, value: readValue(reader, limits) }
    if (counter === 0 || !hasDot(context, sibling)) throw new Malformed('a sibling is not covered by its context')
    const last = siblings.at(-1)
    if (last !== undefined && (last.actor > actor || (last.actor === actor && last.counter >= counter))) {
      throw new Malformed('siblings are not in order')
    }
    siblings.push(sibling)
  }
  return { kind: 'dotted', context, siblings, overwritten: readOverwritten(reader) }
}

/** `at, op` pairs, newest first and none twice: merging relies on their order. */
export function readOverwritten(reader: ByteReader): readonly number[] {
  const pairs = reader.pairs(2 * OVERWRITTEN_MAX)
  for (let i = 2; i < pairs.length; i += 2) {
    const order = (pairs[i - 2] as number) - (pairs[i] as number) || (pairs[i - 1] as number) - (pairs[i + 1] as number)
    if (order <= 0) throw new Malformed('overwritten operations are not in order')
  }
  return pairs
}
