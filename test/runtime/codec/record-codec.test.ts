/** Records as a replica keeps them: with what it remembers of its own writes, which never travels. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { REPLACED_MAX } from '../../../src/core/causality/dotted-record.ts'
import type { DottedRecord, StoredRecord } from '../../../src/core/record.ts'
import { ByteReader, ByteWriter, Malformed } from '../../../src/runtime/codec/bytes.ts'
import { readKept, readRecord, RECORD_LIMITS, writeKept, writeRecord } from '../../../src/runtime/codec/record-codec.ts'
import { holds } from '../../property.ts'
import { anyKept, anyRecord } from './any-message.ts'

function bytesOf(record: StoredRecord, write: typeof writeKept): Buffer {
  const writer = new ByteWriter(16)
  write(writer, record)
  return writer.take()
}

function parse(bytes: Uint8Array, read: typeof readKept): StoredRecord {
  const reader = new ByteReader(bytes)
  const record = read(reader, RECORD_LIMITS)
  expect(reader.done).toBe(true)
  return record
}

/** Without what belongs to its replica alone. */
function travelling(record: StoredRecord): StoredRecord {
  if (record.kind === 'register') return { ...record, promised: record.accepted }
  return record.kind === 'dotted' ? { ...record, replaced: [] } : record
}

/** Values come back as views of the bytes: compared by what they hold. */
function plain(record: StoredRecord): unknown {
  const value = (of: Uint8Array | null): unknown => of && [...of]
  if (record.kind === 'lww') return { ...record, value: value(record.value) }
  if (record.kind === 'register') return { ...record, state: { ...record.state, value: value(record.state.value) } }
  return { ...record, siblings: record.siblings.map((sibling) => ({ ...sibling, value: value(sibling.value) })) }
}

const kept = (replaced: readonly number[]): DottedRecord => ({
  kind: 'dotted',
  context: { vector: [1, 2], cloud: [] },
  siblings: [],
  replaced,
})

describe('kept records', () => {
  test('any record: comes back from the disk as it was', () => {
    let remembering = 0
    holds(
      fc.property(anyKept, (record) => {
        if (record.kind === 'dotted' && record.replaced.length > 0) remembering++
        const back = parse(bytesOf(record, writeKept), readKept)
        expect(plain(back)).toEqual(plain(record))
        expect(bytesOf(back, writeKept)).toEqual(bytesOf(record, writeKept))
      }),
      { numRuns: 500 },
    )
    expect(remembering).toBeGreaterThan(50)
  })

  test('any record: travels without what is remembered', () => {
    holds(
      fc.property(anyKept, (record) => {
        const back = parse(bytesOf(record, writeRecord), readRecord)
        expect(plain(back)).toEqual(plain(travelling(record)))
      }),
      { numRuns: 500 },
    )
  })

  test('any record of which nothing is remembered: has the same bytes on the disk and on the wire', () => {
    holds(
      fc.property(anyRecord, (record) => {
        expect(bytesOf(record, writeKept)).toEqual(bytesOf(record, writeRecord))
      }),
    )
  })

  test('known bytes: a change here makes directories unreadable', () => {
    const context = '0200 000000000000f03f 0000000000000040 0000'
    const hex = `03 ${context} 0000 0300 0000000000000840 0000000000001040 0000000000001440`
    expect(bytesOf(kept([3, 4, 5]), writeKept).toString('hex')).toBe(hex.replaceAll(' ', ''))
    expect(bytesOf(kept([]), writeKept).toString('hex')).toBe(`02 ${context} 0000`.replaceAll(' ', ''))
  })
})

describe('authors', () => {
  const lww = (by: string | undefined): StoredRecord => ({ kind: 'lww', op: 1, at: 2, by, value: Uint8Array.of(7) })

  test('an author: takes one byte more than its letters, and none takes nothing', () => {
    const without = bytesOf(lww(undefined), writeKept).length
    expect(bytesOf(lww('a'), writeKept)).toHaveLength(without + 2)
    expect(bytesOf(lww('client-0123abcd/AbCdEf_-'), writeKept)).toHaveLength(without + 25)
  })

  test('known bytes: the mark says what follows', () => {
    const head = '01 000000000000f03f 0000000000000040'
    const hex = (record: StoredRecord): string => bytesOf(record, writeKept).toString('hex')
    expect(hex(lww(undefined))).toBe(`${head} 01 01000000 07`.replaceAll(' ', ''))
    expect(hex(lww('ab'))).toBe(`${head} 03 02 6162 01000000 07`.replaceAll(' ', ''))
    expect(hex({ ...lww('a'), value: null } as StoredRecord)).toBe(`${head} 02 01 61`.replaceAll(' ', ''))
  })

  test('an author that comes again: is the same string, and one of the same place is not mistaken for it', () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `client-${i}`)
    for (const name of [...names, ...names]) {
      expect(parse(bytesOf(lww(name), writeKept), readKept)).toMatchObject({ by: name })
    }
  })

  test.for([
    ['no letter', '00'],
    ['too many letters', `82${'61'.repeat(130)}`],
    ['a space', '0120'],
    ['a control character', '017f'],
    ['a letter beyond ASCII', '02c3a9'],
    ['its end missing', '0361'],
  ])('%s: is malformed', ([, text]) => {
    const bytes = Buffer.from(`01000000000000f03f0000000000000040 02 ${text as string}`.replaceAll(' ', ''), 'hex')
    expect(() => parse(bytes, readKept)).toThrow(Malformed)
  })

  test('a mark that is not known: is malformed', () => {
    const bytes = bytesOf(lww(undefined), writeKept)
    bytes[17] = 0x81
    expect(() => parse(bytes, readKept)).toThrow(new Malformed('a version says what is not known here'))
  })
})

describe('what no replica keeps', () => {
  const full = Array.from({ length: 3 * REPLACED_MAX }, (_, i) => i)

  test('as many writes as can be remembered are read, and one more is not', () => {
    expect(parse(bytesOf(kept(full), writeKept), readKept)).toEqual(kept(full))
    const over = bytesOf(kept([...full, 1, 2, 3]), writeKept)
    expect(() => parse(over, readKept)).toThrow(new Malformed(`a list of ${full.length + 3} numbers is not allowed`))
  })

  test.for([[[1]], [[1, 2]], [[1, 2, 3, 4]]] as const)('%j: is no list of writes', ([replaced]) => {
    expect(() => parse(bytesOf(kept(replaced), writeKept), readKept)).toThrow(Malformed)
  })

  test.for([-1, 0.5, NaN, 2 ** 53])('%d among them: is malformed', (number) => {
    expect(() => parse(bytesOf(kept([1, number, 1]), writeKept), readKept)).toThrow(Malformed)
  })

  test('a kept record cut anywhere: is malformed', () => {
    const bytes = bytesOf(kept([1, 2, 3, 4, 5, 6]), writeKept)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parse(bytes.subarray(0, length), readKept)).toThrow(Malformed)
    }
  })

  test('a sibling that the context has not seen: is malformed here too', () => {
    const sibling = { actor: 1, counter: 9, op: 1, at: 1, value: null }
    expect(() => parse(bytesOf({ ...kept([1, 2, 3]), siblings: [sibling] }, writeKept), readKept)).toThrow(Malformed)
  })

  test('a kept record on the wire: is no kind of record', () => {
    expect(() => parse(bytesOf(kept([1, 2, 3]), writeKept), readRecord)).toThrow(
      new Malformed('3 is no kind of record'),
    )
  })
})
