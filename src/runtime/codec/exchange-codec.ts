/**
 * The messages of an exchange as bytes, each after its kind. Whether they make sense is for the machines to say
 * (core/repair/exchange-check.ts); here are types, whole numbers and room.
 *
 * Positions, briefs and numbers of nodes have 32 bits, counts 16. The end of a range may be 2^32, so the position before
 * it is written. How long a message gets is worked out in core/repair/exchange-message.ts.
 */
import type { ExchangeAnswer, Question, RangeList } from '../../core/repair/exchange-message.ts'
import { CHILDREN, type PlaceRange } from '../../core/repair/digest-tree.ts'
import type { RecordWrite } from '../../core/record.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { readRecord, writeRecord } from './record-codec.ts'
import type { RecordLimits } from './value-bytes.ts'

/** Requests are odd and answers even, as everywhere. */
export const EXCHANGE_KIND: Readonly<Record<(Question | ExchangeAnswer)['kind'], number>> = {
  compare: 33,
  compared: 34,
  descend: 35,
  differing: 36,
  list: 37,
  trade: 39,
  traded: 40,
  declined: 42,
}

export interface ExchangeCodecLimits extends RecordLimits {
  readonly keyBytesMax: number
}

export function writeExchange(writer: ByteWriter, message: Question | ExchangeAnswer): void {
  writer.float64(message.id)
  switch (message.kind) {
    case 'compare':
      writer.float64(message.known)
      writer.uint8(message.roots.length)
      for (const { copies, sum } of message.roots) {
        writer.uint8(copies)
        writer.float64(sum)
      }
      return
    case 'compared':
      writer.float64(message.known)
      writer.uint8(message.trees.length)
      for (const { copies, briefs } of message.trees) {
        writer.uint8(copies)
        writer.uint16(briefs.length)
        for (const brief of briefs) writer.uint32(brief)
      }
      return
    case 'descend':
      writer.uint8(message.copies)
      writeNodes(writer, message)
      return
    case 'list':
      writer.uint8(message.copies)
      writeRanges(writer, message.ranges)
      return
    case 'differing':
      writeNodes(writer, message)
      writer.uint16(message.lists.length)
      for (const list of message.lists) writeList(writer, list)
      writeRanges(writer, message.left)
      writer.uint16(message.done)
      return
    case 'trade':
      writer.uint8(message.copies)
      writeRecords(writer, message.offered)
      writePlaces(writer, message.wanted)
      writer.uint32(message.skip)
      writer.float64(message.asOf)
      return
    case 'traded':
      writeRecords(writer, message.records)
      writer.uint16(message.done)
      writer.uint32(message.skip)
      return
    case 'declined':
  }
}

/** What follows a kind of an exchange; `undefined` for any other kind. */
export function readExchange(
  reader: ByteReader,
  limits: ExchangeCodecLimits,
  kind: number,
): Question | ExchangeAnswer | undefined {
  if (kind < EXCHANGE_KIND.compare || kind > EXCHANGE_KIND.declined) return undefined
  const id = reader.whole()
  switch (kind) {
    case EXCHANGE_KIND.compare: {
      const known = reader.whole()
      return { kind: 'compare', id, known, roots: many(reader.uint8(), () => readRoot(reader)) }
    }
    case EXCHANGE_KIND.compared: {
      const known = reader.whole()
      return { kind: 'compared', id, known, trees: many(reader.uint8(), () => readTree(reader)) }
    }
    case EXCHANGE_KIND.descend:
      return { kind: 'descend', id, copies: reader.uint8(), ...readNodes(reader) }
    case EXCHANGE_KIND.list:
      return { kind: 'list', id, copies: reader.uint8(), ranges: readRanges(reader) }
    case EXCHANGE_KIND.differing: {
      const nodes = readNodes(reader)
      const lists = many(reader.uint16(), () => readList(reader))
      return { kind: 'differing', id, ...nodes, lists, left: readRanges(reader), done: reader.uint16() }
    }
    case EXCHANGE_KIND.trade: {
      const copies = reader.uint8()
      const offered = readRecords(reader, limits)
      const wanted = readPlaces(reader)
      const skip = reader.uint32()
      return { kind: 'trade', id, copies, offered, wanted, skip, asOf: reader.whole() }
    }
    case EXCHANGE_KIND.traded: {
      const records = readRecords(reader, limits)
      return { kind: 'traded', id, records, done: reader.uint16(), skip: reader.uint32() }
    }
    case EXCHANGE_KIND.declined:
      return { kind: 'declined', id }
    default:
      return undefined
  }
}

