/**
 * One digest over all records of a replica, kept up to date with every write, and of every part of them.
 *
 * A record has a *place*: the partition of its key, and a 32-bit *position* in it, the hash of key and keyspace. Its
 * *item* is a well-mixed hash of place and causal digest. The digest of a part is the sum of its items modulo 2^52, so
 * a write replaces one item by another with two additions, whatever the size of the store, and a part can be cut at any
 * depth: two replicas whose trees have different depths still compare, and a part without a digest of its own is the
 * sum of what is in it. Only leaves and partitions are kept; what lies between is added up when it is asked for.
 *
 * A sum of hashes can be forged: who may choose records freely finds two sets with one sum (Wagner, "A Generalized
 * Birthday Problem", 2002), and XOR is weaker still. Peers prove who they are and are not Byzantine, and what enters a
 * digest, dots and operation numbers, is drawn by replicas and coordinators and not by their clients. Differences that
 * come from lost messages and crashes cancel with probability 2^-52. Where they do, reads still repair the key. A sum
 * also shows an item that was counted twice, which XOR would hide.
 *
 * A tree for n copies and another for n' copies are two: the same partition lives on different replicas in each.
 *
 * Measured among a million keys (`npm run bench -- --only repair`, docs/anti-entropy.md): one difference costs 1.5 kB and
 * four round trips, a thousand cost 160 bytes each beside their records. With four children it would be 132 and a fifth
 * round trip, with 64 it is 569; ranges cut at equal counts take 186 to 307 and memory for each key. Node-wide dots would
 * take 16, but not all records have them, and they do not notice what was damaged.
 * The caller's duty: one `update` for each write, with the digest that the key had before it.
 * Ring: values.
 */
import { Digest, finish, hashString, hashTwice } from '../base/hash.ts'
import { invariant } from '../base/invariant.ts'
import { ABSENT } from '../causality/merge.ts'
import { PARTITIONS } from '../placement/placement.ts'

/** Sums and items are below this. */
const MODULUS = 2 ** 52
/** Bits by which a level of the tree refines the one above. */
const CHILD_BITS = 3
export const CHILDREN: number = 2 ** CHILD_BITS
const PARTITION_BITS = 8
const POSITION_BITS = 32
/** A node's number has at most this many bits below its leading one: all that a 31-bit integer has room for. */
const NODE_BITS_MAX = 29

/** Adds two digests of parts that share no record. */
export function addDigests(a: number, b: number): number {
  const sum = a + b
  return sum >= MODULUS ? sum - MODULUS : sum
}

/**
 * What travels of a digest below the root: 32 bits that depend on the message as well. Two parts that differ look alike
 * in one of four billion messages, and in another message they no longer do.
 */
export function briefOf(digest: number, salt: number): number {
  const brief = new Digest()
  brief.add(digest)
  brief.add(salt)
  return brief.value() % 2 ** 32
}

/** Records of one partition whose position is at least `from` and below `to`. */
export interface PlaceRange {
  readonly partition: number
  readonly from: number
  /** At most 2^32. */
  readonly to: number
}

export interface KeyName {
  readonly keyspace: number
  readonly key: string
}

/** Where in its partition a record stands, from 0 to 2^32 - 1. Two records may share a position. */
function positionOf({ keyspace, key }: KeyName): number {
  return hashString(key, seedOf(keyspace))
}

function seedOf(keyspace: number): number {
  return keyspace ^ Math.floor(keyspace / 2 ** 32)
}

/** What a record with this digest adds to the digest of every part that it is in. */
export function itemOf(name: KeyName, digest: number): number {
  return mix(hashString(name.key) | 0, positionOf(name) | 0, digest)
}

/**
 * Both halves depend on all of the place and of the digest, each in its own way. All of them are hashes already, so a
 * few steps are enough. The partition is the lowest bits of the key's hash; the rest tells keys of one position apart.
 */
