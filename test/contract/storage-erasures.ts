/**
 * What every storage must do when it is told to keep nothing of a key any more. A part of the contract of storages.
 */
import { expect, it } from 'vitest'
import type { ScanRange, Storage } from '../../src/runtime/storage/storage.ts'
import { committed, KEYSPACE, lww, plain, range, type StorageUnderTest } from './storage-model.ts'

function put(storage: Storage, key: string, at = 1): void {
  storage.stage({ keyspace: KEYSPACE, key, record: lww(at, key) })
}

function erase(storage: Storage, key: string, keyspace = KEYSPACE): void {
  storage.stage({ keyspace, key, record: undefined })
}

async function keysIn(storage: Storage, fields: Partial<ScanRange> = {}): Promise<readonly string[]> {
  return (await storage.scan(range(fields))).entries.map(({ key }) => key)
}

export function describeErasures(opened: () => Promise<StorageUnderTest>): void {
  describeErasedReads(opened)
  describeErasedScans(opened)
}

function describeErasedReads(opened: () => Promise<StorageUnderTest>): void {
  it.each([
    ['staged', false],
    ['committed', true],
  ])('a %s record that is erased: reads as undefined at once, and after the commit', async (_, isCommitted) => {
    const { storage } = await opened()
    for (const key of ['a', 'b', 'c']) put(storage, key)
    if (isCommitted) await committed(storage)
    storage.read(KEYSPACE, 'b')
    erase(storage, 'b')
    for (const commits of [false, true]) {
      if (commits) await committed(storage)
      expect(storage.read(KEYSPACE, 'b')).toBeUndefined()
      expect(storage.readStamp?.(KEYSPACE, 'b')).toBeUndefined()
      expect(storage.touchedStaged).toBe(storage.durable && !commits)
      expect(await keysIn(storage)).toEqual(['a', 'c'])
    }
    expect(storage.read(KEYSPACE, 'a')).toBeDefined()
    expect(storage.touchedStaged).toBe(false)
  })

  it('erasing what is not there: does no harm', async () => {
    const { storage } = await opened()
    put(storage, 'kept')
    for (let times = 0; times < 2; times++) {
      for (const key of ['', 'never', '__proto__']) erase(storage, key)
      erase(storage, 'kept', KEYSPACE + 1)
      await committed(storage)
    }
    expect(storage.read(KEYSPACE, 'never')).toBeUndefined()
    expect(await keysIn(storage)).toEqual(['kept'])
    expect(await keysIn(storage, { keyspace: KEYSPACE + 1 })).toEqual([])
  })

  it('a write after an erasure, and an erasure after a write, in one commit: the later counts', async () => {
    const { storage, reopen } = await opened()
    for (const key of ['a', 'b']) put(storage, key)
    await committed(storage)
    erase(storage, 'a')
    put(storage, 'a', 2)
    put(storage, 'b', 2)
    erase(storage, 'b')
    put(storage, 'c', 2)
    erase(storage, 'c')
    const see = async (seen: Storage): Promise<void> => {
      expect(plain(seen.read(KEYSPACE, 'a'))).toEqual(plain(lww(2, 'a')))
      expect(seen.read(KEYSPACE, 'b')).toBeUndefined()
      expect(seen.read(KEYSPACE, 'c')).toBeUndefined()
      expect(await keysIn(seen)).toEqual(['a'])
    }
    await see(storage)
    await committed(storage)
    await see(storage)
    if (reopen === undefined) return
    await storage.close()
    const again = await reopen()
    await see(again)
    await again.close()
  })

  it('a record that a reader still holds: keeps its bytes when the key is erased', async () => {
    const { storage } = await opened()
    put(storage, 'held')
    const held = storage.read(KEYSPACE, 'held')
    erase(storage, 'held')
    for (let i = 0; i < 3000; i++) put(storage, `k${i % 100}`, i)
    await committed(storage)
    expect(plain(held)).toEqual(plain(lww(1, 'held')))
  })
}

function describeErasedScans(opened: () => Promise<StorageUnderTest>): void {
  it.each<[string, Partial<ScanRange>, readonly string[], boolean]>([
    ['of everything', {}, ['b', 'ca', 'd'], true],
    ['with a limit before an erased key', { limit: 1 }, ['b'], false],
    ['with a limit that only erased keys follow', { limit: 3 }, ['b', 'ca', 'd'], true],
    ['after an erased key', { after: 'c' }, ['ca', 'd'], true],
    ['of a prefix that an erased key has', { prefix: 'c' }, ['ca'], true],
    ['of a prefix that only erased keys have', { prefix: 'e' }, [], true],
    ['of few bytes', { after: 'ca', sizeBytesMax: 0 }, ['d'], true],
    ['of nothing', { after: 'd', limit: 0 }, [], true],
  ])('a scan %s: passes over what is erased', async (_, fields, keys, done) => {
    const { storage } = await opened()
    const erased = ['a', 'c', 'cb', 'e', 'ea']
    for (const key of ['d', 'b', 'ca', ...erased]) put(storage, key)
    await committed(storage)
    for (const key of erased) erase(storage, key)
    for (const commits of [false, true]) {
      if (commits) await committed(storage)
      const result = await storage.scan(range(fields))
      expect(result.entries.map(({ key }) => key)).toEqual(keys)
      expect(result.done).toBe(done)
    }
  })

  it('pages over thousands of keys that are erased once seen: show each once, and leave nothing', async () => {
    const { storage } = await opened()
    for (let i = 0; i < 3000; i++) put(storage, `k${(i * 7919) % 3000}`)
    await committed(storage)
    const seen: string[] = []
    for (let done = false; !done;) {
      const page = await storage.scan(range({ after: seen.at(-1) ?? '', limit: 700 }))
      for (const { key } of page.entries) erase(storage, key)
      seen.push(...page.entries.map(({ key }) => key))
      if (seen.length === 1400) await committed(storage)
      done = page.done
    }
    expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => `k${i}`).toSorted())
    expect(await keysIn(storage)).toEqual([])
    await committed(storage)
    expect(await keysIn(storage)).toEqual([])
  })
}
