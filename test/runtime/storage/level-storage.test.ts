import { rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/core/base/key-order.ts'
import { diskKey, keyspacePrefix } from '../../../src/runtime/storage/level-format.ts'
import type { ScanRange, Storage } from '../../../src/runtime/storage/storage.ts'
import { storageContract } from '../../contract/storage.ts'
import { committed, lww, plain, range } from '../../contract/storage-model.ts'
import { newDirectory, openIn, withDatabase } from './level-directories.ts'

storageContract('level', async () => {
  const directory = await newDirectory()
  const storage = await openIn(directory)
  const dispose = (): Promise<void> => rm(directory, { recursive: true, force: true })
  return { storage, reopen: () => openIn(directory), dispose }
})

const KEYSPACE = range().keyspace

describe('level storage', () => {
  it('opened again: has what was committed and, after a close, what was staged', async () => {
    const directory = await newDirectory()
    const storage = await openIn(directory)
    storage.stage({ keyspace: KEYSPACE, key: 'committed', record: lww(1, 'one') })
    await committed(storage)
    storage.stage({ keyspace: KEYSPACE, key: 'staged', record: lww(2, 'two') })
    await storage.close()
    const again = await openIn(directory)
    expect(plain(again.read(KEYSPACE, 'committed'))).toEqual(plain(lww(1, 'one')))
    expect(plain(again.read(KEYSPACE, 'staged'))).toEqual(plain(lww(2, 'two')))
    expect(again.touchedStaged).toBe(false)
  })

  it('own records: are those of keyspace 0 when it was opened', async () => {
    const directory = await newDirectory()
    const storage = await openIn(directory)
    expect(storage.own()).toEqual([])
    for (const key of ['b', 'a']) storage.stage({ keyspace: 0, key, record: lww(1, key) })
    storage.stage({ keyspace: 1, key: 'other', record: lww(1, 'other') })
    await committed(storage)
    expect(storage.own()).toEqual([])
    await storage.close()
    const own = (await openIn(directory)).own()
    expect(own.map(({ keyspace, key, record }) => [keyspace, key, plain(record)])).toEqual([
      [0, 'a', plain(lww(1, 'a'))],
      [0, 'b', plain(lww(1, 'b'))],
    ])
  })

  it('a write that overtakes a commit: stays visible and staged when the older one lands', async () => {
    const storage = await openIn(await newDirectory())
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'older') })
    const older = committed(storage)
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(2, 'newer') })
    await older
    expect(storage.read(KEYSPACE, 'key')).toMatchObject({ at: 2 })
    expect(storage.touchedStaged).toBe(true)
    await committed(storage)
    expect(storage.read(KEYSPACE, 'key')).toMatchObject({ at: 2 })
    expect(storage.touchedStaged).toBe(false)
  })

  it('an erasure that overtakes a commit: stays visible and staged when the older write lands', async () => {
    const storage = await openIn(await newDirectory())
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'older') })
    const older = committed(storage)
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: undefined })
    await older
    expect(storage.read(KEYSPACE, 'key')).toBeUndefined()
    expect(storage.touchedStaged).toBe(true)
    expect(await storage.scan(range())).toEqual({ entries: [], damaged: [], done: true })
    await committed(storage)
    expect(storage.read(KEYSPACE, 'key')).toBeUndefined()
    expect(storage.touchedStaged).toBe(false)
  })

  it('a cache too small for anything: reads everything from disk, and reads it right', async () => {
    const storage = await openIn(await newDirectory(), { cacheBytesMax: 1 })
    expect(storage.read(KEYSPACE, 'k1')).toBeUndefined()
    for (let i = 0; i < 50; i++) storage.stage({ keyspace: KEYSPACE, key: `k${i}`, record: lww(i, `v${i}`) })
    await committed(storage)
    for (let i = 0; i < 50; i++) expect(plain(storage.read(KEYSPACE, `k${i}`))).toEqual(plain(lww(i, `v${i}`)))
    expect(storage.read(KEYSPACE, 'k50')).toBeUndefined()
    storage.stage({ keyspace: KEYSPACE, key: 'k7', record: undefined })
    await committed(storage)
    expect(storage.read(KEYSPACE, 'k7')).toBeUndefined()
  })

  it('a key that was read before it was written: is found afterwards', async () => {
    const storage = await openIn(await newDirectory())
    expect(storage.read(KEYSPACE, 'key')).toBeUndefined()
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'v') })
    await committed(storage)
    expect(storage.read(KEYSPACE, 'key')).toBeDefined()
  })

  it('a scan: shows one moment, whatever lands while it reads', async () => {
    const storage = await openIn(await newDirectory())
    for (let i = 0; i < 3000; i++) storage.stage({ keyspace: KEYSPACE, key: `k${i}`, record: lww(1, 'before') })
    await committed(storage)
    const scan = storage.scan(range({ limit: 10_000 }))
    for (let i = 0; i < 3000; i++) storage.stage({ keyspace: KEYSPACE, key: `k${i}`, record: lww(2, 'after') })
    await committed(storage)
    const { entries } = await scan
    expect(entries).toHaveLength(3000)
    expect(entries.every(({ record }) => record.kind === 'lww' && record.at === 1)).toBe(true)
  })

  it('a storage that is closed under a scan: rejects it as closed', async () => {
    const storage = await openIn(await newDirectory())
    for (let i = 0; i < 3000; i++) storage.stage({ keyspace: KEYSPACE, key: `k${i}`, record: lww(1, 'v') })
    await committed(storage)
    const scan = storage.scan(range({ limit: 10_000 }))
    const closed = storage.close()
    await expect(scan).rejects.toMatchObject({ code: 'QUORATE_CLOSED' })
    await closed
    expect(() => storage.read(KEYSPACE, 'never read')).toThrow(expect.objectContaining({ code: 'QUORATE_CLOSED' }))
  })

  it('less free space than the reserve: is full, and still takes what comes', async () => {
    const storage = await openIn(await newDirectory(), { reserveBytes: Infinity })
    expect(storage.full).toBe(true)
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'v') })
    await committed(storage)
    expect(storage.read(KEYSPACE, 'key')).toBeDefined()
    expect((await openIn(await newDirectory(), { reserveBytes: 1 })).full).toBe(false)
  })

  it('keys on disk: sort as keys do, keyspace by keyspace', () => {
    const keys = ['', '\u0000', 'a', 'ab', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}']
    const spaces = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 51, 2 ** 52 - 1]
    const onDisk = spaces.flatMap((space) => keys.map((key) => diskKey(keyspacePrefix(space), key)))
    expect(keys).toEqual(keys.toSorted(compareKeys))
    expect(onDisk).toEqual(onDisk.toSorted((a, b) => Buffer.compare(a, b)))
  })
})

