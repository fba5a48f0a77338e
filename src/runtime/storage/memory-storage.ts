/**
 * Records in memory: for caches, tests, and replicas whose loss the others make good.
 *
 * A record is kept encoded, in an arena, because its objects would take three to five times its bytes; the records
 * read last are kept decoded as well. Nothing here outlives the process: the caller gives a new storage a new
 * incarnation, so that no dot is ever minted twice.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { QuorateError } from '../../core/base/errors.ts'
import { compareKeys } from '../../core/base/key-order.ts'
import type { Stamp } from '../../core/causality/lww-record.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../../core/record.ts'
import type { PlaceRange } from '../../core/repair/digest-tree.ts'
import { lookIn, type Found, type RecordIndex } from '../../core/repair/record-index.ts'
import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import { LWW_LAYOUT, readKept, RECORD_LIMITS, writeKept } from '../codec/record-codec.ts'
import { PlaceIndex } from './place-index.ts'
import { RecordArena } from './record-arena.ts'
import { SortedKeys } from './sorted-keys.ts'
import type { LookRange, ScanRange, ScanResult, Storage, StorageIdentity } from './storage.ts'

/** How many records are kept decoded: at most some 8 MB. A power of two. */
const DECODED_MAX = 16_384

/** How many new keys a scan puts in order before it lets other work go on: a few milliseconds. */
const SETTLE_KEYS = 1_000

interface Keyspace {
  /** The number of each key's record in the arena. */
  readonly records: Map<string, number>
  readonly keys: SortedKeys
  /** Once somebody has looked for places. */
  places: PlaceIndex | undefined
  placing: Promise<PlaceIndex> | undefined
}

export class MemoryStorage implements Storage {
  readonly identity: StorageIdentity
  readonly durable = false
  /** Nothing ever waits for a disk. */
  readonly touchedStaged = false
  readonly #keyspaces = new Map<number, Keyspace>()
  readonly #writer = new ByteWriter()
  readonly #decoded = new DecodedRecords()
  readonly #arena = new RecordArena((record) => this.#decoded.forget(record))
  /** Asked for last: mostly the next call asks for the same. */
  #lastId = -1
  #last: Keyspace | undefined
  #foundKey = ''
  #foundIn = -1
  #foundRecord: number | undefined = undefined
  #closed = false

  constructor(options: { readonly identity: StorageIdentity }) {
    this.identity = options.identity
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    const record = this.#find(keyspace, key)
    if (record === undefined) return undefined
    const known = this.#decoded.get(record)
    if (known !== undefined) return known
    const decoded = this.#decode(this.#arena.view(record))
    this.#decoded.offer(record, decoded)
    return decoded
  }

  readStamp(keyspace: number, key: string): Stamp | undefined {
    const record = this.#find(keyspace, key)
    const arena = this.#arena
    const { kindAt, kind, opAt, atAt } = LWW_LAYOUT
    if (record === undefined || arena.uint8At(record, kindAt) !== kind) return undefined
    return { op: arena.float64At(record, opAt), at: arena.float64At(record, atAt) }
  }

  stage(change: RecordChange): void {
    this.#assertOpen()
    if (change.record === undefined) this.#erase(change.keyspace, change.key)
    else this.#put(change.keyspace, change.key, change.record)
  }

  /** Calls back at once: there is nothing to wait for. */
  commit(done: (error?: Error) => void): void {
    this.#assertOpen()
    done()
  }

  async scan(range: ScanRange): Promise<ScanResult> {
    this.#assertOpen()
    const keyspace = this.#keyspaces.get(range.keyspace)
    if (keyspace === undefined) return { entries: [], done: true }
    // The page is cut in the same turn in which the last new key has found its place.
    while (!keyspace.keys.settle(SETTLE_KEYS)) await nextTurn()
    return this.#page(keyspace, range)
  }

