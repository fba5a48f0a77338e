/** Erasing deleted records: who has to agree, for how long, what is remembered, and what is refused afterwards. */
import { describe, expect, test } from 'vitest'
import { EMPTY_CONTEXT } from '../../src/core/causality/causal-context.ts'
import { EMPTY_RECORD, mergeDotted, mint } from '../../src/core/causality/dotted-record.ts'
import { stampOf } from '../../src/core/causality/hybrid-time.ts'
import { digestOf } from '../../src/core/causality/merge.ts'
import type { LocalMessage, Mint } from '../../src/core/message.ts'
import type { DottedRecord, LwwRecord, StoredRecord } from '../../src/core/record.ts'
import {
  CARTS,
  CLIENT,
  Cluster,
  FIRST,
  HORIZON_MS,
  LIST,
  LOOSE,
  OTHER,
  SEATS,
  SECOND,
  THIRD,
  WALL_MS,
} from './reaping.ts'

const value = (op: number, context = EMPTY_CONTEXT, actor = 100 + FIRST): DottedRecord => {
  return mint(EMPTY_RECORD, actor, { op, at: stampOf(WALL_MS) + op, value: Uint8Array.of(op), context })
}
const PUT = value(1)
const DELETED = mergeDotted(
  PUT,
  mint(PUT, 100 + SECOND, { op: 2, at: stampOf(WALL_MS) + 2, value: null, context: PUT.context }),
)
const GONE = [false, false, false]
const THERE = [true, true, true]
const lww = (at: number, bytes: Uint8Array | null): StoredRecord => ({
  kind: 'lww',
  op: 1,
  at: stampOf(WALL_MS) + at,
  value: bytes,
})

const mintOf = (op: number, more: Partial<Mint> = {}): Mint => ({
  kind: 'mint',
  id: 50 + op,
  round: 0,
  keyspace: CARTS,
  key: 'k',
  incarnation: 100 + FIRST,
  run: 1,
  op,
  at: stampOf(WALL_MS) + op,
  context: EMPTY_CONTEXT,
  value: Uint8Array.of(op),
  again: false,
  ...more,
})

/** A cluster that has erased the key. */
function erased(): Cluster {
  const cluster = new Cluster().register()
  cluster.put(DELETED)
  cluster.wait(2 * HORIZON_MS)
  expect(cluster.held()).toEqual(GONE)
  return cluster
}

