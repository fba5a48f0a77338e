/** Expressions as quorums on masks, against evaluating them by name; and the smallest quorums, against trying all sets. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile } from '../../../src/core/quorum/compile.ts'
import { dual, namesOf, type Expression } from '../../../src/core/quorum/expression.ts'
import { parseExpression } from '../../../src/core/quorum/parse-expression.ts'
import { CountQuorum, firstPositions, type ListQuorum } from '../../../src/core/quorum/quorum.ts'
import { choose } from '../../../src/core/quorum/tally.ts'
import { holds } from '../../property.ts'
import { anyExpression, LETTERS, meetsAt, positionsIn, setsOf } from './any-quorum.ts'

const some = fc.integer({ min: 1, max: 7 }).chain(anyExpression)
const NAMES = LETTERS.slice(0, 7)

function sizesOf(expression: Expression): number[] {
  return setsOf(7)
    .filter((set) => meetsAt(expression, set))
    .map((set) => positionsIn(set).length)
}

function compiled(text: string, names: string): ListQuorum {
  return compile(parseExpression(text), { names: Array.from(names) })
}

describe('compiled', () => {
  test('any expression: met by the sets that meet it by name, wherever the names stand in the list', () => {
    holds(
      fc.property(some, fc.shuffledSubarray([...NAMES], { minLength: 7 }), (expression, names) => {
        const quorum = compile(expression, { names })
        for (const set of setsOf(7)) {
          const renamed = positionsIn(set).reduce((mask, at) => mask | (1 << NAMES.indexOf(names[at] as string)), 0)
          expect(quorum.met(set)).toBe(meetsAt(expression, renamed))
        }
      }),
      { numRuns: 300 },
    )
  })

  test('any expression: required is the size of the smallest set', () => {
    holds(
      fc.property(some, (expression) => {
        const smallest = Math.min(...sizesOf(expression))
        expect(compile(expression, { names: NAMES }).required).toBe(smallest)
      }),
      { numRuns: 500 },
    )
  })

  test('any expression: spare is the largest number that may be missing, whichever they are', () => {
    holds(
      fc.property(some, fc.nat({ max: 127 }), (expression, answered) => {
        const breaking = setsOf(7).filter((set) => (set & ~answered) === 0 && !meetsAt(expression, answered & ~set))
        const spare = Math.min(...breaking.map((set) => positionsIn(set).length)) - 1
        expect(compile(expression, { names: NAMES }).spare(answered)).toBe(spare)
      }),
      { numRuns: 500 },
    )
  })

  test('any expression: choose gives a quorum without a needless member', () => {
    holds(
      fc.property(some, fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), (expression, order) => {
        const chosen = choose(compile(expression, { names: NAMES }), order) as number
        expect(meetsAt(expression, chosen)).toBe(true)
        for (const position of positionsIn(chosen)) expect(meetsAt(expression, chosen & ~(1 << position))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('long expressions remember: each set is answered alike however often it is asked', () => {
    const sets = setsOf(7).filter((set) => positionsIn(set).length === 3)
    const text = sets
      .map(
        (set) =>
          `a and ${positionsIn(set)
            .map((position) => LETTERS[position + 1] as string)
            .join(' and ')}`,
      )
      .join(' or ')
    const expression = parseExpression(text)
    const quorum = compile(expression, { names: LETTERS.slice(0, 8) })
    for (let round = 0; round < 3; round++) {
      for (const set of setsOf(8)) expect(quorum.met(set)).toBe(meetsAt(expression, set))
    }
    // Positions that are not in the list do not matter.
    expect(quorum.met(0b1111 | (1 << 20))).toBe(true)
    expect(quorum.met(0b0111 | (1 << 20))).toBe(false)
  })

  test('counts stay counts, over the positions of their names', () => {
    expect(compiled('2 of (a, b, c)', 'abc')).toEqual(new CountQuorum(2, 0b111))
    expect(compiled('2 of (a, b, c)', 'cxba')).toEqual(new CountQuorum(2, 0b1101))
    expect(compiled('b', 'ab')).toEqual(new CountQuorum(1, 0b10))
    expect(compiled('a and c', 'abc')).toEqual(new CountQuorum(2, 0b101))
  })

  test('in words: a count, the expression, or what is given', () => {
    expect(compiled('2 of (a, b, c)', 'abcd').text).toBe('2 of 3')
    expect(compiled('2 of (a*2, b, c)', 'abc').text).toBe('2 of (a*2, b, c)')
    expect(compile(parseExpression('a or b and c'), { names: ['a', 'b', 'c'], text: 'enough' }).text).toBe('enough')
  })

  test('a node that is not in the list is refused', () => {
    expect(() => compiled('2 of (a, x, y)', 'abc')).toThrow(
      'a quorum system over nodes that do not hold the key: x, y not among a, b, c',
    )
  })
})

describe('the fewest, of larger expressions', () => {
  const rows = Array.from({ length: 5 }, (_, y) => Array.from({ length: 6 }, (_each, x) => `n${y}${x}`))
  const grid = rows.map((row) => row.join(' and ')).join(' or ')
  // The seven lines of the Fano plane; any two of them meet.
  const fano = ['abc', 'ade', 'afg', 'bdf', 'beg', 'cdg', 'cef']
    .map((line) => Array.from(line).join(' and '))
    .join(' or ')

  test.for([
    ['a row of six', grid, 6, 4],
    ['the Fano plane', fano, 3, 2],
    [
      'ten zones',
      `6 of (${rows
        .flatMap((row) => [row.slice(0, 3), row.slice(3)])
        .map((zone) => `2 of (${zone.join(', ')})`)
        .join(', ')})`,
      12,
      9,
    ],
    ['votes', '16 of (a*10, b*5, c*5, d*5, e*5, f*1)', 3, 2],
  ] as const)('%s', ([, text, least, tolerated]) => {
    const expression = parseExpression(text)
    const names = namesOf(expression)
    expect(compile(expression, { names }).required).toBe(least)
    expect(compile(expression, { names }).spare(firstPositions(names.length))).toBe(tolerated)
    expect(compile(dual(expression), { names }).required).toBe(tolerated + 1)
  })

  test('too hard to find: a bound from below, at once', () => {
    // Each of 31 nodes stands in 18 of 186 triples, so that hitting all takes 11 or more.
    const names = LETTERS.slice(0, 31)
    const triples = names.flatMap((node, i) =>
      [1, 3, 4, 9, 11, 13].map((step) => [node, names[(i + step) % 31], names[(i + 3 * step + 1) % 31]] as string[]),
    )
    const hits = triples.map((triple) => `(${triple.join(' or ')})`).join(' and ')
    const { required } = compile(parseExpression(hits), { names })
    expect(required).toBeGreaterThanOrEqual(11)
    expect(required).toBeLessThanOrEqual(31)
  })
})
