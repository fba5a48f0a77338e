import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/runtime/codec/bytes.ts'
import { RecordArena } from '../../../src/runtime/storage/record-arena.ts'
import { holds } from '../../property.ts'

const BLOCK_BYTES = 256 * 1024
const HEADER_BYTES = 8

function bytesFor(seed: number, size: number): Buffer {
  return Buffer.alloc(size, `${seed}.`)
}

/** The same, as a writer holds it. */
function written(bytes: Buffer): ByteWriter {
  const writer = new ByteWriter()
  for (const byte of bytes) writer.uint8(byte)
  return writer
}

describe('record arena', () => {
  it('any adds and replacements: give back what was stored last, within the promised memory', () => {
    const size = fc.oneof({ weight: 20, arbitrary: fc.nat(2000) }, { weight: 1, arbitrary: fc.nat(300_000) })
    holds(
      fc.property(fc.array(fc.record({ record: fc.nat(300), size }), { maxLength: 800, size: 'max' }), (writes) => {
        const arena = new RecordArena(() => {})
        const model: Buffer[] = []
        for (const [i, write] of writes.entries()) {
          const bytes = bytesFor(i, write.size)
          const known = write.record < model.length
          if (known) arena.replace(write.record, written(bytes))
          model[known ? write.record : arena.add(written(bytes))] = bytes
        }
        expect(Object.keys(model)).toHaveLength(model.length)
        for (const [record, bytes] of model.entries()) expect(arena.view(record).equals(bytes)).toBe(true)
        const live = model.reduce((sum, bytes) => sum + bytes.length + HEADER_BYTES, 0)
        expect(arena.heldBytes).toBeGreaterThanOrEqual(live)
        expect(arena.heldBytes).toBeLessThanOrEqual(1.5 * live + 4 * BLOCK_BYTES)
      }),
      { numRuns: 60 },
    )
  })

  it('any adds, replacements and removals: keep the memory promised, and numbers are used again', () => {
    const step = fc.record({ kind: fc.constantFrom('add', 'replace', 'remove'), pick: fc.nat(), size: fc.nat(20_000) })
    holds(
      fc.property(fc.array(step, { maxLength: 800, size: 'max' }), (steps) => {
        const arena = new RecordArena(() => {})
        const model = new Map<number, Buffer>()
        let most = 0
        for (const [i, { kind, pick, size }] of steps.entries()) {
          const bytes = bytesFor(i, size)
          const known = [...model.keys()][pick % Math.max(1, model.size)]
          if (kind === 'add' || known === undefined) {
            const record = arena.add(written(bytes))
            expect(model.has(record)).toBe(false)
            model.set(record, bytes)
          } else if (kind === 'remove') {
            arena.remove(known)
            model.delete(known)
          } else {
            arena.replace(known, written(bytes))
            model.set(known, bytes)
          }
          most = Math.max(most, model.size)
        }
        for (const [record, bytes] of model) {
          expect(record).toBeLessThan(most)
          expect(arena.view(record).equals(bytes)).toBe(true)
        }
        const live = [...model.values()].reduce((sum, bytes) => sum + bytes.length + HEADER_BYTES, 0)
        expect(arena.heldBytes).toBeLessThanOrEqual(1.5 * live + 4 * BLOCK_BYTES)
      }),
      { numRuns: 60 },
    )
  })

  it('records removed one by one: give back all but a few blocks', () => {
    const arena = new RecordArena(() => {})
    const records = Array.from({ length: 20_000 }, (_, i) => arena.add(written(bytesFor(i, 1000))))
    expect(arena.heldBytes).toBeGreaterThan(60 * BLOCK_BYTES)
    for (const record of records) if (record % 100 !== 0) arena.remove(record)
    expect(arena.heldBytes).toBeLessThanOrEqual(4 * BLOCK_BYTES)
    expect(arena.view(19_900).equals(bytesFor(19_900, 1000))).toBe(true)
  })

  it('a record that is copied out of an emptied block: is named, and views of it keep their bytes', () => {
    const moved = new Set<number>()
    const arena = new RecordArena((record) => moved.add(record))
    const stays = arena.add(written(bytesFor(-1, 100)))
    const view = arena.view(stays)
    const changes = arena.add(written(bytesFor(0, 1000)))
    // Each block keeps something small that stays, so that none becomes free by itself.
    for (let i = 1; !moved.has(stays); i++) {
      expect(i).toBeLessThan(10_000)
      arena.replace(changes, written(bytesFor(i, 1000 + (i % 2))))
      if (i % 100 === 0) arena.add(written(bytesFor(i, 100)))
    }
    expect(moved.has(changes)).toBe(false)
    expect(arena.view(stays).buffer).not.toBe(view.buffer)
    expect(arena.view(stays).equals(bytesFor(-1, 100))).toBe(true)
    for (let i = 0; i < 2000; i++) arena.replace(changes, written(bytesFor(i, 1000 + (i % 2))))
    expect(view.equals(bytesFor(-1, 100))).toBe(true)
  })

  it('a record that is replaced by one of its size: takes its place, unless a view of it was given', () => {
    const arena = new RecordArena(() => {})
    const record = arena.add(written(bytesFor(0, 1000)))
    for (let i = 1; i < 2000; i++) arena.replace(record, written(bytesFor(i, 1000)))
    expect(arena.heldBytes).toBe(BLOCK_BYTES)
    const view = arena.view(record)
    arena.replace(record, written(bytesFor(2000, 1000)))
    arena.replace(record, written(bytesFor(2001, 1000)))
    expect(view.equals(bytesFor(1999, 1000))).toBe(true)
    expect(arena.view(record).equals(bytesFor(2001, 1000))).toBe(true)
  })

  it('a large record that is replaced by a small one: gives its memory back at once', () => {
    const arena = new RecordArena(() => {})
    const record = arena.add(written(bytesFor(1, 10 * BLOCK_BYTES)))
    expect(arena.heldBytes).toBeGreaterThan(10 * BLOCK_BYTES)
    arena.replace(record, written(bytesFor(2, 10)))
    expect(arena.heldBytes).toBe(BLOCK_BYTES)
  })
})
