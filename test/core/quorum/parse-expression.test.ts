/** Expressions from text: what is refused, and that the message shows the place. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QuorateError } from '../../../src/core/base/errors.ts'
import { namesOf } from '../../../src/core/quorum/expression.ts'
import { parseExpression, type ParseOptions } from '../../../src/core/quorum/parse-expression.ts'
import { holds } from '../../property.ts'

function refusal(text: string, options: ParseOptions = {}): QuorateError {
  try {
    parseExpression(text, options)
  } catch (error) {
    expect(error).toBeInstanceOf(QuorateError)
    return error as QuorateError
  }
  return expect.fail(`${text} was read`)
}

const ZONES = { zones: { eu: ['a', 'b'], none: [] } }
const NODES = { nodes: ['a', 'b', 'c'] }

describe('refused, with the column and why', () => {
  test.for([
    ['', 1, 'unexpected the end, expected a node'],
    ['   ', 4, 'unexpected the end, expected a node'],
    ['a and', 6, 'unexpected the end, expected a node'],
    ['and a', 1, 'unexpected and, expected a node'],
    ['a b', 3, 'unexpected b, expected and, or, or the end'],
    ['a and or b', 7, 'unexpected or'],
    ['(a or b', 8, 'unexpected the end, expected and, or, or )'],
    ['a)', 2, 'unexpected )'],
    ['()', 2, 'unexpected )'],
    ['(a, b)', 3, 'a list needs a number before it'],
    ['2 of', 5, 'expected a list in parentheses'],
    ['2 of a', 6, 'expected a list in parentheses'],
    ['2 of ()', 6, 'the list is empty'],
    ['2 of (a,', 9, 'unexpected the end'],
    ['2 of (a,)', 9, 'unexpected )'],
    ['2 of (a b)', 9, 'unexpected b, expected a comma or )'],
    ['majority (a, b)', 10, 'expected of after majority'],
    ['all', 4, 'expected of after all'],
    ['3 of (a, b)', 1, '3 of a list with 2 votes cannot be'],
    ['a or 4 of (a*2, b)', 6, '4 of a list with 3 votes cannot be'],
    ['0 of (a, b)', 1, '0 of a list cannot be'],
    ['1.5 of (a, b)', 1, '1.5 of a list cannot be'],
    ['99999999999 of (a, b)', 1, 'cannot be'],
    ['x of (a, b)', 1, 'x of a list cannot be: use K, all, any or majority'],
    ['ALL of (a, b)', 1, 'ALL of a list cannot be: use K, all, any or majority'],
    ['-1 of (a, b)', 1, 'unexpected "-"'],
    ['2 of (a, a)', 10, 'a stands twice in one list: give it a weight, a*2'],
    ['2 of (a*0, b)', 9, 'a weight is a whole number from 1'],
    ['2 of (a*-1, b)', 9, 'unexpected "-"'],
    ['2 of (a*1.5, b)', 9, 'a weight is a whole number'],
    ['2 of (a*, b)', 9, 'a weight is a whole number'],
    ['2 of (a*9999999999, b)', 9, 'a weight is a whole number'],
    ['2 of (a and b*2, c)', 14, 'put what has the weight in parentheses'],
    ['a*2', 2, 'a weight stands in a list'],
    ['a * b', 3, 'a weight stands in a list'],
    ['a + b', 3, 'unexpected "+"'],
    ['a & b', 3, 'unexpected "&"'],
    ['é', 1, 'unexpected "é"'],
    ['a'.repeat(65), 1, 'is no name of a node'],
    ['@eu', 1, 'a zone is a list'],
    ['any of @us', 8, 'no zone @us: use @eu'],
    ['any of @', 8, 'no zone @'],
    ['any of @none', 8, 'zone @none is empty'],
    ['2 of (@eu, a)', 12, 'a stands twice'],
    ['2 of (@eu, @eu)', 12, 'a stands twice'],
    ['any of @__proto__', 8, 'no zone'],
  ] as const)('%j: column %d, %s', ([text, column, why]) => {
    const error = refusal(text, ZONES)
    expect(error.code).toBe('QUORATE_INVALID_OPTION')
    expect(error.message).toContain(why)
    const [first, , marker] = error.message.split('\n')
    expect(first?.startsWith(`column ${column}: `), error.message).toBe(true)
    expect(marker).toBe(`  ${' '.repeat(column - 1)}^`)
  })

  test('the place is shown under the text', () => {
    expect(refusal('2 of (a, b) and 5 of (c, d)').message).toBe(
      'column 17: 5 of a list with 2 votes cannot be: use 1 to 2\n' +
        '  2 of (a, b) and 5 of (c, d)\n' +
        '                  ^',
    )
  })

  test('of a long text the part around the place is shown', () => {
    const long = `${'a or '.repeat(100)}?${' or b'.repeat(100)}`
    const [first, shown, marker] = refusal(long).message.split('\n')
    expect(first).toBe('column 501: unexpected "?"')
    expect(shown?.[marker?.indexOf('^') ?? 0]).toBe('?')
    expect(shown?.length).toBeLessThan(130)
  })

  test('a node that there is not, and a zone with a name that is none', () => {
    expect(refusal('a and d', NODES).message).toContain('column 7: no node d: use a, b, c')
    expect(refusal('all of @eu', { zones: { eu: ['a b'] } }).message).toContain('"a b" is no name of a node')
    expect(refusal('all of @eu', { zones: { eu: ['a', 'x'] }, ...NODES }).message).toContain('no node x')
    expect(refusal('any of @eu').message).toContain('no zones are given')
    const zones = { 'eu west': ['a'], us: ['b'], '': ['c'] }
    expect(refusal('any of @eu west', { zones }).message).toMatch(/no zone @eu: use @us\n/)
    expect(refusal('any of @eu', { zones: { ü: ['a'] } }).message).toContain('no zone has a name that can be written')
  })
})

describe('bounds', () => {
  const names = Array.from({ length: 32 }, (_, i) => `n${i}`)

  test('31 nodes are read, 32 are not', () => {
    expect(namesOf(parseExpression(`16 of (${names.slice(1).join(', ')})`))).toHaveLength(31)
    expect(refusal(`16 of (${names.join(', ')})`).message).toContain('more than 31 nodes')
  })

  test('32 levels are read, 33 are not, and very many end at once', () => {
    const nested = (depth: number): string => `${'2 of (b, c, '.repeat(depth)}a${')'.repeat(depth)}`
    expect(namesOf(parseExpression(nested(32)))).toEqual(['a', 'b', 'c'])
    expect(refusal(nested(33)).message).toContain('nested more than 32 deep')
    expect(refusal('('.repeat(4096)).message).toContain('nested more than 32 deep')
  })

  test('4096 characters are read, 4097 are refused as too long', () => {
    expect(namesOf(parseExpression('a'.padEnd(4096)))).toEqual(['a'])
    expect(refusal('a'.padEnd(4097))).toMatchObject({ code: 'QUORATE_LIMIT' })
  })

  test('what is no text is refused', () => {
    expect(refusal(undefined as unknown as string).message).toContain('a quorum is written as text')
    expect(refusal(2 as unknown as string).message).toContain('a quorum is written as text')
  })
})

test('any text: an expression or a refusal that shows a place in it', () => {
  const words = fc.constantFrom(
    'a',
    'b',
    'c',
    ' and ',
    ' or ',
    '2 of ',
    'majority of ',
    '(',
    ')',
    ',',
    '*2',
    '@eu',
    ' ',
  )
  const seen = { read: 0, refused: 0 }
  holds(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 9 }).map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          parseExpression(text, ZONES)
          seen.read++
        } catch (error) {
          seen.refused++
          expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
          const column = Number(/^column (\d+): /.exec((error as Error).message)?.[1])
          expect(column).toBeGreaterThanOrEqual(1)
          expect(column).toBeLessThanOrEqual(text.length + 1)
        }
      },
    ),
    { numRuns: 3_000 },
  )
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(50)
})
