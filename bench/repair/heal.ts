/**
 * A heal without a single read, drawn: how many records still differ when so many bytes have been sent, for the exchange
 * that is built and for two others.
 *
 * The exchange really runs, message by message, between two replicas that wrote on both sides of a partition. Of the
 * others the bytes are counted on the same places: ranges of equal counts find all that differs first and trade it then;
 * *everything* streams every record one way and gets those back that are newer.
 */
import { recordSizeBytes } from '../../src/core/repair/exchange-message.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import type { Chart, Series } from '../chart.ts'
import { placesOf, rangeMessages } from './alternatives.ts'
import { converse } from './converse.ts'
import { equalPair, spread, type VastKeys } from './vast-replica.ts'

const CHUNK_BYTES = 65_536
/** What asks for a record by its place. */
const WANT_BYTES = 5
/** What the smallest message takes. */
const HEAD_BYTES = 16

type Pair = ReturnType<typeof equalPair>

export function healChart(keys: VastKeys, count: number): Chart {
  const pair = equalPair(keys, { kind: 'lww', valueBytes: 131 })
  const recordBytes = spread(pair, keys, count)
  const each = recordBytes / count
  const all = { count, each, total: keys.count * recordSizeBytes({ ...nameOf(pair), record: oneOf(pair) }) }
  return {
    title: `${keys.count} records, ${count} of them written on one side or the other`,
    x: 'bytes sent',
    y: 'records that differ',
    series: [exchangeSeries(pair, keys, count), rangeSeries(keys, all), everythingSeries(all)],
  }
}

/** Differences are counted where they were made: nothing else changes. */
function exchangeSeries(pair: Pair, keys: VastKeys, count: number): Series {
  const [a, b] = pair
  let open = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * keys.count) / count))
  const points = [{ x: HEAD_BYTES, y: count }]
  const progress = converse(a, b, ({ sentBytes, receivedBytes }) => {
    open = open.filter((key) => a.version(key) !== b.version(key))
    points.push({ x: sentBytes + receivedBytes, y: open.length })
  })
  points.push({ x: progress.sentBytes + progress.receivedBytes, y: 0 })
  return { name: 'exchange of digest trees', points }
}

interface Amounts {
  readonly count: number
  /** Bytes of one record, and of all of them. */
  readonly each: number
  readonly total: number
}

function rangeSeries(keys: VastKeys, { count, each }: Amounts): Series {
  const points = [{ x: HEAD_BYTES, y: count }]
  let sent = 0
  for (const bytes of rangeMessages(placesOf(keys, count), { branches: 16, listAt: 16, digestBytes: 4 })) {
    sent += bytes
    points.push({ x: sent, y: count })
  }
  const inChunk = Math.floor(CHUNK_BYTES / (each + WANT_BYTES))
  for (let left = count; left > 0;) {
    const traded = Math.min(left, inChunk)
    left -= traded
    sent += traded * (each + WANT_BYTES)
    points.push({ x: sent, y: left })
  }
  return { name: 'ranges of equal counts, 16 parts', points }
}

function everythingSeries({ count, each, total }: Amounts): Series {
  const points = [{ x: HEAD_BYTES, y: count }]
  // Half of what differs is newer on the side that does not begin, and comes back.
  const all = total + (count / 2) * each
  for (let sent = CHUNK_BYTES; sent < all; sent += CHUNK_BYTES) {
    points.push({ x: sent, y: Math.round(count * (1 - sent / all)) })
  }
  points.push({ x: all, y: 0 })
  return { name: 'everything', points }
}

function oneOf([a]: Pair): StoredRecord {
  return a.record(0) as StoredRecord
}

function nameOf([a]: Pair): { readonly keyspace: number; readonly key: string } {
  return a.name(0)
}
