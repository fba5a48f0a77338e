/**
 * What every storage must do, whatever it keeps records in. Called by the tests of each.
 */
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/core/base/key-order.ts'
import { REPLACED_MAX } from '../../src/core/causality/dotted-record.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import type { ScanRange, ScanResult, Storage } from '../../src/runtime/storage/storage.ts'
import { describeErasures } from './storage-erasures.ts'
import {
  committed,
  KEYSPACE,
  lww,
  plain,
  range,
  runBeside,
  sizeOf,
  STEP,
  type StorageUnderTest,
} from './storage-model.ts'

const ACTOR = 2 ** 52 - 1

/** Keys in code-point order, which is not the order of `<`; none of them is a property to be tripped over. */
const KEYS_IN_ORDER: readonly string[] = [
  '\u0000',
  '\u0000a',
  '__proto__',
  'a',
  'a\u0000',
  'ab',
  'b',
  'constructor',
  '\u007f',
  'é',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uff61',
  '\uffff',
  '\u{10000}',
  '😀',
  '\u{10ffff}',
]

const RECORDS: readonly (readonly [string, StoredRecord])[] = [
  ['an lww record', lww(7, 'value')],
  ['an lww record with an empty value', lww(7, '')],
  ['an lww tombstone', { kind: 'lww', op: 2 ** 52 - 1, at: 2 ** 53 - 1, value: null }],
  ['an lww record larger than a block', { kind: 'lww', op: 1, at: 2, value: Buffer.alloc(300_000, 'x') }],
  ['a dotted record with one sibling', dotted([[1, 'value']])],
  [
    'a dotted record with siblings, one a tombstone',
    dotted([
      [1, 'one'],
      [3, null],
      [4, 'four'],
    ]),
  ],
  [
    'a dotted record with a cloud, which remembers what was replaced',
    {
      kind: 'dotted',
      context: { vector: [5, 2, ACTOR, 9], cloud: [5, 7, ACTOR, 11] },
      siblings: [{ actor: ACTOR, counter: 11, op: 3, at: 4, value: Buffer.from('late') }],
      replaced: [9, 8, 7, 6, 2 ** 52 - 1, 2 ** 53 - 1],
    },
  ],
  [
    'a dotted record that remembers as much as it can',
    {
      kind: 'dotted',
      context: { vector: [ACTOR, 99], cloud: [] },
      siblings: [],
      replaced: Array.from({ length: 3 * REPLACED_MAX }, (_, i) => 1000 - i),
    },
  ],
  [
    'a dotted record with nothing left in it',
    { kind: 'dotted', context: { vector: [5, 2], cloud: [] }, siblings: [], replaced: [] },
  ],
]

function dotted(values: readonly (readonly [counter: number, value: string | null])[]): StoredRecord {
  return {
    kind: 'dotted',
    context: { vector: [ACTOR, 9], cloud: [] },
    siblings: values.map(([counter, value]) => ({
      actor: ACTOR,
      counter,
      op: counter + 100,
      at: counter + 1000,
      value: value === null ? null : Buffer.from(value),
    })),
    replaced: [],
  }
}

function keysOf(result: ScanResult): readonly string[] {
  return result.entries.map((entry) => entry.key)
}

export function storageContract(name: string, open: () => Promise<StorageUnderTest>): void {
  describe(`${name}: what every storage does`, () => {
    let underTest: StorageUnderTest | undefined
    const opened = async (): Promise<Storage> => {
      underTest = await open()
      return underTest.storage
    }
    afterEach(async () => {
      await underTest?.storage.close()
      await underTest?.dispose()
      underTest = undefined
    })

    describeRecords(opened)
    describeScans(opened)
    describeCommits(opened)
    describeErasures(async () => {
      await opened()
      return underTest as StorageUnderTest
    })

    it('any order of writes, erasures, commits, reads, scans and reopening: gives what a map would', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(STEP, { maxLength: 60 }), async (steps) => {
          const { seen, expected } = await runBeside(steps, await open())
          expect(seen).toEqual(expected)
        }),
        { numRuns: 60, seed: 20_071_014 },
      )
    })
  })
}

