/**
 * What a quorum system would do now: whom a read and a write would ask, what that guarantees, and what stands in the
 * way of more.
 */
import { checkObject } from '../core/base/shape.ts'
import type { Expression } from '../core/quorum/expression.ts'
import { findDisjoint, type Disjoint } from '../core/quorum/intersect.ts'
import type { Level } from '../core/quorum/level.ts'
import { printExpression } from '../core/quorum/print-expression.ts'
import { firstPositions } from '../core/quorum/quorum.ts'
import { fastestQuorum } from './fastest-quorum.ts'
import { expressionOf } from './level-expression.ts'
import { failuresLeft, nodesMissing } from './resilience.ts'
import { maskOf, membersOf, type Side, type Sides } from './sides.ts'
import { latenciesOf } from './workload.ts'

export interface ExplainOptions {
  /** The nodes that answer. All by default. */
  readonly alive?: readonly string[]
  /** Milliseconds to every node and back. Without it all are equally far. */
  readonly latencies?: Readonly<Record<string, number>>
  /**
   * A level for this call in place of what the system asks for: a number of nodes, or `one`, `two`, `three`, `quorum`,
   * `all`; the same for both sides, or for one of them. None by default.
   */
  readonly level?: Level | { readonly read?: Level; readonly write?: Level }
}

/** One side of the system. */
export interface SideNow {
  /** What it asks for, as text. */
  readonly rule: string
  /** The quorum that answers first; undefined when there is none. */
  readonly quorum: readonly string[] | undefined
  /** The slowest member. Undefined without latencies, or without a quorum. */
  readonly latencyMs: number | undefined
  /** Further failures survived whichever they are; -1 when no quorum is left. */
  readonly survives: number
  /** A smallest set of living nodes whose failure leaves no quorum: why it survives no more. Empty when none is left. */
  readonly fatal: readonly string[]
  /** When no quorum is left: a smallest set of dead nodes whose return gives one. */
  readonly missing: readonly string[]
}

export interface Explanation {
  readonly read: SideNow
  readonly write: SideNow
  readonly dead: readonly string[]
  /** Whether every read quorum meets every write quorum. */
  readonly strict: boolean
  /** When they do not all meet: two that do not. */
  readonly disjoint: Disjoint | undefined
  /** All of it in sentences. */
  readonly text: string
}

/** Throws `QUORATE_INVALID_OPTION` for unknown nodes and levels, and `QUORATE_LIMIT` for what is too large to analyse. */
export function explainSides(sides: Sides, options: ExplainOptions = {}): Explanation {
  checkObject(options, 'the argument with the options')
  const { nodes } = sides
  const all = firstPositions(nodes.length)
  const alive = options.alive === undefined ? all : maskOf(options.alive, { nodes, what: 'alive' })
  const latencies = options.latencies === undefined ? undefined : latenciesOf(options.latencies, nodes)
  const { reads, writes } = withLevel(sides, options.level)
  const read = sideNow({ expression: reads, nodes }, { alive, latencies })
  const write = sideNow({ expression: writes, nodes }, { alive, latencies })
  const disjoint = findDisjoint({ reads, writes })
  const found = { read, write, dead: membersOf(all & ~alive, nodes), strict: disjoint === undefined, disjoint }
  return { ...found, text: textOf(found) }
}

function withLevel(sides: Sides, level: ExplainOptions['level']): { reads: Expression; writes: Expression } {
  const { reads, writes, nodes } = sides
  if (level === undefined) return { reads, writes }
  if (typeof level === 'object') checkObject(level, 'level')
  const chosen = typeof level === 'object' ? level : { read: level, write: level }
  return {
    reads: chosen.read === undefined ? reads : expressionOf(chosen.read, nodes),
    writes: chosen.write === undefined ? writes : expressionOf(chosen.write, nodes),
  }
}

function sideNow(
  side: Side,
  { alive, latencies }: { readonly alive: number; readonly latencies: readonly number[] | undefined },
): SideNow {
  const { expression, nodes } = side
  const dead = firstPositions(nodes.length) & ~alive
  const { survived, fatal } = failuresLeft(side, dead)
  const mask = fastestQuorum(side, { alive, latencies })
  const times = latencies?.filter((_, position) => mask !== undefined && (mask & (1 << position)) !== 0)
  return {
    rule: printExpression(expression),
    quorum: mask === undefined ? undefined : membersOf(mask, nodes),
    latencyMs: mask === undefined || times === undefined ? undefined : Math.max(...times),
    survives: survived,
    fatal: membersOf(fatal, nodes),
    missing: mask === undefined ? membersOf(nodesMissing(side, dead), nodes) : [],
  }
}

function textOf({ read, write, dead, disjoint }: Omit<Explanation, 'text'>): string {
  const lines = dead.length === 0 ? [] : [`${listOf(dead)} ${dead.length === 1 ? 'does' : 'do'} not answer.`]
  lines.push(sentenceOf('read', read), sentenceOf('write', write))
  if (disjoint === undefined) {
    lines.push('Every read quorum meets every write quorum: a read sees every write that ended before it began.')
  } else {
    const sets = `a read from ${listOf(disjoint.read)} misses a write to ${listOf(disjoint.write)}`
    lines.push(`Reads may miss writes: ${sets}.`)
  }
  return lines.join('\n')
}

function sentenceOf(what: string, { rule, quorum, latencyMs, survives, fatal, missing }: SideNow): string {
  if (quorum === undefined) return `A ${what} cannot be served: ${rule} needs ${listOf(missing)} back.`
  const time = latencyMs === undefined ? '' : ` and takes ${latencyMs} ms`
  const more =
    survives === 0 ? 'no further failure' : `any ${survives} further ${survives === 1 ? 'failure' : 'failures'}`
  return `A ${what} asks ${listOf(quorum)}${time}. It survives ${more}: without ${listOf(fatal)} no ${what} quorum is left.`
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}
