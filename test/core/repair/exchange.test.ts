/** An exchange: both sides end with the join, whatever the link does, and what it must not be fooled by. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { ABSENT } from '../../../src/core/causality/merge.ts'
import { placeOf } from '../../../src/core/repair/digest-tree.ts'
import type { ExchangeLimits } from '../../../src/core/repair/exchange-responder.ts'
import { holds } from '../../property.ts'
import { drawStores } from './any-stores.ts'
import { LWW, ModelReplica, RIGHT, sharedState, SIBLINGS, talk, type Upkeep } from './model-replica.ts'

const PAIR = [1, 3] as const
const WIDE: ExchangeLimits = { sizeBytesMax: 65_536, entriesMax: 4_096 }
/** So little room that every message is cut somewhere. */
const NARROW: ExchangeLimits = { sizeBytesMax: 150, entriesMax: 2 }

const anyCase = fc.record({
  seed: fc.nat(),
  count: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 300 })),
  equal: fc.constantFrom(0, 0.5, 0.95, 1),
  limits: fc.constantFrom(WIDE, NARROW),
  leafBits: fc.constantFrom([3, 3], [9, 9], [3, 9], [9, 3], [6, 12]),
})

interface Case {
  readonly seed: number
  readonly count: number
  readonly equal: number
  readonly leafBits: readonly number[]
}

function replicasOf({ seed, count, equal, leafBits: [one = 9, other = 9] }: Case, upkeep: Upkeep = RIGHT) {
  const random = new Random(seed)
  const stores = drawStores(random, { count, equal, generation: 0 })
  const asks = new ModelReplica({ leafBits: one, upkeep })
  const answers = new ModelReplica({ leafBits: other })
  const joined = new ModelReplica()
  for (const write of stores.one) asks.merge(write)
  for (const write of stores.other) answers.merge(write)
  for (const write of [...stores.one, ...stores.other]) joined.merge(write)
  return { random, asks, answers, joined }
}

describe('exchange: two replicas with any differences', () => {
  test('exchange: over a good link gives both the join', () => {
    holds(
      fc.property(anyCase, (of) => {
        const { asks, answers, joined } = replicasOf(of)
        const { outcome, exchange } = talk({ asks, answers, indexes: PAIR, limits: of.limits })
        expect(outcome).toBe('done')
        expect(sharedState(asks, PAIR)).toEqual(sharedState(joined, PAIR))
        expect(sharedState(answers, PAIR)).toEqual(sharedState(joined, PAIR))
        expect(exchange.progress.differing === 0).toBe(exchange.progress.rounds === 1)
        const again = talk({ asks, answers, indexes: PAIR, limits: of.limits })
        expect(again.exchange.progress.rounds).toBe(1)
      }),
    )
  })

  test('exchange: over a link that loses, doubles and reorders gives both the join', () => {
    holds(
      fc.property(anyCase, fc.constantFrom(0, 0.1, 0.4), fc.constantFrom(0, 0.5), (of, loss, doubles) => {
        const { asks, answers, joined, random } = replicasOf(of)
        const network = { random, loss, doubles }
        const { outcome } = talk({ asks, answers, indexes: PAIR, limits: of.limits, network })
        expect(outcome).toBe('done')
        expect(sharedState(asks, PAIR)).toEqual(sharedState(joined, PAIR))
        expect(sharedState(answers, PAIR)).toEqual(sharedState(joined, PAIR))
      }),
    )
  })

  test('exchange: while both sides are written gives the join with one more exchange after the last write', () => {
    holds(
      fc.property(anyCase, (of) => {
        const { asks, answers, joined, random } = replicasOf(of)
        const more = drawStores(random, { count: 40, equal: 0.5, generation: 1 })
        for (const write of [...more.one, ...more.other]) joined.merge(write)
        const late = { one: [...more.one], other: [...more.other] }
        const write = (): void => {
          const [mine, theirs] = [late.one.pop(), late.other.pop()]
          if (mine !== undefined) asks.merge(mine)
          if (theirs !== undefined) answers.merge(theirs)
        }
        const network = { random, loss: 0.1, doubles: 0.1 }
        const first = talk({ asks, answers, indexes: PAIR, limits: of.limits, network, meanwhile: write })
        expect(first.outcome).toBe('done')
        while (late.one.length + late.other.length > 0) write()
        talk({ asks, answers, indexes: PAIR, limits: of.limits })
        expect(sharedState(asks, PAIR)).toEqual(sharedState(joined, PAIR))
        expect(sharedState(answers, PAIR)).toEqual(sharedState(joined, PAIR))
      }),
    )
  })

  test('exchange: leaves what the two do not share as it was', () => {
    const { asks, answers } = replicasOf({ seed: 7, count: 400, equal: 0, leafBits: [9, 9] })
    const held = new Set(answers.records.keys())
    talk({ asks, answers, indexes: PAIR, limits: WIDE })
    const shared = new Set(sharedState(answers, PAIR).map((text) => (JSON.parse(text) as unknown[])[1]))
    const fresh = [...answers.records].filter(([name]) => !held.has(name))
    expect(fresh.length).toBeGreaterThan(10)
    for (const [, { key }] of fresh) expect(shared).toContain(key)
    expect(shared.size).toBeLessThan(answers.records.size)
  })

  test('exchange: many records in one place cross in pieces', () => {
    // Two keys whose hashes are equal stand in one place; their records differ in both directions.
    expect(placeOf({ keyspace: LWW, key: ONE })).toEqual(placeOf({ keyspace: LWW, key: OTHER }))
    const asks = new ModelReplica()
    const answers = new ModelReplica()
    const record = (op: number) => ({ kind: 'lww', op, at: op, value: new Uint8Array(200) }) as const
    asks.merge({ keyspace: LWW, key: ONE, record: record(1) })
    asks.merge({ keyspace: LWW, key: OTHER, record: record(2) })
    answers.merge({ keyspace: LWW, key: ONE, record: record(3) })
    answers.merge({ keyspace: LWW, key: OTHER, record: record(1) })
    const indexes = sharing(ONE)
    const said = talk({ asks, answers, indexes, limits: NARROW })
    expect(said.outcome).toBe('done')
    expect(sharedState(asks, indexes)).toEqual(sharedState(answers, indexes))
    expect(asks.records.get(`${LWW}/${ONE}`)?.record).toMatchObject({ op: 3 })
    expect(answers.records.get(`${LWW}/${OTHER}`)?.record).toMatchObject({ op: 2 })
  })
})

