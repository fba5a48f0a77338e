/**
 * What other structures would send for the same differences, beside the records themselves: counted on the places of
 * real keys, with the widths of the real messages and without their limits of size.
 */
import type { VastKeys } from './vast-replica.ts'

export interface Cost {
  readonly bytes: number
  readonly roundTrips: number
}

export interface Alternative {
  readonly name: string
  /** For a million keys, bytes a key or bytes in all. */
  readonly memory: string
  readonly cost: (places: Places) => Cost
}

/** Every place of a store, rising, and those that differ. */
export interface Places {
  readonly all: Float64Array
  readonly differing: Float64Array
}

const PARTITION_BITS = 8
const POSITION_BITS = 32
const PLACE_BITS = PARTITION_BITS + POSITION_BITS
const NODE = 4
const RANGE = 9
const POSITION = 4
/** What asks for a record, once it is known where. */
const WANT = 5

/** The places of all keys, and of `count` of them that lie evenly among the numbers of keys. */
export function placesOf(keys: VastKeys, count: number): Places {
  const all = new Float64Array(keys.count)
  const isDifferent = new Set(Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * keys.count) / count)))
  const differing: number[] = []
  let next = 0
  keys.inOrder.forEach((inPartition, partition) => {
    for (const key of inPartition) {
      const place = partition * 2 ** POSITION_BITS + (keys.positions[key] as number)
      all[next++] = place
      if (isDifferent.has(key)) differing.push(place)
    }
  })
  return { all, differing: Float64Array.from(differing) }
}

interface TreeShape {
  readonly childBits: number
  readonly leafBits: number
  readonly digestBytes: number
}

/** Fixed parts, each message one level deeper. */
function treeCost({ all, differing }: Places, { childBits, leafBits, digestBytes }: TreeShape): Cost {
  let bytes = 8 + 2 ** PARTITION_BITS * digestBytes
  let messages = 2
  for (let bits = PARTITION_BITS; bits < PARTITION_BITS + leafBits; bits += childBits) {
    bytes += prefixes(differing, bits).length * (NODE + 2 ** childBits * digestBytes)
    messages++
  }
  const width = 2 ** (PLACE_BITS - PARTITION_BITS - leafBits)
  for (const leaf of prefixes(differing, PARTITION_BITS + leafBits)) {
    const count = lowerBound(all, (leaf + 1) * width) - lowerBound(all, leaf * width)
    bytes += RANGE + 2 + count * (POSITION + digestBytes)
  }
  return total(bytes, messages, differing)
}

interface RangeShape {
  readonly branches: number
  readonly listAt: number
  readonly digestBytes: number
}

/** Ranges cut into parts of equally many records, each with its bound and fingerprint, until they are short. */
function rangeCost({ all, differing }: Places, { branches, listAt, digestBytes }: RangeShape): Cost {
  let bytes = 8
  let messages = 1
  let ranges: (readonly [number, number])[] = [[0, all.length]]
  while (ranges.length > 0) {
    const next: (readonly [number, number])[] = []
    for (const [from, to] of ranges) {
      if (to - from <= listAt) {
        bytes += RANGE + 2 + (to - from) * (POSITION + digestBytes)
        continue
      }
      bytes += branches * (1 + POSITION + digestBytes)
      for (let i = 0; i < branches; i++) {
        const part = [cut(from, to, i / branches), cut(from, to, (i + 1) / branches)] as const
        if (holdsAny(all, differing, part)) next.push(part)
      }
    }
    messages++
    ranges = next
  }
  return total(bytes, messages - 1, differing)
}

function cut(from: number, to: number, share: number): number {
  return from + Math.floor((to - from) * share)
}

function holdsAny(all: Float64Array, differing: Float64Array, [from, to]: readonly [number, number]): boolean {
  const first = all[from] ?? Infinity
  const end = all[to] ?? Infinity
  return (differing[lowerBound(differing, first)] ?? Infinity) < end
}

/** A list has to come from the side that answers, and the trade is a round trip of its own. */
function total(bytes: number, messagesBeforeList: number, differing: Float64Array): Cost {
  const list = messagesBeforeList + 1
  return { bytes: bytes + WANT * differing.length, roundTrips: Math.ceil(list / 2) + 1 }
}

function prefixes(places: Float64Array, bits: number): number[] {
  const found: number[] = []
  const width = 2 ** (PLACE_BITS - bits)
  for (const place of places) {
    const prefix = Math.floor(place / width)
    if (found.at(-1) !== prefix) found.push(prefix)
  }
  return found
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function tree(name: string, shape: TreeShape): Alternative {
  const leaves = 2 ** (PARTITION_BITS + shape.leafBits)
  const memory = `${((leaves * 12) / 1e6).toFixed(1)} MB`
  return { name: `tree, ${name}`, memory, cost: (places) => treeCost(places, shape) }
}

function parts(name: string, shape: RangeShape): Alternative {
  return { name: `ranges, ${name}`, memory: '24 to 40 B a key', cost: (places) => rangeCost(places, shape) }
}

/** A clock of every replica's writes on each side; what is missing is known from it and sent at once. */
const NODE_CLOCKS: Alternative = {
  name: 'node-wide dots, if all records had them',
  memory: '16 B a dot and its key, until all know it',
  cost: ({ differing }) => ({ bytes: 2 * (9 + 3 * 16) + 16 * differing.length, roundTrips: 1 }),
}

export const ALTERNATIVES: readonly Alternative[] = [
  tree('2^17 leaves, 8 children, briefs', { childBits: 3, leafBits: 9, digestBytes: 4 }),
  tree('the same with whole digests', { childBits: 3, leafBits: 9, digestBytes: 8 }),
  tree('2^18 leaves, 4 children, briefs', { childBits: 2, leafBits: 10, digestBytes: 4 }),
  tree('2^16 leaves, 16 children, briefs', { childBits: 4, leafBits: 8, digestBytes: 4 }),
  tree('2^14 leaves, 64 children, briefs', { childBits: 6, leafBits: 6, digestBytes: 4 }),
  tree('2^20 leaves, 64 children, briefs', { childBits: 6, leafBits: 12, digestBytes: 4 }),
  parts('16 parts, lists of 16, briefs', { branches: 16, listAt: 16, digestBytes: 4 }),
  parts('4 parts, lists of 8, briefs', { branches: 4, listAt: 8, digestBytes: 4 }),
  NODE_CLOCKS,
]
