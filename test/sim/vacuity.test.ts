/**
 * The judges see: a store that is run wrongly is caught, by the judge whose promise is broken, and the same set-up run
 * rightly is not.
 */
import { describe, expect, test } from 'vitest'
import type { JudgeName } from '../../src/check/index.ts'
import { BREAKAGES, simulate, type Breakage, type SimulateOptions } from '../../src/sim/index.ts'
import { accusersOf } from './judge.ts'

interface Case {
  readonly breakage: Breakage
  /** Who has to notice. */
  readonly judge: JudgeName
  readonly setting: Omit<SimulateOptions, 'seed' | 'breakage'>
}

const STRICT = { n: 3, r: 2, w: 2, conflicts: 'siblings', repair: 'blocking' } as const
const SEEDS_MAX = 60
/** As many runs of the same set-up, unbroken, that this judge has to leave alone. */
const GOOD_SEEDS = 15

const CASES: readonly Case[] = [
  { breakage: 'half-quorums', judge: 'strictRegular', setting: { replicas: 3, keyspace: { n: 3 } } },
  { breakage: 'no-repair', judge: 'monotonic', setting: { replicas: 3, keyspace: STRICT } },
  {
    breakage: 'early-acknowledgement',
    judge: 'strictRegular',
    setting: { replicas: 3, keyspace: STRICT, nemesis: { classes: ['crash', 'slow-disk'] } },
  },
  {
    breakage: 'early-acknowledgement',
    judge: 'noLostWrites',
    setting: { replicas: 3, keyspace: { ...STRICT, r: 3, w: 1 }, nemesis: { classes: ['crash', 'slow-disk'] } },
  },
  { breakage: 'one-sibling', judge: 'noLostWrites', setting: { replicas: 3, keyspace: STRICT } },
  {
    breakage: 'duplicate-counts',
    judge: 'strictRegular',
    setting: { replicas: 3, keyspace: STRICT, nemesis: { classes: ['duplication', 'partition'] } },
  },
  {
    breakage: 'reused-incarnation',
    judge: 'noLostWrites',
    setting: { replicas: 3, keyspace: STRICT, nemesis: { classes: ['wipe', 'crash'] } },
  },
]

describe('vacuity', () => {
  test('every breakage has a case', () => {
    expect(new Set(CASES.map(({ breakage }) => breakage))).toEqual(new Set(BREAKAGES))
  })

  test.for(CASES)('$breakage is caught by $judge', ({ breakage, judge, setting }) => {
    let caughtAt: number | undefined
    for (let seed = 1; seed <= SEEDS_MAX && caughtAt === undefined; seed++) {
      if (accusersOf(simulate({ ...setting, seed, breakage })).has(judge)) caughtAt = seed
    }
    expect(caughtAt).toBeDefined()
    for (let seed = 1; seed <= GOOD_SEEDS; seed++) {
      expect([...accusersOf(simulate({ ...setting, seed }))], `seed ${seed}, unbroken`).toEqual([])
    }
  })
})
