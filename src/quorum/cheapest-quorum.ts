/**
 * A quorum of least cost, where each node has a cost: one for those that are alive, say, and nothing for the dead.
 *
 * Without names that occur twice this is a knapsack for each threshold: for every cost the greatest weight that it
 * buys. Costs are small whole numbers, so that the tables stay small whatever the weights are. With repeated names the
 * minimal quorums are looked through.
 */
import type { Expression, Threshold } from '../core/quorum/expression.ts'
import { minimalMasks, namesAreDistinct } from './minimal-quorums.ts'
import type { Side } from './sides.ts'

export interface Priced {
  /** A mask. It may hold nodes to spare that cost nothing. */
  readonly members: number
  readonly cost: number
}

/** @param costs small whole numbers, one for each node. Throws `QUORATE_LIMIT` like a listing. */
export function cheapestQuorum(side: Side, costs: readonly number[]): Priced {
  const { expression, nodes } = side
  if (namesAreDistinct(expression)) return priced(expression, { nodes, costs })
  let best: Priced | undefined
  for (const members of minimalMasks(side)) {
    const cost = costs.reduce((sum, one, position) => ((members & (1 << position)) === 0 ? sum : sum + one), 0)
    if (best === undefined || cost < best.cost) best = { members, cost }
  }
  return best as Priced
}

interface Prices {
  readonly nodes: readonly string[]
  readonly costs: readonly number[]
}

function priced(expression: Expression, prices: Prices): Priced {
  if (expression.kind === 'threshold') return knapsack(expression, prices)
  const position = prices.nodes.indexOf(expression.name)
  return { members: 1 << position, cost: prices.costs[position] as number }
}

function knapsack({ required, parts }: Threshold, prices: Prices): Priced {
  const bought: ({ readonly weight: number; readonly members: number } | undefined)[] = [{ weight: 0, members: 0 }]
  for (const { expression, weight } of parts) {
    const { members, cost } = priced(expression, prices)
    for (let had = bought.length - 1; had >= 0; had--) {
      const before = bought[had]
      if (before === undefined) continue
      const joined = { weight: before.weight + weight, members: before.members | members }
      if (joined.weight > (bought[had + cost]?.weight ?? -1)) bought[had + cost] = joined
    }
  }
  const cost = bought.findIndex((entry) => entry !== undefined && entry.weight >= required)
  return { members: bought[cost]?.members ?? 0, cost }
}
