/**
 * Two replicas of a million records in little memory: keys and records follow from a number, and only versions are kept.
 */
import { digestOf } from '../../src/core/causality/merge.ts'
import type { RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { DigestForest, placeOf, type PlaceRange } from '../../src/core/repair/digest-tree.ts'
import { recordSizeBytes } from '../../src/core/repair/exchange-message.ts'
import type { RecordIndex } from '../../src/core/repair/record-index.ts'
import { CLIENT_ID } from '../frame-sizes.ts'

const KEYSPACE = 77
const PARTITIONS = 256
const COPIES = 3
const ACTORS = [2 ** 40 + 11, 2 ** 41 + 7, 2 ** 42 + 5] as const

export interface VastOptions {
  readonly kind: StoredRecord['kind']
  /** 131 is a text of 128 bytes, as in the other benchmarks. */
  readonly valueBytes: number
}

/** Keys by number, and their numbers in the order of their places. */
export class VastKeys {
  readonly count: number
  /** For each partition, key numbers by rising position. */
  readonly inOrder: readonly Uint32Array[]
  readonly positions: Float64Array

  constructor(count: number) {
    this.count = count
    this.positions = new Float64Array(count)
    const partitions = Array.from({ length: PARTITIONS }, (): number[] => [])
    for (let i = 0; i < count; i++) {
      const { partition, position } = placeOf(nameAt(i))
      this.positions[i] = position
      partitions[partition]?.push(i)
    }
    const at = this.positions
    this.inOrder = partitions.map((keys) => Uint32Array.from(keys).toSorted((a, b) => (at[a] ?? 0) - (at[b] ?? 0)))
  }
}

function nameAt(index: number): { readonly keyspace: number; readonly key: string } {
  return { keyspace: KEYSPACE, key: `key-${String(index).padStart(8, '0')}` }
}

export class VastReplica implements RecordIndex {
  readonly forest = new DigestForest(() => COPIES)
  readonly #keys: VastKeys
  readonly #kind: VastOptions['kind']
  readonly #value: Uint8Array
  readonly #versions: Uint8Array

  constructor(keys: VastKeys, { kind, valueBytes }: VastOptions) {
    this.#keys = keys
    this.#kind = kind
    this.#value = new Uint8Array(valueBytes)
    this.#versions = new Uint8Array(keys.count)
  }

  /** Writes a key's next version, or an older one, whatever was there. */
  set(index: number, version: number): void {
    const before = this.record(index)
    this.#versions[index] = version
    const { keyspace, key } = nameAt(index)
    this.forest.update({ keyspace, key, before: digestOf(before), after: digestOf(this.record(index)) })
  }

  name(index: number): { readonly keyspace: number; readonly key: string } {
    return nameAt(index)
  }

  version(index: number): number {
    return this.#versions[index] as number
  }

  /** Version 0 is no record. Version v has been written v times, by one writer after the other. */
  record(index: number): StoredRecord | undefined {
    const version = this.version(index)
    if (version === 0) return undefined
    const write = { op: index * 256 + version, at: 2 ** 50 + version, by: CLIENT_ID, value: this.#value }
    if (this.#kind === 'lww') return { kind: 'lww', ...write }
    const [a, b, c] = ACTORS
    const sibling = { actor: b, counter: version, ...write }
    return {
      kind: 'dotted',
      context: { vector: [a, 40, b, version, c, 25], cloud: [] },
      siblings: [sibling],
      replaced: [],
    }
  }

  merge({ key, record }: RecordWrite): void {
    const index = Number(key.slice('key-'.length))
    const sibling = record.kind === 'dotted' ? record.siblings[0] : undefined
    const version = record.kind === 'lww' ? record.at - 2 ** 50 : (sibling?.counter ?? 0)
    if (version > this.version(index)) this.set(index, version)
  }

  walk(_: number, { partition, from, to }: PlaceRange, visit: (position: number, write: RecordWrite) => boolean): void {
    const keys = this.#keys.inOrder[partition] as Uint32Array
    const { positions } = this.#keys
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((positions[keys[middle] as number] as number) < from) low = middle + 1
      else high = middle
    }
    for (; low < keys.length; low++) {
      const index = keys[low] as number
      const position = positions[index] as number
      if (position >= to) return
      const record = this.record(index)
      if (record !== undefined && !visit(position, { ...nameAt(index), record })) return
    }
  }
}

/** Two replicas with the same first version of every key. */
export function equalPair(keys: VastKeys, options: VastOptions): readonly [VastReplica, VastReplica] {
  const pair = [new VastReplica(keys, options), new VastReplica(keys, options)] as const
  for (let i = 0; i < keys.count; i++) for (const replica of pair) replica.set(i, 1)
  return pair
}

/**
 * Writes `count` keys, spread evenly, on one side or the other in turn: half of them are news to each. Tells the bytes
 * of the records that differ now.
 */
export function spread([a, b]: readonly [VastReplica, VastReplica], keys: VastKeys, count: number): number {
  let sizeBytes = 0
  for (let i = 0; i < count; i++) {
    const index = Math.floor(((i + 0.5) * keys.count) / count)
    const replica = i % 2 === 0 ? a : b
    replica.set(index, replica.version(index) + 1)
    sizeBytes += recordSizeBytes({ ...nameAt(index), record: replica.record(index) as StoredRecord })
  }
  return sizeBytes
}
