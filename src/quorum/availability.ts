/**
 * How likely it is that a quorum is left, and the two tables that every introduction to quorums shows.
 *
 * Nodes are up or down independently of each other, which real ones are not: racks and zones fail together. The figures
 * compare systems; they promise nothing.
 */
import { invalid } from '../core/base/errors.ts'
import { checkList, checkObject, checkTexts, shown } from '../core/base/shape.ts'
import { checkExpression } from '../core/quorum/check-expression.ts'
import { dual, name, threshold, type Expression } from '../core/quorum/expression.ts'
import type { Level } from '../core/quorum/level.ts'
import { majorityOf, POSITIONS_MAX } from '../core/quorum/quorum.ts'
import { expressionOf } from './level-expression.ts'
import { minimalMasks, namesAreDistinct } from './minimal-quorums.ts'
import { failuresLeft } from './resilience.ts'
import { quorumTable, TABLE_NODES_MAX } from './resilient-quorums.ts'
import { tooMuch, type Side } from './sides.ts'

/** How many sums of weights are told apart in one threshold. */
const SUMS_MAX = 100_000

/** The probability that a quorum is up, when each node is with probability `pUp`. Throws `QUORATE_LIMIT`. */
export function availabilityOf(side: Side, pUp: number): number {
  checkObject(side, 'the side')
  checkExpression(side.expression, 'expression')
  checkTexts(side.nodes, 'nodes')
  if (typeof pUp !== 'number' || !(pUp >= 0 && pUp <= 1)) {
    throw invalid(`pUp is ${shown(pUp)}: use a probability from 0 to 1`)
  }
  return namesAreDistinct(side.expression) ? likelihood(side.expression, pUp) : summed(side, pUp)
}

/** The probability that no quorum is up: that those which are down hold a quorum of the dual. */
function unavailabilityOf({ expression, nodes }: Side, pUp: number): number {
  return availabilityOf({ expression: dual(expression), nodes }, 1 - pUp)
}

/** Parts without a common name are up independently: how likely each sum of their weights is. */
function likelihood(expression: Expression, pUp: number): number {
  if (expression.kind === 'name') return pUp
  let sums = new Map([[0, 1]])
  for (const { expression: inner, weight } of expression.parts) {
    const up = likelihood(inner, pUp)
    const next = new Map<number, number>()
    const add = (sum: number, p: number): unknown => next.set(sum, (next.get(sum) ?? 0) + p)
    for (const [sum, p] of sums) {
      add(sum, p * (1 - up))
      add(Math.min(sum + weight, expression.required), p * up)
    }
    if (next.size > SUMS_MAX)
      throw tooMuch(`the weights of ${expression.parts.length} parts have more than ${SUMS_MAX} sums`)
    sums = next
  }
  return sums.get(expression.required) ?? 0
}

/** Every set of nodes, with how likely it is to be the one that is up. */
function summed(side: Side, pUp: number): number {
  const size = side.nodes.length
  if (size > TABLE_NODES_MAX) {
    throw tooMuch(`names that occur twice are weighed among at most ${TABLE_NODES_MAX} nodes, not ${size}`)
  }
  const table = quorumTable(minimalMasks(side), size)
  let total = 0
  for (let mask = 0; mask < table.length; mask++) {
    if (table[mask] === 0) continue
    let p = 1
    for (let position = 0; position < size; position++) p *= (mask & (1 << position)) === 0 ? 1 - pUp : pUp
    total += p
  }
  return total
}

export interface FailureRow {
  readonly size: number
  readonly majority: number
  /** Failures after which a majority is left, whichever they are. */
  readonly survives: number
}

/** How many failures a majority of so many nodes survives: an even size no more than the odd one below it. */
export function failureTable(sizes: readonly number[]): FailureRow[] {
  checkList(sizes, 'what is given for sizes')
  return sizes.map((size) => {
    const nodes = namesFor(size)
    const majority = majorityOf(size)
    return {
      size,
      majority,
      survives: failuresLeft({ expression: threshold(majority, nodes.map(name)), nodes }, 0).survived,
    }
  })
}

export interface AvailabilityOptions {
  /** How many replicas a key has, such as `[3, 5]`. */
  readonly factors: readonly number[]
  /** Levels that are a number of replicas, such as `['one', 'quorum', 'all']`. */
  readonly levels: readonly Level[]
  /** How likely each replica is up. */
  readonly pUp: number
}

export interface AvailabilityRow {
  readonly factor: number
  readonly level: Level
  /** Replicas that must answer. */
  readonly required: number
  /** Failed replicas with which the level can still be had, whichever they are. */
  readonly survives: number
  /** How likely it can be had. */
  readonly availability: number
  /** How likely it cannot be had, exact also where it is next to nothing. */
  readonly unavailability: number
}

/**
 * What each level can be had with, for each replication factor; `two` of one replica cannot be and has no row.
 *
 * Throws `QUORATE_INVALID_OPTION` for levels that depend on zones, and for numbers that cannot be.
 */
export function availabilityTable(options: AvailabilityOptions): AvailabilityRow[] {
  checkObject(options, 'the argument with the options')
  const { factors, levels, pUp } = options
  checkList(factors, 'factors')
  checkList(levels, 'levels')
  return factors.flatMap((factor) => {
    const nodes = namesFor(factor)
    return levels.flatMap((level) => {
      const required = requiredBy(level)
      if (required > factor) return []
      const side: Side = { expression: expressionOf(level, nodes), nodes }
      const { survived } = failuresLeft(side, 0)
      const likely = { availability: availabilityOf(side, pUp), unavailability: unavailabilityOf(side, pUp) }
      return [{ factor, level, required: factor - survived, survives: survived, ...likely }]
    })
  })
}

function requiredBy(level: Level): number {
  if (typeof level === 'number') return level
  return typeof level === 'string' ? ({ one: 1, two: 2, three: 3 }[level as string] ?? 1) : 1
}

function namesFor(size: number): string[] {
  if (Number.isInteger(size) && size >= 1 && size <= POSITIONS_MAX) {
    return Array.from({ length: size }, (_, index) => `n${index + 1}`)
  }
  throw invalid(`${shown(size)} replicas cannot be: use a whole number from 1 to ${POSITIONS_MAX}`)
}
