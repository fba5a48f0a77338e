/**
 * A page of records in key order: what lies on disk merged with what is on its way there.
 *
 * The iterator sees the disk as it was when the scan was called, and the staged changes were collected in the same
 * turn, so a page is one moment's state however long it takes to read. The disk is read in the background, a few
 * hundred records at a time; between them other work goes on.
 */
import type { Iterator } from 'classic-level'
import { QuorateError } from '../../core/base/errors.ts'
import { compareKeys } from '../../core/base/key-order.ts'
import type { RecordWrite, StoredRecord } from '../../core/record.ts'
import type { Database } from './level-directory.ts'
import { diskKey, keyOf, sizeOnDisk, upperBound } from './level-format.ts'
import type { ScanRange, ScanResult } from './storage.ts'

/** A change that is visible and not yet known to be durable. */
export interface Staged {
  readonly key: string
  /** `undefined` where the key is erased. */
  readonly record: StoredRecord | undefined
  /** The record's size as `scan` counts; none where there is no record. */
  readonly sizeBytes: number
}

export interface ScanSources {
  readonly database: Database
  /** The bytes before each key of the keyspace. */
  readonly prefix: Buffer
  readonly staged: Iterable<Staged>
  /** The record in a row, after its checksum has been looked at. */
  readonly decode: (key: string, row: readonly [Buffer, Buffer]) => StoredRecord
}

const ROWS_MAX = 512
const READ_BYTES_MAX = 1024 * 1024

export async function scanLevel(range: ScanRange, sources: ScanSources): Promise<ScanResult> {
  const rows = new Rows(range, sources)
  try {
    return await mergePage(range, { ...sources, rows, staged: stagedIn(range, sources.staged) })
  } finally {
    await rows.close()
  }
}

interface PageSources {
  readonly rows: Rows
  readonly staged: readonly Staged[]
  readonly decode: ScanSources['decode']
}

async function mergePage(range: ScanRange, { rows, staged, decode }: PageSources): Promise<ScanResult> {
  const { keyspace, limit, sizeBytesMax, skipsDamaged = false } = range
  const entries: RecordWrite[] = []
  const damaged: string[] = []
  let sizeBytes = 0
  for (let next = 0; ;) {
    const row = rows.peek() ?? (await rows.more())
    const fresh = staged[next]
    if (row === undefined && fresh === undefined) return { entries, damaged, done: true }
    const key = row === undefined ? '' : keyOf(row[0])
    const order = compareRowToStaged(row === undefined ? undefined : key, fresh)
    const isErased = order >= 0 && fresh?.record === undefined
    // What is erased takes no room, and does not count as something that follows.
    const isFull = entries.length + damaged.length >= limit || sizeBytes > sizeBytesMax
    if (!isErased && isFull) return { entries, damaged, done: false }
    if (order >= 0 && fresh !== undefined) {
      if (fresh.record !== undefined) entries.push({ keyspace, key: fresh.key, record: fresh.record })
      sizeBytes += fresh.sizeBytes
      next++
    } else if (row !== undefined) {
      sizeBytes += sizeOnDisk(row[0], row[1])
      const record = skipsDamaged ? decoded(() => decode(key, row)) : decode(key, row)
      if (record === undefined) damaged.push(key)
      else entries.push({ keyspace, key, record })
    }
    if (order <= 0) rows.skip()
  }
}

/** Nothing for a record that is damaged. */
function decoded(decode: () => StoredRecord): StoredRecord | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof QuorateError && error.code === 'QUORATE_STORAGE') return undefined
    throw error
  }
}

/** Below zero when the row comes first, zero when the staged change stands for it. */
function compareRowToStaged(key: string | undefined, fresh: Staged | undefined): number {
  if (key === undefined) return 1
  return fresh === undefined ? -1 : compareKeys(key, fresh.key)
}

function stagedIn({ prefix, after }: ScanRange, staged: Iterable<Staged>): readonly Staged[] {
  const inRange: Staged[] = []
  for (const item of staged) if (item.key.startsWith(prefix) && compareKeys(item.key, after) > 0) inRange.push(item)
  return inRange.toSorted((a, b) => compareKeys(a.key, b.key))
}

/** The rows of a range, read ahead. */
class Rows {
  readonly #iterator: Iterator<Database, Buffer, Buffer>
  readonly #rowsMax: number
  #rows: readonly [Buffer, Buffer][] = []
  #at = 0
  #ended = false

  constructor(range: ScanRange, { database, prefix }: ScanSources) {
    // One more than asked for, to know whether anything follows.
    this.#rowsMax = Math.min(range.limit + 1, ROWS_MAX)
    const fromPrefix = compareKeys(range.after, range.prefix) < 0
    this.#iterator = database.iterator({
      ...(fromPrefix ? { gte: diskKey(prefix, range.prefix) } : { gt: diskKey(prefix, range.after) }),
      lt: upperBound(prefix, range.prefix),
      highWaterMarkBytes: Math.min(range.sizeBytesMax, READ_BYTES_MAX),
    })
  }

  peek(): readonly [Buffer, Buffer] | undefined {
    return this.#rows[this.#at]
  }

  async more(): Promise<readonly [Buffer, Buffer] | undefined> {
    if (this.#ended) return undefined
    this.#rows = await this.#iterator.nextv(this.#rowsMax)
    this.#at = 0
    this.#ended = this.#rows.length === 0
    return this.#rows[0]
  }

  skip(): void {
    this.#at++
  }

  async close(): Promise<void> {
    await this.#iterator.close()
  }
}
