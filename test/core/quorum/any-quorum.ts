/**
 * Quorums to draw examples with, and sets of replicas the dumb way.
 */
import fc from 'fast-check'
import { CountQuorum, EveryQuorum, type Quorum } from '../../../src/core/quorum/quorum.ts'

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

export function quorumOf({ parts }: Parts): Quorum {
  const counts = parts.map(({ members, required }) => new CountQuorum(required, members))
  return counts.length === 1 ? (counts[0] as Quorum) : new EveryQuorum(counts)
}

/** Whether a set forms the quorum, counted on fingers. */
export function slowlyMet({ parts }: Parts, set: number): boolean {
  return parts.every(({ members, required }) => positionsIn(set & members).length >= required)
}
