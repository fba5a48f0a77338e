/**
 * How few nodes form a quorum; of the dual, how few failures can break it.
 *
 * Where every name occurs once this is a count from the leaves up. Where names occur again it is the hitting-set
 * problem, so it is searched over those names alone, within a bound.
 * Ring: values.
 */
import { metBy, shrunk, type MaskNode } from './mask-node.ts'
import { count } from './quorum.ts'

/** Which positions count for nothing because they are there anyway, and which may be taken for one each. */
export interface Stock {
  readonly free: number
  readonly usable: number
}

/**
 * How many usable positions it takes at least; `Infinity` when all of them are too few.
 *
 * Exact, except where names occur so often that the search would take more than some milliseconds: then a number that
 * the answer is not below.
 */
export function fewest(node: MaskNode, stock: Stock): number {
  if (!metBy(node, stock.free | stock.usable)) return Infinity
  // Any one part of an `or` will do, and what it shares with the others does not matter.
  if (node.parts.length > 0 && node.parts.every((part) => part.weight >= node.required)) {
    return Math.min(...node.parts.map((part) => fewest(part.node, stock)))
  }
  const uses = usesOf(node)
  const shared = [...uses].filter(([bit, times]) => times > 1 && (bit & stock.usable) !== 0)
  if (shared.length === 0) return leastCost(node, stock)
  const bits = shared.toSorted(([, a], [, b]) => b - a).map(([bit]) => bit)
  return new SharedSearch(node, { uses, bits }).run(stock)
}

/** How often each position occurs. */
function usesOf(node: MaskNode, uses = new Map<number, number>()): Map<number, number> {
  if (node.parts.length === 0) uses.set(node.members, (uses.get(node.members) ?? 0) + 1)
  for (const part of node.parts) usesOf(part.node, uses)
  return uses
}

/** Exact where no usable name occurs twice. */
function leastCost(node: MaskNode, stock: Stock): number {
  if (node.parts.length === 0) return leafCost(node, stock, 1)
  const costs = node.parts.map((part) => leastCost(part.node, stock))
  const dearest = Math.max(0, ...costs.filter((cost) => cost !== Infinity))
  // The greatest weight to be had for each sum of costs.
  const weights = new Float64Array(dearest * costs.length + 1)
  node.parts.forEach(({ weight }, i) => {
    const cost = costs[i] as number
    for (let sum = weights.length - 1; sum >= cost; sum--) {
      weights[sum] = Math.max(weights[sum] as number, (weights[sum - cost] as number) + weight)
    }
  })
  const least = weights.findIndex((weight) => weight >= node.required)
  return least === -1 ? Infinity : least
}

function leafCost(node: MaskNode, { free, usable }: Stock, price: number): number {
  if ((node.members & free) !== 0) return 0
  return (node.members & usable) === 0 ? Infinity : price
}

interface Shared {
  readonly uses: ReadonlyMap<number, number>
  readonly bits: readonly number[]
}

/** Parts looked at before the search gives up. */
const WORK_MAX = 30_000

/** Takes or leaves each name that occurs more than once; then the others are counted. */
class SharedSearch {
  readonly #node: MaskNode
  readonly #uses: ReadonlyMap<number, number>
  readonly #bits: readonly number[]
  #best = Infinity
  #work = 0

  constructor(node: MaskNode, { uses, bits }: Shared) {
    this.#node = node
    this.#uses = uses
    this.#bits = bits
  }

  run(stock: Stock): number {
    const least = roundedUp(this.#bound(this.#node, stock))
    this.#best = count(shrunk(this.#node, stock.free | stock.usable) & ~stock.free)
    this.#from({ index: 0, taken: 0 }, stock)
    return this.#work > WORK_MAX ? least : this.#best
  }

  #from({ index, taken }: { readonly index: number; readonly taken: number }, stock: Stock): void {
    const bit = this.#bits[index]
    const bound = bit === undefined ? leastCost(this.#node, stock) : this.#bound(this.#node, stock)
    if (taken + roundedUp(bound) >= this.#best || this.#work > WORK_MAX) return
    if (bit === undefined || bound === 0) {
      this.#best = taken + bound
      return
    }
    const usable = stock.usable & ~bit
    this.#from({ index: index + 1, taken: taken + 1 }, { free: stock.free | bit, usable })
    this.#from({ index: index + 1, taken }, { free: stock.free, usable })
  }

  /** Never above the cost: each occurrence of a name pays its share, and a part may be bought by fractions. */
  #bound(node: MaskNode, stock: Stock): number {
    this.#work++
    if (node.parts.length === 0) return leafCost(node, stock, 1 / (this.#uses.get(node.members) ?? 1))
    const offers: { cost: number; weight: number }[] = []
    for (const part of node.parts) {
      const cost = this.#bound(part.node, stock)
      if (cost !== Infinity) offers.push({ cost, weight: part.weight })
    }
    offers.sort((a, b) => a.cost / a.weight - b.cost / b.weight)
    let missing = node.required
    let sum = 0
    for (const { cost, weight } of offers) {
      if (weight >= missing) return sum + (cost * missing) / weight
      missing -= weight
      sum += cost
    }
    return Infinity
  }
}

/** To whole nodes, leaving out what rounding may have added to a sum of shares. */
function roundedUp(bound: number): number {
  return Math.ceil(bound - 1e-6)
}
