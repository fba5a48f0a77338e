/**
 * Expressions that were put together by hand: checked as far as types would have done it.
 *
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { checkList, checkObject, shown } from '../base/shape.ts'
import { weighted, type Expression, type Name, type Part, type Threshold } from './expression.ts'
import { checkNodeName } from './parse-expression.ts'

/** More than any that is printed and read back, and few enough to be walked. */
const DEPTH_MAX = 256

/** Throws `QUORATE_INVALID_OPTION` for what is no expression, or can never be met, or is met by nobody. */
export function checkExpression(value: unknown, what: string, depth: number = 0): asserts value is Expression {
  if (depth > DEPTH_MAX) throw invalid(`${what} is nested more than ${DEPTH_MAX} deep`)
  checkObject(value, what)
  const { kind } = value as { readonly kind?: unknown }
  if (kind === 'name') {
    checkNodeName((value as Partial<Name>).name)
  } else if (kind === 'threshold') {
    const { required, parts } = value as Partial<Threshold>
    checkList(parts, `parts in ${what}`)
    for (const part of parts) {
      checkObject(part, `a part in ${what}`)
      checkExpression((part as Partial<Part>).expression, what, depth + 1)
    }
    weighted(required as number, parts)
  } else {
    throw invalid(`a kind in ${what} is ${shown(kind)}: use "name" or "threshold", or text and parseQuorums`)
  }
}
