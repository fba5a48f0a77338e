/** Registers that were deleted and erased: what their acceptors remember of all of them together. */
import { describe, expect, test } from 'vitest'
import { NO_BALLOT, type Ballot } from '../../src/core/base/ballot.ts'
import { stampOf } from '../../src/core/causality/hybrid-time.ts'
import { decide } from '../../src/core/consensus/change.ts'
import {
  erasedState,
  mergeErased,
  proposedBy,
  revisionBuiltOn,
  UNWRITTEN,
} from '../../src/core/consensus/register-state.ts'
import type { LocalMessage } from '../../src/core/message.ts'
import type { RegisterRecord, RegisterState } from '../../src/core/record.ts'
import { Cluster, FIRST, HORIZON_MS, LIST, LOCKS, OTHERS, SECOND, WALL_MS } from './reaping.ts'

const ballot = (counter: number, proposer = 9): Ballot => ({ counter, proposer, step: 0 })
const AT = stampOf(WALL_MS)
const BYTES = Uint8Array.of(1)
/** A register that was written and deleted, at revision 4. */
const DELETED: RegisterState = {
  ...UNWRITTEN,
  revision: 4,
  operations: [77, AT + 5, 4, 66, AT + 9, 3],
  proposers: [9, 5],
}
const GONE = [false, false, false]
const THERE = [true, true, true]

const head = { id: 1, round: 0, keyspace: LOCKS, key: 'k', births: [] } as const
const accept = (cluster: Cluster, index: number, at: Ballot, state: RegisterState): LocalMessage[] =>
  cluster.ask(index, { kind: 'accept', ...head, ballot: at, state })
const prepare = (cluster: Cluster, index: number, at: Ballot, key = 'k'): LocalMessage[] =>
  cluster.ask(index, { kind: 'prepare', ...head, key, ballot: at })

function holding(state: RegisterState, at = ballot(5)): Cluster {
  const cluster = new Cluster().register().meet()
  for (const index of LIST.replicas) expect(accept(cluster, index, at, state)).toMatchObject([{ kind: 'accepted' }])
  return cluster
}

function erased(): Cluster {
  const cluster = holding(DELETED)
  cluster.wait(2 * HORIZON_MS)
  expect(cluster.held(LOCKS)).toEqual(GONE)
  return cluster
}

describe('which registers are erased', () => {
  test('a delete that all acceptors have accepted: a horizon later', () => {
    const cluster = holding(DELETED)
    cluster.wait(HORIZON_MS)
    expect(cluster.held(LOCKS)).toEqual(THERE)
    cluster.wait(HORIZON_MS)
    expect(cluster.held(LOCKS)).toEqual(GONE)
  })

  test('a value, and a delete that carried a fencing token: never', () => {
    for (const state of [
      { ...DELETED, value: BYTES },
      { ...DELETED, token: 3 },
    ]) {
      const cluster = holding(state)
      cluster.wait(4 * HORIZON_MS)
      expect(cluster.held(LOCKS)).toEqual(THERE)
    }
  })

  test('a delete with a round under way at one acceptor, or that one has not accepted: stays everywhere', () => {
    const promised = holding(DELETED)
    prepare(promised, SECOND, ballot(6))
    const behind = new Cluster().register().meet()
    for (const index of LIST.replicas.slice(0, 2)) accept(behind, index, ballot(5), DELETED)
    for (const cluster of [promised, behind]) cluster.wait(4 * HORIZON_MS)
    expect(promised.held(LOCKS)).toEqual(THERE)
    expect(behind.held(LOCKS)).toEqual([true, true, false])
  })
})

describe('after a register was erased', () => {
  test('a proposal from before that comes late: is refused, by each acceptor, also when it has started again', () => {
    const cluster = erased()
    cluster.restart(SECOND)
    cluster.meet()
    for (const index of LIST.replicas) {
      const promised = ballot(5)
      expect(accept(cluster, index, ballot(4), { ...DELETED, value: BYTES })).toMatchObject([
        { kind: 'preempted', promised },
      ])
      expect(prepare(cluster, index, ballot(5, 8))).toMatchObject([{ kind: 'preempted', promised }])
    }
    expect(cluster.held(LOCKS)).toEqual(GONE)
  })

  test('a copy that somebody kept: is not taken, and a round of the register is asked for', () => {
    const cluster = erased()
    const record: RegisterRecord = { kind: 'register', promised: ballot(4), accepted: ballot(4), state: DELETED }
    cluster.put(record, [FIRST], LOCKS)
    expect(cluster.held(LOCKS)).toEqual(GONE)
  })

  test('a new proposal: is told of a revision that is not given again, and of operations that may be forgotten', () => {
    const cluster = erased()
    const [answer] = prepare(cluster, FIRST, ballot(6))
    expect(answer).toMatchObject({
      kind: 'promised',
      accepted: NO_BALLOT,
      state: { value: null, revision: 4, operations: [], forgottenAt: AT + 9 },
    })
    const state = (answer as { state: RegisterState }).state
    const change = { kind: 'set', value: BYTES, ifRevision: 0 } as const
    const fresh = decide(state, { change, op: 88, at: AT + 20, isRetry: false, proposed: undefined })
    expect(fresh.verdict).toMatchObject({ kind: 'applied', now: { revision: 5 } })
    const retry = decide(state, { change, op: 66, at: AT + 9, isRetry: true, proposed: undefined })
    expect(retry.verdict).toEqual({ kind: 'forgotten' })
    const preempted = { proposer: ballot(5).proposer, rounds: [5, 4], since: 5 }
    const unsure = decide(state, { change, op: 66, at: AT + 9, isRetry: false, proposed: preempted })
    expect(unsure.verdict).toEqual({ kind: 'forgotten' })
  })

  test('keys of another keyspace: have promised nothing', () => {
    const [answer] = erased().ask(FIRST, { kind: 'prepare', ...head, keyspace: OTHERS, ballot: ballot(1) })
    expect(answer).toMatchObject({ kind: 'promised', accepted: NO_BALLOT, state: UNWRITTEN })
  })

  test('other keys that are not here: have promised as much, and a read finds nothing promised', () => {
    const cluster = erased()
    expect(prepare(cluster, FIRST, ballot(3), 'other')).toMatchObject([{ kind: 'preempted' }])
    expect(cluster.ask(FIRST, { kind: 'inquire', ...head, digest: false })).toMatchObject([
      { kind: 'told', promised: NO_BALLOT, accepted: NO_BALLOT, state: UNWRITTEN },
    ])
  })
})

describe('states of erased registers', () => {
  test('what they build on: cannot be told, for as long as others may have proposed before', () => {
    const state = proposedBy(proposedBy(mergeErased(UNWRITTEN, erasedState(3, 0)), ballot(7)), ballot(8))
    const builtOn = (from: RegisterState, { proposer, counter }: Ballot): number | undefined =>
      revisionBuiltOn(from, { proposer, rounds: [counter, 2], since: counter })
    expect(builtOn(mergeErased(UNWRITTEN, UNWRITTEN), ballot(5))).toBe(0)
    expect([builtOn(state, ballot(8)), builtOn(state, ballot(7)), builtOn(state, ballot(5, 4))]).toEqual([
      2,
      0,
      undefined,
    ])
  })
})
