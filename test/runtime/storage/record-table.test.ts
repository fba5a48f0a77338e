import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/core/record.ts'
import { RecordCopier } from '../../../src/runtime/storage/record-copier.ts'
import { RecordTable, type Known, type KnownKeys } from '../../../src/runtime/storage/record-table.ts'
import { holds } from '../../property.ts'

function lww(value: Uint8Array | null): StoredRecord {
  return { kind: 'lww', op: 1, at: 1, value }
}

function dotted(value: Uint8Array | null): StoredRecord {
  const sibling = { actor: 1, counter: 1, op: 1, at: 1, value }
  return { kind: 'dotted', context: { vector: [1, 1], cloud: [] }, siblings: [sibling], replaced: [] }
}

function bytesOf(record: StoredRecord): Uint8Array | null {
  if (record.kind === 'register') return record.state.value
  return record.kind === 'lww' ? record.value : (record.siblings[0]?.value ?? null)
}

describe('record table', () => {
  it('what is absent, what is there, and what nobody asked for: are three answers', () => {
    const table = new RecordTable(10_000)
    const keys: KnownKeys = new Map()
    const record = lww(Buffer.from('value'))
    table.found(keys, 'there', record)
    table.found(keys, 'absent', undefined)
    expect(table.get(keys, 'there')?.record).toBe(record)
    expect(table.get(keys, 'absent')).toMatchObject({ record: undefined })
    expect(table.get(keys, 'unknown')).toBeUndefined()
    table.found(keys, 'absent', record)
    expect(table.get(keys, 'absent')?.record).toBe(record)
  })

  it.each([
    ['lww', lww],
    ['dotted', dotted],
  ])('more %s records than it has room for: keep what is used, within the bound', (_, make) => {
    const table = new RecordTable(100_000)
    const keys: KnownKeys = new Map()
    const record = make(Buffer.alloc(1000))
    table.found(keys, 'hot', record)
    for (let i = 0; i < 1000; i++) {
      table.found(keys, `cold ${i}`, record)
      expect(table.get(keys, 'hot')?.record).toBe(record)
      expect(table.sizeBytes).toBeLessThanOrEqual(100_000)
    }
    expect(table.get(keys, 'cold 999')?.record).toBe(record)
    expect(table.get(keys, 'cold 1')).toBeUndefined()
    expect(table.sizeBytes).toBeGreaterThan(90_000)
  })

  it('a record larger than the whole table: is not kept, and does not leave an older one in its place', () => {
    const table = new RecordTable(10_000)
    const keys: KnownKeys = new Map()
    table.found(keys, 'key', lww(Buffer.from('old')))
    table.found(keys, 'key', lww(Buffer.alloc(20_000)))
    expect(table.get(keys, 'key')).toBeUndefined()
    expect(table.sizeBytes).toBe(0)
  })

  it('a record that waits for the disk: stays whatever the bound, until its last change is durable', () => {
    const table = new RecordTable(1)
    const keys: KnownKeys = new Map()
    const first = table.stage(keys, 'key', lww(Buffer.from('1')))
    table.found(keys, 'other', lww(Buffer.from('other')))
    const second = table.stage(keys, 'key', undefined)
    expect(second).toBe(first)
    table.settled([first])
    expect(table.get(keys, 'key')).toMatchObject({ waiting: 1, record: undefined })
    table.settled([second])
    expect(keys.size).toBe(0)
    expect(table.sizeBytes).toBe(0)
  })

  it('any changes and reads: what waits is there, what is there is the latest, and the bound holds for the rest', () => {
    const change = fc.record({
      kind: fc.constantFrom('stage', 'found', 'get', 'settle'),
      key: fc.nat(20),
      size: fc.nat(900),
    })
    holds(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const table = new RecordTable(5_000)
        const keys: KnownKeys = new Map()
        const waiting: Known[] = []
        const latest = new Map<string, StoredRecord>()
        for (const { kind, key: number, size } of changes) {
          const key = String(number)
          const there = keys.get(key)
          const record = lww(Buffer.alloc(size))
          if (kind === 'get') table.get(keys, key)
          else if (kind === 'settle') table.settled(waiting.splice(0, number))
          else if (kind === 'stage') waiting.push(table.stage(keys, key, record))
          else if (there === undefined) table.found(keys, key, record)
          else continue
          if (kind === 'stage' || kind === 'found') latest.set(key, record)
          for (const [name, known] of keys) expect(known.record).toBe(latest.get(name))
          for (const known of waiting) expect(keys.get(known.key)).toBe(known)
          const all = [...keys.values()]
          expect(table.sizeBytes).toBe(all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
          const rest = all.filter((known) => known.waiting === 0)
          if (kind === 'found' || kind === 'settle') expect(rest.length === 0 || table.sizeBytes <= 5_000).toBe(true)
        }
      }),
    )
  })
})

describe('record copier', () => {
  it.each([
    ['lww', lww],
    ['dotted', dotted],
  ])('%s records of any size: share no memory with the original, and little with each other', (_, make) => {
    const copier = new RecordCopier()
    const frame = Buffer.alloc(64 * 1024)
    for (let size = 0; size < 3000; size += 7) {
      frame.fill(size & 255)
      const copy = bytesOf(copier.copy(make(frame.subarray(0, size)))) as Uint8Array
      frame.fill(255 - (size & 255))
      expect(Buffer.from(copy).equals(Buffer.alloc(size, size & 255))).toBe(true)
      expect(copy.buffer.byteLength).toBeLessThanOrEqual(Math.max(size, 1024))
    }
    expect(bytesOf(copier.copy(make(null)))).toBeNull()
  })
})
