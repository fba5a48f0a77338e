/** Upkeep against digests that are counted anew: any writes, before, while and after what is stored is walked. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../../src/core/base/key-order.ts'
import { digestOf } from '../../../src/core/causality/merge.ts'
import type { RecordWrite, StoredRecord } from '../../../src/core/record.ts'
import { DigestForest } from '../../../src/core/repair/digest-tree.ts'
import { Upkeep } from '../../../src/core/repair/upkeep.ts'
import { holds } from '../../property.ts'

const KEYSPACES = [5, 9]
const PARTITIONS = Array.from({ length: 256 }, (_, i) => i)

type Step =
  | { readonly kind: 'write'; readonly keyspace: number; readonly key: string; readonly op: number }
  | { readonly kind: 'ask' | 'cut' | 'arrive' | 'fail' }

const write = fc.record({
  kind: fc.constant('write' as const),
  keyspace: fc.constantFrom(...KEYSPACES),
  key: fc.nat({ max: 12 }).map((number) => `k${number}`),
  op: fc.integer({ min: 1, max: 1_000 }),
})
const other = fc.record({ kind: fc.constantFrom('ask', 'cut', 'arrive', 'fail') })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(fc.oneof(write, { arbitrary: other, weight: 2 }), {
  maxLength: 80,
})

class Store {
  readonly records = new Map<string, RecordWrite>()

  put({ keyspace, key, op }: Extract<Step, { kind: 'write' }>): StoredRecord | undefined {
    const name = `${keyspace}/${key}`
    const before = this.records.get(name)?.record
    this.records.set(name, { keyspace, key, record: { kind: 'lww', op, at: op, value: null } })
    return before
  }

  page(keyspace: number, after: string) {
    const all = [...this.records.values()]
      .filter((record) => record.keyspace === keyspace && compareKeys(record.key, after) > 0)
      .toSorted((a, b) => compareKeys(a.key, b.key))
    return { entries: all.slice(0, 3), done: all.length <= 3 }
  }

  /** The digest of everything, counted anew. */
  total(): number {
    const forest = new DigestForest(() => 3)
    for (const { keyspace, key, record } of this.records.values()) {
      forest.update({ keyspace, key, before: 0, after: digestOf(record) })
    }
    return forest.treeOf(3).total(PARTITIONS)
  }
}

test('upkeep: whatever comes while stored records are walked, each is counted once', () => {
  holds(
    fc.property(fc.array(write, { maxLength: 20 }), steps, (stored, then) => {
      const store = new Store()
      for (const step of stored) store.put(step)
      const forest = new DigestForest(() => 3)
      const upkeep = new Upkeep(forest)
      upkeep.begin(KEYSPACES)
      let asked: ReturnType<Upkeep['nextPage']>
      let page: ReturnType<Store['page']> | undefined
      const arrive = (): void => {
        if (asked === undefined) return
        upkeep.paged(asked.id, page ?? store.page(asked.keyspace, asked.after))
        asked = page = undefined
      }
      for (const step of then) {
        if (step.kind === 'write') {
          const before = store.put(step)
          upkeep.note({ ...step, record: store.records.get(`${step.keyspace}/${step.key}`)?.record }, before)
        } else if (step.kind === 'ask') asked ??= upkeep.nextPage()
        else if (step.kind === 'cut' && asked !== undefined) page ??= store.page(asked.keyspace, asked.after)
        else if (step.kind === 'arrive') arrive()
        else if (step.kind === 'fail' && asked !== undefined) {
          upkeep.unpaged(asked.id)
          asked = page = undefined
        }
      }
      for (let i = 0; i < 40 && !upkeep.complete; i++) {
        asked ??= upkeep.nextPage()
        arrive()
      }
      expect(upkeep.complete).toBe(true)
      expect(forest.treeOf(3).total(PARTITIONS)).toBe(store.total())
    }),
    { numRuns: 500 },
  )
})

test('upkeep: without keyspaces there is nothing to walk, and writes are counted from the first', () => {
  const forest = new DigestForest(() => 3)
  const upkeep = new Upkeep(forest)
  upkeep.begin([])
  expect(upkeep.complete).toBe(true)
  expect(upkeep.nextPage()).toBeUndefined()
  const store = new Store()
  for (let i = 0; i < 3_000; i++) {
    const step = { kind: 'write', keyspace: 5, key: `k${i % 2_000}`, op: i + 1 } as const
    const before = store.put(step)
    upkeep.note({ ...step, record: store.records.get(`5/${step.key}`)?.record }, before)
  }
  expect(forest.treeOf(3).total(PARTITIONS)).toBe(store.total())
})

test('upkeep: a page of nothing but damaged records is passed, and what follows is counted', () => {
  const forest = new DigestForest(() => 3)
  const upkeep = new Upkeep(forest)
  upkeep.begin([5])
  const record: StoredRecord = { kind: 'lww', op: 1, at: 1, value: null }
  const pages = [
    { entries: [], damaged: ['a', 'b'], done: false },
    { entries: [{ keyspace: 5, key: 'c', record }], damaged: ['d'], done: false },
    { entries: [{ keyspace: 5, key: 'e', record }], damaged: [], done: true },
  ]
  const after: string[] = []
  for (const page of pages) {
    const asked = upkeep.nextPage()
    after.push(asked?.after ?? 'nothing asked')
    upkeep.paged(asked?.id ?? 0, page)
  }
  expect([after, upkeep.complete]).toEqual([['', 'b', 'd'], true])
  const counted = new DigestForest(() => 3)
  for (const key of ['c', 'e']) counted.update({ keyspace: 5, key, before: 0, after: digestOf(record) })
  expect(forest.treeOf(3).total(PARTITIONS)).toBe(counted.treeOf(3).total(PARTITIONS))
})