/** Two keys of `lww` that stand in one place, as was found by trying. */
const ONE = 'x1070520'
const OTHER = 'x1387150'

/** Two replicas that both hold a key of the keyspace with two copies. */
function sharing(key: string): readonly [number, number] {
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      const replica = new ModelReplica()
      replica.merge({ keyspace: LWW, key, record: { kind: 'lww', op: 1, at: 1, value: null } })
      if (i !== j && sharedState(replica, [i, j]).length > 0) return [i, j]
    }
  }
  throw new Error('nobody holds it')
}

describe('exchange: wrong upkeep of the digests is caught', () => {
  /** Whether both end with the join, in no more than one round when they are equal. */
  function converges(upkeep: Upkeep): boolean {
    return [1, 2, 3, 4, 5].every((seed) => {
      const of = { seed, count: 60, equal: 0.5, leafBits: [9, 9] }
      const { asks, answers, joined, random } = replicasOf(of, upkeep)
      const more = drawStores(random, { count: 60, equal: 0, generation: 1 })
      for (const write of more.one) asks.merge(write)
      for (const write of more.one) joined.merge(write)
      talk({ asks, answers, indexes: PAIR, limits: WIDE })
      const equal = talk({ asks, answers, indexes: PAIR, limits: WIDE }).exchange.progress.rounds === 1
      const expected = sharedState(joined, PAIR).join()
      return equal && [asks, answers].every((replica) => sharedState(replica, PAIR).join() === expected)
    })
  }

  let count = 0
  const WRONG: Readonly<Record<string, Upkeep>> = {
    'forgets every tenth write': (forest, change) => {
      if (++count % 10 > 0) forest.update(change)
    },
    'never takes the old digest out': (forest, change) => forest.update({ ...change, before: ABSENT }),
    'counts a write twice': (forest, change) => {
      forest.update(change)
      forest.update(change)
    },
    'names another keyspace': (forest, change) => forest.update({ ...change, keyspace: SIBLINGS }),
    'sees only the first write of a key': (forest, change) => {
      if (change.before === ABSENT) forest.update(change)
    },
  }

  test.for(Object.keys(WRONG))('upkeep: one that %s does not converge', (name) => {
    expect(converges(RIGHT)).toBe(true)
    expect(converges(WRONG[name] as Upkeep)).toBe(false)
  })
})
