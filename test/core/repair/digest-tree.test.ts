/** The digest tree against the plain sum of items, whatever the order of writes and the depth of the tree. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ABSENT } from '../../../src/core/causality/merge.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { Placement } from '../../../src/core/placement/placement.ts'
import {
  addDigests,
  briefOf,
  CHILDREN,
  DigestForest,
  DigestTree,
  firstChild,
  isNode,
  itemOf,
  partitionNode,
  placeOf,
  rangeOf,
  type DigestChange,
} from '../../../src/core/repair/digest-tree.ts'
import { Sharing } from '../../../src/core/repair/sharing.ts'
import { holds } from '../../property.ts'

const digest = fc.oneof(fc.constant(ABSENT), fc.integer({ min: 1, max: 2 ** 52 - 1 }))
const writes = fc.array(fc.record({ keyspace: fc.integer({ min: 1, max: 3 }), key: fc.nat({ max: 30 }), digest }), {
  maxLength: 60,
})

interface Write {
  readonly keyspace: number
  readonly key: number
  readonly digest: number
}

type State = Map<string, { readonly keyspace: number; readonly key: string; readonly digest: number }>

function play(tree: DigestTree, all: readonly Write[]): State {
  const state: State = new Map()
  for (const { keyspace, key, digest: after } of all) {
    const name = `${keyspace}/${key}`
    tree.update({ keyspace, key: `k${key}`, before: state.get(name)?.digest ?? ABSENT, after })
    if (after === ABSENT) state.delete(name)
    else state.set(name, { keyspace, key: `k${key}`, digest: after })
  }
  return state
}

function naive(state: State, node: number): { readonly sum: number; readonly count: number } {
  const { partition, from, to } = rangeOf(node)
  let sum = 0
  let count = 0
  for (const write of state.values()) {
    const place = placeOf(write)
    if (place.partition !== partition || place.position < from || place.position >= to) continue
    sum = addDigests(sum, itemOf(write, write.digest))
    count++
  }
  return { sum, count }
}

describe('digest tree: after any writes', () => {
  test('tree: every node on the way to a record is the sum of what is in it', () => {
    holds(
      fc.property(writes, fc.constantFrom(3, 9, 12), (all, leafBits) => {
        const tree = new DigestTree(leafBits)
        const state = play(tree, all)
        for (const write of state.values()) {
          const { partition, position } = placeOf(write)
          let node = partitionNode(partition)
          expect(tree.roots([partition])).toEqual([naive(state, node).sum])
          for (let bits = 3; tree.hasChildren(node); bits += 3) {
            const sums = Array.from({ length: CHILDREN }, (_, i) => naive(state, firstChild(node) + i).sum)
            expect(tree.childSums(node)).toEqual(sums)
            expect(tree.countBelow(node)).toBe(naive(state, node).count)
            node = firstChild(node) + (Math.floor(position / 2 ** (32 - bits)) % CHILDREN)
          }
        }
        const partitions = Array.from({ length: 256 }, (_, i) => i)
        const items = [...state.values()].map((write) => itemOf(write, write.digest))
        expect(tree.total(partitions)).toBe(items.reduce(addDigests, 0))
      }),
    )
  })

  test('tree: taking everything out again leaves nothing', () => {
    holds(
      fc.property(writes, (all) => {
        const tree = new DigestTree()
        for (const { keyspace, key, digest: before } of play(tree, all).values()) {
          tree.update({ keyspace, key, before, after: ABSENT })
        }
        const partitions = Array.from({ length: 256 }, (_, i) => i)
        expect(tree.roots(partitions)).toEqual(partitions.map(() => 0))
        expect(partitions.every((partition) => tree.countBelow(partitionNode(partition)) === 0)).toBe(true)
      }),
    )
  })

  test('tree: equal digests of two keys are two items', () => {
    const items = ['a', 'b', 'c'].map((key) => itemOf({ keyspace: 1, key }, 5))
    expect(new Set([...items, itemOf({ keyspace: 2, key: 'a' }, 5)]).size).toBe(4)
  })

  test('brief: another salt gives another', () => {
    expect(new Set([1, 2, 3, 4].map((salt) => briefOf(12_345, salt))).size).toBe(4)
    expect(briefOf(2 ** 52 - 1, 2 ** 52 - 1)).toBeLessThan(2 ** 32)
  })
})

describe('digest tree: numbers of nodes', () => {
  test('node: its children part its range', () => {
    for (const node of [partitionNode(0), partitionNode(255), firstChild(firstChild(partitionNode(77))) + 5]) {
      const { partition, from, to } = rangeOf(node)
      const children = Array.from({ length: CHILDREN }, (_, i) => rangeOf(firstChild(node) + i))
      expect(children[0]?.from).toBe(from)
      expect(children.at(-1)?.to).toBe(to)
      children.forEach((child, i) => {
        expect(child.partition).toBe(partition)
        if (i > 0) expect(child.from).toBe(children[i - 1]?.to)
      })
    }
    expect(rangeOf(partitionNode(9))).toEqual({ partition: 9, from: 0, to: 2 ** 32 })
  })

  test('node: what is none is told from what is one', () => {
    expect([256, 511, 2048, 2 ** 14, 2 ** 29].every((node) => isNode(node))).toBe(true)
    expect([-1, 0, 255, 512, 2047, 256.5, NaN, Infinity, 2 ** 30, 2 ** 31].some((node) => isNode(node))).toBe(false)
  })
})

describe('digest forest: keyspaces with their copies', () => {
  const change: DigestChange = { keyspace: 3, key: 'k', before: ABSENT, after: 9 }

  test('forest: a write goes to the tree of its copies, and what is the replica own to none', () => {
    const forest = new DigestForest((keyspace) => (keyspace === 0 ? undefined : keyspace))
    forest.update(change)
    forest.update({ ...change, keyspace: 0 })
    const { partition } = placeOf(change)
    expect(forest.copies()).toEqual([3])
    expect(forest.treeOf(3).roots([partition])).toEqual([itemOf(change, 9)])
    expect(forest.treeOf(2).roots([partition])).toEqual([0])
    expect(forest.holds(3, { copies: 3 })).toBe(true)
    expect(forest.holds(0, { copies: 3 })).toBe(false)
  })
})

describe('sharing: what two replicas hold', () => {
  const membership = membershipOf(['a', 'b', 'c', 'd'].map((id) => ({ id, zone: '' })))

  test('sharing: is what their preference lists say, and the same from both sides', () => {
    for (const copies of [1, 2, 3, 4]) {
      const { lists } = new Placement(membership, copies)
      const expected = lists.filter(({ replicas }) => replicas.includes(0) && replicas.includes(2))
      const partitions = new Sharing(membership, 0).partitions(copies, { peer: 2 })
      expect(partitions).toEqual(expected.map(({ partition }) => partition))
      expect(new Sharing(membership, 2).partitions(copies, { peer: 0 })).toEqual(partitions)
    }
  })

  test('sharing: nothing with itself, with nobody, or for a number of copies that there cannot be', () => {
    const sharing = new Sharing(membership, 0)
    for (const peer of [0, -1, 4, NaN]) expect(sharing.partitions(3, { peer })).toEqual([])
    for (const copies of [0, -1, 5, 1.5, NaN]) expect(sharing.partitions(copies, { peer: 1 })).toEqual([])
  })
})
