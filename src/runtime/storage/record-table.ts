/**
 * What is known of the keys of a storage on disk: decoded records in front of it, and those on their way to it.
 *
 * One entry for each key serves as both, and stays the same object however often the key is written: a record that waits
 * for the disk is not let go, and once it is durable it is what reads find. What is known to be absent is kept as well: a
 * replica reads before it writes, and a new key's first read would otherwise go to the disk every time.
 *
 * Records that wait for nothing are bounded by the memory they take. The first to come are the first to go, but one that
 * was used meanwhile gets a second chance (CLOCK; Corbató, "A Paging Experiment with the Multics System", 1968).
 */
import type { StoredRecord, Version } from '../../core/record.ts'

/** What an entry takes beyond its record: the key and its place in map and queue. */
const ENTRY_BYTES = 200
/** Measured on Node 20, with the numbers that do not fit a pointer in boxes of their own. */
const LWW_BYTES = 100
const DOTTED_BYTES = 350
const REGISTER_BYTES = 450
const SIBLING_BYTES = 120
const NUMBER_BYTES = 16
/** The object that views the bytes, and the block that they lie in. */
const VALUE_BYTES = 250

/** The keys of one keyspace of which something is known. */
export type KnownKeys = Map<string, Known>

/** One key: its record, or that there is none. */
export class Known {
  readonly key: string
  /** Where it is found. */
  readonly among: KnownKeys
  record: StoredRecord | undefined = undefined
  /** Changes of it that are not durable yet. */
  waiting = 0
  /** Of the latest of them: what key and record take on the disk. */
  diskBytes = 0
  /** What is kept by the table alone. */
  sizeBytes = 0
  isUsed = false
  isQueued = false
  next: Known | undefined = undefined

  constructor(among: KnownKeys, key: string) {
    this.among = among
    this.key = key
  }
}

export class RecordTable {
  readonly #sizeBytesMax: number
  #sizeBytes = 0
  /** Entries that may go, by the time they came. */
  #first: Known | undefined
  #last: Known | undefined

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax
  }

  /** The bytes in use, as they are estimated. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** What is known of a key; `undefined` if nothing is. */
  get(among: KnownKeys, key: string): Known | undefined {
    const known = among.get(key)
    if (known !== undefined) known.isUsed = true
    return known
  }

  /** What the disk has. */
  found(among: KnownKeys, key: string, record: StoredRecord | undefined): void {
    this.#keep(this.#entry(among, key), record)
    this.#trim()
  }

  /** A change that is on its way to the disk; `settled` once it is there. */
  stage(among: KnownKeys, key: string, record: StoredRecord | undefined): Known {
    const known = this.#entry(among, key)
    known.waiting++
    this.#keep(known, record)
    return known
  }

  /** These changes are durable. */
  settled(changes: readonly Known[]): void {
    for (const known of changes) if (--known.waiting === 0) this.#queue(known)
    this.#trim()
  }

  #entry(among: KnownKeys, key: string): Known {
    const there = among.get(key)
    if (there !== undefined) return there
    const known = new Known(among, key)
    among.set(key, known)
    return known
  }

  #keep(known: Known, record: StoredRecord | undefined): void {
    const sizeBytes = sizeOfEntry(known.key, record)
    this.#sizeBytes += sizeBytes - known.sizeBytes
    known.sizeBytes = sizeBytes
    known.record = record
    if (known.waiting === 0) this.#queue(known)
  }

  #queue(known: Known): void {
    if (known.isQueued) return
    known.isQueued = true
    if (this.#last === undefined) this.#first = known
    else this.#last.next = known
    this.#last = known
  }

  #trim(): void {
    while (this.#sizeBytes > this.#sizeBytesMax && this.#first !== undefined) {
      const known = this.#first
      this.#first = known.next
      if (known.next === undefined) this.#last = undefined
      known.next = undefined
      known.isQueued = false
      // One that waits is queued again when it is durable.
      if (known.waiting > 0) continue
      if (known.isUsed) {
        known.isUsed = false
        this.#queue(known)
        continue
      }
      known.among.delete(known.key)
      this.#sizeBytes -= known.sizeBytes
    }
  }
}

function sizeOfEntry(key: string, record: StoredRecord | undefined): number {
  const sizeBytes = ENTRY_BYTES + key.length
  if (record === undefined) return sizeBytes
  if (record.kind === 'lww') return sizeBytes + LWW_BYTES + sizeOfValue(record)
  if (record.kind === 'register') {
    const { state } = record
    const numbers = state.operations.length + state.proposers.length
    return sizeBytes + REGISTER_BYTES + NUMBER_BYTES * numbers + sizeOfValue(state)
  }
  const { context, siblings, replaced } = record
  const numbers = context.vector.length + context.cloud.length + replaced.length
  let total = sizeBytes + DOTTED_BYTES + NUMBER_BYTES * numbers
  for (const sibling of siblings) total += SIBLING_BYTES + sizeOfValue(sibling)
  return total
}

function sizeOfValue(version: Pick<Version, 'value'>): number {
  return version.value === null ? 0 : VALUE_BYTES + version.value.length
}
