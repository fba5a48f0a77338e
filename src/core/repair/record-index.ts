/**
 * What an exchange asks of its host's storage: which records lie in a range of places, and the records at some places.
 *
 * A *look* is data, as a `ScanEffect` is, because a storage on disk finds keys by their place only with time; a storage
 * that can walk at once answers with `lookIn`. Both kinds of look are bounded, and say how far they came.
 * The host's duty: a look sees every write that was staged before it.
 * Ring: decisions.
 */
import { digestOf } from '../causality/merge.ts'
import type { RecordWrite } from '../record.ts'
import { addDigests, briefOf, itemOf, type PlaceRange } from './digest-tree.ts'
import { recordSizeBytes, type RangeList } from './exchange-message.ts'

/** Ranges in order, until `entriesMax` positions were found. */
export interface LookForDigests {
  readonly kind: 'digests'
  readonly copies: number
  readonly ranges: readonly PlaceRange[]
  readonly entriesMax: number
  /** For the briefs of what is found. */
  readonly salt: number
}

/** Records at places in order, and of one place by keyspace and key, until `sizeBytesMax` is passed. */
export interface LookForRecords {
  readonly kind: 'records'
  readonly copies: number
  /** `partition, position` of each. */
  readonly places: readonly number[]
  /** So many records of the first place are known already. */
  readonly skip: number
  readonly sizeBytesMax: number
}

export type Look = LookForDigests | LookForRecords

export interface FoundDigests {
  readonly kind: 'digests'
  /** One for each range that was begun, in order; the last may end before its range does. */
  readonly lists: readonly RangeList[]
}

export interface FoundRecords {
  readonly kind: 'records'
  readonly records: readonly RecordWrite[]
  /** So many places are done. */
  readonly done: number
  /** So many records of the place after them are among the found, or were skipped. */
  readonly skip: number
}

export type Found = FoundDigests | FoundRecords

/** A storage that finds records by place without waiting. */
export interface RecordIndex {
  /** Visits the records of a range by position, then keyspace, then key, until the visitor says `false`. */
  walk(copies: number, range: PlaceRange, visit: (position: number, record: RecordWrite) => boolean): void
}

export function lookIn(index: RecordIndex, look: Look): Found {
  return look.kind === 'digests' ? lookForDigests(index, look) : lookForRecords(index, look)
}

function lookForDigests(index: RecordIndex, { copies, ranges, entriesMax, salt }: LookForDigests): FoundDigests {
  const lists: RangeList[] = []
  let left = entriesMax
  for (const range of ranges) {
    if (left <= 0) break
    const entries: number[] = []
    let to = range.to
    index.walk(copies, range, (position, { keyspace, key, record }) => {
      const item = itemOf({ keyspace, key }, digestOf(record))
      if (entries.at(-2) === position) {
        entries.push(addDigests(entries.pop() as number, item))
        return true
      }
      if (left === 0) {
        to = position
        return false
      }
      left--
      entries.push(position, item)
      return true
    })
    for (let i = 1; i < entries.length; i += 2) entries[i] = briefOf(entries[i] as number, salt)
    lists.push({ partition: range.partition, from: range.from, to, entries })
  }
  return { kind: 'digests', lists }
}

function lookForRecords(index: RecordIndex, look: LookForRecords): FoundRecords {
  const { copies, places, sizeBytesMax } = look
  const records: RecordWrite[] = []
  let sizeBytes = 0
  for (let i = 0; i < places.length; i += 2) {
    const from = places[i + 1] as number
    const range = { partition: places[i] as number, from, to: from + 1 }
    const skip = i === 0 ? look.skip : 0
    let seen = 0
    let cut = false
    index.walk(copies, range, (_, write) => {
      if (seen++ < skip) return true
      const size = recordSizeBytes(write)
      cut = records.length > 0 && sizeBytes + size > sizeBytesMax
      if (cut) return false
      sizeBytes += size
      records.push(write)
      return true
    })
    if (cut) return { kind: 'records', records, done: i / 2, skip: seen - 1 }
  }
  return { kind: 'records', records, done: places.length / 2, skip: 0 }
}
