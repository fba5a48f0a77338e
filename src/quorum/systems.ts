/**
 * The well-known quorum systems by name. Each is proved when it is built, as any other.
 *
 * Nodes are given by name, or as a number n that stands for n1 to n<n>.
 */
import { invalid } from '../core/base/errors.ts'
import { checkList, checkLists, checkObject, checkTexts, shown } from '../core/base/shape.ts'
import {
  and,
  checkWeights,
  dual,
  name,
  or,
  threshold,
  totalOf,
  weighted as weightedOf,
  type Expression,
  type Part,
} from '../core/quorum/expression.ts'
import { majorityOf, POSITIONS_MAX } from '../core/quorum/quorum.ts'
import { crossings } from './crossings.ts'
import { QuorumSystem } from './quorum-system.ts'

/** Names, or how many. */
export type Nodes = readonly string[] | number

/** Reads and writes both ask a majority (Thomas, 1979). */
export function majority(nodes: Nodes): QuorumSystem {
  const names = namesFrom(nodes)
  return both(threshold(majorityOf(names.length), names.map(name)))
}

/** Reads ask any r nodes, writes any w; r + w must be more than there are (Gifford, 1979). */
export function counts(nodes: Nodes, r: number, w: number): QuorumSystem {
  const names = namesFrom(nodes).map(name)
  return new QuorumSystem({ reads: threshold(r, names), writes: threshold(w, names) })
}

export interface ExplicitSets {
  /** The read quorums. By default the smallest sets that meet every write quorum. */
  readonly read?: readonly (readonly string[])[]
  /** The write quorums. By default the smallest sets that meet every read quorum. */
  readonly write?: readonly (readonly string[])[]
}

/** Quorums written out, set by set. */
export function explicit(sets: ExplicitSets): QuorumSystem {
  checkObject(sets, 'what is given for explicit sets')
  const { read, write } = sets
  const reads = read === undefined ? undefined : anySet(read)
  const writes = write === undefined ? undefined : anySet(write)
  return fromSides({ reads, writes })
}

export interface VotesNeeded {
  /** Votes for a read. By default as few as still meet every write. */
  readonly read?: number
  /** Votes for a write. By default as few as still meet every read. */
  readonly write?: number
}

/** Nodes with votes, whole numbers from 1 on; a majority of the votes on both sides by default. */
export function weighted(votes: Readonly<Record<string, number>>, needed: VotesNeeded = {}): QuorumSystem {
  checkObject(votes, 'votes')
  checkObject(needed, 'the second argument of weighted')
  const parts = Object.entries(votes).map(([node, weight]): Part => ({ expression: name(node), weight }))
  checkWeights(parts)
  const { read, write } = needed
  if (read === undefined && write === undefined) return both(weightedOf(majorityOf(totalOf(parts)), parts))
  const reads = read === undefined ? undefined : weightedOf(read, parts)
  const writes = write === undefined ? undefined : weightedOf(write, parts)
  return fromSides({ reads, writes })
}

/**
 * Reads ask all nodes of any row, writes one node of each row: the grid of quoracle's tutorial, after the grid protocol
 * of Cheung, Ammar and Ahamad (1992). Rows need not be of one length.
 */
export function grid(rows: readonly (readonly string[])[]): QuorumSystem {
  checkRows(rows)
  return fromSides({ reads: anySet(rows), writes: undefined })
}

/** A majority of the zones, and in each a majority of its nodes: ZooKeeper's hierarchical quorums (Kumar, 1991). */
export function zones(nodesByZone: Readonly<Record<string, readonly string[]>>): QuorumSystem {
  checkLists(nodesByZone, 'zones')
  const groups = Object.entries(nodesByZone)
  namesFrom(groups.flatMap(([, nodes]) => nodes))
  const parts = groups.map(([zone, nodes]) => {
    checkTexts(nodes, 'what is given for nodes')
    if (nodes.length === 0) throw invalid(`zone ${zone} is empty: name at least one node`)
    return threshold(majorityOf(nodes.length), nodes.map(name))
  })
  return both(threshold(majorityOf(parts.length), parts))
}

/**
 * Reads ask a path from the left to the right of a board, writes one from the top to the bottom; two such paths always
 * meet, as in the game of Hex (Naor and Wool, "The Load, Capacity, and Availability of Quorum Systems", 1998).
 *
 * A node touches those beside it, above and below it, and the two on one of the diagonals. Rows are of one length.
 */
export function paths(rows: readonly (readonly string[])[]): QuorumSystem {
  checkRows(rows)
  const width = rows[0]?.length ?? 0
  if (rows.some((row) => row.length !== width)) throw invalid('the rows of a board are of one length')
  const columns = Array.from({ length: width }, (_, x) => rows.map((row) => row[x] as string))
  return new QuorumSystem({ reads: anySet(crossings(rows)), writes: anySet(crossings(columns)) })
}

/**
 * Reads and writes both ask a majority of a node and the subtrees below it, at each level again: a path from the root
 * to a leaf while all is well, and detours around failures (Agrawal and El Abbadi, 1991).
 *
 * The nodes fill a binary tree level by level, the root first.
 */
export function tree(nodes: Nodes): QuorumSystem {
  const names = namesFrom(nodes)
  const below = (place: number): Expression => {
    const root = name(names[place] as string)
    const children = [2 * place + 1, 2 * place + 2].filter((child) => child < names.length)
    if (children.length === 0) return root
    const parts = [root, ...children.map(below)]
    return threshold(majorityOf(parts.length), parts)
  }
  return both(below(0))
}

function both(expression: Expression): QuorumSystem {
  return new QuorumSystem({ reads: expression, writes: expression })
}

function fromSides(sides: {
  readonly reads: Expression | undefined
  readonly writes: Expression | undefined
}): QuorumSystem {
  const given = sides.reads ?? sides.writes
  if (given === undefined) throw invalid('give read, write, or both: from one the other is derived')
  return new QuorumSystem({ reads: sides.reads ?? dual(given), writes: sides.writes ?? dual(given) })
}

/** Any one of the sets, all of it. */
function anySet(sets: readonly (readonly string[])[]): Expression {
  checkList(sets, 'a side')
  if (sets.length === 0) throw invalid('a side without a quorum cannot be: name at least one set')
  return or(sets.map((set) => and(namesFrom(set).map(name))))
}

function checkRows(rows: readonly (readonly string[])[]): void {
  checkList(rows, 'what is given for rows')
  for (const row of rows) checkTexts(row, 'a row')
  namesFrom(rows.flat())
}

/** The names, each once. Throws `QUORATE_INVALID_OPTION` for none, too many, or one given twice. */
function namesFrom(nodes: Nodes): readonly string[] {
  if (typeof nodes === 'number') {
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > POSITIONS_MAX) {
      throw invalid(`${nodes} nodes cannot be: use a number from 1 to ${POSITIONS_MAX}, or names`)
    }
    return Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  }
  checkTexts(nodes, 'what is given for nodes')
  if (nodes.length === 0) throw invalid('a quorum of an empty set cannot be: name at least one node')
  const seen = new Set<string>()
  for (const node of nodes) {
    if (seen.has(node)) throw invalid(`node ${shown(node)} is given twice`)
    seen.add(node)
  }
  return nodes
}
