/**
 * Leaders and locks on the schedules on which the wrong approaches split the brain: never two of them, answers only from
 * who can renew its lease, and an old leader's tokens that come to nothing.
 */
import { describe, expect, test } from 'vitest'
import { simulate, type SimulationRun } from '../../src/sim/index.ts'
import { connectedDuring, DURATION_MS, nemesisOf } from './beside.ts'
import { leadershipFaultsOf } from './judge.ts'
import { SCHEDULES, type Cut, type Schedule } from './schedules.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
const LEASE_MS = 1000

function play(schedule: Schedule, seed: number): SimulationRun {
  const { replicas } = schedule
  const hosts = Array.from({ length: replicas }, (_, replica) => replica)
  const group = { name: 'g', hosts }
  const leadership = {
    leaseMs: LEASE_MS,
    exclusive: true,
    groups: [group],
    locks: [{ ...group, name: 'l' }],
    askMs: 50,
    workMs: 5,
    holdMs: 500,
  }
  const workload = { operations: 5, durationMs: DURATION_MS }
  return simulate({ seed, replicas, leadership, workload, nemesis: nemesisOf(schedule) })
}

/** Which replicas acknowledged something, or were granted the lock, once every lease from before the cut is over. */
function actingDuring({ fromMs, toMs }: Cut, { history, drawn }: SimulationRun): Set<number> {
  const names = drawn.cluster.hosts.filter(({ isReplica }) => isReplica).map(({ name }) => name)
  const acting = new Set<number>()
  for (const line of history) {
    if (line.type !== 'ack' && line.type !== 'granted') continue
    if (line.time <= fromMs + LEASE_MS || line.time >= toMs) continue
    acting.add(names.indexOf(line.type === 'ack' ? line.node : line.holder))
  }
  return acting
}

/** Who acknowledged last before the cut. */
function leadingBefore({ fromMs }: Cut, { history, drawn }: SimulationRun): number {
  const last = history.findLast((line) => line.type === 'ack' && line.time < fromMs)
  return drawn.cluster.hosts.findIndex(({ name }) => last?.type === 'ack' && name === last.node)
}

describe('leaders', () => {
  test.for(SCHEDULES)('$name: one leader and one holder at a time, of those who have the majority', (schedule) => {
    const runs = SEEDS.map((seed) => play(schedule, seed))
    for (const run of runs) {
      expect({ seed: run.seed, faults: leadershipFaultsOf(run) }).toEqual({ seed: run.seed, faults: [] })
      for (const cut of schedule.cuts) {
        const connected = connectedDuring(cut, schedule.replicas)
        const acting = [...actingDuring(cut, run)]
        expect(acting.filter((replica) => !connected.includes(replica))).toEqual([])
        expect(acting.length > 0).toBe(connected.length > 0)
      }
      const after = run.history.filter((line) => line.type === 'ack' && line.time > DURATION_MS - 10_000)
      expect(after.length).toBeGreaterThan(0)
    }
    // In some of the runs it is the leader that is cut off, or the schedule would show little.
    const cutOff = schedule.cuts.flatMap((cut) => {
      const connected = connectedDuring(cut, schedule.replicas)
      if (connected.length === schedule.replicas) return []
      return [runs.filter((run) => !connected.includes(leadingBefore(cut, run))).length]
    })
    for (const count of cutOff) expect(count).toBeGreaterThan(0)
  })
})
