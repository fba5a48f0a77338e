/**
 * Quorums as expressions over the names of nodes: the one form that the coordinator runs, the proof reads, and the
 * analysis counts.
 *
 * Everything is a threshold: `and` needs all of its parts, `or` one, and weights are votes (Gifford, "Weighted Voting
 * for Replicated Data", SOSP 1979; nested thresholds are Kumar's hierarchical quorum consensus, 1991). The dual follows
 * quoracle (Whittaker and others, "Read-Write Quorum Systems Made Practical", PaPoC 2021).
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { shown } from '../base/shape.ts'

export type Expression = Name | Threshold

/** Met when the node of this name is there. */
export interface Name {
  readonly kind: 'name'
  readonly name: string
}

/** Met when the weights of the parts that are met sum to at least `required`. */
export interface Threshold {
  readonly kind: 'threshold'
  readonly required: number
  readonly parts: readonly Part[]
}

export interface Part {
  readonly expression: Expression
  /** A whole number of votes, at least 1. */
  readonly weight: number
}

/** Far above any use, and small enough that sums of weights stay exact. */
export const WEIGHT_MAX = 1_000_000_000

export function name(text: string): Name {
  return { kind: 'name', name: text }
}

/** Any `required` of the parts. Throws `QUORATE_INVALID_OPTION` when they are too few, or none is asked for. */
export function threshold(required: number, parts: readonly Expression[]): Threshold {
  return weighted(
    required,
    parts.map((expression) => ({ expression, weight: 1 })),
  )
}

/** Parts whose weights sum to `required`. Throws `QUORATE_INVALID_OPTION` for what cannot be met, or is met by nobody. */
export function weighted(required: number, parts: readonly Part[]): Threshold {
  if (parts.length === 0) throw invalid('a quorum of an empty set cannot be: name at least one node')
  checkWeights(parts)
  const total = totalOf(parts)
  if (!Number.isInteger(required) || required < 1 || required > total) {
    throw invalid(`${shown(required)} of ${total} cannot be: use a whole number from 1 to ${total}`)
  }
  return { kind: 'threshold', required, parts }
}

/** Throws `QUORATE_INVALID_OPTION` for a weight that is no number of votes. */
export function checkWeights(parts: readonly Part[]): void {
  for (const { weight } of parts) {
    if (Number.isInteger(weight) && weight >= 1 && weight <= WEIGHT_MAX) continue
    throw invalid(`weight ${shown(weight)} cannot be: use a whole number from 1 to ${WEIGHT_MAX}`)
  }
}

export function and(parts: readonly Expression[]): Threshold {
  return threshold(parts.length, parts)
}

export function or(parts: readonly Expression[]): Threshold {
  return threshold(1, parts)
}

/** The sum of the weights. */
export function totalOf(parts: readonly Part[]): number {
  let total = 0
  for (const { weight } of parts) total += weight
  return total
}

/**
 * The expression met exactly by the sets that meet every set of `expression`: `and` for `or`, and total − required + 1
 * for required. The dual of the dual is the expression.
 */
export function dual(expression: Expression): Expression {
  if (expression.kind === 'name') return expression
  const { required, parts } = expression
  return {
    kind: 'threshold',
    required: totalOf(parts) - required + 1,
    parts: parts.map((part) => ({ expression: dual(part.expression), weight: part.weight })),
  }
}

/** Whether the nodes for which `has` is true form a quorum. */
export function meets(expression: Expression, has: (name: string) => boolean): boolean {
  if (expression.kind === 'name') return has(expression.name)
  let missing = expression.required
  for (const part of expression.parts) {
    if (!meets(part.expression, has)) continue
    missing -= part.weight
    if (missing <= 0) return true
  }
  return false
}

/** The names in it, sorted, each once. */
export function namesOf(expression: Expression): readonly string[] {
  const names = new Set<string>()
  eachName(expression, (found) => names.add(found))
  return [...names].toSorted()
}

/** Calls `visit` for every name, as often as it occurs, from left to right. */
function eachName(expression: Expression, visit: (name: string) => void): void {
  if (expression.kind === 'name') visit(expression.name)
  else for (const part of expression.parts) eachName(part.expression, visit)
}

/** `and` when every part is needed, `or` when any one will do, else undefined; for a normalised threshold. */
export function connectiveOf({ required, parts }: Threshold): 'and' | 'or' | undefined {
  const lightest = Math.min(...parts.map(({ weight }) => weight))
  if (totalOf(parts) - lightest < required) return 'and'
  return lightest >= required ? 'or' : undefined
}

/**
 * The same quorums in the form that is printed: no threshold of one part, no `and` directly inside `and` or `or` inside
 * `or`, one part per name in a threshold, and weights without a common divisor.
 */
export function normalised(expression: Expression): Expression {
  if (expression.kind === 'name') return expression
  const inner = expression.parts.map((part) => ({ expression: normalised(part.expression), weight: part.weight }))
  const parts = mergedNames(inner)
  const connective = connectiveOf({ ...expression, parts })
  if (connective !== undefined) return normalisedConnective(connective, parts)
  const divisor = parts.reduce((common, { weight }) => commonDivisor({ a: common, b: weight }), 0)
  return {
    kind: 'threshold',
    required: Math.ceil(expression.required / divisor),
    parts: parts.map((part) => ({ expression: part.expression, weight: part.weight / divisor })),
  }
}

function normalisedConnective(connective: 'and' | 'or', parts: readonly Part[]): Expression {
  const flat: Part[] = []
  for (const { expression } of parts) {
    const same = expression.kind === 'threshold' && connectiveOf(expression) === connective
    const inner = same ? expression.parts.map((part) => part.expression) : [expression]
    for (const one of inner) flat.push({ expression: one, weight: 1 })
  }
  const expressions = mergedNames(flat).map((part) => part.expression)
  if (expressions.length === 1) return expressions[0] as Expression
  return connective === 'and' ? and(expressions) : or(expressions)
}

/** A name that occurs twice side by side has the votes of both. */
function mergedNames(parts: readonly Part[]): readonly Part[] {
  const places = new Map<string, number>()
  const merged: Part[] = []
  for (const part of parts) {
    const key = part.expression.kind === 'name' ? part.expression.name : undefined
    const place = key === undefined ? undefined : places.get(key)
    if (place !== undefined) {
      merged[place] = { ...part, weight: part.weight + (merged[place] as Part).weight }
      continue
    }
    if (key !== undefined) places.set(key, merged.length)
    merged.push(part)
  }
  return merged
}

function commonDivisor({ a, b }: { readonly a: number; readonly b: number }): number {
  return b === 0 ? a : commonDivisor({ a: b, b: a % b })
}
