/**
 * Decoded records in front of a disk, least recently used out first, bounded by the memory they take.
 *
 * What is known to be absent is kept as well: a replica reads before it writes, and a new key's first read would
 * otherwise go to the disk every time.
 */
import { LRUCache } from 'lru-cache'
import type { StoredRecord, Version } from '../../core/record.ts'

/** What an entry takes beyond its record: the key and the cache's own lists. */
const ENTRY_BYTES = 200
/** Measured on Node 20, with the numbers that do not fit a pointer in boxes of their own. */
const LWW_BYTES = 100
const DOTTED_BYTES = 350
const REGISTER_BYTES = 450
const SIBLING_BYTES = 120
const NUMBER_BYTES = 16
/** The object that views the bytes, and the block that they lie in. */
const VALUE_BYTES = 250

const ABSENT = Symbol('absent')

export class RecordCache {
  readonly #cache: LRUCache<string, StoredRecord | typeof ABSENT>

  constructor(sizeBytesMax: number) {
    this.#cache = new LRUCache({ maxSize: Math.max(1, Math.floor(sizeBytesMax)), sizeCalculation: sizeOfEntry })
  }

  /** The record; `null` when it is known that there is none; `undefined` when nothing is known. */
  get(key: string): StoredRecord | null | undefined {
    const found = this.#cache.get(key)
    return found === ABSENT ? null : found
  }

  set(key: string, record: StoredRecord | undefined): void {
    this.#cache.set(key, record ?? ABSENT)
  }

  /** The bytes in use, as they are estimated. */
  get sizeBytes(): number {
    return this.#cache.calculatedSize
  }
}

function sizeOfEntry(record: StoredRecord | typeof ABSENT, key: string): number {
  const sizeBytes = ENTRY_BYTES + key.length
  if (record === ABSENT) return sizeBytes
  if (record.kind === 'lww') return sizeBytes + LWW_BYTES + sizeOfValue(record)
  if (record.kind === 'register') {
    const { state } = record
    return (
      sizeBytes +
      REGISTER_BYTES +
      NUMBER_BYTES * (state.operations.length + state.proposers.length) +
      sizeOfValue(state)
    )
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
