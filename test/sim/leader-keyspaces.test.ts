/**
 * Keyspaces with a leader in simulated runs: on the schedules on which the wrong approaches split the brain, and with
 * faults of all kinds, histories are linearizable, and no acceptor takes anything of a leader before its vote.
 */
import { describe, expect, test } from 'vitest'
import { simulate, type SimulationRun } from '../../src/sim/index.ts'
import { DURATION_MS, nemesisOf } from './beside.ts'
import { faultsOf } from './judge.ts'
import { SCHEDULES } from './schedules.ts'

const LED = { mode: 'cp', leader: true } as const
const SEEDS = [1, 2]
const DRAWN_SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)

function faultless(run: SimulationRun): void {
  expect({ seed: run.seed, faults: faultsOf(run) }).toEqual({ seed: run.seed, faults: [] })
}

describe('keyspaces with a leader', () => {
  test.for(SCHEDULES)('$name: one history, and whoever leads goes on', (schedule) => {
    for (const seed of SEEDS) {
      const { replicas } = schedule
      const keyspace = { ...LED, n: replicas, r: 'quorum', w: 'quorum' } as const
      const workload = { clients: 10, operations: 400, keys: ['x', 'y'], durationMs: DURATION_MS, homeRate: 1 }
      const run = simulate({ seed, replicas, keyspace, workload, nemesis: nemesisOf(schedule) })
      faultless(run)
      expect(run.stats.ok).toBeGreaterThan(0)
    }
  })

  test.for(DRAWN_SEEDS)('seed %i: whatever is drawn', (seed) => {
    const run = simulate({ seed, keyspace: LED })
    faultless(run)
    expect(run.stats.ok).toBeGreaterThan(0)
  })

  test('a seed: gives the same run each time', () => {
    const [one, other] = [3, 3].map((seed) => simulate({ seed, keyspace: LED }).traceHash)
    expect(one).toBe(other)
  })
})