describe('who agrees', () => {
  test('a delete that all replicas hold: is erased after a horizon, not before, by the word of the first', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.wait(HORIZON_MS / 2)
    expect(cluster.held()).toEqual(GONE)
    expect(new Set(cluster.said.filter((line) => line.includes('reap')))).toEqual(
      new Set([`${FIRST} reap ${SECOND}`, `${FIRST} reap ${THIRD}`]),
    )
    expect(cluster.said.some((line) => line.includes(String(OTHER)))).toBe(false)
    expect(cluster.replicas[FIRST]?.reaper?.progress).toEqual({ waiting: 0, erased: 1 })
  })

  test('a value: is never erased, nor a delete beside a value', () => {
    const cluster = new Cluster().register()
    cluster.put(PUT)
    cluster.put(mergeDotted(DELETED, value(9, EMPTY_CONTEXT, 999)))
    cluster.wait(5 * HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    expect(cluster.said).toEqual([])
  })

  test('a value that expires: is erased when its time is over for all replicas, and a horizon later', () => {
    const cluster = new Cluster().register()
    cluster.put({ ...(lww(5, Uint8Array.of(1)) as LwwRecord), expires: WALL_MS + 3 * HORIZON_MS }, LIST.replicas, SEATS)
    cluster.wait(4 * HORIZON_MS)
    expect(cluster.held(SEATS)).toEqual(THERE)
    expect(cluster.said.length).toBeGreaterThan(0)
    cluster.wait(HORIZON_MS / 2)
    expect(cluster.held(SEATS)).toEqual(GONE)
  })

  test('a value whose time is not over by the clock of one replica: stays', () => {
    const cluster = new Cluster().register()
    cluster.wallAheadMs[SECOND] = -5 * HORIZON_MS
    cluster.put({ ...(lww(5, Uint8Array.of(1)) as LwwRecord), expires: WALL_MS }, [FIRST, THIRD], SEATS)
    cluster.stored[SECOND]?.set(`${SEATS} k`, { ...(lww(5, Uint8Array.of(1)) as LwwRecord), expires: WALL_MS })
    cluster.wait(5 * HORIZON_MS)
    expect(cluster.held(SEATS)).toEqual(THERE)
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held(SEATS)).toEqual(GONE)
  })

  test('a replica that is away: keeps the key everywhere, for as long as it takes', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.away.add(THIRD)
    cluster.wait(20 * HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.away.delete(THIRD)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.wait(HORIZON_MS / 2)
    expect(cluster.held()).toEqual(GONE)
  })

  test('a replica that holds the value still: keeps the delete everywhere', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED, [FIRST, SECOND])
    cluster.put(PUT, [THIRD])
    cluster.wait(5 * HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.put(DELETED, [THIRD])
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
  })

  test('a record that changes meanwhile: the time begins anew', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.wait(HORIZON_MS)
    const context = DELETED.context
    const later = mergeDotted(DELETED, mint(DELETED, 999, { op: 3, at: stampOf(WALL_MS) + 3, value: null, context }))
    cluster.put(later)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
  })

  test('wall clocks that jump by an hour: change nothing', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.wait(HORIZON_MS / 2)
    cluster.wallAheadMs = [3_600_000, -3_600_000, 3_600_000, 0]
    cluster.wait(HORIZON_MS / 2)
    expect(cluster.held()).toEqual(THERE)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
  })

  test('a replica that starts again: has held nothing for any time; a first one finds the key on its walk', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.wait(HORIZON_MS)
    for (const index of LIST.replicas) cluster.restart(index)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(THERE)
    cluster.wait(HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
  })

  test('in a sloppy keyspace a member that keeps the key for another: keeps the delete everywhere', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED, LIST.replicas, LOOSE)
    const hint = {
      kind: 'write',
      id: 1,
      round: 0,
      keyspace: LOOSE,
      key: 'k',
      record: PUT,
      owner: THIRD,
      repairs: false,
    } as const
    cluster.ask(OTHER, { ...hint, asOf: cluster.clock(OTHER) })
    cluster.wait(5 * HORIZON_MS)
    expect(cluster.held(LOOSE)).toEqual(THERE)
    cluster.act(OTHER, (replica, now, step) =>
      replica.receive(
        { kind: 'drop-hint', id: 1, round: 0, owner: THIRD, keyspace: LOOSE, key: 'k', digest: undefined },
        OTHER,
        now,
        step,
      ),
    )
    cluster.away.add(OTHER)
    cluster.wait(5 * HORIZON_MS)
    expect(cluster.held(LOOSE)).toEqual(THERE)
    cluster.away.delete(OTHER)
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held(LOOSE)).toEqual(GONE)
  })

  test('the word to erase that is lost: the record comes back, and is erased again', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    cluster.lost.add('reap')
    cluster.wait(1.5 * HORIZON_MS)
    expect(cluster.held()).toEqual([false, true, true])
    cluster.lost.clear()
    cluster.put(DELETED, [FIRST])
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
  })

  test('the word to erase what was not held for a horizon, or from somebody who is no member: erases nothing', () => {
    const cluster = new Cluster().register()
    cluster.put(DELETED)
    const entries = [{ keyspace: CARTS, key: 'k', digest: digestOf(DELETED) }]
    const reap = (peer: number): void => {
      cluster.act(SECOND, ({ reaper }, now, step) =>
        reaper?.asked({ kind: 'reap', id: 1, entries }, { from: CLIENT, peer }, now, step),
      )
    }
    reap(FIRST)
    cluster.wait(HORIZON_MS)
    reap(FIRST)
    cluster.lost.add('agree')
    cluster.wait(HORIZON_MS / 4)
    reap(-1)
    expect(cluster.held()).toEqual(THERE)
  })
})

