/** One elector: to whom it gives its vote, whom it keeps out and for how long, and what it writes down. */
import { describe, expect, test } from 'vitest'
import { Elector, isFarAhead, type Renewal } from '../../../src/core/consensus/elector.ts'
import {
  electorCount,
  Electors,
  GENERATION_AHEAD_MAX,
  groupKey,
  groupName,
  groupOfKey,
  groupToRecord,
  recordToGroup,
  type GroupRecord,
} from '../../../src/core/consensus/group.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'

const ANN = { proposer: 1, holder: 'ann', leaseMs: 1000, acts: true }
const BOB = { proposer: 2, holder: 'bob', leaseMs: 1000, acts: true }

function ann(generation: number, more: Partial<Renewal> = {}): Renewal {
  return { ...ANN, generation, ...more }
}

function bob(generation: number, more: Partial<Renewal> = {}): Renewal {
  return { ...BOB, generation, ...more }
}

function votedFor(asked: Renewal): GroupRecord {
  const { generation, proposer, holder, leaseMs } = asked
  return { generation, proposer, holder, leaseMs, led: undefined }
}

function elector(waitMs = 0): Elector {
  return new Elector({ drift: 0.1, nowMs: 0, waitMs })
}

describe('votes', () => {
  test('a first vote: is granted and written, with the longest lease that goes with it', () => {
    expect(elector().vote(ann(3), undefined, 0)).toEqual({ granted: true, write: votedFor(ann(3)) })
  })

  test('another contender in the same generation: is refused, however long ago that was', () => {
    expect(elector().vote(bob(3), votedFor(ann(3)), 1e9)).toEqual({ granted: false })
  })

  test('a lower generation: is refused, also to the one who has the vote', () => {
    expect(elector().vote(ann(2), votedFor(ann(3)), 0)).toEqual({ granted: false })
  })

  test('the same request once more: is granted, and nothing is written again', () => {
    expect(elector().vote(ann(3), votedFor(ann(3)), 0)).toEqual({ granted: true })
    const longer = ann(3, { leaseMs: 2000 })
    expect(elector().vote(longer, votedFor(ann(3)), 0)).toEqual({ granted: true, write: votedFor(longer) })
  })

  test('a promised lease: keeps others out for its length and the drift, and not the one who has it', () => {
    const subject = elector()
    subject.vote(ann(1), undefined, 0)
    expect(subject.leftMs(100)).toBe(1000)
    expect([1099, 1100].map((nowMs) => subject.vote(bob(2), votedFor(ann(1)), nowMs).granted)).toEqual([false, true])
    const other = elector()
    other.vote(ann(1), undefined, 0)
    expect(other.vote(ann(2), votedFor(ann(1)), 10).granted).toBe(true)
  })

  test('a restarted elector: waits before it votes for another than the one it voted for', () => {
    const subject = elector(500)
    expect(subject.would(BOB, votedFor(ann(1)), 499)).toBe(false)
    expect(subject.would(ANN, votedFor(ann(1)), 0)).toBe(true)
    expect(subject.would(BOB, votedFor(ann(1)), 500)).toBe(true)
  })

  test('who led last: stays written down through votes for others', () => {
    const led = { id: 'ann', generation: 1 }
    const { write } = elector().vote(bob(2), { ...votedFor(ann(1)), led }, 0)
    expect(write).toEqual({ ...votedFor(bob(2)), led })
  })
})

