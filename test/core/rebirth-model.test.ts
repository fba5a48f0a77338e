/** Acceptors that lose their disks and come back, under random schedules; and that each rule of it is needed. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { RebirthModel, type Omission, type Setting } from './rebirth-model.ts'

const THREE = { acceptors: 3, phase1: 2, phase2: 2 }
const FIVE = { acceptors: 5, phase1: 3, phase2: 3 }

describe('acceptors that lose their disks', () => {
  test.for<Setting>([
    THREE,
    FIVE,
    { acceptors: 5, phase1: 4, phase2: 2 },
    { acceptors: 5, phase1: 2, phase2: 4 },
    { acceptors: 4, phase1: 3, phase2: 2 },
  ])('$acceptors, quorums of $phase1 and $phase2: come back, and nothing is lost', (setting) => {
    const sums = { wipes: 0, returns: 0, observed: 0 }
    for (let seed = 1; seed <= 500; seed++) {
      const model = new RebirthModel(new Random(seed), setting)
      model.play()
      expect(model.problems, `seed ${seed}`).toEqual([])
      sums.wipes += model.wipes
      sums.returns += model.returns
      sums.observed += model.observed.length
    }
    expect(Math.min(sums.wipes, sums.returns, sums.observed)).toBeGreaterThan(200)
  })

  test.for<{ omits: Omission; setting: Omit<Setting, 'omits'>; seedsMax: number }>([
    { omits: 'exchange', setting: THREE, seedsMax: 500 },
    { omits: 'few-witnesses', setting: THREE, seedsMax: 1_000 },
    { omits: 'few-witnesses', setting: FIVE, seedsMax: 3_000 },
    { omits: 'births', setting: THREE, seedsMax: 6_000 },
  ])('without $omits, of $setting.acceptors: something is lost', ({ omits, setting, seedsMax }) => {
    let broken = 0
    for (let seed = 1; seed <= seedsMax && broken === 0; seed++) {
      const model = new RebirthModel(new Random(seed), { ...setting, omits })
      model.play()
      if (model.problems.length > 0) broken = seed
    }
    expect(broken).toBeGreaterThan(0)
  })
})