function mix(hash: number, position: number, digest: number): number {
  const low = digest | 0
  const high = Math.floor(digest / 2 ** 32) | 0
  const left = finish((finish(hash + low) ^ position) + Math.imul(high, 0x9e3779b1))
  const right = finish((finish(position ^ low) + high) ^ hash)
  return (left & 0xfffff) * 2 ** 32 + right
}

/**
 * Nodes are numbered as in a heap: a leading one, the partition, then `CHILD_BITS` of the position for each level. The
 * node of a partition is 256 + its number.
 */
export function partitionNode(partition: number): number {
  return PARTITIONS + partition
}

/** The first of a node's children; the others follow it. */
export function firstChild(node: number): number {
  return node * CHILDREN
}

function bitsOf(node: number): number {
  return 31 - Math.clz32(node)
}

/** Whether this is the number of a node, at whatever depth, that can be compared. */
export function isNode(node: number): boolean {
  if (!Number.isInteger(node) || node < PARTITIONS || node >= 2 ** (NODE_BITS_MAX + 1)) return false
  return (bitsOf(node) - PARTITION_BITS) % CHILD_BITS === 0
}

/** What a node covers. */
export function rangeOf(node: number): PlaceRange {
  const below = bitsOf(node) - PARTITION_BITS
  const width = 2 ** (POSITION_BITS - below)
  const from = (node & (2 ** below - 1)) * width
  return { partition: (node >>> below) & (PARTITIONS - 1), from, to: from + width }
}

/** A write as the tree sees it; `ABSENT` where there was, or is, no record. */
export interface DigestChange extends KeyName {
  readonly before: number
  readonly after: number
}

/** Of one partition. */
interface Leaves {
  readonly sums: Float64Array
  readonly counts: Uint32Array
}

export interface Part {
  readonly sum: number
  /** How many records are in it. */
  readonly count: number
}

/** With 512 leaves in each of 256 partitions a tree takes 1.5 MB, and a leaf of a million records holds eight. */
const LEAF_BITS = 9

/** Filled and read within one call. */
const HASHES = new Int32Array(2)

export class DigestTree {
  readonly #leafBits: number
  readonly #roots = new Float64Array(PARTITIONS)
  readonly #counts = new Uint32Array(PARTITIONS)
  /** Of each partition, made with its first record: replicas of a few keys are to stay small. */
  readonly #leaves: (Leaves | undefined)[] = Array.from({ length: PARTITIONS }, () => undefined)

  /** @param leafBits a multiple of `CHILD_BITS`: how deep this replica goes. Others may go deeper. */
  constructor(leafBits: number = LEAF_BITS) {
    const deepest = NODE_BITS_MAX - PARTITION_BITS
    invariant(leafBits > 0 && leafBits <= deepest && leafBits % CHILD_BITS === 0, 'a tree has whole levels')
    this.#leafBits = leafBits
  }

