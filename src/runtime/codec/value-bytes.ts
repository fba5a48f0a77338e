/**
 * A value, or its absence, as bytes, and who wrote it: the same in every kind of record.
 */
import { AUTHOR_LENGTH_MAX } from '../../core/author.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Sizes above which a record is refused when it is read. */
export interface RecordLimits {
  readonly valueBytesMax: number
  /** Actors and single dots in a context, and siblings in a record. */
  readonly entriesMax: number
}

/** What stands in a version's mark. One without a value is a tombstone. */
const HAS_VALUE = 1
const HAS_AUTHOR = 2
/** Only values have an end. */
const EXPIRES = 4

/** What a version says beside its stamp. */
interface Content {
  readonly by?: string | undefined
  readonly value: Uint8Array | null
  readonly expires?: number | undefined
}

/** A mark of what follows; the author; the millisecond in which the value ends; the value. */
export function writeContent(writer: ByteWriter, { by, value, expires }: Content): void {
  const ends = value !== null && expires !== undefined
  writer.uint8((value === null ? 0 : HAS_VALUE) | (by === undefined ? 0 : HAS_AUTHOR) | (ends ? EXPIRES : 0))
  if (by !== undefined) writer.name(by)
  if (ends) writer.float64(expires)
  if (value !== null) writer.bytes(value)
}

/** What `writeContent` wrote is read in this order: the mark, the author, the end, the value. */
export function readMark(reader: ByteReader): number {
  const mark = reader.uint8()
  const isKnown = mark <= (HAS_VALUE | HAS_AUTHOR | EXPIRES)
  if (!isKnown || (mark & EXPIRES && !(mark & HAS_VALUE))) {
    throw new Malformed('a version says what is not known here')
  }
  return mark
}

export function readAuthor(reader: ByteReader, mark: number): string | undefined {
  return mark & HAS_AUTHOR ? reader.name(AUTHOR_LENGTH_MAX) : undefined
}

export function readExpiry(reader: ByteReader, mark: number): number | undefined {
  return mark & EXPIRES ? reader.whole() : undefined
}

/** The bytes of a value, or `null` for a tombstone. */
export function readValue(reader: ByteReader, mark: number, limits: RecordLimits): Uint8Array | null {
  return mark & HAS_VALUE ? reader.bytes(limits.valueBytesMax) : null
}
