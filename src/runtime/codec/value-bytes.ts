/**
 * A value, or its absence, as bytes: the same in every kind of record.
 */
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Sizes above which a record is refused when it is read. */
export interface RecordLimits {
  readonly valueBytesMax: number
  /** Actors and single dots in a context, and siblings in a record. */
  readonly entriesMax: number
}

const HAS_VALUE = 1
const TOMBSTONE = 0

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