function describeRecords(opened: () => Promise<Storage>): void {
  it('a key never written: reads as undefined, in any keyspace', async () => {
    const storage = await opened()
    expect(storage.read(KEYSPACE, 'nothing')).toBeUndefined()
    expect(storage.read(KEYSPACE, '__proto__')).toBeUndefined()
    expect(storage.read(0, 'nothing')).toBeUndefined()
  })

  it.each(RECORDS)('%s: reads back as it was staged, before and after the commit', async (_, record) => {
    const storage = await opened()
    storage.stage({ keyspace: KEYSPACE, key: 'key', record })
    expect(plain(storage.read(KEYSPACE, 'key'))).toEqual(plain(record))
    await committed(storage)
    expect(plain(storage.read(KEYSPACE, 'key'))).toEqual(plain(record))
    expect(plain((await storage.scan(range())).entries[0]?.record)).toEqual(plain(record))
  })

  it('bytes that change after they were staged: do not change what is read', async () => {
    const storage = await opened()
    const frame = Buffer.from('first|second')
    const [first, second] = [frame.subarray(0, 5), frame.subarray(6)]
    storage.stage({ keyspace: KEYSPACE, key: 'a', record: { kind: 'lww', op: 1, at: 1, value: first } })
    const sibling = { actor: 1, counter: 1, op: 1, at: 1, value: second }
    const context = { vector: [1, 1], cloud: [] }
    storage.stage({
      keyspace: KEYSPACE,
      key: 'b',
      record: { kind: 'dotted', context, siblings: [sibling], replaced: [] },
    })
    frame.fill('x')
    const read = (): string => JSON.stringify([plain(storage.read(KEYSPACE, 'a')), plain(storage.read(KEYSPACE, 'b'))])
    expect(read()).toMatch(/"first".*"second"/)
    await committed(storage)
    expect(read()).toMatch(/"first".*"second"/)
  })

  it('a record that a reader still holds: keeps its bytes while the key is overwritten', async () => {
    const storage = await opened()
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'held'.repeat(50)) })
    const held = storage.read(KEYSPACE, 'key')
    for (let at = 2; at < 6000; at++) {
      storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(at, 'later'.repeat(40)) })
      if (at % 1000 === 0) await committed(storage)
    }
    expect(plain(held)).toEqual(plain(lww(1, 'held'.repeat(50))))
    expect(storage.read(KEYSPACE, 'key')).toMatchObject({ at: 5999 })
  })

  it('one key in neighbouring keyspaces: is two records', async () => {
    const storage = await opened()
    for (const keyspace of [1, 255, 256, KEYSPACE, KEYSPACE + 1, 2 ** 52 - 1]) {
      storage.stage({ keyspace, key: 'key', record: lww(1, String(keyspace)) })
    }
    await committed(storage)
    for (const keyspace of [1, 255, 256, KEYSPACE, KEYSPACE + 1, 2 ** 52 - 1]) {
      expect(plain(storage.read(keyspace, 'key'))).toEqual(plain(lww(1, String(keyspace))))
      expect(keysOf(await storage.scan(range({ keyspace })))).toEqual(['key'])
    }
    expect(storage.read(2, 'key')).toBeUndefined()
  })
}

