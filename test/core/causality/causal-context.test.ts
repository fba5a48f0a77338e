/** Causal contexts against sets of dots: every operation on the packed form is the obvious one on the sets. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  contextFromPairs,
  covers,
  EMPTY_CONTEXT,
  hasDot,
  highestSeen,
  isEmpty,
  joinContexts,
  sameContext,
  seenUpTo,
  withDot,
} from '../../../src/core/causality/causal-context.ts'
import { holds } from '../../property.ts'
import { anyContext, anyDot, anyDotSet, anyPairs, canonicalOf, dotName, dotsOf } from './dot-sets.ts'

const RUNS = { numRuns: 1_000 }

describe('causal context as a set of dots', () => {
  test('join: the result is the union, in canonical form', () => {
    holds(
      fc.property(anyContext, anyContext, (a, b) => {
        expect(joinContexts(a, b)).toEqual(canonicalOf(new Set([...dotsOf(a), ...dotsOf(b)])))
      }),
      RUNS,
    )
  })

  test('with a dot: the result is the set and that dot, in canonical form', () => {
    holds(
      fc.property(anyContext, anyDot, (context, dot) => {
        expect(withDot(context, dot)).toEqual(canonicalOf(new Set([...dotsOf(context), dotName(dot)])))
      }),
      RUNS,
    )
  })

  test('dots added one by one: any order gives the canonical form of their set', () => {
    holds(
      fc.property(fc.array(anyDot, { maxLength: 20 }), (dots) => {
        const context = dots.reduce(withDot, EMPTY_CONTEXT)
        expect(context).toEqual(canonicalOf(new Set(dots.map(dotName))))
      }),
      RUNS,
    )
  })

  test('has a dot: exactly when the set has it', () => {
    holds(
      fc.property(anyContext, anyDot, (context, dot) => {
        expect(hasDot(context, dot)).toBe(dotsOf(context).has(dotName(dot)))
      }),
      RUNS,
    )
  })

  test('covers: exactly when the set is a superset', () => {
    const related = fc.oneof(
      fc.tuple(anyContext, anyContext),
      anyContext.map((context) => [context, context] as const),
      fc.tuple(anyContext, anyContext).map(([a, b]) => [joinContexts(a, b), b] as const),
      fc.tuple(anyContext, anyDot).map(([a, dot]) => [a, withDot(a, dot)] as const),
    )
    const seen = { covered: 0, not: 0 }
    holds(
      fc.property(related, ([a, b]) => {
        const superset = [...dotsOf(b)].every((dot) => dotsOf(a).has(dot))
        seen[superset ? 'covered' : 'not']++
        expect(covers(a, b)).toBe(superset)
      }),
      RUNS,
    )
    expect(Math.min(seen.covered, seen.not)).toBeGreaterThan(100)
  })

  test('same: exactly when the sets are equal', () => {
    holds(
      fc.property(anyDotSet, anyDotSet, (a, b) => {
        const equal = a.size === b.size && [...a].every((dot) => b.has(dot))
        expect(sameContext(canonicalOf(a), canonicalOf(b))).toBe(equal)
        expect(sameContext(canonicalOf(a), canonicalOf(new Set([...a].toReversed())))).toBe(true)
      }),
      RUNS,
    )
  })

  test('empty: exactly when the set is', () => {
    expect(isEmpty(EMPTY_CONTEXT)).toBe(true)
    holds(
      fc.property(anyContext, (context) => {
        expect(isEmpty(context)).toBe(dotsOf(context).size === 0)
      }),
      RUNS,
    )
  })

  test('seen up to, and highest seen: the first gap less one, and the greatest counter', () => {
    holds(
      fc.property(anyContext, fc.integer({ min: 1, max: 5 }), (context, actor) => {
        const counters = [...dotsOf(context)].map((name) => name.split(':').map(Number) as [number, number])
        const own = counters.filter(([of]) => of === actor).map(([, counter]) => counter)
        let upTo = 0
        while (own.includes(upTo + 1)) upTo++
        expect(seenUpTo(context, actor)).toBe(upTo)
        expect(highestSeen(context, actor)).toBe(Math.max(0, ...own))
      }),
      RUNS,
    )
  })

  test('from pairs of any order, doubled, or with counters of 0: the canonical form of what they stand for', () => {
    holds(
      fc.property(anyPairs, (pairs) => {
        expect(contextFromPairs(pairs)).toEqual(canonicalOf(dotsOf(pairs)))
      }),
      RUNS,
    )
  })
})

describe('causal contexts are values', () => {
  test('no operation changes what it is given', () => {
    holds(
      fc.property(anyContext, anyContext, anyDot, (a, b, dot) => {
        const before = structuredClone([a, b])
        joinContexts(a, b)
        withDot(a, dot)
        contextFromPairs(a)
        expect([a, b]).toEqual(before)
      }),
    )
  })

  test('join with nothing new: gives the very same object, so that equal states cost nothing', () => {
    holds(
      fc.property(anyContext, (context) => {
        expect(joinContexts(context, EMPTY_CONTEXT)).toBe(context)
        expect(joinContexts(EMPTY_CONTEXT, context)).toEqual(context)
        expect(joinContexts(context, context)).toBe(context)
      }),
    )
  })
})

test('contexts: counters up to 2^53 - 1 and many actors keep their place', () => {
  const top = Number.MAX_SAFE_INTEGER
  const wide = contextFromPairs({ vector: [top, 3, 7, top], cloud: [9, top, 9, top - 2] })
  expect(wide).toEqual({ vector: [7, top, top, 3], cloud: [9, top - 2, 9, top] })
  expect(hasDot(wide, { actor: 7, counter: top })).toBe(true)
  expect(hasDot(wide, { actor: 9, counter: top - 1 })).toBe(false)
  expect(highestSeen(wide, 9)).toBe(top)
})
