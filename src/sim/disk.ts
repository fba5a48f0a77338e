/**
 * The simulated disk of one replica: staged writes and erasures are visible at once and durable after a flush, which
 * takes time.
 *
 * One flush is under way at a time, and what is staged meanwhile joins the next. A crash keeps what earlier flushes
 * made durable and a prefix of the batch under way (the change after it is torn, its checksum wrong, as if it had never
 * been); whatever is only staged is gone.
 */
import type { Random } from '../core/base/random.ts'
import { compareKeys } from '../core/base/key-order.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../core/record.ts'
import { HINTS_KEYSPACE } from '../core/hint.ts'
import { readLifeMark, readSelf } from '../core/life-mark.ts'
import type { Records } from '../core/records.ts'
import { OWN_KEYSPACE, type ScannedPage } from '../core/replica.ts'
import type { Scan } from '../core/message.ts'
import { indexOver } from '../core/repair/gather.ts'
import { lookIn, type Found } from '../core/repair/record-index.ts'
import type { LookEffect } from '../core/step.ts'

/** The last change of each key. */
type Shelf = Map<string, RecordChange>

/** A copy of a disk. */
export interface DiskCopy {
  readonly incarnation: number
  readonly safe: ReadonlyMap<number, Shelf>
  /** The mark of the replica's life when it was made. */
  readonly mark: number
}

export class SimDisk implements Records {
  /** The actor of the replica's dots: this life of the data. */
  incarnation: number
  /** How often an older copy took its place. */
  restored = 0
  /** How many changes were ever staged, and how many of them are durable. */
  staged = 0
  durable = 0
  /** Whether `read` or `scan` told of something that is not durable, since this was last set to false. */
  touchedStaged = false
  readonly #random: Random
  /** Erasures among them, for as long as they are not durable. */
  #visible = new Map<number, Shelf>()
  /** What is durable: no erasures, but what they have left. */
  #safe = new Map<number, Shelf>()
  /** The batch that is being flushed, and what came after it. */
  #flushing: readonly RecordChange[] = []
  #waiting: RecordChange[] = []

