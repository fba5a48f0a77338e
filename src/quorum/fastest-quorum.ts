/**
 * The quorum that answers first among the living nodes, with as few members as do.
 */
import { cheapestQuorum } from './cheapest-quorum.ts'
import type { Side } from './sides.ts'

/** More than all nodes together. */
const FORBIDDEN = 32

/** A mask, or undefined when the living nodes hold no quorum. */
export function fastestQuorum(
  side: Side,
  { alive, latencies }: { readonly alive: number; readonly latencies: readonly number[] | undefined },
): number | undefined {
  const living = [...side.nodes.keys()].filter((position) => (alive & (1 << position)) !== 0)
  const cutoffs = latencies === undefined ? [0] : new Set(living.map((position) => latencies[position] as number))
  for (const cutoff of [...cutoffs].toSorted((a, b) => a - b)) {
    const near = new Set(
      living.filter((position) => latencies === undefined || (latencies[position] as number) <= cutoff),
    )
    const costs = side.nodes.map((_, position) => (near.has(position) ? 1 : FORBIDDEN))
    const { members, cost } = cheapestQuorum(side, costs)
    if (cost < FORBIDDEN) return members
  }
  return undefined
}
