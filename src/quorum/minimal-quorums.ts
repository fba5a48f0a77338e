/**
 * The minimal quorums of an expression: the sets that meet it and of which no member can be left out.
 *
 * A threshold is taken apart by its parts, the heaviest first: a set of parts that reaches the required weight with its
 * last and lightest part is minimal, so that nothing is built in vain. Where no name occurs twice the sets of the parts
 * never overlap, and what comes out is minimal by itself and can be counted before it is listed. Otherwise sets that
 * contain another are dropped after each part, as Berge's algorithm for transversals does, so that what is held never
 * exceeds the largest family of sets of which none contains another.
 */
import type { Expression, Part, Threshold } from '../core/quorum/expression.ts'
import { count } from '../core/quorum/quorum.ts'
import { compareSets, membersOf, tooMuch, type Side } from './sides.ts'

/** How many quorums of one side are listed at most. */
export const QUORUMS_MAX = 10_000

/** How many sets are built, and how many pairs compared, before a listing gives up. */
const STEPS_MAX = 200_000_000
/** How many sets are held at once while they are joined. */
const JOINED_MAX = 2_000_000
/** Counting gives up where this many sums of weights have to be told apart. */
const SUMS_MAX = 100_000

/** The minimal quorums as names. Throws `QUORATE_LIMIT` when they are more than `QUORUMS_MAX`. */
export function minimalQuorums(side: Side): string[][] {
  return minimalMasks(side).map((mask) => membersOf(mask, side.nodes))
}

/** The minimal quorums as masks, small ones first. Throws `QUORATE_LIMIT` when they are more than `QUORUMS_MAX`. */
export function minimalMasks({ expression, nodes }: Side): readonly number[] {
  const distinct = namesAreDistinct(expression)
  if (distinct) refuseTooMany(countQuorums(expression))
  return new Listing(nodes, distinct).of(expression).toSorted(compareSets)
}

/**
 * How many minimal quorums there are; `Infinity` when even counting is too much. Undefined for an expression in which a
 * name occurs twice, since the quorums of its parts may overlap.
 */
export function quorumCount(expression: Expression): number | undefined {
  return namesAreDistinct(expression) ? countQuorums(expression) : undefined
}

/** Whether no name occurs twice. */
export function namesAreDistinct(expression: Expression): boolean {
  const seen = new Set<string>()
  const isNew = (part: Expression): boolean => {
    if (part.kind === 'threshold') return part.parts.every(({ expression: inner }) => isNew(inner))
    if (seen.has(part.name)) return false
    seen.add(part.name)
    return true
  }
  return isNew(expression)
}

function refuseTooMany(quorums: number): void {
  if (quorums <= QUORUMS_MAX) return
  const many = Number.isFinite(quorums) ? String(quorums) : `more than ${SUMS_MAX}`
  throw tooMuch(`there are ${many} minimal quorums, and at most ${QUORUMS_MAX} are listed`)
}

/** Walks the parts of a threshold, heaviest first, and says for each sum of weights what may still come of it. */
function walk(
  { required, parts }: Threshold,
  step: (part: Part, bounds: { readonly completes: number; readonly hopeless: number; readonly skips: number }) => void,
): void {
  let left = parts.reduce((sum, { weight }) => sum + weight, 0)
  for (const part of parts.toSorted((a, b) => b.weight - a.weight)) {
    left -= part.weight
    step(part, { completes: required - part.weight, hopeless: required - part.weight - left, skips: required - left })
  }
}

function countQuorums(expression: Expression): number {
  if (expression.kind === 'name') return 1
  let open = new Map([[0, 1]])
  let done = 0
  walk(expression, ({ expression: inner, weight }, { completes, hopeless, skips }) => {
    const ways = countQuorums(inner)
    const next = new Map<number, number>()
    const lead = (sum: number, sets: number): unknown => next.set(sum, (next.get(sum) ?? 0) + sets)
    for (const [sum, sets] of open) {
      if (sum >= skips) lead(sum, sets)
      if (sum >= completes) done += sets * ways
      else if (sum >= hopeless) lead(sum + weight, sets * ways)
    }
    // Each sum leads to a quorum of its own, so that there are at least as many quorums.
    if (next.size > SUMS_MAX) {
      done = Infinity
      next.clear()
    }
    open = next
  })
  return done
}

class Listing {
  readonly #bits: ReadonlyMap<string, number>
  readonly #distinct: boolean
  #steps = 0

  constructor(nodes: readonly string[], distinct: boolean) {
    this.#bits = new Map(nodes.map((node, position) => [node, 1 << position]))
    this.#distinct = distinct
  }

  of(expression: Expression): number[] {
    if (expression.kind === 'name') return [this.#bits.get(expression.name) ?? 0]
    let open = new Map<number, number[]>([[0, [0]]])
    const done: number[] = []
    walk(expression, ({ expression: inner, weight }, { completes, hopeless, skips }) => {
      const sets = this.of(inner)
      const next = new Map<number, number[]>()
      for (const [sum, begun] of open) {
        if (sum >= skips) add(next, sum, begun)
        if (sum >= completes) append(done, this.#joined(begun, sets))
        else if (sum >= hopeless) add(next, sum + weight, this.#joined(begun, sets))
      }
      for (const [sum, masks] of next) next.set(sum, this.#minimal(masks))
      open = next
    })
    return this.#minimal(done)
  }

  #joined(begun: readonly number[], sets: readonly number[]): number[] {
    const size = begun.length * sets.length
    if (size > JOINED_MAX) throw tooMuch(`there are too many minimal quorums: parts of them combine in ${size} ways`)
    this.#spend(size)
    return begun.flatMap((mask) => sets.map((set) => mask | set))
  }

  /** Without the sets that contain another. */
  #minimal(masks: number[]): number[] {
    if (this.#distinct || masks.length < 2) return masks
    const kept: number[] = []
    const bySize = [...new Set(masks)].toSorted((a, b) => count(a) - count(b))
    for (const mask of bySize) {
      this.#spend(kept.length)
      if (!kept.some((small) => (small & mask) === small)) kept.push(mask)
    }
    if (kept.length > QUORUMS_MAX) {
      throw tooMuch(`there are more than ${QUORUMS_MAX} minimal quorums of a part, and no more are listed`)
    }
    return kept
  }

  #spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > STEPS_MAX)
      throw tooMuch(`there are too many minimal quorums: listing them takes more than ${STEPS_MAX} steps`)
  }
}

function add(open: Map<number, number[]>, sum: number, masks: readonly number[]): void {
  const known = open.get(sum)
  if (known === undefined) open.set(sum, [...masks])
  else append(known, masks)
}

function append(list: number[], more: readonly number[]): void {
  for (const mask of more) list.push(mask)
}
