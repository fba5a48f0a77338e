/**
 * The judges see: a store that is run wrongly is caught, by the judge whose promise is broken, and the same set-up run
 * rightly is not.
 */
import { describe, expect, test } from 'vitest'
import {
  BREAKAGES,
  ELECTION_BREAKAGES,
  simulate,
  type Breakage,
  type Fault,
  type SimulateOptions,
} from '../../src/sim/index.ts'
import { accusersOf, type Accuser } from './judge.ts'

interface Case {
  readonly breakage: Breakage
  /** Who has to notice. */
  readonly judge: Accuser
  readonly setting: Omit<SimulateOptions, 'seed' | 'breakage'>
}

const STRICT = { n: 3, r: 2, w: 2, conflicts: 'siblings', repair: 'blocking' } as const
/** Many reads and writes of few keys. */
const BUSY = {
  operations: 300,
  durationMs: 30_000,
  keys: ['k1', 'k2'],
  weights: [
    ['get', 2],
    ['put', 2],
    ['blind', 1],
    ['update', 2],
  ],
} as const
/** Writes that have seen nothing, so that replicas learn of each other's dots late. */
const BLIND = {
  ...BUSY,
  weights: [
    ['get', 1],
    ['blind', 2],
  ],
  levelRate: 0,
} as const
/** Much is deleted, and written again with what was seen before. */
const DELETES = {
  operations: 300,
  durationMs: 60_000,
  keys: ['k1', 'k2'],
  weights: [
    ['get', 2],
    ['put', 1],
    ['blind', 1],
    ['delete', 2],
    ['update', 1],
  ],
  levelRate: 0,
} as const
const REGISTERS = { mode: 'cp', n: 3, r: 2, w: 2 } as const
/** Many changes of one register. */
const CONTENDED = {
  operations: 300,
  durationMs: 20_000,
  keys: ['k1'],
  weights: [
    ['get', 2],
    ['put', 1],
    ['blind', 2],
    ['update', 1],
    ['delete', 0.5],
  ],
} as const
/** Each acceptor in turn starts again within a round trip. */
const BLINKS: readonly Fault[] = Array.from({ length: 150 }, (_, i) => {
  return { kind: 'crash', host: i % 3, moment: 'now', wipes: false, atMs: 2000 + i * 120, forMs: 10 }
})
/** Changes of few registers all the time, each through its client's own coordinator. */
const RUSHED = {
  operations: 800,
  durationMs: 20_000,
  clients: 12,
  keys: ['k1', 'k2', 'k3'],
  weights: [
    ['get', 1],
    ['blind', 3],
    ['put', 1],
  ],
  hasteRate: 0,
  retryRate: 0,
  homeRate: 1,
  burstRate: 0.9,
  thinkMs: 20,
  timeoutMs: 3000,
} as const
const LED = { mode: 'cp', leader: true, r: 2, w: 2 } as const
/** Reads and changes of one register, some through whoever sleeps. */
const LED_WORKLOAD = {
  operations: 600,
  durationMs: 30_000,
  clients: 10,
  keys: ['k1'],
  weights: [
    ['get', 3],
    ['put', 1],
    ['blind', 2],
  ],
  hasteRate: 0,
  retryRate: 0,
  homeRate: 0.5,
  burstRate: 0.5,
  timeoutMs: 3000,
} as const
/** Each replica in turn sleeps for longer than most leases. */
const NAPS: readonly Fault[] = Array.from({ length: 28 }, (_, i) => {
  return { kind: 'pause', host: i % 3, atMs: 1500 + i * 1000, forMs: 2500 }
})
const NEAR = { lossRate: 0, duplicateRate: 0, replayRate: 0, nearMs: 2, farMs: 5 } as const
/** More than any run has, clients included. */
const HOSTS_MAX = 16
/**
 * One acceptor misses changes, and a second loses its disk; once that one has met both others, the third, which alone
 * has the changes, is gone for a while.
 */
const FORGOTTEN: readonly Fault[] = [2000, 9000].flatMap((atMs): Fault[] => [
  cutOff(1, { atMs, forMs: 3490 }),
  { kind: 'crash', host: 0, moment: 'now', wipes: true, atMs: atMs + 2000, forMs: 20 },
  cutOff(2, { atMs: atMs + 5500, forMs: 2000 }),
])
/** Changes of several registers, so that some are not touched between two faults. */
const SPREAD = {
  operations: 400,
  durationMs: 20_000,
  clients: 8,
  keys: ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'],
  weights: [
    ['get', 2],
    ['put', 1],
    ['blind', 2],
  ],
  hasteRate: 0,
} as const
const SEEDS_MAX = 60
/** As many runs of the same set-up, unbroken, that every judge has to leave alone. */
const GOOD_SEEDS = 10

