/**
 * Causal contexts the dumb way: a set with one string for each dot that was seen.
 *
 * The oracle of the tests of causal contexts, and what they draw examples with.
 */
import fc from 'fast-check'
import type { CausalContext } from '../../../src/core/causality/causal-context.ts'

/** `actor:counter` of each dot. */
export type DotSet = ReadonlySet<string>

export interface Dot {
  readonly actor: number
  readonly counter: number
}

export function dotName({ actor, counter }: Dot): string {
  return `${actor}:${counter}`
}

/** Every dot that two lists of pairs stand for, canonical or not. */
export function dotsOf({ vector, cloud }: CausalContext): DotSet {
  const dots = new Set<string>()
  for (let i = 0; i < vector.length; i += 2) {
    for (let counter = 1; counter <= (vector[i + 1] as number); counter++) dots.add(`${vector[i]}:${counter}`)
  }
  for (let i = 0; i < cloud.length; i += 2) if (cloud[i + 1] !== 0) dots.add(`${cloud[i]}:${cloud[i + 1]}`)
  return dots
}

/** The one canonical form of a set, found by counting up from 1. */
export function canonicalOf(dots: DotSet): CausalContext {
  const parsed = [...dots].map((name) => name.split(':').map(Number) as [number, number])
  const vector: number[] = []
  const cloud: number[] = []
  for (const actor of [...new Set(parsed.map(([of]) => of))].toSorted((a, b) => a - b)) {
    let upTo = 0
    while (dots.has(`${actor}:${upTo + 1}`)) upTo++
    if (upTo > 0) vector.push(actor, upTo)
    const beyond = parsed.filter(([of, counter]) => of === actor && counter > upTo).map(([, counter]) => counter)
    for (const counter of beyond.toSorted((a, b) => a - b)) cloud.push(actor, counter)
  }
  return { vector, cloud }
}

/** Small actors and counters, so that contexts overlap, touch and leave gaps. */
export const anyDot: fc.Arbitrary<Dot> = fc.record({
  actor: fc.integer({ min: 1, max: 4 }),
  counter: fc.integer({ min: 1, max: 6 }),
})

export const anyDotSet: fc.Arbitrary<DotSet> = fc
  .array(anyDot, { maxLength: 12 })
  .map((dots) => new Set(dots.map(dotName)))

export const anyContext: fc.Arbitrary<CausalContext> = anyDotSet.map(canonicalOf)

/** Lists of pairs as a stranger might send them: in any order, doubled, with counters of 0. */
export const anyPairs: fc.Arbitrary<CausalContext> = fc.record({
  vector: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 6 })))
    .map((pairs) => pairs.flat()),
  cloud: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 6 })))
    .map((pairs) => pairs.flat()),
})
