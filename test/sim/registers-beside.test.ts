/**
 * Registers on the schedules on which the wrong approaches split the brain: histories are linearizable and settled, who
 * has lost the majority answers nothing, and who has it goes on.
 */
import { describe, expect, test } from 'vitest'
import { simulate, type SimulationRun } from '../../src/sim/index.ts'
import { connectedDuring, DURATION_MS, nemesisOf } from './beside.ts'
import { faultsOf } from './judge.ts'
import { SCHEDULES, type Cut, type Schedule } from './schedules.ts'

const SEEDS = [1, 2, 3]

function play(schedule: Schedule, seed: number): SimulationRun {
  const { replicas } = schedule
  const keyspace = { mode: 'cp', n: replicas, r: 'quorum', w: 'quorum' } as const
  const workload = { clients: 10, operations: 400, keys: ['x', 'y'], durationMs: DURATION_MS, homeRate: 1 }
  return simulate({ seed, replicas, keyspace, workload, nemesis: nemesisOf(schedule) })
}

/** How many operations each replica's own coordinator began and ended well within the cut. */
function answeredDuring({ fromMs, toMs }: Cut, { history, drawn }: SimulationRun): Map<number, number> {
  const names = drawn.cluster.hosts.filter(({ isReplica }) => isReplica).map(({ name }) => name)
  const began = new Map<number, number>()
  const answered = new Map<number, number>()
  for (const line of history) {
    if (!('process' in line)) continue
    const ms = line.time / 1e6
    if (line.type === 'invoke') began.set(line.process, ms)
    const replica = names.indexOf(line.node ?? '')
    const isWithin = (began.get(line.process) as number) > fromMs && ms < toMs
    if (line.type === 'ok' && isWithin && replica >= 0) answered.set(replica, (answered.get(replica) ?? 0) + 1)
  }
  return answered
}

describe('registers', () => {
  test.for(SCHEDULES)('$name: one history, and answers from who has the majority alone', (schedule) => {
    const runs = SEEDS.map((seed) => play(schedule, seed))
    for (const run of runs) expect({ seed: run.seed, faults: faultsOf(run) }).toEqual({ seed: run.seed, faults: [] })
    for (const cut of schedule.cuts) {
      const connected = connectedDuring(cut, schedule.replicas)
      const answering = runs.flatMap((run) => [...answeredDuring(cut, run).keys()])
      expect(new Set(answering)).toEqual(new Set(connected))
    }
  })

  test('slow, not dead: nobody is refused for being slow', () => {
    const schedule = SCHEDULES.find(({ slow }) => slow !== undefined) as Schedule
    const run = play(schedule, 1)
    expect(run.stats.ok).toBeGreaterThan(run.stats.fail + run.stats.info)
  })
})
