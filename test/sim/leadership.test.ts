/**
 * Leaders, leases and locks in the simulator: what was promised holds under all faults, a group stays quiet under cuts that
 * depose nobody, and elections that are run wrongly are caught.
 */
import { describe, expect, test } from 'vitest'
import { checkLeadership } from '../../src/check/index.ts'
import { FLOOR_GAP } from '../../src/core/consensus/recall.ts'
import {
  ELECTION_BREAKAGES,
  simulate,
  type Breakage,
  type Fault,
  type SimulateOptions,
  type SimulationRun,
} from '../../src/sim/index.ts'
import { leadershipFaultsOf } from './judge.ts'

const FIRST = 40_000
const BLOCK = 15
/** As in the profile. */
const LEADER_WORKLOAD = { operations: 20, durationMs: 30_000 }

/** A few calls beside, so that most of the time goes into elections. */
const BESIDE = { operations: 5, durationMs: 40_000 } as const
const REPLICAS = [0, 1, 2]
/** Seats on all three replicas, no locks, and many questions that are answered fast. */
const GROUP = {
  exclusive: true,
  groups: [{ name: 'g', hosts: REPLICAS }],
  locks: [],
  askMs: 40,
  workMs: 5,
  leaseMs: 2000,
}
const CALM = { lossRate: 0, duplicateRate: 0, replayRate: 0, inOrder: true, nearMs: 1, farMs: 1 }

type Setting = Omit<SimulateOptions, 'seed' | 'breakage'>

function settingWith(
  faults: readonly Fault[],
  leadership: Setting['leadership'] = {},
  conditions: Partial<typeof CALM> = {},
): Setting {
  const nemesis = { classes: [], faults, conditions: { ...CALM, ...conditions }, permanent: false }
  return { replicas: 3, workload: BESIDE, leadership: { ...GROUP, ...leadership }, nemesis }
}

/** Cuts both ways between one replica and the others. */
function isolate(host: number, atMs: number, forMs: number): Fault {
  const links = REPLICAS.flatMap((other) =>
    other === host
      ? []
      : [
          { from: host, to: other },
          { from: other, to: host },
        ],
  )
  return { kind: 'cut', shape: 'isolated', links, holds: false, isTold: false, atMs, forMs }
}

/** One replica after the other. */
function inTurn(everyMs: number, fault: (host: number, atMs: number) => readonly Fault[]): Fault[] {
  const turns = Math.floor(35_000 / everyMs)
  return Array.from({ length: turns }, (_, turn) => fault(turn % 3, 3000 + turn * everyMs)).flat()
}

/** The first of these seeds under which the breakage shows. */
function caughtAt(breakage: Breakage, setting: Setting, seeds: number): number | undefined {
  for (let seed = 1; seed <= seeds; seed++) {
    if (leadershipFaultsOf(simulate({ ...setting, seed, breakage })).length > 0) return seed
  }
  return undefined
}

function changesPerMinute({ history, drawn }: SimulationRun): number {
  const fromMs = 10 * (drawn.leadership?.leaseMs ?? 0)
  return Math.max(...checkLeadership(history, { fromMs }).groups.map((group) => group.changesPerMinute))
}

describe('leaders and locks', () => {
  test.for([0, 1, 2, 3])('block %i: every promise holds under all faults', (block) => {
    const broken = Array.from({ length: BLOCK }, (_, i) => FIRST + block * BLOCK + i).flatMap((seed) => {
      const run = simulate({ seed, leadership: {}, workload: LEADER_WORKLOAD })
      return leadershipFaultsOf(run).map((fault) => `npm run sim -- --profile leader --seed ${seed}: ${fault}`)
    })
    expect(broken).toEqual([])
  })

  test('disks are lost again and again: every promise holds, and those who lost theirs elect again', () => {
    let again = 0
    for (let seed = FIRST; seed < FIRST + BLOCK; seed++) {
      const nemesis = { classes: ['wipe', 'partition', 'pause'] } as const
      const keyspace = { n: 3, r: 2, w: 2 }
      const run = simulate({ seed, replicas: 3, keyspace, nemesis, leadership: {}, workload: LEADER_WORKLOAD })
      expect(leadershipFaultsOf(run), `seed ${seed}`).toEqual([])
      if (run.history.some((line) => line.type === 'elected' && line.term > FLOOR_GAP)) again++
    }
    expect(again).toBeGreaterThan(BLOCK / 5)
  })

  test('together: there are elections, answers, locks and late tokens to judge', () => {
    const lines = new Map<string, number>()
    for (let seed = FIRST; seed < FIRST + 2 * BLOCK; seed++) {
      for (const line of simulate({ seed, leadership: {}, workload: LEADER_WORKLOAD }).history) {
        const name = line.type === 'guarded' ? `guarded ${line.accepted}` : line.type
        lines.set(name, (lines.get(name) ?? 0) + 1)
      }
    }
    for (const name of [
      'elected',
      'stepdown',
      'ack',
      'localread',
      'granted',
      'released',
      'guarded true',
      'guarded false',
    ]) {
      expect(lines.get(name), name).toBeGreaterThan(25)
    }
  })

  test('one seed: gives one trace', () => {
    const traces = [1, 1, 2].map((seed) => simulate({ seed, leadership: {}, workload: LEADER_WORKLOAD }).traceHash)
    expect(traces[0]).toBe(traces[1])
    expect(traces[0]).not.toBe(traces[2])
  })
})

