/**
 * The simulated disk of one replica: staged writes are visible at once and durable after a flush, which takes time.
 *
 * One flush is under way at a time, and what is staged meanwhile joins the next. A crash keeps what earlier flushes
 * made durable and a prefix of the batch under way (the write after it is torn, its checksum wrong, as if it had never
 * been); whatever is only staged is gone.
 */
import type { Random } from '../core/base/random.ts'
import { compareKeys } from '../core/base/key-order.ts'
import type { RecordWrite, StoredRecord } from '../core/record.ts'
import { OWN_KEYSPACE, type Records, type ScannedPage } from '../core/replica.ts'
import type { Scan } from '../core/message.ts'

type Shelf = Map<string, StoredRecord>

export class SimDisk implements Records {
  /** The actor of the replica's dots: this life of the data. */
  incarnation: number
  /** How many writes were ever staged, and how many of them are durable. */
  staged = 0
  durable = 0
  /** Whether `read` or `scan` gave out something that is not durable, since this was last set to false. */
  touchedStaged = false
  readonly #random: Random
  #visible = new Map<number, Shelf>()
  #safe = new Map<number, Shelf>()
  /** The batch that is being flushed, and what came after it. */
  #flushing: readonly RecordWrite[] = []
  #waiting: RecordWrite[] = []

  constructor(random: Random) {
    this.#random = random
    this.incarnation = random.identity()
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    const record = this.#visible.get(keyspace)?.get(key)
    if (record !== undefined && record !== this.#safe.get(keyspace)?.get(key)) this.touchedStaged = true
    return record
  }

  /** A page of records in key order. */
  scan({ keyspace, prefix, after, limit }: Scan): ScannedPage {
    const keys = [...(this.#visible.get(keyspace)?.keys() ?? [])]
      .filter((key) => key.startsWith(prefix) && compareKeys(key, after) > 0)
      .toSorted(compareKeys)
    const entries = keys.slice(0, limit).map((key) => ({
      keyspace,
      key,
      record: this.read(keyspace, key) as StoredRecord,
    }))
    return { entries, done: keys.length <= limit }
  }

  /** The replica's own records. */
  own(): readonly RecordWrite[] {
    const own = this.#visible.get(OWN_KEYSPACE) ?? new Map<string, StoredRecord>()
    return [...own].map(([key, record]) => ({ keyspace: OWN_KEYSPACE, key, record }))
  }

  stage(write: RecordWrite): void {
    put(this.#visible, write)
    this.#waiting.push(write)
    this.staged++
  }

  get isFlushing(): boolean {
    return this.#flushing.length > 0
  }

  /** Starts to flush all that waits. False when nothing does. */
  beginFlush(): boolean {
    if (this.#waiting.length === 0) return false
    this.#flushing = this.#waiting
    this.#waiting = []
    return true
  }

  endFlush(): void {
    for (const write of this.#flushing) put(this.#safe, write)
    this.durable += this.#flushing.length
    this.#flushing = []
  }

  /** The process is gone. What a new one finds is durable. */
  crash(): void {
    const survivors = this.#flushing.slice(0, this.#random.below(this.#flushing.length + 1))
    for (const write of survivors) put(this.#safe, write)
    this.#flushing = []
    this.#waiting = []
    this.#visible = new Map([...this.#safe].map(([keyspace, shelf]) => [keyspace, new Map(shelf)]))
    this.durable = this.staged
  }

  /** Everything is lost, and what comes next is another life of the data. */
  wipe(): void {
    this.forget()
    this.incarnation = this.#random.identity()
  }

  /** Everything is lost, and nobody notices. */
  forget(): void {
    this.#flushing = []
    this.#waiting = []
    this.#visible = new Map()
    this.#safe = new Map()
    this.durable = this.staged
  }
}

function put(shelves: Map<number, Shelf>, { keyspace, key, record }: RecordWrite): void {
  const shelf = shelves.get(keyspace)
  if (shelf === undefined) shelves.set(keyspace, new Map([[key, record]]))
  else shelf.set(key, record)
}
