/** The hybrid clock: stamps rise whatever the wall does, stay near it, and carry when a millisecond is full. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HybridClock, stampOf, wallOf } from '../../../src/core/causality/hybrid-time.ts'
import { holds } from '../../property.ts'

const ORIGIN = Date.UTC(2024, 0, 1)
const NOW = Date.UTC(2026, 6, 1, 12, 34, 56, 789)
const STEPS = 4096

test('stamp: a millisecond gives its first step, and the wall can be read back', () => {
  expect(stampOf(NOW)).toBe((NOW - ORIGIN) * STEPS)
  expect(stampOf(NOW + 0.75)).toBe(stampOf(NOW))
  for (const step of [0, 1, STEPS - 1]) expect(wallOf(stampOf(NOW) + step)).toBe(NOW)
  expect(wallOf(stampOf(NOW) + STEPS)).toBe(NOW + 1)
})

test.for([
  ['the origin', ORIGIN, 0],
  ['a wall before the origin', ORIGIN - 1, 0],
  ['a wall at the Unix epoch', 0, 0],
  ['a wall below zero', -5_000, 0],
  ['the first millisecond after', ORIGIN + 1, STEPS],
] as const)('stamp: %s gives %d', ([, wallMs, stamp]) => expect(stampOf(wallMs)).toBe(stamp))

test('stamp: the last millisecond of 2092 is still a whole number that doubles hold exactly', () => {
  const stamp = stampOf(Date.UTC(2092, 11, 31, 23, 59, 59, 999)) + STEPS - 1
  expect(Number.isSafeInteger(stamp)).toBe(true)
  expect(stamp + 1 - stamp).toBe(1)
})

test('clock: walls that stand, jump back and jump ahead give stamps that rise and are no lower than the wall', () => {
  const walls = fc.array(fc.integer({ min: NOW - 5_000, max: NOW + 5_000 }), { minLength: 1, maxLength: 50 })
  holds(
    fc.property(walls, (readings) => {
      const clock = new HybridClock()
      let last = -1
      for (const wallMs of readings) {
        const stamp = clock.next(wallMs)
        expect(stamp).toBeGreaterThan(last)
        expect(stamp).toBeGreaterThanOrEqual(stampOf(wallMs))
        // Never further ahead than the highest wall so far and one step for each stamp.
        expect(stamp).toBeLessThan(stampOf(Math.max(...readings)) + readings.length)
        last = stamp
      }
    }),
  )
})

test('clock: stamps that others made are exceeded, and older ones change nothing', () => {
  const stamps = fc.array(fc.integer({ min: stampOf(NOW) - 10, max: stampOf(NOW + 100) }), { maxLength: 20 })
  holds(
    fc.property(stamps, (observed) => {
      const clock = new HybridClock()
      for (const stamp of observed) clock.observe(stamp)
      expect(clock.next(NOW)).toBe(Math.max(stampOf(NOW), Math.max(0, ...observed) + 1))
    }),
  )
})

test('clock: a millisecond with more than 4096 stamps carries into the next, and the wall catches up', () => {
  const clock = new HybridClock()
  const stamps = Array.from({ length: STEPS + 5 }, () => clock.next(NOW))
  expect(new Set(stamps).size).toBe(stamps.length)
  expect(wallOf(stamps[STEPS - 1] as number)).toBe(NOW)
  expect(wallOf(stamps[STEPS] as number)).toBe(NOW + 1)
  expect(clock.next(NOW + 1)).toBe((stamps.at(-1) as number) + 1)
  expect(clock.next(NOW + 2)).toBe(stampOf(NOW + 2))
})
