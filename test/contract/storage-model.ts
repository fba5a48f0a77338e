/**
 * A storage beside a map: what the map says, the storage must say, whatever order things are done in.
 */
import fc from 'fast-check'
import { compareKeys } from '../../src/core/base/key-order.ts'
import type { RecordWrite, StoredRecord, Version } from '../../src/core/record.ts'
import { ByteWriter } from '../../src/runtime/codec/bytes.ts'
import { writeRecord } from '../../src/runtime/codec/record-codec.ts'
import type { ScanRange, ScanResult, Storage } from '../../src/runtime/storage/storage.ts'

export interface StorageUnderTest {
  readonly storage: Storage
  /** Opens the same data again, once `storage` is closed; only where a commit reaches a disk. */
  readonly reopen?: () => Promise<Storage>
  /** Removes what the test left. */
  readonly dispose: () => Promise<void>
}

export const KEYSPACE = 0x3_1234_5678_9abc

export function lww(at: number, value: string): StoredRecord {
  return { kind: 'lww', op: at * 11 + 1, at, value: Buffer.from(value) }
}

/** The same record with values as text, so that kinds of byte arrays do not matter. */
export function plain(record: StoredRecord | undefined): unknown {
  if (record === undefined) return undefined
  if (record.kind === 'register') return { ...record, state: plainVersion(record.state) }
  return record.kind === 'lww' ? plainVersion(record) : { ...record, siblings: record.siblings.map(plainVersion) }
}

function plainVersion(version: Pick<Version, 'value'>): unknown {
  return { ...version, value: version.value === null ? null : Buffer.from(version.value).toString('latin1') }
}

/** A range with what is not asked for left open. */
export function range({
  keyspace = KEYSPACE,
  prefix = '',
  after = '',
  limit = 1000,
  sizeBytesMax = 2 ** 30,
}: Partial<ScanRange> = {}): ScanRange {
  return { keyspace, prefix, after, limit, sizeBytesMax }
}

export function committed(storage: Storage): Promise<void> {
  return new Promise((resolve, reject) => {
    storage.commit((error) => (error === undefined ? resolve() : reject(error)))
  })
}

/** What `sizeBytesMax` counts. */
export function sizeOf(write: RecordWrite): number {
  const writer = new ByteWriter()
  writeRecord(writer, write.record)
  return Buffer.byteLength(write.key) + writer.length
}

export type Step =
  | { readonly kind: 'stage'; readonly key: string; readonly at: number; readonly tombstone: boolean }
  | { readonly kind: 'erase'; readonly key: string }
  | { readonly kind: 'commit' }
  | { readonly kind: 'read'; readonly key: string }
  | {
      readonly kind: 'scan'
      readonly prefix: string
      readonly after: string
      readonly limit: number
      readonly sizeBytesMax: number
    }
  | { readonly kind: 'reopen' }

/** Few keys, so that they meet, of which code units sort some differently than code points. */
const KEY = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\uff61', '😀'), minLength: 1, maxLength: 3 })
const KEY_OR_NONE = fc.oneof(fc.constant(''), KEY)

export const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('stage' as const), key: KEY, at: fc.nat(1000), tombstone: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('erase' as const), key: KEY }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), key: KEY }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      prefix: KEY_OR_NONE,
      after: KEY_OR_NONE,
      limit: fc.integer({ min: 1, max: 20 }),
      sizeBytesMax: fc.integer({ min: 0, max: 500 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
)

/** What the storage and the map said at each step, to be compared. Closes the storage and removes it. */
export async function runBeside(
  steps: readonly Step[],
  underTest: StorageUnderTest,
): Promise<{ readonly seen: readonly unknown[]; readonly expected: readonly unknown[] }> {
  const map = new Map<string, StoredRecord>()
  const seen: unknown[] = []
  const expected: unknown[] = []
  let storage = underTest.storage
  try {
    for (const step of steps) {
      switch (step.kind) {
        case 'stage':
          map.set(step.key, recordOf(step))
          storage.stage({ keyspace: KEYSPACE, key: step.key, record: recordOf(step) })
          break
        case 'erase':
          map.delete(step.key)
          storage.stage({ keyspace: KEYSPACE, key: step.key, record: undefined })
          break
        case 'commit':
          storage.commit((error) => seen.push(...(error === undefined ? [] : [error])))
          break
        case 'read':
          seen.push(plain(storage.read(KEYSPACE, step.key)))
          expected.push(plain(map.get(step.key)))
          break
        case 'scan':
          seen.push(plainScan(await storage.scan(range(step))))
          expected.push(plainScan(scanMap(map, range(step))))
          break
        case 'reopen':
          if (underTest.reopen === undefined) break
          await storage.close()
          storage = await underTest.reopen()
      }
    }
  } finally {
    await storage.close()
    await underTest.dispose()
  }
  return { seen, expected }
}

function recordOf({ key, at, tombstone }: Extract<Step, { kind: 'stage' }>): StoredRecord {
  return { kind: 'lww', op: at + 1, at, value: tombstone ? null : Buffer.from(key.repeat(at % 40)) }
}

function scanMap(
  map: ReadonlyMap<string, StoredRecord>,
  { prefix, after, limit, sizeBytesMax }: ScanRange,
): ScanResult {
  const entries: RecordWrite[] = []
  let size = 0
  for (const key of [...map.keys()].toSorted(compareKeys)) {
    if (!key.startsWith(prefix) || compareKeys(key, after) <= 0) continue
    if (entries.length === limit || size > sizeBytesMax) return { entries, done: false }
    const write = { keyspace: KEYSPACE, key, record: map.get(key) as StoredRecord }
    entries.push(write)
    size += sizeOf(write)
  }
  return { entries, done: true }
}

function plainScan({ entries, done }: ScanResult): unknown {
  return { done, entries: entries.map(({ keyspace, key, record }) => [keyspace, key, plain(record)]) }
}
