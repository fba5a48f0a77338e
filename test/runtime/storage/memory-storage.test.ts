import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/core/record.ts'
import { MemoryStorage } from '../../../src/runtime/storage/memory-storage.ts'
import { storageContract } from '../../contract/storage.ts'
import { committed, plain, range } from '../../contract/storage-model.ts'

const IDENTITY = { clusterId: 'cluster', replicaId: 'replica', incarnation: 7 }

storageContract('memory', async () => ({ storage: new MemoryStorage({ identity: IDENTITY }), dispose: async () => {} }))

/** Heap and buffers in use, after the garbage is gone. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const FRAME = Buffer.alloc(64 * 1024, 'frame')
const VALUE_BYTES = 128

function valueAt(i: number): Uint8Array {
  const start = (i * 13) % (FRAME.length - VALUE_BYTES)
  return FRAME.subarray(start, start + VALUE_BYTES)
}

function lwwAt(i: number): StoredRecord {
  return { kind: 'lww', op: 2 ** 50 + i, at: 2 ** 51 + i, value: valueAt(i) }
}

function dottedAt(i: number): StoredRecord {
  const actor = 2 ** 51 + 1
  const sibling = { actor, counter: 1, op: 2 ** 50 + i, at: 2 ** 51 + i, value: valueAt(i) }
  return { kind: 'dotted', context: { vector: [actor, 1], cloud: [] }, siblings: [sibling], replaced: [] }
}

/** Flat strings, as the codec makes them: not pieces of others. */
function keyAt(i: number): string {
  return Buffer.from(`user${String(i).padStart(16, '0')}`).toString('latin1')
}

describe('memory storage', () => {
  it.each([
    ['lww records', lwwAt],
    ['dotted records with one sibling', dottedAt],
  ])(
    '200,000 keys with %s: take at most 300 bytes each beyond key and value, read and scanned',
    async (_, recordAt) => {
      const keys = 200_000
      const before = memoryInUse()
      const storage = new MemoryStorage({ identity: IDENTITY })
      for (let i = 0; i < keys; i++) {
        storage.stage({ keyspace: 7, key: keyAt((i * 7919) % keys), record: recordAt(i) })
      }
      for (let i = 0; i < keys; i++) storage.read(7, keyAt(i))
      await storage.scan({ keyspace: 7, prefix: '', after: '', limit: 10, sizeBytesMax: 1000 })
      const each = (memoryInUse() - before) / keys - keyAt(0).length - VALUE_BYTES
      expect(each).toBeGreaterThan(20)
      expect(each).toBeLessThan(300)
      expect(storage.read(7, keyAt(0))).toBeDefined()
    },
  )

  it('10,000 keys overwritten a million times: memory stays where it was after the first round', () => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    const overwrite = (times: number): void => {
      for (let i = 0; i < times; i++) storage.stage({ keyspace: 7, key: keyAt((i * 7919) % 10_000), record: lwwAt(i) })
    }
    overwrite(100_000)
    const before = memoryInUse()
    overwrite(1_000_000)
    expect(memoryInUse() - before).toBeLessThan(1024 * 1024)
    expect(storage.read(7, keyAt(0))).toBeDefined()
  })

  it.each([
    ['200,000 new keys, never scanned', 200_000, Infinity],
    ['50,000 new keys, scanned now and then', 50_000, 5_000],
  ])('%s, each erased soon after: memory stays where it was', async (_, cycles, scanEvery) => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    const alive = 1000
    const cycle = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        storage.stage({ keyspace: 7, key: keyAt(i), record: lwwAt(i) })
        if (i % 3 === 0) storage.read(7, keyAt(i))
        if (i >= alive) storage.stage({ keyspace: 7, key: keyAt(i - alive), record: undefined })
        if (i % scanEvery === 0) await storage.scan(range({ keyspace: 7, limit: 10 }))
      }
    }
    await cycle(0, 50_000)
    const before = memoryInUse()
    await cycle(50_000, 50_000 + cycles)
    expect(memoryInUse() - before).toBeLessThan(1024 * 1024)
    const { entries } = await storage.scan(range({ keyspace: 7, limit: alive + 1 }))
    expect(entries.map(({ key }) => key)).toEqual(
      Array.from({ length: alive }, (__, i) => keyAt(50_000 + cycles - alive + i)),
    )
  })

  it('keys erased while a scan puts keys in order: are not on its page, and those added are', async () => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    for (let i = 0; i < 5000; i++) storage.stage({ keyspace: 7, key: keyAt(i), record: lwwAt(i) })
    const scan = storage.scan(range({ keyspace: 7, limit: 10_000 }))
    for (let i = 0; i < 5000; i += 2) storage.stage({ keyspace: 7, key: keyAt(i), record: undefined })
    storage.stage({ keyspace: 7, key: keyAt(6000), record: lwwAt(6000) })
    const { entries } = await scan
    const odd = Array.from({ length: 2500 }, (_, i) => keyAt(2 * i + 1))
    expect(entries.map(({ key }) => key)).toEqual([...odd, keyAt(6000)])
  })

  it('a record that takes the number of an erased one: is never read as it', () => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    for (let i = 0; i < 50; i++) {
      storage.stage({ keyspace: 7, key: keyAt(i), record: lwwAt(i) })
      for (let again = 0; again < 3; again++) expect(storage.read(7, keyAt(i))).toMatchObject({ at: 2 ** 51 + i })
      storage.stage({ keyspace: 7, key: keyAt(i), record: undefined })
      expect(storage.read(7, keyAt(i))).toBeUndefined()
      expect(storage.readStamp(7, keyAt(i))).toBeUndefined()
    }
  })

  it('its own records: are those of keyspace 0 as they are now', async () => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    expect(storage.own()).toEqual([])
    storage.stage({ keyspace: 0, key: 'definition', record: lwwAt(1) })
    storage.stage({ keyspace: 1, key: 'other', record: lwwAt(2) })
    storage.stage({ keyspace: 0, key: 'erased', record: lwwAt(3) })
    storage.stage({ keyspace: 0, key: 'erased', record: undefined })
    await committed(storage)
    const own = storage.own()
    expect(own.map(({ keyspace, key }) => [keyspace, key])).toEqual([[0, 'definition']])
    expect(plain(own[0]?.record)).toEqual(plain(lwwAt(1)))
  })

  it('keys that share a slot among the decoded records: never read as each other', () => {
    const storage = new MemoryStorage({ identity: IDENTITY })
    const keys = 40_000
    for (let i = 0; i < keys; i++) storage.stage({ keyspace: 7, key: keyAt(i), record: lwwAt(i) })
    for (let round = 0; round < 3; round++) {
      for (let i = round; i < keys; i += 16_384) {
        for (let again = 0; again < 3; again++) expect(storage.read(7, keyAt(i))).toMatchObject({ at: 2 ** 51 + i })
        storage.stage({ keyspace: 7, key: keyAt(i), record: lwwAt(i) })
      }
    }
  })
})
