import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/core/record.ts'
import { RecordCache } from '../../../src/runtime/storage/record-cache.ts'
import { RecordCopier } from '../../../src/runtime/storage/record-copier.ts'

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

describe('record cache', () => {
  it('what is absent, what is there, and what nobody asked for: are three answers', () => {
    const cache = new RecordCache(10_000)
    const record = lww(Buffer.from('value'))
    cache.set('there', record)
    cache.set('absent', undefined)
    expect(cache.get('there')).toBe(record)
    expect(cache.get('absent')).toBeNull()
    expect(cache.get('unknown')).toBeUndefined()
    cache.set('absent', record)
    expect(cache.get('absent')).toBe(record)
  })

  it.each([
    ['lww', lww],
    ['dotted', dotted],
  ])('more %s records than it has room for: keep the last used, within the bound', (_, make) => {
    const cache = new RecordCache(100_000)
    const record = make(Buffer.alloc(1000))
    cache.set('hot', record)
    for (let i = 0; i < 1000; i++) {
      cache.set(`cold ${i}`, record)
      expect(cache.get('hot')).toBe(record)
      expect(cache.sizeBytes).toBeLessThanOrEqual(100_000)
    }
    expect(cache.get('cold 999')).toBe(record)
    expect(cache.get('cold 1')).toBeUndefined()
    expect(cache.sizeBytes).toBeGreaterThan(90_000)
  })

  it('a record larger than the whole cache: is not kept, and does not leave an older one in its place', () => {
    const cache = new RecordCache(10_000)
    cache.set('key', lww(Buffer.from('old')))
    cache.set('key', lww(Buffer.alloc(20_000)))
    expect(cache.get('key')).toBeUndefined()
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
