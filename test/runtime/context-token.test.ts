/** Context tokens: what is given out is taken back, for its own key only, and other text is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EMPTY_CONTEXT, withDot, type CausalContext } from '../../src/core/causality/causal-context.ts'
import { contextToken, parseContextToken } from '../../src/runtime/context-token.ts'
import { holds } from '../property.ts'
import { matching } from '../core/matching.ts'

const PLACE = { keyspace: 'carts', key: 'alice' }
const number = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2 ** 52 }))

const anyContext: fc.Arbitrary<CausalContext> = fc
  .array(fc.record({ actor: number, counter: number }), { maxLength: 8 })
  .map((dots) => dots.reduce(withDot, EMPTY_CONTEXT))

const invalid = expect.objectContaining({
  code: 'QUORATE_INVALID_OPTION',
  message: matching(/^the context is not one.*pass on `context` from an entry or from a put/),
}) as Error

test('token: any context comes back, as text that fits a header and a URL', () => {
  holds(
    fc.property(anyContext, (context) => {
      const token = contextToken(context, PLACE)
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(parseContextToken(token, PLACE)).toEqual(context)
    }),
    { numRuns: 500 },
  )
})

test('token: of another key, or of another keyspace, is refused', () => {
  holds(
    fc.property(anyContext, fc.string(), fc.string(), (context, keyspace, key) => {
      const other = { keyspace, key }
      const token = contextToken(context, PLACE)
      if (`${keyspace}/${key}` === 'carts/alice') return
      expect(() => parseContextToken(token, other)).toThrow(invalid)
    }),
  )
})

test('token: cut anywhere, or with something behind it, is refused', () => {
  const context = [1, 2, 3].reduce((all, counter) => withDot(all, { actor: 7, counter: 2 * counter }), EMPTY_CONTEXT)
  const token = contextToken(context, PLACE)
  const bytes = Buffer.from(token, 'base64url')
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length).toString('base64url')
    expect(() => parseContextToken(cut, PLACE)).toThrow(invalid)
  }
  const longer = Buffer.concat([bytes, Buffer.of(0)]).toString('base64url')
  expect(() => parseContextToken(longer, PLACE)).toThrow(invalid)
})

test('token: spoilt anywhere, is refused or stands for another context, and throws nothing else', () => {
  const dots = [1, 3].map((counter) => ({ actor: 3, counter }))
  const context = dots.reduce(withDot, EMPTY_CONTEXT)
  const bytes = Buffer.from(contextToken(context, PLACE), 'base64url')
  let refused = 0
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const spoilt = Buffer.from(bytes)
      spoilt[at] = (spoilt[at] as number) ^ (1 << bit)
      try {
        const back = parseContextToken(spoilt.toString('base64url'), PLACE)
        expect(contextToken(back, PLACE)).not.toBe(contextToken(context, PLACE))
      } catch (error) {
        expect(error).toEqual(invalid)
        refused++
      }
    }
  }
  expect(refused).toBeGreaterThan(0)
})

describe('what is no token', () => {
  test.for([
    ['nothing', ''],
    ['a space', ' '],
    ['plain base64', 'ab+/'],
    ['padding', 'AQ=='],
    ['text', 'hello, world'],
    ['70,000 characters', 'A'.repeat(70_000)],
    ['null', null],
    ['a number', 1],
    ['bytes', new Uint8Array(9)],
  ] as const)('%s: is refused', ([, token]) => expect(() => parseContextToken(token, PLACE)).toThrow(invalid))
})