describe('renewals', () => {
  test('by the one who has the vote: last as long from each one on', () => {
    const subject = elector()
    const record = { ...votedFor(ann(1)), led: { id: 'ann', generation: 1 } }
    subject.vote(ann(1), undefined, 0)
    expect(subject.renew(ann(1), record, 900)).toEqual({ granted: true })
    expect(subject.leftMs(900)).toBe(1100)
  })

  test('the first that says that he leads: is written, and one that does not say so is not', () => {
    const record = votedFor(ann(1))
    expect(elector().renew(ann(1, { acts: false }), record, 0)).toEqual({ granted: true })
    const led = { id: 'ann', generation: 1 }
    expect(elector().renew(ann(1), record, 0)).toEqual({ granted: true, write: { ...record, led } })
  })

  test('of a higher generation than its own: is granted at once, since a quorum has voted there', () => {
    const subject = elector()
    subject.vote(ann(1), undefined, 0)
    const { granted, write } = subject.renew(bob(2, { acts: false }), votedFor(ann(1)), 10)
    expect({ granted, write }).toEqual({ granted: true, write: votedFor(bob(2)) })
  })

  test('of a lower generation, or by another of the same: are refused', () => {
    expect(elector().renew(ann(1), votedFor(bob(2)), 0)).toEqual({ granted: false })
    expect(elector().renew(ann(2), votedFor(bob(2)), 0)).toEqual({ granted: false })
  })
})

describe('giving it back', () => {
  test('by the one who has it: ends the promise, and what he sent before finds it ended', () => {
    const subject = elector()
    subject.vote(ann(1), undefined, 0)
    expect(subject.resign(ann(1), votedFor(ann(1)), 10)).toBe(true)
    expect(subject.leftMs(10)).toBe(0)
    expect(subject.renew(ann(1), votedFor(ann(1)), 20)).toEqual({ granted: false })
    expect(subject.vote(ann(1), votedFor(ann(1)), 20)).toEqual({ granted: false })
    expect(subject.vote(bob(2), votedFor(ann(1)), 20).granted).toBe(true)
  })

  test('by anybody else, or of another generation: changes nothing', () => {
    const subject = elector()
    subject.vote(ann(2), undefined, 0)
    expect(subject.resign(bob(2), votedFor(ann(2)), 10)).toBe(false)
    expect(subject.resign(ann(1), votedFor(ann(2)), 10)).toBe(false)
    expect(subject.leftMs(10)).toBe(1090)
  })
})

describe('groups', () => {
  test('electors: are an odd number of members, five at most', () => {
    expect([1, 2, 3, 4, 5, 6, 31].map((members) => electorCount(members))).toEqual([1, 1, 3, 3, 5, 5, 5])
    const members = ['a', 'b', 'c', 'd'].map((id) => ({ id, zone: '' }))
    const electors = new Electors(membershipOf(members))
    const { replicas } = electors.listOf('lock:x')
    expect(replicas).toHaveLength(3)
    expect([0, 1, 2, 3].filter((replica) => electors.has('lock:x', replica))).toEqual(
      replicas.toSorted((a, b) => a - b),
    )
  })

  test('records: come back as they were, with and without a leader', () => {
    const record = votedFor(ann(7))
    expect(recordToGroup(groupToRecord(record))).toEqual(record)
    const led = { ...record, led: { id: 'b/"', generation: 6 } }
    expect(recordToGroup(groupToRecord(led))).toEqual(led)
    expect(recordToGroup(undefined)).toBeUndefined()
    expect(recordToGroup({ kind: 'lww', at: 1, op: 1, value: null })).toBeUndefined()
  })

  test('names: of a lock and of a group never meet, and keys lead back to them', () => {
    expect(groupName('lock', 'x')).not.toBe(groupName('group', 'x'))
    expect(groupOfKey(groupKey('lock:x'))).toBe('lock:x')
    expect(groupOfKey('/hints/a')).toBeUndefined()
  })

  test('a generation far ahead of the own: is told from one that can have come about', () => {
    expect(isFarAhead(GENERATION_AHEAD_MAX, undefined)).toBe(false)
    expect(isFarAhead(GENERATION_AHEAD_MAX + 1, undefined)).toBe(true)
    expect(isFarAhead(GENERATION_AHEAD_MAX + 1, votedFor(ann(1)))).toBe(false)
  })
})
