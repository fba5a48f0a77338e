/** The order of keys against the order of their UTF-8 bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../../src/core/base/key-order.ts'
import { holds } from '../../property.ts'

/** Code points around every edge of UTF-16 and of UTF-8's widths. */
const edges = [0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x10001, 0x1f511, 0x10ffff]
const anyKey = fc.oneof(
  fc.array(fc.constantFrom(...edges), { maxLength: 4 }).map((points) => String.fromCodePoint(...points)),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.string({ maxLength: 4 }),
)

function sign(number: number): number {
  return Math.sign(number) + 0
}

test('keys: sort as their UTF-8 bytes do', () => {
  holds(
    fc.property(anyKey, anyKey, (a, b) => {
      expect(sign(compareKeys(a, b))).toBe(sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
    { numRuns: 5_000 },
  )
})

test('keys: one with something after it comes later, and only equal ones compare as equal', () => {
  holds(
    fc.property(anyKey, anyKey, (a, more) => {
      expect(compareKeys(a, a)).toBe(0)
      expect(sign(compareKeys(a, a + more))).toBe(more === '' ? 0 : -1)
    }),
  )
})

test.for([
  ['the empty key and any other', '', '\u0000', -1],
  ['the end of the basic plane and an astral character', '\uffff', '\u{10000}', -1],
  ['an astral character and the private area', '\u{1f511}', '\ue000', 1],
  ['the last code point before the surrogates and the first astral one', '\ud7ff', '\u{10000}', -1],
] as const)('keys: %s', ([, a, b, order]) => {
  expect(sign(compareKeys(a, b))).toBe(order)
  expect(sign(compareKeys(b, a))).toBe(-order)
})
