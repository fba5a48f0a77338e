/** Bytes out and in: a writer that grows, and a reader that stays inside. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, Malformed } from '../../../src/runtime/codec/bytes.ts'
import { holds } from '../../property.ts'

type Field =
  | readonly ['uint8' | 'uint16' | 'uint32' | 'float64', number]
  | readonly ['text', string]
  | readonly ['bytes' | 'raw', Uint8Array]
  | readonly ['pairs', readonly number[]]

const anyField: fc.Arbitrary<Field> = fc.oneof(
  fc.tuple(fc.constant('uint8' as const), fc.nat({ max: 0xff })),
  fc.tuple(fc.constant('uint16' as const), fc.nat({ max: 0xffff })),
  fc.tuple(fc.constant('uint32' as const), fc.nat({ max: 0xffff_ffff })),
  fc.tuple(fc.constant('float64' as const), fc.double()),
  fc.tuple(fc.constant('text' as const), fc.string({ unit: 'binary' })),
  fc.tuple(fc.constant('bytes' as const), fc.uint8Array()),
  fc.tuple(
    fc.constant('raw' as const),
    fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.uint8Array({ minLength: 505, maxLength: 520 })),
  ),
  fc.tuple(
    fc.constant('pairs' as const),
    fc.array(fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()), { maxLength: 4 }).map((pairs) => pairs.flat()),
  ),
)

function behindOneByte(value: Uint8Array): ByteWriter {
  const writer = new ByteWriter()
  for (const byte of [0, ...value]) writer.uint8(byte)
  return writer
}

function write(writer: ByteWriter, [kind, value]: Field): void {
  switch (kind) {
    case 'text':
      writer.text(value)
      return
    case 'bytes':
      writer.bytes(value)
      return
    case 'raw':
      writer.rawOf(behindOneByte(value), 1)
      return
    case 'pairs':
      writer.numbers(value)
      return
    default:
      writer[kind](value)
  }
}

function read(reader: ByteReader, [kind, value]: Field): unknown {
  switch (kind) {
    case 'text':
      return reader.text(65_535)
    case 'bytes':
      return new Uint8Array(reader.bytes(1_000_000))
    case 'raw':
      return Uint8Array.from({ length: value.length }, () => reader.uint8())
    case 'pairs':
      return reader.numbers(100, 2)
    default:
      return reader[kind]()
  }
}

describe('writer and reader', () => {
  test('any fields, in a buffer that is too small: come back in order', () => {
    holds(
      fc.property(fc.array(anyField), fc.integer({ min: 1, max: 8 }), (fields, size) => {
        const writer = new ByteWriter(size)
        for (const field of fields) write(writer, field)
        const reader = new ByteReader(writer.view())
        for (const field of fields) expect(read(reader, field)).toEqual(field[1])
        expect(reader.done).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('what was taken: stays as it was when the writer goes on', () => {
    const writer = new ByteWriter(4)
    writer.text('first')
    const taken = writer.take()
    expect(writer.length).toBe(0)
    writer.text('other')
    expect(new ByteReader(taken).text(9)).toBe('first')
    writer.reset()
    expect(writer.view()).toHaveLength(0)
  })

  test('a view from the middle: begins there', () => {
    const writer = new ByteWriter(4)
    writer.uint8(1)
    writer.uint8(2)
    expect([...writer.view(1)]).toEqual([2])
  })

  test('bytes read: are a view of the frame, not a copy', () => {
    const writer = new ByteWriter(4)
    writer.bytes(Uint8Array.of(7))
    const frame = writer.take()
    const value = new ByteReader(frame).bytes(1)
    frame[4] = 9
    expect([...value]).toEqual([9])
  })

  test('any bytes of any array: are read where the array begins', () => {
    const behind = new Uint8Array([9, 9, 1, 0, 65]).subarray(2)
    expect(new ByteReader(behind).text(1)).toBe('A')
  })
})

describe('lists of numbers', () => {
  const reader = (numbers: readonly number[]): ByteReader => {
    const writer = new ByteWriter()
    writer.numbers(numbers)
    return new ByteReader(writer.take())
  }

  test.for([
    [[], 0, 3],
    [[1], 1, 1],
    [[1, 2], 2, 2],
    [[1, 2, 3], 3, 3],
    [[1, 2, 3, 4, 5, 6], 9, 3],
  ] as const)('%j, %d at most, in groups of %d: come back', ([numbers, max, group]) => {
    expect(reader(numbers).numbers(max, group)).toEqual(numbers)
  })

  test.for([
    [[1, 2, 3], 2, 1],
    [[1, 2, 3], 3, 2],
    [[1, 2], 3, 3],
    [[1, 2, 3, 4], 9, 3],
  ] as const)('%j, %d at most, in groups of %d: are malformed', ([numbers, max, group]) => {
    const message = `a list of ${numbers.length} numbers is not allowed`
    expect(() => reader(numbers).numbers(max, group)).toThrow(new Malformed(message))
  })
})

test('peek: shows the next byte without taking it, and nothing at the end', () => {
  const reader = new ByteReader(Uint8Array.of(7, 8))
  expect([reader.peek(), reader.peek(), reader.uint8(), reader.peek(), reader.uint8()]).toEqual([7, 7, 7, 8, 8])
  expect(reader.peek()).toBeUndefined()
  expect(reader.done).toBe(true)
})

describe('a reader at the end', () => {
  test.for(['uint8', 'uint16', 'uint32', 'float64', 'whole'] as const)('%s: says so', (kind) => {
    expect(() => new ByteReader(Buffer.alloc(0))[kind]()).toThrow(new Malformed('it ends in the middle of a field'))
  })

  test('a text or bytes that claim more than there is: are malformed', () => {
    expect(() => new ByteReader(Uint8Array.of(2, 0, 65)).text(9)).toThrow(Malformed)
    expect(() => new ByteReader(Uint8Array.of(2, 0, 0, 0, 65)).bytes(9)).toThrow(Malformed)
    expect(() => new ByteReader(Uint8Array.of(2, 0, 1)).numbers(9, 1)).toThrow(Malformed)
  })
})

test.for([
  ['0', 0, true],
  ['2^53 - 1', Number.MAX_SAFE_INTEGER, true],
  ['2^53', 2 ** 53, false],
  ['-1', -1, false],
  ['a half', 0.5, false],
  ['NaN', NaN, false],
  ['Infinity', Infinity, false],
] as const)('whole numbers: %s is one: %s', ([, number, isWhole]) => {
  const writer = new ByteWriter(8)
  writer.float64(number)
  const reader = new ByteReader(writer.view())
  if (isWhole) expect(reader.whole()).toBe(number)
  else expect(() => reader.whole()).toThrow(new Malformed('a number is not whole'))
})
