/**
 * Levels as expressions: `quorum` of three nodes is any two of them.
 */
import { invalid } from '../core/base/errors.ts'
import { name, threshold, type Expression } from '../core/quorum/expression.ts'
import { levelName, type Level } from '../core/quorum/level.ts'

/** A level over all nodes. Throws `QUORATE_INVALID_OPTION` for one that depends on where the coordinator is. */
export function expressionOf(level: Level, nodes: readonly string[]): Expression {
  const required = Number(levelName(level, nodes.length))
  if (Number.isNaN(required)) {
    throw invalid(`level ${String(level)} depends on where the coordinator is: write it as an expression instead`)
  }
  return threshold(required, nodes.map(name))
}
