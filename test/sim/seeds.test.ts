/**
 * Many seeds, each judged by everything that was promised. `npm run sim -- --runs 5000` runs more of the same.
 */
import { describe, expect, test } from 'vitest'
import { checkApHistory } from '../../src/check/index.ts'
import { FAULT_CLASSES, simulate, type SimulationRun } from '../../src/sim/index.ts'
import { apOptionsOf, faultsOf } from './judge.ts'

const BLOCK = 50
const BLOCKS = [1, 2, 3, 4]
/** Seeds of this test alone, so that more of the default ones are run elsewhere. */
const FIRST = 70_000

function runBlock(block: number): SimulationRun[] {
  return Array.from({ length: BLOCK }, (_, i) => simulate({ seed: FIRST + block * BLOCK + i }))
}

describe('seeds', () => {
  test.for(BLOCKS)('block %i: every promise holds', { timeout: 120_000 }, (block) => {
    const broken = runBlock(block).flatMap((run) =>
      faultsOf(run).map((fault) => `npm run sim -- --seed ${run.seed}: ${fault}`),
    )
    expect(broken).toEqual([])
  })

  test('together: every fault class, every kind of cluster and every judge has its turn', () => {
    const runs = runBlock(1)
    const classes = new Set(runs.flatMap(({ drawn }) => drawn.nemesis.classes))
    expect([...classes].toSorted()).toEqual([...FAULT_CLASSES].toSorted())
    expect(new Set(runs.map(({ drawn }) => drawn.cluster.membership.members.length))).toEqual(new Set([3, 5, 7]))
    expect(new Set(runs.map(({ guarantees }) => guarantees.conflicts))).toEqual(new Set(['siblings', 'lww']))
    expect(new Set(runs.map(({ guarantees }) => guarantees.monotonic))).toEqual(new Set([true, false]))
    expect(new Set(runs.map(({ guarantees }) => guarantees.converges))).toEqual(new Set([true, false]))
    const expressions = runs.filter(
      ({ drawn }) => !/^(?:\d+|[a-z]+-[a-z]+)$/.test(drawn.cluster.keyspace.definition.read),
    )
    expect(expressions.length).toBeGreaterThan(5)
    const strict = expressions.flatMap(({ history }) => history.filter((line) => line.type === 'ok' && line.strict))
    expect(strict.length).toBeGreaterThan(100)
    const checked = new Map<string, number>()
    for (const run of runs) {
      for (const [judge, verdict] of Object.entries(checkApHistory(run.history, apOptionsOf(run)).judges)) {
        checked.set(judge, (checked.get(judge) ?? 0) + verdict.checked)
      }
    }
    for (const [judge, count] of checked) expect(count, judge).toBeGreaterThan(100)
  })
})
