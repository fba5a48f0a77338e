/**
 * Levels as expressions: `quorum` of three nodes is any two of them.
 */
import { invalid } from '../core/base/errors.ts'
import { name, threshold, type Expression } from '../core/quorum/expression.ts'
import { levelName, type Level } from '../core/quorum/level.ts'
import { parseExpression } from '../core/quorum/parse-expression.ts'
import { isExpression, quorumText } from '../core/quorum/quorum-text.ts'

/** A level over all nodes, or an expression. Throws `QUORATE_INVALID_OPTION` for one that depends on where the coordinator is. */
export function expressionOf(level: Level, nodes: readonly string[]): Expression {
  if (isExpression(level)) {
    const members = nodes.map((id) => ({ id, zone: '' }))
    return parseExpression(quorumText(level, { n: nodes.length, members }))
  }
  const required = Number(levelName(level, nodes.length))
  if (Number.isNaN(required)) {
    throw invalid(`level ${String(level)} depends on where the coordinator is: write it as an expression instead`)
  }
  return threshold(required, nodes.map(name))
}
