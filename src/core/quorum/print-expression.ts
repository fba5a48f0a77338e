/**
 * Expressions as text, the inverse of `parseExpression`.
 *
 * Ring: values.
 */
import { connectiveOf, normalised, type Expression, type Part } from './expression.ts'

/** How tightly the place binds: a list item or the whole text, a part of `or`, a part of `and`, an item with a weight. */
type Place = 'open' | 'or' | 'and' | 'weighted'

/** The canonical text: `parseExpression` gives the normalised expression back, whose text is the same again. */
export function printExpression(expression: Expression): string {
  return print(normalised(expression), 'open')
}

function print(expression: Expression, place: Place): string {
  if (expression.kind === 'name') return expression.name
  const connective = connectiveOf(expression)
  if (connective === undefined) {
    return `${expression.required} of (${expression.parts.map((part) => printItem(part)).join(', ')})`
  }
  const text = expression.parts.map((part) => print(part.expression, connective)).join(` ${connective} `)
  // What stands inside `or` is never an `or`, and what stands inside `and` never an `and`.
  return place === 'and' || place === 'weighted' ? `(${text})` : text
}

function printItem({ expression, weight }: Part): string {
  return weight === 1 ? print(expression, 'open') : `${print(expression, 'weighted')}*${weight}`
}
