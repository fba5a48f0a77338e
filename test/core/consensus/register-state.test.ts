/** The table of operations in a register's state, and what a proposer makes of a state. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, type Attempt, type Change } from '../../../src/core/consensus/change.ts'
import {
  mayBeForgotten,
  proposedBy,
  PROPOSERS_MAX,
  REMEMBERED_MAX,
  REMEMBERED_MIN,
  REMEMBERED_STAMPS,
  revisionOf,
  UNWRITTEN,
  visibleRevision,
  withChange,
  withRound,
  withFence,
} from '../../../src/core/consensus/register-state.ts'
import type { Ballot } from '../../../src/core/base/ballot.ts'
import type { RegisterState } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function after(ats: readonly number[]): RegisterState {
  let state = UNWRITTEN
  for (const [i, at] of ats.entries()) state = withChange(state, bytes(String(i)), { op: i + 1, at })
  return state
}

describe('register state: operations', () => {
  test('long apart: the last sixteen are remembered, and the newest of the others bounds what may be forgotten', () => {
    const ats = Array.from({ length: 20 }, (_, i) => (i + 1) * REMEMBERED_STAMPS)
    const state = after(ats)
    expect(state.operations).toHaveLength(3 * REMEMBERED_MIN)
    expect(state.revision).toBe(20)
    expect([4, 5, 20].map((op) => revisionOf(state, op))).toEqual([undefined, 5, 20])
    expect(state.forgottenAt).toBe(ats[3])
    expect([ats[3], ats[4]].map((at) => mayBeForgotten(state, at as number))).toEqual([true, false])
  })

  test('in quick succession: up to 128 are remembered', () => {
    const state = after(Array.from({ length: 200 }, (_, i) => 1_000 + i))
    expect(state.operations).toHaveLength(3 * REMEMBERED_MAX)
    expect(revisionOf(state, 200 - REMEMBERED_MAX + 1)).toBe(200 - REMEMBERED_MAX + 1)
    expect(state.forgottenAt).toBe(1_000 + 200 - REMEMBERED_MAX - 1)
  })

  test('whatever the times: an operation is in the table, or it may be forgotten, or it never was', () => {
    const at = fc.integer({ min: 1, max: 3 * REMEMBERED_STAMPS })
    holds(
      fc.property(fc.array(at, { maxLength: 60 }), (ats) => {
        const state = after(ats)
        expect(state.operations.length).toBeGreaterThanOrEqual(3 * Math.min(ats.length, REMEMBERED_MIN))
        for (const [i, stamp] of ats.entries()) {
          if (revisionOf(state, i + 1) === undefined) expect(mayBeForgotten(state, stamp)).toBe(true)
          else expect(revisionOf(state, i + 1)).toBe(i + 1)
        }
      }),
    )
  })

  test('a fence: changes nothing but the table', () => {
    const before = after([5])
    const fenced = withFence(before, { op: 9, at: 7 })
    expect(fenced).toEqual({ ...before, operations: [9, 7, 0, 1, 5, 1] })
    expect(revisionOf(fenced, 9)).toBe(0)
  })
})

function attempt(change: Change, more: Partial<Attempt> = {}): Attempt {
  return { op: 50, at: 50, isRetry: false, proposed: undefined, change, ...more }
}

const set = (value: string | null, ifRevision?: number): Change => {
  return { kind: 'set', value: value === null ? null : bytes(value), ifRevision }
}

describe('decide', () => {
  const two = after([1, 2])

  test('a put raises the revision by one, and its operation is found again', () => {
    const { state, verdict } = decide(two, attempt(set('x')))
    expect(verdict).toEqual({ kind: 'applied', now: { value: bytes('x'), revision: 3 } })
    expect(decide(state, attempt(set('x'), { isRetry: true }))).toEqual({
      state,
      verdict: { kind: 'repeated', revision: 3 },
    })
  })

  test('a delete: raises the revision inside, and the key is not there', () => {
    const { state, verdict } = decide(two, attempt(set(null)))
    expect(verdict).toEqual({ kind: 'applied', now: { value: null, revision: 0 } })
    expect([state.revision, visibleRevision(state)]).toEqual([3, 0])
    expect(decide(state, attempt(set('again', 0), { op: 51 })).state.revision).toBe(4)
  })

  test.for([
    [undefined, 'applied'],
    [2, 'applied'],
    [1, 'condition-failed'],
    [0, 'condition-failed'],
    [3, 'condition-failed'],
  ] as const)('a put if the revision is %s, of a key at revision 2: %s', ([ifRevision, kind]) => {
    const { state, verdict } = decide(two, attempt(set('x', ifRevision)))
    expect(verdict.kind).toBe(kind)
    if (kind === 'condition-failed') {
      expect(state).toBe(two)
      expect(verdict).toMatchObject({ now: { revision: 2 } })
    }
  })

  test('must not exist: holds for a key that was never written or was deleted', () => {
    expect(decide(UNWRITTEN, attempt(set('x', 0))).verdict.kind).toBe('applied')
    const deleted = decide(two, attempt(set(null), { op: 51 })).state
    expect(decide(deleted, attempt(set('x', 0))).verdict.kind).toBe('applied')
    expect(decide(deleted, attempt(set('x', 3))).verdict.kind).toBe('condition-failed')
  })

  test('an operation that was applied before: a compare is not made again, so it never meets its own value', () => {
    const first = decide(two, attempt(set('x', 2)))
    const later = decide(first.state, attempt(set('y'), { op: 51 })).state
    expect(decide(later, attempt(set('x', 2))).verdict).toEqual({ kind: 'repeated', revision: 3 })
  })

  test('an update: gets what is there, and its errors are its own', () => {
    const seen: unknown[] = []
    const grow: Change = {
      kind: 'update',
      change: (current) => {
        seen.push(current)
        return bytes(`${new TextDecoder().decode(current.value ?? undefined)}+`)
      },
    }
    expect(decide(two, attempt(grow)).verdict).toEqual({ kind: 'applied', now: { value: bytes('1+'), revision: 3 } })
    expect(seen).toEqual([{ value: bytes('1'), revision: 2 }])
    const error = new Error('no')
    const bad: Change = {
      kind: 'update',
      change: () => {
        throw error
      },
    }
    expect(decide(two, attempt(bad))).toEqual({ state: two, verdict: { kind: 'threw', error } })
  })

  test('a fence: stops an operation that was not applied, and tells of one that was', () => {
    const fence: Change = { kind: 'fence' }
    const { state, verdict } = decide(two, attempt(fence, { isRetry: true }))
    expect(verdict).toEqual({ kind: 'fenced' })
    expect(decide(state, attempt(set('x'))).verdict).toEqual({ kind: 'fenced' })
    expect(decide(state, attempt(fence, { isRetry: true }))).toEqual({ state, verdict: { kind: 'fenced' } })
    expect(decide(two, attempt(fence, { op: 2, isRetry: true })).verdict).toEqual({ kind: 'repeated', revision: 2 })
  })

  test('too late: a retry that may have been forgotten is not applied, and a first attempt is', () => {
    const full = after(Array.from({ length: 30 }, (_, i) => (i + 1) * REMEMBERED_STAMPS))
    const late = { op: 99, at: full.forgottenAt, isRetry: true }
    expect(decide(full, attempt(set('x'), late)).verdict.kind).toBe('forgotten')
    expect(decide(full, attempt({ kind: 'fence' }, late)).verdict.kind).toBe('forgotten')
    expect(decide(full, attempt(set('x'), { ...late, isRetry: false })).verdict.kind).toBe('applied')
    expect(decide(full, attempt(set('x'), { ...late, at: full.forgottenAt + 1 })).verdict.kind).toBe('applied')
  })

  test('one that was proposed in this call: the state says whether it builds on that, however much came after', () => {
    const ballot = (proposer: number, counter = 7): Ballot => ({ counter, proposer, step: 0 })
    const mine = { proposer: 1, rounds: [7, 3], since: 7 }
    const proposed = attempt(set('x'), { op: 99, at: 1, proposed: mine })
    const others = (from: RegisterState, count: number): RegisterState => {
      let state = from
      for (let i = 0; i < 50; i++)
        state = withChange(state, bytes('y'), { op: 100 + i, at: 100 + i * REMEMBERED_STAMPS })
      for (let i = 0; i < count; i++) state = proposedBy(state, ballot(2 + i))
      return state
    }
    const landed = proposedBy(decide(two, proposed).state, ballot(1))
    expect(decide(others(landed, PROPOSERS_MAX - 1), proposed).verdict).toEqual({ kind: 'repeated', revision: 3 })
    expect(decide(others(two, PROPOSERS_MAX - 1), proposed).verdict.kind).toBe('applied')
    expect(decide(others(proposedBy(two, ballot(1, 6)), 3), proposed).verdict.kind).toBe('applied')
    // An earlier round of the same call may have proposed it, and somebody found it there and proposed it again.
    const again = attempt(set('x'), { op: 99, at: 1, proposed: { ...mine, since: 5 } })
    expect(decide(others(proposedBy(two, ballot(1, 6)), 3), again).verdict.kind).toBe('forgotten')
    expect(decide(others(proposedBy(two, ballot(1, 4)), 3), again).verdict.kind).toBe('applied')
    // A round in which it was found counts as well.
    const found = attempt(set('x'), { op: 99, at: 1, proposed: withRound(ballot(1, 9), 3, mine) })
    expect(decide(others(proposedBy(two, ballot(1, 9)), 3), found).verdict).toEqual({ kind: 'repeated', revision: 3 })
    expect(decide(others(proposedBy(two, ballot(1, 8)), 3), found).verdict.kind).toBe('applied')
    // So many have proposed since that nobody can tell: what is not known is not done again.
    for (const before of [landed, two]) {
      expect(decide(others(before, PROPOSERS_MAX), proposed).verdict.kind).toBe('forgotten')
    }
  })

  test('a look changes nothing', () => {
    const { state, verdict } = decide(two, attempt({ kind: 'look' }, { op: 0, at: 0 }))
    expect(state).toBe(two)
    expect(verdict).toEqual({ kind: 'looked', now: { value: bytes('1'), revision: 2 } })
  })
})
