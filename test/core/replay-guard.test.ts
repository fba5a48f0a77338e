/** The replay guard against a list of everything that ever came. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplayGuard, Retried } from '../../src/core/replay-guard.ts'
import { holds } from '../property.ts'

const REMEMBERED = 1_024

test('requests: any that came before is never new again, and one that is newer than all is always new', () => {
  const requests = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 0, max: 40 })), {
    maxLength: 200,
  })
  holds(
    fc.property(requests, (sent) => {
      const guard = new ReplayGuard()
      const came = new Map<number, Set<number>>()
      for (const [from, id] of sent) {
        const known = came.get(from) ?? new Set<number>()
        came.set(from, known)
        expect(guard.note(from, id)).toBe(known.has(id) ? 'again' : 'new')
        known.add(id)
      }
    }),
    { numRuns: 200 },
  )
})

test('more requests than are remembered: what is too old to tell is not done', () => {
  const guard = new ReplayGuard()
  for (let id = 0; id < 3 * REMEMBERED; id++) expect(guard.note(1, id)).toBe('new')
  const kept = Array.from({ length: REMEMBERED }, (_, i) => 3 * REMEMBERED - 1 - i)
  expect(new Set(kept.map((id) => guard.note(1, id)))).toEqual(new Set(['again']))
  expect(guard.note(1, 2 * REMEMBERED - 1)).toBe('ancient')
  expect(guard.note(1, 0)).toBe('ancient')
})

test('ids with gaps, out of order: an old one that never came is not done once it lies below what was forgotten', () => {
  const guard = new ReplayGuard()
  for (let n = 0; n <= REMEMBERED; n++) guard.note(1, 10 * n)
  expect(guard.note(1, 5)).toBe('new')
  for (let n = 1; n <= REMEMBERED; n++) guard.note(1, 1_000_000 + n)
  expect(guard.note(1, 7)).toBe('ancient')
})

test('senders: know nothing of each other, and are forgotten when they are gone', () => {
  const guard = new ReplayGuard()
  expect([guard.note(1, 5), guard.note(2, 5), guard.note(1, 5)]).toEqual(['new', 'new', 'again'])
  guard.forget(1)
  expect([guard.note(1, 5), guard.note(2, 5)]).toEqual(['new', 'again'])
})

describe('retried operations', () => {
  test('a noted one: is remembered, others are not', () => {
    const retried = new Retried()
    retried.note({ op: 1, at: 10 })
    expect(retried.has({ op: 1, at: 10 })).toBe(true)
    expect(retried.has({ op: 2, at: 10 })).toBe(false)
  })

  test('so many that the oldest are forgotten: what may have been among them counts as noted', () => {
    const retried = new Retried()
    for (let op = 1; op <= 65_537; op++) retried.note({ op, at: 100 + op })
    expect(retried.has({ op: 1, at: 101 })).toBe(true)
    expect(retried.has({ op: 99_999, at: 101 })).toBe(true)
    expect(retried.has({ op: 99_999, at: 102 })).toBe(false)
  })
})
