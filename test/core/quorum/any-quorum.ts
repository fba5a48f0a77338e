/**
 * Quorums to draw examples with, and sets of replicas the dumb way.
 */
import fc from 'fast-check'
import { compile } from '../../../src/core/quorum/compile.ts'
import { and, meets, name, threshold, weighted, type Expression } from '../../../src/core/quorum/expression.ts'
import type { ListQuorum } from '../../../src/core/quorum/quorum.ts'

/** Every set of positions below `n`, as masks. */
export function setsOf(n: number): number[] {
  return Array.from({ length: 2 ** n }, (_, mask) => mask)
}

/** The positions in a mask. */
export function positionsIn(mask: number): number[] {
  return Array.from({ length: 31 }, (_, position) => position).filter((position) => mask & (1 << position))
}

/** How many replicas each part of a quorum needs out of which; met when all parts are. */
export interface Parts {
  readonly n: number
  readonly parts: readonly { readonly members: number; readonly required: number }[]
}

export const anyParts: fc.Arbitrary<Parts> = fc
  .integer({ min: 1, max: 6 })
  .chain((n) =>
    fc.record({
      n: fc.constant(n),
      // Which of up to three parts each position belongs to.
      places: fc.array(fc.nat({ max: 2 }), { minLength: n, maxLength: n }),
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
    }),
  )
  .map(({ n, places, shares }) => {
    const parts = [...new Set(places)].map((place) => {
      const positions = places.flatMap((at, position) => (at === place ? [position] : []))
      const members = positions.reduce((mask, position) => mask | (1 << position), 0)
      return { members, required: 1 + Math.floor((shares[place] as number) * (positions.length - 1)) }
    })
    return { n, parts }
  })

/** The name at each position. */
export const LETTERS: readonly string[] = Array.from('abcdefghijklmnopqrstuvwxyzABCDE')

export function expressionOf({ parts }: Parts): Expression {
  return and(parts.map(({ members, required }) => threshold(required, namesAt(members))))
}

function namesAt(members: number): Expression[] {
  return positionsIn(members).map((position) => name(LETTERS[position] as string))
}

export function quorumOf(parts: Parts): ListQuorum {
  return compile(expressionOf(parts), { names: LETTERS.slice(0, parts.n) })
}

/** Whether a set forms the quorum, counted on fingers. */
export function slowlyMet({ parts }: Parts, set: number): boolean {
  return parts.every(({ members, required }) => positionsIn(set & members).length >= required)
}

/** Expressions over the first `n` letters, of every shape: nested, weighted, with names that occur again. */
export function anyExpression(n: number): fc.Arbitrary<Expression> {
  const leaf = fc.constantFrom(...LETTERS.slice(0, n)).map((letter) => name(letter))
  const { any } = fc.letrec<{ any: Expression; list: Expression }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { arbitrary: leaf, weight: 2 },
      { arbitrary: tie('list'), weight: 3 },
    ),
    list: fc
      .tuple(
        fc.array(fc.tuple(tie('any'), fc.constantFrom(1, 1, 1, 2, 3)), { minLength: 1, maxLength: 4 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
      )
      .map(([parts, share]) => {
        const votes = parts.map(([expression, weight]) => ({ expression, weight }))
        const total = votes.reduce((sum, { weight }) => sum + weight, 0)
        return weighted(1 + Math.floor(share * total), votes)
      }),
  }))
  return any
}

/** Whether the positions of a set form the quorum, by the names. */
export function meetsAt(expression: Expression, set: number): boolean {
  return meets(expression, (letter) => (set & (1 << LETTERS.indexOf(letter))) !== 0)
}
