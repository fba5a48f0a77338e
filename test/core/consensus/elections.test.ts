/** Elections end to end in a small world: one leader at a time, one in a generation, whatever is lost or restarted. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holds } from '../../property.ts'
import { playElections, type PlayResult, type PlaySetting } from './election-play.ts'

const CALM = { electors: 3, contenders: 3, drift: 0.01, spread: 0.01, lossRate: 0, isRough: false }

function rough(changes: Partial<PlaySetting>, seeds = 60): PlayResult[] {
  const setting = { ...CALM, lossRate: 0.1, isRough: true, ...changes }
  return Array.from({ length: seeds }, (_, seed) => playElections({ ...setting, seed }))
}

describe('elections', () => {
  test('any world within the drift bound: never two lead at once, nor one generation twice, and generations rise', () => {
    const world = fc.record({
      seed: fc.nat(),
      electors: fc.constantFrom(1, 3, 5),
      contenders: fc.integer({ min: 1, max: 4 }),
      drift: fc.constantFrom(0.01, 0.2),
      lossRate: fc.constantFrom(0, 0.1, 0.3),
      isRough: fc.boolean(),
    })
    const property = fc.property(world, (drawn) => {
      const { overlaps, doubles, generations, unfenced } = playElections({ ...drawn, spread: drawn.drift })
      expect({ overlaps, doubles, unfenced }).toEqual({ overlaps: 0, doubles: 0, unfenced: 0 })
      expect(generations).toEqual(generations.toSorted((a, b) => a - b))
    })
    holds(property, { numRuns: 150 })
  })

  test('any clocks at all: a generation still has one leader', () => {
    for (const { doubles } of rough({ spread: 0.5 })) expect(doubles).toBe(0)
  })

  test('nothing goes wrong: somebody leads soon, and stays', () => {
    for (let seed = 0; seed < 20; seed++) expect(playElections({ ...CALM, seed, electors: 5 }).elected).toBe(1)
  })

  test('restarts and pauses: there are leaders all the same', () => {
    for (const { elected } of rough({})) expect(elected).toBeGreaterThan(0)
  })

  test('clocks beyond the bound: the observer of these tests sees two leaders', () => {
    expect(rough({ spread: 0.5 }).some(({ overlaps }) => overlaps > 0)).toBe(true)
  })

  test('electors that forget their vote: he sees two leaders, or one generation twice', () => {
    const results = rough({ wrong: 'vote-not-kept' })
    expect(results.some(({ overlaps, doubles }) => overlaps + doubles > 0)).toBe(true)
  })

  test('electors that do not wait after a restart: he sees two leaders', () => {
    expect(rough({ wrong: 'no-wait-after-restart' }, 300).some(({ overlaps }) => overlaps > 0)).toBe(true)
  })
})