/** A count that promises more than there is ends in `Malformed` at the end of the bytes. */
function many<Of>(count: number, read: () => Of): Of[] {
  const all: Of[] = []
  for (let i = 0; i < count; i++) all.push(read())
  return all
}

function readRoot(reader: ByteReader): { readonly copies: number; readonly sum: number } {
  return { copies: reader.uint8(), sum: reader.whole() }
}

function readTree(reader: ByteReader): { readonly copies: number; readonly briefs: readonly number[] } {
  const copies = reader.uint8()
  return { copies, briefs: many(reader.uint16(), () => reader.uint32()) }
}

interface Nodes {
  readonly nodes: readonly number[]
  readonly briefs: readonly number[]
}

function writeNodes(writer: ByteWriter, { nodes, briefs }: Nodes): void {
  writer.uint16(nodes.length)
  for (const node of nodes) writer.uint32(node)
  for (const brief of briefs) writer.uint32(brief)
}

function readNodes(reader: ByteReader): Nodes {
  const nodes = many(reader.uint16(), () => reader.uint32())
  return { nodes, briefs: many(CHILDREN * nodes.length, () => reader.uint32()) }
}

function writeRange(writer: ByteWriter, { partition, from, to }: PlaceRange): void {
  writer.uint8(partition)
  writer.uint32(from)
  writer.uint32(to - 1)
}

function readRange(reader: ByteReader): PlaceRange {
  const partition = reader.uint8()
  const from = reader.uint32()
  const to = reader.uint32() + 1
  if (from >= to) throw new Malformed('a range ends before it begins')
  return { partition, from, to }
}

function writeRanges(writer: ByteWriter, ranges: readonly PlaceRange[]): void {
  writer.uint16(ranges.length)
  for (const range of ranges) writeRange(writer, range)
}

function readRanges(reader: ByteReader): PlaceRange[] {
  return many(reader.uint16(), () => readRange(reader))
}

function writeList(writer: ByteWriter, list: RangeList): void {
  writeRange(writer, list)
  writer.uint16(list.entries.length / 2)
  for (const number of list.entries) writer.uint32(number)
}

function readList(reader: ByteReader): RangeList {
  const range = readRange(reader)
  return { ...range, entries: many(2 * reader.uint16(), () => reader.uint32()) }
}

function writePlaces(writer: ByteWriter, places: readonly number[]): void {
  writer.uint16(places.length / 2)
  for (let i = 0; i < places.length; i += 2) {
    writer.uint8(places[i] as number)
    writer.uint32(places[i + 1] as number)
  }
}

function readPlaces(reader: ByteReader): number[] {
  const places: number[] = []
  for (let count = reader.uint16(); count > 0; count--) places.push(reader.uint8(), reader.uint32())
  return places
}

function writeRecords(writer: ByteWriter, records: readonly RecordWrite[]): void {
  writer.uint16(records.length)
  for (const { keyspace, key, record } of records) {
    writer.float64(keyspace)
    writer.text(key)
    writeRecord(writer, record)
  }
}

function readRecords(reader: ByteReader, limits: ExchangeCodecLimits): RecordWrite[] {
  return many(reader.uint16(), () => {
    const keyspace = reader.whole()
    const key = reader.text(limits.keyBytesMax)
    if (key === '') throw new Malformed('a key is empty')
    return { keyspace, key, record: readRecord(reader, limits) }
  })
}
