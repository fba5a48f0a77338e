/** Values of any kind in messages: never an exception, never long. */
import { expect, test } from 'vitest'
import { shown } from '../../../src/core/base/shape.ts'

const circle: Record<string, unknown> = {}
circle['self'] = circle
const refuses = {
  toJSON() {
    throw new Error('no')
  },
}

test.for<[unknown, string]>([
  ['a "b"', '"a \\"b\\""'],
  [1.5, '1.5'],
  [NaN, 'NaN'],
  [1n, '1n'],
  [null, 'null'],
  [undefined, 'undefined'],
  [true, 'true'],
  [Symbol('x'), 'Symbol(x)'],
  [() => 1, 'a function'],
  [{ a: [1, null] }, '{"a":[1,null]}'],
  [Object.create(null), '{}'],
  [circle, 'an object'],
  [[1n], 'an object'],
  [refuses, 'an object'],
  [{ toJSON: () => undefined }, 'an object'],
  ['x'.repeat(5000), `"${'x'.repeat(80)}…"`],
  [Array.from({ length: 1000 }, () => 1), `${`[${'1,'.repeat(100)}`.slice(0, 80)}…`],
])('shown: case %# is told in a few words', ([value, text]) => {
  expect(shown(value)).toBe(text)
})
