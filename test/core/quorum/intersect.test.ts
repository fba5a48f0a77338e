/** Whether every read meets every write, against trying every set. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QuorateError } from '../../../src/core/base/errors.ts'
import { dual, name, normalised, threshold, type Expression } from '../../../src/core/quorum/expression.ts'
import { disjointError, findDisjoint, implies, type Disjoint, type Sides } from '../../../src/core/quorum/intersect.ts'
import { parseExpression } from '../../../src/core/quorum/parse-expression.ts'
import { holds } from '../../property.ts'
import { anyExpression, anyParts, expressionOf, LETTERS, meetsAt, setsOf } from './any-quorum.ts'

function sides(read: string, write: string): Sides {
  return { reads: parseExpression(read), writes: parseExpression(write) }
}

function maskOf(names: readonly string[]): number {
  return names.reduce((mask, letter) => mask | (1 << LETTERS.indexOf(letter)), 0)
}

/** Every way to hold a write quorum in a set and a read quorum outside it. */
function slowlyMeet({ reads, writes }: Sides, n: number): boolean {
  return setsOf(n).every((set) => !meetsAt(writes, set) || !meetsAt(reads, ~set))
}

function expectMinimal(expression: Expression, set: number): void {
  expect(meetsAt(expression, set)).toBe(true)
  for (let rest = set; rest !== 0; rest &= rest - 1) expect(meetsAt(expression, set & ~(rest & -rest))).toBe(false)
}

function expectDisjoint({ reads, writes }: Sides, found: Disjoint): void {
  const [read, write] = [maskOf(found.read), maskOf(found.write)]
  expect(read & write).toBe(0)
  expectMinimal(reads, read)
  expectMinimal(writes, write)
}

test('counts: disjoint quorums exist exactly when r + w is at most n', () => {
  for (let n = 1; n <= 6; n++) {
    const nodes = LETTERS.slice(0, n).map((letter) => name(letter))
    for (let r = 1; r <= n; r++) {
      for (let w = 1; w <= n; w++) {
        const both = { reads: threshold(r, nodes), writes: threshold(w, nodes) }
        const found = findDisjoint(both)
        expect(found === undefined, `n=${n} r=${r} w=${w}`).toBe(r + w > n)
        if (found !== undefined) expectDisjoint(both, found)
      }
    }
  }
})

describe('any two expressions', () => {
  const pair = fc.integer({ min: 1, max: 7 }).chain((n) => {
    const parts = anyParts.filter((example) => example.n <= n).map((example) => expressionOf(example))
    const any = fc.oneof(anyExpression(n), parts)
    const other = any.chain((reads) =>
      fc.oneof(any, any, fc.constant(dual(reads))).map((writes) => ({ reads, writes })),
    )
    return fc.record({ n: fc.constant(n), both: other })
  })

  test('what is found does not meet and has no node to spare; nothing is found only when every pair meets', () => {
    const seen = { found: 0, none: 0 }
    holds(
      fc.property(pair, ({ n, both }) => {
        const found = findDisjoint(both)
        expect(found === undefined).toBe(slowlyMeet(both, n))
        seen[found === undefined ? 'none' : 'found']++
        if (found !== undefined) expectDisjoint(both, found)
      }),
      { numRuns: 2_000 },
    )
    expect(Math.min(seen.found, seen.none)).toBeGreaterThan(300)
  })

  test('implies: exactly when every set that meets the one meets the other', () => {
    holds(
      fc.property(pair, ({ n, both: { reads: outer, writes: inner } }) => {
        const slowly = setsOf(n).every((set) => !meetsAt(outer, set) || meetsAt(inner, set))
        expect(implies({ outer, inner })).toBe(slowly)
      }),
      { numRuns: 500 },
    )
  })

  test('an expression meets its dual, and does not when the dual asks for one vote less', () => {
    holds(
      fc.property(fc.integer({ min: 2, max: 7 }).chain(anyExpression), (writes) => {
        const reads = normalised(dual(writes))
        expect(findDisjoint({ reads, writes })).toBeUndefined()
        if (reads.kind === 'name' || reads.required === 1) return
        const fewer = { ...reads, required: reads.required - 1 }
        const both = { reads: fewer, writes }
        expect(findDisjoint(both) === undefined).toBe(slowlyMeet(both, 7))
      }),
      { numRuns: 500 },
    )
  })
})