  update(change: DigestChange): void {
    const { before, after } = change
    if (before === after) return
    hashTwice(change.key, seedOf(change.keyspace), HASHES)
    const hash = HASHES[0] as number
    const position = HASHES[1] as number
    const partition = hash & (PARTITIONS - 1)
    const removed = before === ABSENT ? 0 : MODULUS - mix(hash, position, before)
    const added = after === ABSENT ? 0 : mix(hash, position, after)
    const difference = addDigests(removed, added)
    const { sums, counts } = (this.#leaves[partition] ??= emptyLeaves(this.#leafBits))
    const leaf = position >>> (POSITION_BITS - this.#leafBits)
    sums[leaf] = addDigests(sums[leaf] as number, difference)
    this.#roots[partition] = addDigests(this.#roots[partition] as number, difference)
    if (before !== ABSENT && after !== ABSENT) return
    const more = after === ABSENT ? -1 : 1
    counts[leaf] = (counts[leaf] as number) + more
    this.#counts[partition] = (this.#counts[partition] as number) + more
  }

  /** The digest of some partitions together. */
  total(partitions: readonly number[]): number {
    let sum = 0
    for (const partition of partitions) sum = addDigests(sum, this.#roots[partition] as number)
    return sum
  }

  /** The digest of each of these partitions. */
  roots(partitions: readonly number[]): number[] {
    return partitions.map((partition) => this.#roots[partition] as number)
  }

  /** Whether the tree knows digests of the node's children. */
  hasChildren(node: number): boolean {
    return bitsOf(node) - PARTITION_BITS < this.#leafBits
  }

  /** How many records are below a node; for one below a leaf, in that leaf. */
  countBelow(node: number): number {
    return this.#part(node).count
  }

  /** The digests of a node's children. The caller's duty: the node has children here. */
  childSums(node: number): number[] {
    const first = firstChild(node)
    return Array.from({ length: CHILDREN }, (_, i) => this.#part(first + i).sum)
  }

  #part(node: number): Part {
    const below = Math.min(bitsOf(node) - PARTITION_BITS, this.#leafBits)
    const prefix = (node >>> Math.max(0, bitsOf(node) - PARTITION_BITS - this.#leafBits)) & (2 ** below - 1)
    const partition = rangeOf(node).partition
    const leaves = this.#leaves[partition]
    if (leaves === undefined) return NOTHING
    if (below === 0) return { sum: this.#roots[partition] as number, count: this.#counts[partition] as number }
    const width = 2 ** (this.#leafBits - below)
    const first = prefix * width
    let sum = 0
    let count = 0
    for (let leaf = first; leaf < first + width; leaf++) {
      sum = addDigests(sum, leaves.sums[leaf] as number)
      count += leaves.counts[leaf] as number
    }
    return { sum, count }
  }
}

const NOTHING: Part = { sum: 0, count: 0 }

function emptyLeaves(leafBits: number): Leaves {
  const length = 2 ** leafBits
  return { sums: new Float64Array(length), counts: new Uint32Array(length) }
}

/** The trees of a replica, one for each number of copies that its keyspaces have. */
export class DigestForest {
  readonly #trees = new Map<number, DigestTree>()
  readonly #copiesOf: (keyspace: number) => number | undefined
  readonly #leafBits: number | undefined
  /** Where the last update went: mostly the next one goes there as well. */
  #last: { readonly keyspace: number; readonly tree: DigestTree } | undefined

  /**
   * @param copiesOf n of a keyspace; `undefined` for what is a replica's own and never compared. Where the answer changes
   * from a number to something else, everything is forgotten first.
   */
  constructor(copiesOf: (keyspace: number) => number | undefined, leafBits?: number) {
    this.#copiesOf = copiesOf
    this.#leafBits = leafBits
  }

  /** Forgets everything. */
  clear(): void {
    this.#trees.clear()
    this.#last = undefined
  }

  update(change: DigestChange): void {
    this.#treeFor(change.keyspace)?.update(change)
  }

  #treeFor(keyspace: number): DigestTree | undefined {
    if (this.#last?.keyspace === keyspace) return this.#last.tree
    const copies = this.#copiesOf(keyspace)
    if (copies === undefined) return undefined
    this.#last = { keyspace, tree: this.treeOf(copies) }
    return this.#last.tree
  }

  /** Whether records of this keyspace are compared among those of so many copies. */
  holds(keyspace: number, { copies }: { readonly copies: number }): boolean {
    return this.#copiesOf(keyspace) === copies
  }

  /** The tree of the keyspaces with so many copies; an empty one if there are none. */
  treeOf(copies: number): DigestTree {
    let tree = this.#trees.get(copies)
    if (tree === undefined) this.#trees.set(copies, (tree = new DigestTree(this.#leafBits)))
    return tree
  }

  /** The numbers of copies that there are trees for, rising. */
  copies(): number[] {
    return [...this.#trees.keys()].toSorted((a, b) => a - b)
  }
}

/** Where a record is compared. */
export function placeOf(name: KeyName): { readonly partition: number; readonly position: number } {
  hashTwice(name.key, seedOf(name.keyspace), HASHES)
  return { partition: (HASHES[0] as number) & (PARTITIONS - 1), position: (HASHES[1] as number) >>> 0 }
}