  constructor(random: Random) {
    this.#random = random
    this.incarnation = random.identity()
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    const change = this.#visible.get(keyspace)?.get(key)
    if (change !== this.#safe.get(keyspace)?.get(key)) this.touchedStaged = true
    return change?.record
  }

  /** A page of records in key order. */
  scan({ keyspace, prefix, after, limit }: Scan): ScannedPage {
    const changes = [...(this.#visible.get(keyspace)?.values() ?? [])]
      .filter(({ key }) => key.startsWith(prefix) && compareKeys(key, after) > 0)
      .toSorted((a, b) => compareKeys(a.key, b.key))
    const entries: RecordWrite[] = []
    for (const { key, record } of changes) {
      if (record !== undefined && entries.length >= limit) return { entries, done: false }
      this.read(keyspace, key)
      if (record !== undefined) entries.push({ keyspace, key, record })
    }
    return { entries, done: true }
  }

  /** Records by their place. */
  look({ look, keyspaces }: LookEffect): Found {
    const records = keyspaces.flatMap((keyspace) => [...(this.#visible.get(keyspace)?.values() ?? [])])
    return lookIn(indexOver(records.flatMap(kept)), look)
  }

  /** The replica's own records. */
  own(): readonly RecordWrite[] {
    return [...(this.#visible.get(OWN_KEYSPACE)?.values() ?? [])].flatMap(kept)
  }

  /** Those of them that a crash would leave. */
  durableOwn(): readonly RecordWrite[] {
    return [...(this.#safe.get(OWN_KEYSPACE)?.values() ?? [])].flatMap(kept)
  }

  /** What it keeps for others. */
  hints(): readonly string[] {
    const changes = [...(this.#visible.get(HINTS_KEYSPACE)?.values() ?? [])]
    return changes.filter(({ record }) => record !== undefined).map(({ key }) => key)
  }

  stage(change: RecordChange): void {
    shelfOf(this.#visible, change.keyspace).set(change.key, change)
    this.#waiting.push(change)
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
    for (const change of this.#flushing) this.#keep(change)
    this.durable += this.#flushing.length
    this.#flushing = []
  }

  /** The process is gone. What a new one finds is durable. */
  crash(): void {
    const survivors = this.#flushing.slice(0, this.#random.below(this.#flushing.length + 1))
    for (const change of survivors) this.#keep(change)
    this.#flushing = []
    this.#waiting = []
    this.#visible = copyOf(this.#safe)
    this.durable = this.staged
  }

  /** Something else stands there, and nobody notices. The process must be down. */
  replace(change: RecordChange): void {
    shelfOf(this.#visible, change.keyspace).set(change.key, change)
    this.#keep(change)
  }

  /** Each durable record becomes what `amended` makes of it. Nothing may be staged. */
  amend(amended: (record: StoredRecord) => StoredRecord): void {
    for (const shelf of this.#safe.values()) {
      for (const [key, change] of shelf) {
        if (change.record !== undefined) shelf.set(key, { ...change, record: amended(change.record) })
      }
    }
    this.#visible = new Map([...this.#safe].map(([keyspace, shelf]) => [keyspace, new Map(shelf)]))
  }

  /** Everything is lost, and what comes next is another life of the data. */
  wipe(): void {
    this.forget()
    this.incarnation = this.#random.identity()
  }

  /** What is durable now, to be put in its place later. */
  copy(): DiskCopy {
    return { incarnation: this.incarnation, safe: copyOf(this.#safe), mark: this.#markOf(this.#durableOwn()) }
  }

  /** An older copy takes the place of what was there. The process must be down. */
  restore({ incarnation, safe }: DiskCopy): void {
    this.forget()
    this.restored++
    this.incarnation = incarnation
    this.#safe = copyOf(safe)
    this.#visible = copyOf(safe)
  }

  /** The highest mark that it remembers of a replica's incarnation; 0 for none. */
  remembers(replica: string, incarnation: number): number {
    for (const write of this.#durableOwn()) {
      const known = readLifeMark(write)
      if (known?.memberId === replica && known.life.incarnation === incarnation) return known.life.mark
    }
    return 0
  }

  #markOf(own: readonly RecordWrite[]): number {
    for (const write of own) {
      const self = readSelf(write)
      if (self !== undefined) return self.mark
    }
    return 0
  }

  #durableOwn(): readonly RecordWrite[] {
    return [...(this.#safe.get(OWN_KEYSPACE)?.values() ?? [])].flatMap(kept)
  }

  /** Everything is lost, and nobody notices. */
  forget(): void {
    this.#flushing = []
    this.#waiting = []
    this.#visible = new Map()
    this.#safe = new Map()
    this.durable = this.staged
  }

  /** Makes a change durable. Of an erasure that no later change has followed, nothing is left then. */
  #keep(change: RecordChange): void {
    const { keyspace, key, record } = change
    const safe = shelfOf(this.#safe, keyspace)
    if (record !== undefined) safe.set(key, change)
    else {
      safe.delete(key)
      const visible = shelfOf(this.#visible, keyspace)
      if (visible.get(key) === change) visible.delete(key)
    }
  }
}

/** What a change leaves behind. */
function kept({ keyspace, key, record }: RecordChange): readonly RecordWrite[] {
  return record === undefined ? [] : [{ keyspace, key, record }]
}

function copyOf(shelves: ReadonlyMap<number, Shelf>): Map<number, Shelf> {
  return new Map([...shelves].map(([keyspace, shelf]) => [keyspace, new Map(shelf)]))
}

function shelfOf(shelves: Map<number, Shelf>, keyspace: number): Shelf {
  let shelf = shelves.get(keyspace)
  if (shelf === undefined) shelves.set(keyspace, (shelf = new Map()))
  return shelf
}