describe('quiet groups', () => {
  const cut = (shape: string, links: readonly { from: number; to: number }[]): Fault => {
    return { kind: 'cut', shape, links, holds: false, isTold: false, atMs: 15_000, forMs: 120_000 }
  }
  const LONG = { ...BESIDE, durationMs: 120_000 }

  test.for<[name: string, faults: Fault[]]>([
    [
      'a bridge',
      [
        cut('bridge', [
          { from: 0, to: 2 },
          { from: 2, to: 0 },
        ]),
      ],
    ],
    [
      'one that is not heard',
      [
        cut('mute', [
          { from: 0, to: 1 },
          { from: 0, to: 2 },
        ]),
      ],
    ],
    [
      'one that does not hear',
      [
        cut('deaf', [
          { from: 1, to: 0 },
          { from: 2, to: 0 },
        ]),
      ],
    ],
    ['a one-way link', [cut('one-way', [{ from: 0, to: 1 }])]],
  ])('%s: the leader changes at most three times a minute', ([, faults]) => {
    for (let seed = 1; seed <= 8; seed++) {
      const run = simulate({ ...settingWith(faults), workload: LONG, seed })
      expect(leadershipFaultsOf(run)).toEqual([])
      expect(changesPerMinute(run)).toBeLessThanOrEqual(3)
    }
  })

  test('a minority that comes back: at most one change', () => {
    for (let seed = 1; seed <= 8; seed++) {
      for (const host of REPLICAS) {
        const run = simulate({ ...settingWith([isolate(host, 15_000, 30_000)]), workload: LONG, seed })
        const { groups } = checkLeadership(run.history, { fromMs: 44_000 })
        expect(groups[0]?.changes, `seed ${seed}`).toBeLessThanOrEqual(1)
      }
    }
  })
})

describe('elections that are run wrongly', () => {
  const crash = (host: number, atMs: number): Fault => {
    return { kind: 'crash', host, moment: 'now', wipes: false, atMs, forMs: 100 }
  }
  const blackouts = inTurn(6000, (host, atMs) => (host === 0 ? REPLICAS.map((one) => crash(one, atMs)) : []))
  const restarts = inTurn(10_000, (host, atMs) => [
    isolate(host, atMs, 9000),
    ...REPLICAS.filter((other) => other !== host).map((other) => crash(other, atMs + 50)),
  ])
  // One cannot hear the leader until its promise is over, the other loses its disk, and then the leader is cut off.
  const wipes = inTurn(12_000, (host, atMs) => [
    isolate((host + 1) % 3, atMs, 4900),
    { ...crash((host + 2) % 3, atMs + 3200), wipes: true },
    isolate(host, atMs + 4870, 6000),
  ])
  const slowAndFast = REPLICAS.map((host): Fault => {
    return { kind: 'rate', host, rate: host === 1 ? 1.2 : 0.8, atMs: 1000, forMs: 60_000 }
  })
  const cuts = inTurn(5000, (host, atMs) => [isolate(host, atMs, 4500)])
  const jumps = inTurn(5000, (host, atMs) => [
    isolate(host, atMs, 4500),
    { kind: 'jump', host, aheadMs: -5000, atMs: atMs + 100, forMs: 0 },
  ])
  // It sleeps over the answers to its renewal, and is cut off when it wakes.
  const naps = inTurn(3000, (host, atMs) => [
    { kind: 'pause', host, atMs, forMs: 600 },
    isolate(host, atMs + 605, 2000),
  ])
  const WRONG: readonly (readonly [Breakage, Setting])[] = [
    ['elector-forgets', { ...settingWith(wipes, { leaseMs: 4000 }), keyspace: { n: 3, r: 2, w: 2 } }],
    ['vote-forgotten', settingWith(blackouts)],
    ['restart-without-wait', settingWith(restarts, { leaseMs: 8000 })],
    ['lease-without-drift', settingWith([...slowAndFast, ...cuts], { clockDriftMax: 0.2 })],
    ['lease-on-wall-clock', settingWith(jumps)],
    ['lease-from-answer', settingWith(naps, { leaseMs: 1000 }, { nearMs: 25 })],
  ]

  test.for(WRONG)('%s: is caught, and the same run rightly is not', ([breakage, setting]) => {
    expect(caughtAt(breakage, setting, 20)).toBeDefined()
    for (let seed = 1; seed <= 5; seed++) expect(leadershipFaultsOf(simulate({ ...setting, seed }))).toEqual([])
  })

  test('every breakage has a case', () => {
    const cases = [...WRONG.map(([breakage]) => breakage), 'no-pre-vote']
    expect(new Set(cases)).toEqual(new Set(ELECTION_BREAKAGES))
  })

  test('no-pre-vote: single links that fail in turn depose a leader that has its quorum all the time', () => {
    const pairs = REPLICAS.flatMap((from) => REPLICAS.filter((to) => to !== from).map((to) => ({ from, to })))
    const faults = Array.from({ length: 50 }, (_, turn): Fault => {
      const links = [pairs[turn % pairs.length] as (typeof pairs)[number]]
      return {
        kind: 'cut',
        shape: 'one-way',
        links,
        holds: false,
        isTold: false,
        atMs: 3000 + turn * 1800,
        forMs: 1500,
      }
    })
    const setting = { ...settingWith(faults, { leaseMs: 600 }), workload: { ...BESIDE, durationMs: 100_000 } }
    const most = (breakage?: 'no-pre-vote'): number =>
      Math.max(
        ...[1, 2, 3, 4].map((seed) => changesPerMinute(simulate({ ...setting, seed, ...(breakage && { breakage }) }))),
      )
    expect(most()).toBeLessThanOrEqual(3)
    expect(most('no-pre-vote')).toBeGreaterThan(3)
  })
})