  async look({ look, keyspaces }: LookRange): Promise<Found> {
    this.#assertOpen()
    const indexes: { readonly keyspace: number; readonly places: PlaceIndex }[] = []
    for (const id of keyspaces) {
      const keyspace = this.#keyspaces.get(id)
      if (keyspace !== undefined) indexes.push({ keyspace: id, places: await this.#placesOf(id, keyspace) })
    }
    // Everything is looked at in the same turn in which the last new key has found its place.
    while (!indexes.every(({ places }) => places.settle(SETTLE_KEYS))) await nextTurn()
    return lookIn(this.#indexOver(indexes), look)
  }

  /** The replica's own records as they are now: a storage can be handed on within one process. */
  own(): readonly RecordWrite[] {
    const writes: RecordWrite[] = []
    for (const key of this.#keyspaces.get(0)?.records.keys() ?? []) {
      writes.push({ keyspace: 0, key, record: this.read(0, key) as StoredRecord })
    }
    return writes
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #put(keyspace: number, key: string, content: StoredRecord): void {
    this.#writer.reset()
    writeKept(this.#writer, content)
    const record = this.#find(keyspace, key)
    if (record === undefined) {
      const { records, keys, places } = this.#keyspace(keyspace)
      records.set(key, (this.#foundRecord = this.#arena.add(this.#writer)))
      keys.add(key)
      places?.add(key)
    } else {
      this.#decoded.forget(record)
      this.#arena.replace(record, this.#writer)
    }
  }

  #erase(keyspace: number, key: string): void {
    const record = this.#find(keyspace, key)
    if (record === undefined) return
    const { records, keys } = this.#keyspace(keyspace)
    records.delete(key)
    keys.remove(key)
    this.#decoded.forget(record)
    this.#arena.remove(record)
    this.#foundRecord = undefined
  }

  #page({ records, keys }: Keyspace, range: ScanRange): ScanResult {
    const entries: RecordWrite[] = []
    let sizeBytes = 0
    let done = true
    keys.walk(compareKeys(range.after, range.prefix) < 0 ? range.prefix : range.after, (key) => {
      if (key === range.after) return true
      if (!key.startsWith(range.prefix)) return false
      if (entries.length >= range.limit || sizeBytes > range.sizeBytesMax) {
        done = false
        return false
      }
      const record = records.get(key) as number
      const bytes = this.#arena.view(record)
      sizeBytes += Buffer.byteLength(key) + bytes.length
      entries.push({ keyspace: range.keyspace, key, record: this.#decoded.get(record) ?? this.#decode(bytes) })
      return true
    })
    return { entries, done }
  }

  /** The map is walked a few keys at a time; what is added to it meanwhile is met at its end. */
  #placesOf(id: number, keyspace: Keyspace): Promise<PlaceIndex> {
    keyspace.placing ??= (async () => {
      const places = new PlaceIndex(id, (key) => keyspace.records.has(key))
      let met = 0
      for (const key of keyspace.records.keys()) {
        places.add(key)
        if (++met % SETTLE_KEYS === 0 && places.settle(SETTLE_KEYS)) await nextTurn()
      }
      keyspace.places = places
      return places
    })()
    return keyspace.placing
  }

  #indexOver(indexes: readonly { readonly keyspace: number; readonly places: PlaceIndex }[]): RecordIndex {
    const walk = (range: PlaceRange, visit: (position: number, write: RecordWrite) => boolean): void => {
      const found: { readonly position: number; readonly keyspace: number; readonly key: string }[] = []
      for (const { keyspace, places } of indexes) {
        places.walk(range, (position, key) => found.push({ position, keyspace, key }) > 0)
      }
      if (indexes.length > 1) found.sort((a, b) => a.position - b.position || a.keyspace - b.keyspace)
      for (const { position, keyspace, key } of found) {
        const record = this.read(keyspace, key)
        if (record !== undefined && !visit(position, { keyspace, key, record })) return
      }
    }
    return { walk: (_copies, range, visit) => walk(range, visit) }
  }

  #decode(bytes: Buffer): StoredRecord {
    return readKept(new ByteReader(bytes), RECORD_LIMITS)
  }

  /** A write looks for the key that its read has just found. */
  #find(keyspace: number, key: string): number | undefined {
    if (key === this.#foundKey && keyspace === this.#foundIn) return this.#foundRecord
    this.#foundKey = key
    this.#foundIn = keyspace
    this.#foundRecord = this.#known(keyspace)?.records.get(key)
    return this.#foundRecord
  }

  #known(id: number): Keyspace | undefined {
    if (id === this.#lastId) return this.#last
    const keyspace = this.#keyspaces.get(id)
    if (keyspace !== undefined) {
      this.#lastId = id
      this.#last = keyspace
    }
    return keyspace
  }

  #keyspace(id: number): Keyspace {
    let keyspace = this.#known(id)
    if (keyspace === undefined) {
      keyspace = { records: new Map(), keys: new SortedKeys(), places: undefined, placing: undefined }
      this.#keyspaces.set(id, keyspace)
    }
    return keyspace
  }

  #assertOpen(): void {
    if (this.#closed) throw new QuorateError('QUORATE_CLOSED', 'the storage is closed')
  }
}

/**
 * Records that are read again and again, as objects. Each record has one slot, by its number: finding it is two loads,
 * and stores of up to `DECODED_MAX` keys are held whole. A record takes the slot from another only when it is read
 * twice in between, so that a walk over many keys, each read once, throws nothing out.
 */
class DecodedRecords {
  readonly #owners = new Int32Array(DECODED_MAX).fill(-1)
  readonly #challengers = new Int32Array(DECODED_MAX).fill(-1)
  readonly #records = Array.from<StoredRecord | undefined>({ length: DECODED_MAX })

  get(record: number): StoredRecord | undefined {
    const slot = record & (DECODED_MAX - 1)
    return this.#owners[slot] === record ? this.#records[slot] : undefined
  }

  offer(record: number, decoded: StoredRecord): void {
    const slot = record & (DECODED_MAX - 1)
    if (this.#owners[slot] !== record && this.#challengers[slot] !== record) {
      this.#challengers[slot] = record
      return
    }
    this.#owners[slot] = record
    this.#records[slot] = decoded
  }

  forget(record: number): void {
    const slot = record & (DECODED_MAX - 1)
    if (this.#owners[slot] === record) this.#records[slot] = undefined
  }
}
