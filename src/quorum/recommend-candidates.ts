/**
 * The systems that a recommendation chooses from: counts, weights, and rows of nodes.
 *
 * Rows are what grids, crumbling walls (Peleg and Wool, 1997) and hierarchies over zones have in common: nodes in
 * groups, so many groups to read, and any, a majority, or all of the nodes in each of them. The other side is the dual.
 */
import { and, dual, name, or, threshold, type Expression } from '../core/quorum/expression.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import { QuorumSystem } from './quorum-system.ts'
import { counts, paths, tree, weighted } from './systems.ts'

export interface CandidateNode {
  readonly name: string
  readonly zone: string
  /** How fast it is in relation to the others, the mean of reads and writes. */
  readonly speed: number
  readonly latencyMs: number
}

export interface SystemCandidate {
  readonly name: string
  readonly system: QuorumSystem
}

const VOTES_MAX = 8
/** Boards with more nodes have too many paths to be worth a look. */
const BOARD_NODES_MAX = 12

/** All systems that are worth a look for these nodes; the same one may come twice. */
export function candidatesFor(nodes: readonly CandidateNode[]): SystemCandidate[] {
  return [...countsOf(nodes), ...weightedOf(nodes), ...zonesOf(nodes), ...rowsOf(nodes), ...treesOf(nodes)]
}

function countsOf(nodes: readonly CandidateNode[]): SystemCandidate[] {
  const size = nodes.length
  return nodes.map((_, index) => {
    const [reads, writes] = [index + 1, size - index]
    const label = reads === writes ? `majority of ${size}` : `${reads} to read, ${writes} to write`
    return { name: label, system: counts(namesOf(nodes), reads, writes) }
  })
}

/** Votes by speed, where speeds differ. */
function weightedOf(nodes: readonly CandidateNode[]): SystemCandidate[] {
  const slowest = Math.min(...nodes.map(({ speed }) => speed))
  const votesOf = ({ speed }: CandidateNode): number => Math.min(VOTES_MAX, Math.max(1, Math.round(speed / slowest)))
  const votes = Object.fromEntries(nodes.map((node) => [node.name, votesOf(node)]))
  const total = nodes.reduce((sum, node) => sum + votesOf(node), 0)
  if (total === nodes.length) return []
  const needed = [Math.ceil(total / 3), majorityOf(total), Math.ceil((2 * total) / 3)]
  return needed.map((read) => ({ name: `${read} of ${total} votes to read`, system: weighted(votes, { read }) }))
}

function treesOf(nodes: readonly CandidateNode[]): SystemCandidate[] {
  if (nodes.length < 3) return []
  return [{ name: `tree of ${nodes.length}`, system: tree(namesOf(nodes)) }]
}

/** Rows of equal or nearly equal length, in the order given and with the near and fast nodes together. */
function rowsOf(nodes: readonly CandidateNode[]): SystemCandidate[] {
  const near = nodes.toSorted((a, b) => a.latencyMs - b.latencyMs || b.speed - a.speed)
  const found: SystemCandidate[] = []
  for (let rows = 2; rows <= Math.floor(nodes.length / 2); rows++) {
    for (const order of [nodes, near]) {
      const groups = Array.from({ length: rows }, (_, row) => {
        return order.slice(Math.floor((row * order.length) / rows), Math.floor(((row + 1) * order.length) / rows))
      })
      const even = order.length % rows === 0
      const shape = even ? `grid ${rows} × ${order.length / rows}` : `wall of ${rows} rows`
      found.push(...groupsOf(groups, { shape, group: 'row' }))
      if (!even || order.length > BOARD_NODES_MAX) continue
      const board = groups.map((row) => namesOf(row))
      found.push({ name: `paths over ${rows} × ${order.length / rows}`, system: paths(board) })
    }
  }
  return found
}

function zonesOf(nodes: readonly CandidateNode[]): SystemCandidate[] {
  const zones = [...new Set(nodes.map(({ zone }) => zone))]
  if (zones.length < 2) return []
  const groups = zones.map((zone) => nodes.filter((node) => node.zone === zone))
  return groupsOf(groups, { shape: `${zones.length} zones`, group: 'zone' })
}

/** So many of the groups, and in each any node, a majority, or all. */
function groupsOf(
  groups: readonly (readonly CandidateNode[])[],
  { shape, group }: { readonly shape: string; readonly group: string },
): SystemCandidate[] {
  const quantities: readonly [string, (nodes: readonly Expression[]) => Expression][] = [
    ['any node', or],
    ['a majority', (nodes) => threshold(majorityOf(nodes.length), nodes)],
    ['all', and],
  ]
  return groups.flatMap((_, index) =>
    quantities.map(([quantity, inside]) => {
      const many = index === 0 ? `any ${group}` : `${index + 1} ${group}s`
      const parts = groups.map((nodes) => inside(namesOf(nodes).map(name)))
      const reads = threshold(index + 1, parts)
      const system = new QuorumSystem({ reads, writes: dual(reads) })
      return { name: `${shape}, ${quantity} of ${many} to read`, system }
    }),
  )
}

function namesOf(nodes: readonly CandidateNode[]): string[] {
  return nodes.map((node) => node.name)
}
