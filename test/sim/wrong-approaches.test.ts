/**
 * The four incorrect approaches of note 0 split the brain, on the schedules that the note gives for them, and the judges
 * see it. Without a partition the judges find nothing, so it is the partition that they see. Our own modes play the same
 * schedules.
 */
import { describe, expect, test } from 'vitest'
import { checkLeadership, checkLinearizable, type HistoryLine } from '../../src/check/index.ts'
import { ModelCluster, type ModelNodeClass } from './model-cluster.ts'
import { SCHEDULES, type Schedule } from './schedules.ts'
import {
  GenerationUnchecked,
  QuorumCountedTwice,
  QuorumLogged,
  ReachableQuorum,
  TimeoutFailover,
} from './wrong-approaches.ts'

/** A schedule by its name. */
function scheduled(name: string): Schedule {
  const schedule = SCHEDULES.find((other) => other.name === name)
  if (schedule === undefined) throw new Error(`there is no schedule ${name}`)
  return schedule
}

/** Who acknowledged writes while the network was cut. */
function writersDuring({ cuts }: Schedule, history: readonly HistoryLine[]): string[] {
  const [fromMs, toMs] = [Math.min(...cuts.map((cut) => cut.fromMs)), Math.max(...cuts.map((cut) => cut.toMs))]
  const acks = history.filter((line) => line.type === 'ack')
  return [
    ...new Set(acks.filter(({ start, time }) => start > fromMs && time < toMs).map(({ node }) => node)),
  ].toSorted()
}

type Case = readonly [name: string, Node: ModelNodeClass, schedule: string, primaries: readonly string[], rule: string]

const CASES: readonly Case[] = [
  ['1, timeout without a quorum', TimeoutFailover, '1-1-1', ['0', '1', '2'], 'two-leaders'],
  ['1, timeout without a quorum', TimeoutFailover, '2-1', ['0', '1', '2'], 'two-leaders'],
  ['2, a quorum that is not enforced', QuorumLogged, '2-1', ['0', '1'], 'two-leaders'],
  ['2, a quorum that is not enforced', QuorumLogged, '1-1-1', ['0', '1', '2'], 'two-leaders'],
  ['3, a quorum of the reachable', ReachableQuorum, 'bridge', ['0', '1'], 'two-leaders'],
  // Two clean halves do not look as if they could: but a write that is under way when they part is acknowledged as soon as
  // nobody else seems to be there, by its writer alone.
  ['3, a quorum of the reachable', ReachableQuorum, '2-1', ['0', '1'], 'two-leaders'],
  ['3, as it is listed', QuorumCountedTwice, '1-1-1', ['0', '1', '2'], 'two-leaders'],
  ['4, an old primary that nobody fences', GenerationUnchecked, '2-1', ['0', '1'], 'fenced'],
]

describe('wrong approach', () => {
  test.for(CASES)('%s: splits the brain', ([, Node, name, primaries, rule]) => {
    const schedule = scheduled(name)
    const history = new ModelCluster(schedule, Node).play()
    expect(writersDuring(schedule, history)).toEqual(primaries)
    const linearizable = checkLinearizable(history)
    expect(linearizable.undecided).toEqual([])
    expect(linearizable.violations.map((violation) => violation.rule)).toEqual(['linearizable'])
    const leadership = checkLeadership(history)
    expect(new Set(leadership.violations.map((violation) => violation.rule))).toEqual(new Set([rule]))
  })

  test.for([...new Set(CASES.map(([, Node]) => Node))])('without a partition nothing is wrong: %o', (Node) => {
    const history = new ModelCluster({ name: 'calm', replicas: 3, cuts: [] }, Node).play()
    const linearizable = checkLinearizable(history)
    expect(linearizable).toMatchObject({ ok: true, violations: [], undecided: [] })
    expect(linearizable.checked).toBeGreaterThan(40)
    expect(checkLeadership(history)).toMatchObject({ ok: true, violations: [] })
  })

  test('2, a quorum that is not enforced: the log says so, and the write is acknowledged', () => {
    const log: string[] = []
    class Logging extends QuorumLogged {
      override readonly log = log
    }
    new ModelCluster(scheduled('1-1-1'), Logging).play()
    expect(new Set(log)).toEqual(new Set(['have quorum, writing', 'no quorum, but writing anyway']))
  })
})
