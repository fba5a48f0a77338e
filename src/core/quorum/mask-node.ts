/**
 * Expressions with positions for names: what is asked of sets of nodes many times runs on masks.
 *
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { namesOf, normalised, type Expression } from './expression.ts'
import { count, POSITIONS_MAX } from './quorum.ts'

/** A threshold, or a name as a threshold of one position. */
export interface MaskNode {
  /** Its place in the walk from left to right, the outer before the inner. */
  readonly id: number
  readonly required: number
  /** All positions under it. */
  readonly members: number
  /** The positions that are parts of it with one vote. */
  readonly ones: number
  /** All parts, those in `ones` included; none for a name. */
  readonly parts: readonly MaskPart[]
  /** The parts that are not in `ones`. */
  readonly rest: readonly MaskPart[]
  /** Whether it asks for all of `ones` and nothing else. */
  readonly exact: boolean
}

export interface MaskPart {
  readonly node: MaskNode
  readonly weight: number
}

/** Positions by name. */
export type Positions = ReadonlyMap<string, number>

/** A position for each name of the expressions. Throws `QUORATE_INVALID_OPTION` for more than a mask holds. */
export function positionsOf(expressions: readonly Expression[]): Positions {
  const names = [...new Set(expressions.flatMap((expression) => namesOf(expression)))].toSorted()
  if (names.length > POSITIONS_MAX) {
    throw invalid(`a quorum system has at most ${POSITIONS_MAX} nodes, not ${names.length}`)
  }
  return new Map(names.map((name, position) => [name, position]))
}

/** The expression on masks. Every name must have a position. */
export function maskNode(expression: Expression, positions: Positions): MaskNode {
  let ids = 0
  const convert = (inner: Expression): MaskNode => {
    const id = ids++
    if (inner.kind === 'name') {
      const bit = 1 << (positions.get(inner.name) as number)
      return { id, required: 1, members: bit, ones: bit, parts: [], rest: [], exact: true }
    }
    let members = 0
    let ones = 0
    const parts: MaskPart[] = []
    const rest: MaskPart[] = []
    for (const { expression: below, weight } of inner.parts) {
      const part = { node: convert(below), weight }
      const single = below.kind === 'name' && weight === 1 && (ones & part.node.members) === 0
      if (single) ones |= part.node.members
      else rest.push(part)
      parts.push(part)
      members |= part.node.members
    }
    const exact = rest.length === 0 && inner.required === count(ones)
    return { id, required: inner.required, members, ones, parts, rest, exact }
  }
  return convert(normalised(expression))
}

/** Whether the positions form the quorum. Nothing is allocated: this runs for every answer of every call. */
export function metBy(node: MaskNode, set: number): boolean {
  if (node.exact) return (set & node.ones) === node.ones
  let missing = node.required - count(set & node.ones)
  if (missing <= 0) return true
  const { rest } = node
  for (let i = 0; i < rest.length; i++) {
    const part = rest[i] as MaskPart
    if (!metBy(part.node, set)) continue
    missing -= part.weight
    if (missing <= 0) return true
  }
  return false
}

/** What a set still needs when each position is taken out that is not needed, the highest first. */
export function shrunk(node: MaskNode, set: number): number {
  for (let rest = set; rest !== 0;) {
    const bit = 1 << (31 - Math.clz32(rest))
    rest &= ~bit
    if (metBy(node, set & ~bit)) set &= ~bit
  }
  return set
}