const CASES: readonly Case[] = [
  { breakage: 'half-quorums', judge: 'strictRegular', setting: { keyspace: { n: 3 } } },
  { breakage: 'disjoint-quorums', judge: 'strictRegular', setting: { keyspace: { n: 3 } } },
  {
    breakage: 'no-repair',
    judge: 'monotonic',
    setting: { keyspace: STRICT, workload: BUSY, nemesis: { classes: ['partition', 'crash', 'pause'] } },
  },
  {
    breakage: 'early-acknowledgement',
    judge: 'noLostWrites',
    setting: {
      keyspace: { ...STRICT, n: 1, r: 1, w: 1 },
      workload: BUSY,
      nemesis: { classes: ['crash', 'slow-disk'] },
    },
  },
  {
    breakage: 'early-acknowledgement',
    judge: 'strictRegular',
    setting: {
      keyspace: { ...STRICT, repair: 'off' },
      workload: { ...BUSY, levelRate: 0 },
      exchangeMs: 0,
      nemesis: { classes: ['crash', 'slow-disk', 'partition', 'one-way'] },
    },
  },
  { breakage: 'one-sibling', judge: 'noLostWrites', setting: { keyspace: STRICT } },
  {
    breakage: 'duplicate-counts',
    judge: 'strictRegular',
    setting: { keyspace: STRICT, workload: BUSY, nemesis: { classes: ['duplication', 'partition', 'partial'] } },
  },
  {
    breakage: 'reused-incarnation',
    judge: 'noLostWrites',
    setting: {
      keyspace: { ...STRICT, repair: 'off' },
      workload: BLIND,
      nemesis: { classes: ['wipe', 'partition'] },
    },
  },
  {
    breakage: 'votes-while-empty',
    judge: 'strictRegular',
    setting: {
      keyspace: { ...STRICT, repair: 'off' },
      workload: { ...BUSY, levelRate: 0 },
      exchangeMs: 0,
      nemesis: { classes: ['wipe', 'partition'], permanent: false },
    },
  },
  {
    breakage: 'hint-counts-strict',
    judge: 'strictRegular',
    setting: {
      replicas: 5,
      keyspace: { ...STRICT, sloppy: true },
      workload: BUSY,
      nemesis: { classes: ['partition', 'crash', 'partial'] },
    },
  },
  {
    breakage: 'hint-dropped-early',
    judge: 'noLostWrites',
    setting: {
      replicas: 5,
      keyspace: { n: 1, r: 1, w: 1, conflicts: 'lww', sloppy: true },
      workload: { ...BUSY, keys: ['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8'] },
      nemesis: { classes: ['partition', 'crash', 'flapping', 'loss'] },
    },
  },
  {
    breakage: 'stale-digest',
    judge: 'unreadHealing',
    setting: {
      keyspace: { ...STRICT, repair: 'off' },
      workload: { operations: 300, durationMs: 30_000, weights: BLIND.weights, levelRate: 0 },
      exchangeMs: 1000,
      nemesis: { classes: ['partition', 'crash'], permanent: false },
    },
  },
  {
    breakage: 'reaps-by-timer',
    judge: 'noResurrection',
    setting: {
      keyspace: STRICT,
      workload: DELETES,
      horizonMs: 4000,
      exchangeMs: 1000,
      nemesis: { classes: ['partition', 'crash', 'pause'], permanent: false },
    },
  },
  {
    breakage: 'counters-restart',
    judge: 'noLostWrites',
    setting: {
      keyspace: { ...STRICT, n: 1, r: 1, w: 1 },
      workload: {
        ...DELETES,
        operations: 100,
        keys: ['k1'],
        sessionRate: 1,
        burstRate: 0.5,
        weights: [
          ['get', 1],
          ['put', 1],
          ['blind', 2],
          ['delete', 2],
          ['update', 1],
        ],
      },
      horizonMs: 2000,
      exchangeMs: 1000,
      nemesis: { classes: ['crash'], permanent: false },
    },
  },
  {
    breakage: 'late-messages',
    judge: 'noResurrection',
    setting: {
      keyspace: STRICT,
      workload: { ...DELETES, operations: 150, keys: ['k1', 'k2', 'k3'] },
      horizonMs: 4000,
      exchangeMs: 1000,
      nemesis: { classes: ['replay', 'slow-host'], permanent: false },
    },
  },
  { breakage: 'half-quorums', judge: 'linearizable', setting: { keyspace: { mode: 'cp', n: 3 } } },
  {
    breakage: 'early-acknowledgement',
    judge: 'linearizable',
    setting: {
      keyspace: { mode: 'cp', n: 1, r: 1, w: 1 },
      workload: CONTENDED,
      nemesis: { classes: ['crash', 'slow-disk'] },
    },
  },
  {
    breakage: 'forgotten-promise',
    judge: 'settled',
    setting: {
      keyspace: REGISTERS,
      workload: RUSHED,
      nemesis: { faults: BLINKS, permanent: false, conditions: { nearMs: 60, farMs: 60, inOrder: false } },
    },
  },
  {
    breakage: 'votes-while-empty',
    judge: 'linearizable',
    setting: {
      keyspace: REGISTERS,
      workload: SPREAD,
      exchangeMs: 30_000,
      nemesis: { faults: FORGOTTEN, permanent: false },
    },
  },
  {
    breakage: 'unsettled-read',
    judge: 'linearizable',
    setting: { keyspace: REGISTERS, workload: CONTENDED, nemesis: { classes: ['partition', 'crash', 'loss'] } },
  },
  {
    breakage: 'counter-without-max',
    judge: 'linearizable',
    setting: { keyspace: REGISTERS, workload: CONTENDED, nemesis: { classes: ['reordering', 'replay', 'slow-host'] } },
  },
  {
    breakage: 'forgotten-operations',
    judge: 'linearizable',
    setting: {
      keyspace: REGISTERS,
      workload: { ...CONTENDED, retryRate: 0.9, plannedRate: 1, retryMs: 500 },
      nemesis: { classes: ['loss', 'partition', 'pause'] },
    },
  },
  {
    breakage: 'leader-skips-recovery',
    judge: 'linearizable',
    setting: { keyspace: LED, workload: LED_WORKLOAD, nemesis: { classes: ['crash', 'pause'] } },
  },
  {
    breakage: 'lease-unchecked-on-answer',
    judge: 'linearizable',
    setting: {
      keyspace: LED,
      workload: LED_WORKLOAD,
      nemesis: { faults: NAPS, permanent: false, conditions: NEAR },
    },
  },
  {
    breakage: 'floor-ignored',
    judge: 'fencing',
    setting: {
      keyspace: LED,
      workload: LED_WORKLOAD,
      nemesis: { faults: NAPS, permanent: false, conditions: NEAR },
    },
  },
]

