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

/** What a version says beside its stamp. */
interface Content {
  readonly by?: string | undefined
  readonly value: Uint8Array | null
}

/** A mark of what follows; the author; the value. */
export function writeContent(writer: ByteWriter, { by, value }: Content): void {
  writer.uint8((value === null ? 0 : HAS_VALUE) | (by === undefined ? 0 : HAS_AUTHOR))
  if (by !== undefined) writer.name(by)
  if (value !== null) writer.bytes(value)
}

/** What `writeContent` wrote is read in this order: the mark, the author, the value. */
export function readMark(reader: ByteReader): number {
  const mark = reader.uint8()
  if (mark > (HAS_VALUE | HAS_AUTHOR)) throw new Malformed('a version says what is not known here')
  return mark
}

export function readAuthor(reader: ByteReader, mark: number): string | undefined {
  return mark & HAS_AUTHOR ? reader.name(AUTHOR_LENGTH_MAX) : undefined
}

/** The bytes of a value, or `null` for a tombstone. */
export function readValue(reader: ByteReader, mark: number, limits: RecordLimits): Uint8Array | null {
  return mark & HAS_VALUE ? reader.bytes(limits.valueBytesMax) : null
}
