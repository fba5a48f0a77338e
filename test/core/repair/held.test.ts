/** Since when something is held, and what a round of agreement makes of the answers. */
import { describe, expect, test } from 'vitest'
import { HeldKeys } from '../../../src/core/repair/held.ts'
import { REAPED_MAX } from '../../../src/core/repair/reap-message.ts'
import { ReapRound, type ReapCandidate } from '../../../src/core/repair/reap-round.ts'

const K = { keyspace: 1, key: 'k', digest: 7 }

describe('held keys', () => {
  test('a key: is held since it was asked about first, and not before', () => {
    const held = new HeldKeys()
    expect(held.heldMs(K, 5)).toBe(-1)
    expect(held.ask(K, 10)).toBe(0)
    expect(held.ask(K, 25)).toBe(15)
    expect(held.heldMs(K, 30)).toBe(20)
  })

  test('another digest, and any change: the time begins anew, also when the same comes back', () => {
    const held = new HeldKeys()
    held.ask(K, 0)
    expect(held.heldMs({ ...K, digest: 8 }, 10)).toBe(-1)
    expect(held.ask({ ...K, digest: 8 }, 10)).toBe(0)
    expect(held.ask(K, 20)).toBe(0)
    held.changed(1, 'k')
    expect(held.heldMs(K, 30)).toBe(-1)
    expect(held.ask(K, 40)).toBe(0)
    expect(held.size).toBe(1)
  })

  test('that nothing is held: is remembered like a record', () => {
    const held = new HeldKeys()
    held.ask({ ...K, digest: 0 }, 0)
    expect(held.ask({ ...K, digest: 0 }, 9)).toBe(9)
    held.changed(1, 'k')
    expect(held.heldMs({ ...K, digest: 0 }, 10)).toBe(-1)
  })

  test('more keys than there is room for: are not held, until older ones are forgotten', () => {
    const held = new HeldKeys(2)
    held.ask({ ...K, key: 'a' }, 0)
    held.ask({ ...K, key: 'b' }, 5)
    expect(held.ask({ ...K, key: 'c' }, 10)).toBe(-1)
    held.forget(5)
    expect(held.heldMs({ ...K, key: 'a' }, 10)).toBe(-1)
    expect(held.heldMs({ ...K, key: 'b' }, 10)).toBe(5)
    expect(held.ask({ ...K, key: 'c' }, 10)).toBe(0)
  })
})

describe('a round of agreement', () => {
  const candidate = (key: string, more: Partial<ReapCandidate> = {}): ReapCandidate => {
    return { ...K, key, replicas: [1, 2], others: [], heldMs: 100, ...more }
  }

  test('everybody is asked once about all that concerns them, and the shortest time counts', () => {
    const round = new ReapRound(9, 50)
    round.add(candidate('a'))
    round.add(candidate('b', { replicas: [1], others: [3] }))
    expect(round.questions()).toEqual([
      {
        peer: 1,
        entries: [
          { ...K, key: 'a' },
          { ...K, key: 'b' },
        ],
      },
      { peer: 2, entries: [{ ...K, key: 'a' }] },
      { peer: 3, entries: [{ ...K, key: 'b', digest: 0 }] },
    ])
    round.answered(1, [90, 80])
    round.answered(2, [-1])
    expect(round.isOver).toBe(false)
    expect(round.results().map(({ heldMs }) => heldMs)).toEqual([-1, -1])
    round.answered(3, [70])
    expect(round.isOver).toBe(true)
    expect(round.results().map(({ heldMs }) => heldMs)).toEqual([-1, 70])
  })

  test('a second answer, one of somebody who was not asked, and one of another length: say nothing', () => {
    const round = new ReapRound(9, 50)
    round.add(candidate('a'))
    round.answered(1, [90])
    round.answered(1, [10])
    round.answered(4, [10])
    round.answered(2, [90, 90])
    expect(round.isOver).toBe(false)
    round.answered(2, [95])
    expect(round.results().map(({ heldMs }) => heldMs)).toEqual([90])
  })

  test('what this replica holds for less time than the others: counts as well', () => {
    const round = new ReapRound(9, 50)
    round.add(candidate('a', { heldMs: 3, replicas: [] }))
    expect(round.isOver).toBe(true)
    expect(round.results().map(({ heldMs }) => heldMs)).toEqual([3])
  })

  test('a round is full by keys and by bytes', () => {
    const many = new ReapRound(9, 50)
    for (let i = 0; i < REAPED_MAX; i++) {
      expect(many.isFull).toBe(false)
      many.add(candidate(`k${i}`))
    }
    expect(many.isFull).toBe(true)
    const large = new ReapRound(9, 50)
    for (let i = 0; i < 70; i++) large.add(candidate('x'.repeat(1_000)))
    expect(large.isFull).toBe(true)
  })
})