describe('after the record was erased', () => {
  test('a new write: gets a dot above all that were erased, and knows that its own below are over', () => {
    const cluster = erased()
    const counter = 2
    expect(cluster.ask(FIRST, mintOf(5))).toMatchObject([{ kind: 'minted', counter, floor: 1 }])
    expect(cluster.stored[FIRST]?.get(`${CARTS} k`)).toMatchObject({
      context: { vector: [100 + FIRST, counter], cloud: [] },
      siblings: [{ op: 5, counter }],
    })
  })

  test('another key that is not here: begins above as well, and one that is here does not', () => {
    const cluster = erased()
    expect(cluster.ask(FIRST, mintOf(5, { key: 'other' }))).toMatchObject([{ counter: 2, floor: 1 }])
    expect(cluster.ask(FIRST, mintOf(6, { key: 'other' }))).toMatchObject([{ counter: 3, floor: 0 }])
  })

  test('a key that others have written again since: is still above, whatever their writers had seen', () => {
    const cluster = erased()
    const context = { vector: [100 + FIRST, 1], cloud: [] }
    for (const seen of [EMPTY_CONTEXT, context]) {
      cluster.stored[FIRST]?.delete(`${CARTS} k`)
      cluster.put(mint(EMPTY_RECORD, 999, { op: 8, at: stampOf(WALL_MS), value: null, context: seen }), [FIRST])
      const op = seen === context ? 5 : 6
      expect(cluster.ask(FIRST, mintOf(op))).toMatchObject([{ kind: 'minted', counter: 2, floor: 1 }])
    }
  })

  test('the replica starts again: it remembers', () => {
    const cluster = erased()
    cluster.restart(FIRST)
    expect(cluster.ask(FIRST, mintOf(5, { run: 2 }))).toMatchObject([{ counter: 2, floor: 1 }])
    expect(cluster.ask(FIRST, mintOf(1, { run: 2, again: true }))).toMatchObject([
      { kind: 'refused', code: 'too-late' },
    ])
  })

  test('a context from before: is taken, and replaces nothing that it has not seen', () => {
    const cluster = erased()
    cluster.ask(FIRST, mintOf(5))
    cluster.ask(FIRST, mintOf(6, { context: DELETED.context }))
    expect(cluster.stored[FIRST]?.get(`${CARTS} k`)).toMatchObject({ siblings: [{ op: 5 }, { op: 6 }] })
  })

  test('a retry of the write that was deleted: is too late; one of a newer write is taken', () => {
    const cluster = erased()
    expect(cluster.ask(FIRST, mintOf(1, { again: true }))).toMatchObject([{ kind: 'refused', code: 'too-late' }])
    expect(cluster.ask(FIRST, mintOf(7, { again: true }))).toMatchObject([{ kind: 'minted' }])
  })

  test('an older copy in a message that was under way: is refused by its age', () => {
    const cluster = new Cluster().register()
    const asOf = cluster.clock(THIRD)
    cluster.put(DELETED)
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held()).toEqual(GONE)
    const late = {
      kind: 'write',
      id: 1,
      round: 0,
      keyspace: CARTS,
      key: 'k',
      record: PUT,
      asOf,
      repairs: true,
    } as const
    expect(cluster.ask(THIRD, late)).toMatchObject([{ kind: 'refused', code: 'too-old' }])
    expect(cluster.held()).toEqual(GONE)
  })

  test.for([
    ['of an earlier run', -1e9],
    ['of a time to come', 1],
    ['more than a quarter of the horizon ago', -HORIZON_MS / 4 - 1],
  ] as const)('a record as of a clock %s: is too old', ([, ms]) => {
    const cluster = new Cluster().register()
    const asOf = cluster.clock(THIRD) + ms
    const write = { kind: 'write', id: 1, round: 0, keyspace: CARTS, key: 'k', record: PUT, repairs: false } as const
    expect(cluster.ask(THIRD, { ...write, asOf })).toMatchObject([{ kind: 'refused', code: 'too-old' }])
    const recent = cluster.clock(THIRD) - HORIZON_MS / 4
    expect(cluster.ask(THIRD, { ...write, asOf: recent })).toMatchObject([{ kind: 'written' }])
  })

  test('a last write: a retry that is older than the erased delete is too late, a copy and a newer one are taken', () => {
    const cluster = new Cluster().register()
    cluster.put(lww(5, null), LIST.replicas, SEATS)
    cluster.wait(2 * HORIZON_MS)
    expect(cluster.held(SEATS)).toEqual(GONE)
    const write = (at: number, repairs: boolean): LocalMessage[] =>
      cluster.ask(THIRD, {
        kind: 'write',
        id: 1,
        round: 0,
        keyspace: SEATS,
        key: 'k',
        record: lww(at, Uint8Array.of(1)),
        asOf: cluster.clock(THIRD),
        repairs,
      })
    expect(write(4, false)).toMatchObject([{ kind: 'refused', code: 'too-late' }])
    expect(write(4, true)).toMatchObject([{ kind: 'written' }])
    cluster.stored[THIRD]?.clear()
    expect(write(6, false)).toMatchObject([{ kind: 'written' }])
  })
})
