/** Expressions: what they ask for, their dual, and the form that is printed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  and,
  dual,
  meets,
  name,
  namesOf,
  normalised,
  or,
  threshold,
  weighted,
  WEIGHT_MAX,
  type Expression,
} from '../../../src/core/quorum/expression.ts'
import { parseExpression } from '../../../src/core/quorum/parse-expression.ts'
import { printExpression } from '../../../src/core/quorum/print-expression.ts'
import { holds } from '../../property.ts'
import { anyExpression, meetsAt, positionsIn, setsOf } from './any-quorum.ts'

const some = fc.integer({ min: 1, max: 7 }).chain(anyExpression)
const [a, b, c] = [name('a'), name('b'), name('c')]

/** Whether both are met by the same sets. */
function expectSame(one: Expression, other: Expression): void {
  for (const set of setsOf(7)) expect(meetsAt(one, set)).toBe(meetsAt(other, set))
}

describe('what is met', () => {
  test.for([
    ['a', 'a ab ac abc'],
    ['a and b', 'ab abc'],
    ['a or b', 'a b ab ac bc abc'],
    ['a or b and c', 'a ab ac bc abc'],
    ['(a or b) and c', 'ac bc abc'],
    ['2 of (a, b, c)', 'ab ac bc abc'],
    ['majority of (a, b, c)', 'ab ac bc abc'],
    ['majority of (a*3, b, c)', 'a ab ac abc'],
    ['all of (a, b)', 'ab abc'],
    ['any of (a, b)', 'a b ab ac bc abc'],
    ['2 of (a*2, b, c)', 'a ab ac bc abc'],
    ['2 of (a and b, b and c, a and c)', 'abc'],
  ] as const)('%s: %s', ([text, sets]) => {
    const expression = parseExpression(text)
    const met = ['', 'a', 'b', 'c', 'ab', 'ac', 'bc', 'abc'].filter((set) =>
      meets(expression, (node) => set.includes(node)),
    )
    expect(met.join(' ')).toBe(sets)
  })

  test('more nodes never unmake a quorum', () => {
    holds(
      fc.property(some, fc.nat(), fc.nat(), (expression, one, other) => {
        if (meetsAt(expression, one & other)) expect(meetsAt(expression, one)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the dual', () => {
  test.for([
    ['a', 'a'],
    ['a and b', 'a or b'],
    ['2 of (a, b, c)', '2 of (a, b, c)'],
    ['4 of (a, b, c, d, e)', '2 of (a, b, c, d, e)'],
    ['a and b and c or d and e and f', '(a or b or c) and (d or e or f)'],
    ['4 of (a*3, b*2, c, d)', '4 of (a*3, b*2, c, d)'],
    ['2 of (a, b, c) and 1 of (d, e)', '2 of (a, b, c) or d and e'],
  ] as const)('of %s: %s', ([text, expected]) => {
    expect(printExpression(dual(parseExpression(text)))).toBe(expected)
  })

  test('is met exactly by the sets whose complement does not meet the expression', () => {
    holds(
      fc.property(some, (expression) => {
        const opposite = dual(expression)
        for (const set of setsOf(7)) expect(meetsAt(opposite, set)).toBe(!meetsAt(expression, ~set))
      }),
      { numRuns: 300 },
    )
  })

  test('of the dual is the expression, to the letter', () => {
    holds(
      fc.property(some, (expression) => {
        expect(dual(dual(expression))).toEqual(expression)
        expect(normalised(dual(dual(normalised(expression))))).toEqual(normalised(expression))
      }),
      { numRuns: 300 },
    )
  })
})

describe('the printed form', () => {
  test.for([
    ['((a))', 'a'],
    ['a and (b and c)', 'a and b and c'],
    ['a or a', 'a'],
    ['a and b and a', 'a and b'],
    ['any of (a, b) and c', '(a or b) and c'],
    ['3 of (a, b, c)', 'a and b and c'],
    ['1 of (a)', 'a'],
    ['4 of (a*2, b*2, c*2)', '2 of (a, b, c)'],
    ['3 of (a*2, b*2, c*2)', '2 of (a, b, c)'],
    ['5 of (a*5, b*6)', 'a or b'],
    ['11 of (a*5, b*6)', 'a and b'],
    ['3 of ((a or b)*2, (c and d)*2, e)', '3 of ((a or b)*2, (c and d)*2, e)'],
    ['3 of ((2 of (a, b, c))*2, d, e)', '3 of (2 of (a, b, c)*2, d, e)'],
    ['2 of (a, b,\n  c)', '2 of (a, b, c)'],
    ['2 of (1, 2, 3)', '2 of (1, 2, 3)'],
    ['eu-1.node_2', 'eu-1.node_2'],
  ] as const)('of %s: %s', ([text, expected]) => {
    expect(printExpression(parseExpression(text))).toBe(expected)
    expect(printExpression(parseExpression(expected))).toBe(expected)
  })

  test('zones stand for their nodes', () => {
    const zones = { eu: ['a', 'b', 'c'], us: ['d', 'e'] }
    const parsed = (text: string): string => printExpression(parseExpression(text, { zones }))
    expect(parsed('majority of @eu')).toBe('2 of (a, b, c)')
    expect(parsed('majority of (@eu)')).toBe('2 of (a, b, c)')
    expect(parsed('2 of (@eu, d) and any of @us')).toBe('2 of (a, b, c, d) and (d or e)')
    expect(parsed('3 of (@us*2, a)')).toBe('3 of (d*2, e*2, a)')
  })

  test('asks for the same, is stable, and is read back as the normalised expression', () => {
    holds(
      fc.property(some, (expression) => {
        const normal = normalised(expression)
        expectSame(normal, expression)
        expect(normalised(normal)).toEqual(normal)
        const text = printExpression(expression)
        expect(parseExpression(text)).toEqual(normal)
        expect(printExpression(parseExpression(text))).toBe(text)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('names: sorted, each once', () => {
  expect(namesOf(or([and([c, a]), threshold(1, [b, a])]))).toEqual(['a', 'b', 'c'])
  holds(
    fc.property(some, (expression) => {
      const used = positionsIn(127).map((position) => Array.from('abcdefg')[position] as string)
      expect(used).toEqual(expect.arrayContaining([...namesOf(expression)]))
    }),
  )
})

describe('what cannot be', () => {
  test.for([
    ['no parts', () => threshold(1, []), 'empty set'],
    ['more than there are', () => threshold(3, [a, b]), '3 of 2 cannot be'],
    ['none', () => threshold(0, [a, b]), '0 of 2 cannot be'],
    ['a half', () => threshold(1.5, [a, b]), '1.5 of 2 cannot be'],
    ['NaN', () => threshold(NaN, [a, b]), 'NaN of 2 cannot be'],
    ['no votes', () => weighted(1, [{ expression: a, weight: 0 }]), 'weight 0 cannot be'],
    ['votes below zero', () => weighted(1, [{ expression: a, weight: -1 }]), 'weight -1 cannot be'],
    ['half a vote', () => weighted(1, [{ expression: a, weight: 0.5 }]), 'weight 0.5 cannot be'],
    ['endless votes', () => weighted(1, [{ expression: a, weight: Infinity }]), 'weight Infinity cannot be'],
    ['too many votes', () => weighted(1, [{ expression: a, weight: WEIGHT_MAX + 1 }]), 'use a whole number from 1 to'],
    ['an and of nothing', () => and([]), 'empty set'],
  ] as const)('%s: is refused', ([, make, message]) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(message) as string }),
    )
  })
})