describe('vacuity', () => {
  test('every breakage has a case', () => {
    const here = BREAKAGES.filter((breakage) => !ELECTION_BREAKAGES.includes(breakage))
    expect(new Set(CASES.map(({ breakage }) => breakage))).toEqual(new Set(here))
  })

  test('disjoint quorums: with the proof there is no such run', () => {
    const keyspace = { n: 3, r: 'a', w: 'all of (b, c)' }
    const refused = expect.objectContaining({
      code: 'QUORATE_QUORUMS_DISJOINT',
      read: ['a'],
      write: ['b', 'c'],
    }) as Error
    expect(() => simulate({ seed: 1, replicas: 3, keyspace })).toThrow(refused)
    const { read, write } = simulate({ seed: 1, replicas: 3, breakage: 'disjoint-quorums', keyspace: { n: 3 } }).drawn
      .cluster.keyspace.definition
    expect({ r: read, w: write }).toEqual({ r: 'a', w: 'b and c' })
  })

  test.for(CASES)('$breakage is caught by $judge', ({ breakage, judge, setting }) => {
    let caughtAt: number | undefined
    for (let seed = 1; seed <= SEEDS_MAX && caughtAt === undefined; seed++) {
      if (accusersOf(simulate({ replicas: 3, ...setting, seed, breakage })).has(judge)) caughtAt = seed
    }
    expect(caughtAt).toBeDefined()
    for (let seed = 1; seed <= GOOD_SEEDS; seed++) {
      expect([...accusersOf(simulate({ replicas: 3, ...setting, seed }))], `seed ${seed}, unbroken`).toEqual([])
    }
  })
})

/** Nothing gets to this replica, and nothing from it to others. */
function cutOff(host: number, when: { readonly atMs: number; readonly forMs: number }): Fault {
  const others = Array.from({ length: HOSTS_MAX }, (_, other) => other).filter((other) => other !== host)
  const links = others.flatMap((other) => [
    { from: other, to: host },
    { from: host, to: other },
  ])
  return { kind: 'cut', shape: `cut off ${host}`, links, holds: false, isTold: false, ...when }
}
