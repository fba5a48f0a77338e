/**
 * How many failures a quorum system survives, whichever nodes they strike.
 *
 * A set of failed nodes leaves no quorum exactly when it meets the dual: it hits every quorum. So the fewest failures
 * that stop one side are the smallest quorum of its dual, less the nodes of it that are dead already.
 */
import { dual } from '../core/quorum/expression.ts'
import { firstPositions } from '../core/quorum/quorum.ts'
import { cheapestQuorum } from './cheapest-quorum.ts'
import { readSide, writeSide, type Side, type Sides } from './sides.ts'

export interface Resilience {
  readonly read: number
  readonly write: number
  /** Failures after which there are still a read quorum and a write quorum. */
  readonly both: number
}

/** Throws `QUORATE_LIMIT` for an expression that repeats names so often that its quorums cannot be listed. */
export function resilienceOf(sides: Sides): Resilience {
  const read = failuresLeft(readSide(sides), 0).survived
  const write = failuresLeft(writeSide(sides), 0).survived
  return { read, write, both: Math.min(read, write) }
}

/** How one side stands when some nodes are dead. */
export interface FailuresLeft {
  /** Further failures survived whichever they are; -1 when there is no quorum left. */
  readonly survived: number
  /** A smallest set of further nodes whose failure leaves no quorum, as a mask; empty when there is none left. */
  readonly fatal: number
}

/** @param dead a mask. */
export function failuresLeft({ expression, nodes }: Side, dead: number): FailuresLeft {
  const alive = firstPositions(nodes.length) & ~dead
  const costs = nodes.map((_, position) => (alive >>> position) & 1)
  const { members, cost } = cheapestQuorum({ expression: dual(expression), nodes }, costs)
  return { survived: cost - 1, fatal: members & alive }
}

/** A smallest set of dead nodes, as a mask, whose return gives a quorum. */
export function nodesMissing(side: Side, dead: number): number {
  const costs = side.nodes.map((_, position) => (dead >>> position) & 1)
  return cheapestQuorum(side, costs).members & dead
}