function describeScans(opened: () => Promise<Storage>): void {
  const filled = async (keys: readonly string[], options: { readonly commitEvery: number }): Promise<Storage> => {
    const storage = await opened()
    for (const [i, key] of keys.entries()) {
      storage.stage({ keyspace: KEYSPACE, key, record: lww(1, key) })
      if (i % options.commitEvery === options.commitEvery - 1) await committed(storage)
    }
    return storage
  }

  it.each([
    ['staged', Infinity],
    ['committed', 1],
    ['half of each', 10],
  ])('a scan of awkward keys, %s: gives them in code-point order', async (_, commitEvery) => {
    const shuffled = KEYS_IN_ORDER.toSorted((a, b) => (a + 'salt' < b + 'pepper' ? 1 : -1))
    const storage = await filled(shuffled, { commitEvery })
    const { entries, done } = await storage.scan(range())
    expect(entries.map((entry) => entry.key)).toEqual(KEYS_IN_ORDER)
    expect(entries.map((entry) => plain(entry.record))).toEqual(KEYS_IN_ORDER.map((key) => plain(lww(1, key))))
    expect(entries.every((entry) => entry.keyspace === KEYSPACE)).toBe(true)
    expect(done).toBe(true)
  })

  it.each<[string, Partial<ScanRange>, readonly string[], boolean]>([
    ['a prefix', { prefix: 'a' }, ['a', 'a\u0000', 'ab'], true],
    ['a prefix that no key has', { prefix: 'zz' }, [], true],
    ['after a key', { after: '\uffff' }, ['\u{10000}', '😀', '\u{10ffff}'], true],
    ['after a key that is not there', { after: 'aa' }, KEYS_IN_ORDER.slice(5), true],
    ['a prefix and after a key in it', { prefix: 'a', after: 'a' }, ['a\u0000', 'ab'], true],
    ['a prefix and after a key below it', { prefix: 'b', after: 'a' }, ['b'], true],
    ['a prefix and after a key above it', { prefix: 'a', after: 'b' }, [], true],
    ['after the last key', { after: '\u{10ffff}' }, [], true],
    ['a limit', { limit: 2 }, ['\u0000', '\u0000a'], false],
    ['a limit that is all there is', { prefix: 'a', limit: 3 }, ['a', 'a\u0000', 'ab'], true],
    ['a limit of none', { limit: 0 }, [], false],
    ['another keyspace', { keyspace: KEYSPACE + 1 }, [], true],
  ])('a scan with %s: gives those keys and whether more follow', async (_, fields, keys, done) => {
    const storage = await filled(KEYS_IN_ORDER, { commitEvery: 7 })
    const result = await storage.scan(range(fields))
    expect(keysOf(result)).toEqual(keys)
    expect(result.done).toBe(done)
  })

  it('a scan with a limit of bytes: stops after the record that passes it', async () => {
    const keys = ['k1', 'k2', 'k3', 'k4']
    const storage = await filled(keys, { commitEvery: 2 })
    const each = sizeOf({ keyspace: KEYSPACE, key: 'k1', record: lww(1, 'k1') })
    for (const [sizeBytesMax, count] of [
      [0, 1],
      [each - 1, 1],
      [each, 2],
      [3 * each - 1, 3],
      [3 * each, 4],
    ] as const) {
      const result = await storage.scan(range({ sizeBytesMax }))
      expect(keysOf(result)).toEqual(keys.slice(0, count))
      expect(result.done).toBe(count === 4)
    }
  })

  it('a scan: shows the newest of what is staged, committing and committed', async () => {
    const storage = await filled(['a', 'b', 'c'], { commitEvery: 3 })
    storage.stage({ keyspace: KEYSPACE, key: 'b', record: lww(2, 'committing') })
    const commit = committed(storage)
    storage.stage({ keyspace: KEYSPACE, key: 'c', record: lww(2, 'staged') })
    storage.stage({ keyspace: KEYSPACE, key: 'd', record: lww(2, 'staged') })
    const { entries } = await storage.scan(range())
    expect(entries.map(({ key, record }) => [key, (plain(record) as { value: string }).value])).toEqual([
      ['a', 'a'],
      ['b', 'committing'],
      ['c', 'staged'],
      ['d', 'staged'],
    ])
    await commit
  })

  it('pages over thousands of keys, with keys added in between: miss none that was there before', async () => {
    const storage = await opened()
    const keys = Array.from({ length: 5000 }, (_, i) => `k${(i * 7919) % 5000}`)
    for (const key of keys) storage.stage({ keyspace: KEYSPACE, key, record: lww(1, key) })
    await committed(storage)
    const seen: string[] = []
    for (let done = false; !done;) {
      const page = await storage.scan(range({ after: seen.at(-1) ?? '', limit: 700 }))
      seen.push(...keysOf(page))
      storage.stage({ keyspace: KEYSPACE, key: `k${seen.length}+`, record: lww(1, 'new') })
      done = page.done
    }
    expect(seen.filter((key) => !key.endsWith('+'))).toEqual(keys.toSorted(compareKeys))
    expect(seen).toEqual(seen.toSorted(compareKeys))
  })
}

function describeCommits(opened: () => Promise<Storage>): void {
  it('commits: call back once each, in the order of the calls', async () => {
    const storage = await opened()
    const order: number[] = []
    const all: Promise<void>[] = []
    for (let i = 0; i < 50; i++) {
      if (i % 3 !== 0) storage.stage({ keyspace: KEYSPACE, key: `k${i}`, record: lww(i, 'v') })
      all.push(committed(storage).then(() => void order.push(i)))
      if (i % 10 === 9) await all[i - 5]
    }
    await Promise.all(all)
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  it('a commit with nothing staged: calls back before it returns', async () => {
    const storage = await opened()
    let called = 0
    storage.commit(() => called++)
    expect(called).toBe(1)
  })

  it('a storage that was committed: reads nothing that waits', async () => {
    const storage = await opened()
    storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'v') })
    storage.read(KEYSPACE, 'key')
    expect(storage.touchedStaged).toBe(storage.durable)
    await committed(storage)
    storage.read(KEYSPACE, 'key')
    expect(storage.touchedStaged).toBe(false)
  })

  it('a closed storage: refuses to stage, commit and scan, and closes again', async () => {
    const storage = await opened()
    await storage.close()
    await storage.close()
    const closed = expect.objectContaining({ code: 'QUORATE_CLOSED' }) as Error
    expect(() => storage.stage({ keyspace: KEYSPACE, key: 'key', record: lww(1, 'v') })).toThrow(closed)
    expect(() => storage.commit(() => {})).toThrow(closed)
    await expect(storage.scan(range())).rejects.toThrow(closed)
  })

  it('its identity: has an incarnation that can be an actor', async () => {
    const { identity } = await opened()
    expect(Number.isSafeInteger(identity.incarnation) && identity.incarnation >= 1).toBe(true)
    expect(identity.incarnation).toBeLessThan(2 ** 52)
  })
}
