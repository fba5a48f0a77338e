/** Application values as bytes: plain data and more comes back, and nothing leaks into prototypes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeValue, encodeValue } from '../../src/runtime/value-codec.ts'
import { holds } from '../property.ts'
import { matching } from '../core/matching.ts'

const ROOM = 1_000_000

test('any JSON: comes back as it was', () => {
  holds(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text)
      if (text.includes('__proto__')) return
      expect(decodeValue(encodeValue(value, ROOM))).toEqual(value)
    }),
    { numRuns: 500 },
  )
})

test('each value stands alone: bytes of one do not need those of another', () => {
  const record = { name: 'n', address: { street: 's' } }
  const first = encodeValue(record, ROOM)
  const second = encodeValue(record, ROOM)
  expect(Buffer.from(second)).toEqual(Buffer.from(first))
  expect(decodeValue(second)).toEqual(record)
})

test('encoded bytes: stay as they are while others are encoded', () => {
  const first = encodeValue('first', ROOM)
  const before = Buffer.from(first).toString('hex')
  for (let i = 0; i < 10_000; i++) encodeValue(`another ${i}`, ROOM)
  expect(Buffer.from(first).toString('hex')).toBe(before)
})

describe('what cannot be stored', () => {
  test.for([
    ['undefined', undefined],
    ['a function', (): number => 1],
    ['a symbol', Symbol('s')],
  ] as const)('%s: is refused', ([, value]) => {
    expect(() => encodeValue(value, ROOM)).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: matching(/^a value cannot be/) }),
    )
  })

  test('what throws when it is looked at: is refused, with the cause', () => {
    const cause = new Error('look away')
    const value = {
      get field(): never {
        throw cause
      },
    }
    expect(() => encodeValue(value, ROOM)).toThrow(expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', cause }))
  })

  test('one byte too many: is over the limit, one less is not', () => {
    const size = encodeValue('x'.repeat(100), ROOM).length
    expect(encodeValue('x'.repeat(100), size)).toHaveLength(size)
    expect(() => encodeValue('x'.repeat(101), size)).toThrow(
      expect.objectContaining({ code: 'QUORATE_LIMIT', message: matching(/raise valueBytesMax/) }),
    )
  })
})

describe('prototypes', () => {
  test('own fields named like them: change no prototype, there or here', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}')
    const back = decodeValue(encodeValue(value, ROOM)) as Record<string, unknown>
    expect(back['a']).toBe(1)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(back['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  })

  test('bytes from outside that set one: change no prototype', () => {
    // { "__proto__": { "polluted": 1 } } in MessagePack.
    const bytes = Buffer.concat([
      Buffer.of(0x81, 0xa9),
      Buffer.from('__proto__'),
      Buffer.of(0x81, 0xa8),
      Buffer.from('polluted'),
      Buffer.of(1),
    ])
    const back = decodeValue(bytes) as Record<string, unknown>
    expect(back['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