describe('a record that is damaged on disk', () => {
  /** A directory with three records, one of which is changed behind the storage's back. */
  async function damage(change: (value: Buffer) => Buffer): Promise<string> {
    const directory = await newDirectory()
    const storage = await openIn(directory)
    for (const key of ['a', 'b', 'c']) storage.stage({ keyspace: KEYSPACE, key, record: lww(1, key) })
    await committed(storage)
    await storage.close()
    await withDatabase(directory, async (database) => {
      const key = diskKey(keyspacePrefix(KEYSPACE), 'b')
      await database.put(key, change((await database.get(key)) as Buffer))
    })
    return directory
  }

  function flipped(value: Buffer, at: number): Buffer {
    value[at] = (value[at] as number) ^ 1
    return value
  }

  it.each<[string, (value: Buffer) => Buffer]>([
    ['a flipped bit in the checksum', (value) => flipped(value, 0)],
    ['a flipped bit in the record', (value) => flipped(value, 8)],
    ['a flipped bit at the end', (value) => flipped(value, value.length - 1)],
    ['a missing end', (value) => value.subarray(0, -1)],
    ['a longer end', (value) => Buffer.concat([value, Buffer.alloc(1)])],
    ['nothing left', () => Buffer.alloc(0)],
  ])('%s: is refused by name, and its neighbours are not', async (_, change) => {
    const storage = await openIn(await damage(change))
    const error = {
      code: 'QUORATE_STORAGE',
      message: expect.stringMatching(/key "b" in keyspace 3123456789abc is damaged/) as unknown,
    }
    expect(() => storage.read(KEYSPACE, 'b')).toThrow(expect.objectContaining(error))
    expect(() => storage.read(KEYSPACE, 'b')).toThrow(expect.objectContaining(error))
    await expect(storage.scan(range())).rejects.toMatchObject(error)
    for (const key of ['a', 'c']) expect(plain(storage.read(KEYSPACE, key))).toEqual(plain(lww(1, key)))
    expect(await storage.scan(range({ after: 'b' }))).toMatchObject({ done: true, entries: [{ key: 'c' }] })
  })

  it('skipped on request: its neighbours come in pages that count it, and it is named', async () => {
    const storage = await openIn(await damage((value) => flipped(value, 8)))
    const skip = (rest: Partial<ScanRange>): ReturnType<Storage['scan']> =>
      storage.scan({ ...range(rest), skipsDamaged: true })
    const all = { entries: [{ key: 'a' }, { key: 'c' }], damaged: ['b'], done: true }
    expect(await skip({})).toMatchObject(all)
    expect(await skip({ limit: 1 })).toMatchObject({ entries: [{ key: 'a' }], damaged: [], done: false })
    expect(await skip({ limit: 1, after: 'a' })).toMatchObject({ entries: [], damaged: ['b'], done: false })
    expect(await skip({ limit: 2 })).toMatchObject({ entries: [{ key: 'a' }], damaged: ['b'], done: false })
    expect(await skip({ after: 'b' })).toMatchObject({ entries: [{ key: 'c' }], damaged: [], done: true })
  })

  it('the record of another key in its place: is refused', async () => {
    const directory = await damage((value) => value)
    await withDatabase(directory, async (database) => {
      const prefix = keyspacePrefix(KEYSPACE)
      await database.put(diskKey(prefix, 'b'), (await database.get(diskKey(prefix, 'a'))) as Buffer)
    })
    const storage = await openIn(directory)
    expect(() => storage.read(KEYSPACE, 'b')).toThrow(expect.objectContaining({ code: 'QUORATE_STORAGE' }))
  })

  it('a record that is written anew: reads again', async () => {
    const storage = await openIn(await damage((value) => flipped(value, 8)))
    expect(() => storage.read(KEYSPACE, 'b')).toThrow(/damaged/)
    storage.stage({ keyspace: KEYSPACE, key: 'b', record: lww(2, 'new') })
    await committed(storage)
    expect(plain(storage.read(KEYSPACE, 'b'))).toEqual(plain(lww(2, 'new')))
  })

  it('a record that is erased: is gone, damage and all', async () => {
    const storage = await openIn(await damage((value) => flipped(value, 8)))
    storage.stage({ keyspace: KEYSPACE, key: 'b', record: undefined })
    expect(await storage.scan(range())).toMatchObject({ done: true, entries: [{ key: 'a' }, { key: 'c' }] })
    await committed(storage)
    expect(storage.read(KEYSPACE, 'b')).toBeUndefined()
    expect(await storage.scan(range())).toMatchObject({ done: true, entries: [{ key: 'a' }, { key: 'c' }] })
  })

  it('one of the replica’s own records: keeps the storage from opening', async () => {
    const directory = await newDirectory()
    const storage = await openIn(directory)
    storage.stage({ keyspace: 0, key: 'definition', record: lww(1, 'own') })
    await committed(storage)
    await storage.close()
    await withDatabase(directory, async (database) => {
      const key = diskKey(keyspacePrefix(0), 'definition')
      await database.put(key, flipped((await database.get(key)) as Buffer, 9))
    })
    await expect(openIn(directory)).rejects.toMatchObject({
      code: 'QUORATE_STORAGE',
      message: expect.stringContaining('key "definition" in keyspace 0 is damaged') as unknown,
    })
  })
})