/** `a0 … a9, b0 …`: names in rows. */
function rows(count: number, length: number): string[][] {
  return Array.from({ length: count }, (_, row) =>
    Array.from({ length }, (_each, column) => `${LETTERS[row] as string}${column}`),
  )
}

const THIRTY = rows(5, 6)
const columns = rows(6, 6).map((_, column) => THIRTY.map((row) => row[column] as string))
const allOf = (names: readonly string[]): string => `all of (${names.join(', ')})`
const anyOf = (names: readonly string[]): string => `any of (${names.join(', ')})`
const zoned = (count: number, required: number): string =>
  `${required} of (${rows(count, 3)
    .map((row) => `2 of (${row.join(', ')})`)
    .join(', ')})`

describe('thirty nodes: decided at once', () => {
  test.for([
    ['a count', `16 of (${THIRTY.flat().join(', ')})`, `15 of (${THIRTY.flat().join(', ')})`, true],
    ['a count, one short', `15 of (${THIRTY.flat().join(', ')})`, `15 of (${THIRTY.flat().join(', ')})`, false],
    ['ten zones, six of them', zoned(10, 6), zoned(10, 5), true],
    ['ten zones, five of them', zoned(10, 5), zoned(10, 5), false],
    ['rows and columns', THIRTY.map(allOf).join(' or '), columns.map(allOf).join(' or '), true],
    [
      'a row, and one of each row',
      THIRTY.map(allOf).join(' or '),
      THIRTY.map(anyOf)
        .map((any) => `(${any})`)
        .join(' and '),
      true,
    ],
    [
      'columns without the last',
      THIRTY.map(allOf).join(' or '),
      columns.map((column) => allOf(column.slice(1))).join(' or '),
      false,
    ],
    ['eleven, and two of three in each zone', `11 of (${rows(10, 3).flat().join(', ')})`, zoned(10, 10), true],
    ['ten, and two of three in each zone', `10 of (${rows(10, 3).flat().join(', ')})`, zoned(10, 10), false],
    [
      'every weight another',
      `233 of (${THIRTY.flat()
        .map((node, i) => `${node}*${i + 1}`)
        .join(', ')})`,
      `233 of (${THIRTY.flat()
        .map((node, i) => `${node}*${i + 1}`)
        .join(', ')})`,
      true,
    ],
    [
      'every weight another, one short',
      `233 of (${THIRTY.flat()
        .map((node, i) => `${node}*${i + 1}`)
        .join(', ')})`,
      `232 of (${THIRTY.flat()
        .map((node, i) => `${node}*${i + 1}`)
        .join(', ')})`,
      false,
    ],
  ] as const)('%s', ([, read, write, meet]) => {
    expect(findDisjoint(sides(read, write)) === undefined).toBe(meet)
  })

  test('votes that no subset sums to: an answer, or a refusal that says what to change', () => {
    const votes = THIRTY.flat().map((node, i) => `${node}*${1000 + 97 * i * i}`)
    const total = THIRTY.flat().reduce((sum, _, i) => sum + 1000 + 97 * i * i, 0)
    const both = sides(
      `${Math.ceil(total / 2)} of (${votes.join(', ')})`,
      `${Math.floor(total / 2)} of (${votes.join(', ')})`,
    )
    try {
      const found = findDisjoint(both)
      expect(found === undefined || found.read.every((node) => !found.write.includes(node))).toBe(true)
    } catch (error) {
      expect(error).toMatchObject({ code: 'QUORATE_LIMIT' })
      expect((error as Error).message).toContain('derive one side from the other')
    }
  })
})

test('the two phases of consensus: few may accept where many prepare', () => {
  expect(findDisjoint(sides('4 of (a, b, c, d, e)', '2 of (a, b, c, d, e)'))).toBeUndefined()
  expect(findDisjoint(sides('3 of (a, b, c, d, e)', '2 of (a, b, c, d, e)'))).toEqual({
    read: ['a', 'b', 'c'],
    write: ['d', 'e'],
  })
})

test('the refusal names both sets, in words and as fields', () => {
  const error = disjointError({ read: ['a'], write: ['b', 'c'] })
  expect(error).toBeInstanceOf(QuorateError)
  expect(error).toMatchObject({ code: 'QUORATE_QUORUMS_DISJOINT', outcome: 'none', read: ['a'], write: ['b', 'c'] })
  expect(error.message).toContain('read quorum (a)')
  expect(error.message).toContain('write quorum (b, c)')
  expect(error.toJSON()).toMatchObject({ read: ['a'], write: ['b', 'c'] })
})
