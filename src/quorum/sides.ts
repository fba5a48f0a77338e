/**
 * The two sides of a quorum system as the analysis sees them, and sets of nodes as masks over their positions.
 *
 * A mask has bit i set when the i-th node is in the set. Masks are what all the counting is done on; names appear
 * again in what is handed out.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { checkTexts, shown } from '../core/base/shape.ts'
import type { Expression } from '../core/quorum/expression.ts'
import { count } from '../core/quorum/quorum.ts'

/** Any pair of expressions over some nodes; a `QuorumSystem` is one. */
export interface Sides {
  readonly nodes: readonly string[]
  readonly reads: Expression
  readonly writes: Expression
}

/** An expression, and the nodes that the positions of masks stand for. */
export interface Side {
  readonly expression: Expression
  readonly nodes: readonly string[]
}

export function readSide({ nodes, reads }: Sides): Side {
  return { expression: reads, nodes }
}

export function writeSide({ nodes, writes }: Sides): Side {
  return { expression: writes, nodes }
}

/** The names of a mask, in the order of the nodes. */
export function membersOf(mask: number, nodes: readonly string[]): string[] {
  return nodes.filter((_, position) => (mask & (1 << position)) !== 0)
}

/** The mask of some names. Throws `QUORATE_INVALID_OPTION` for a name that is no node, saying what it was given for. */
export function maskOf(names: readonly string[], { nodes, what }: { nodes: readonly string[]; what: string }): number {
  checkTexts(names, what)
  let mask = 0
  for (const name of names) {
    const position = nodes.indexOf(name)
    if (position < 0) throw invalid(`${what} names ${shown(name)}: use ${nodes.join(', ')}`)
    mask |= 1 << position
  }
  return mask
}

/** Smaller sets first; sets of one size by their first members. */
export function compareSets(a: number, b: number): number {
  if (a === b) return 0
  const sizes = count(a) - count(b)
  if (sizes !== 0) return sizes
  const differ = a ^ b
  return (differ & -differ & a) === 0 ? 1 : -1
}

/** What could be analysed, were it not so much. */
export function tooMuch(message: string): QuorateError {
  return new QuorateError('QUORATE_LIMIT', message)
}
