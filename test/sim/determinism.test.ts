/** One seed decides everything: run twice, it gives the same history and the same hash over all that happened. */
import { expect, test } from 'vitest'
import { simulate } from '../../src/sim/index.ts'

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)

test('determinism: the same seed twice gives the same run', () => {
  for (const seed of SEEDS) {
    const first = simulate({ seed })
    const second = simulate({ seed })
    expect(second.traceHash).toBe(first.traceHash)
    expect(second.history).toEqual(first.history)
    expect(second.stats).toEqual(first.stats)
  }
})

test('determinism: other seeds give other runs', () => {
  expect(new Set(SEEDS.map((seed) => simulate({ seed }).traceHash)).size).toBe(SEEDS.length)
})

test('determinism: messages that cannot be changed give the same run, so nobody changes one', () => {
  for (const seed of SEEDS) expect(simulate({ seed, freezes: true }).traceHash).toBe(simulate({ seed }).traceHash)
})

test('determinism: what was drawn prints as JSON', () => {
  const { drawn } = simulate({ seed: 1 })
  expect(JSON.parse(JSON.stringify(drawn))).toMatchObject({ workload: drawn.workload })
})

test('determinism: a given part stays as given, and the rest is drawn', () => {
  const run = simulate({
    seed: 3,
    replicas: 5,
    keyspace: { n: 5, r: 2, w: 4, conflicts: 'siblings' },
    workload: { clients: 4, operations: 60, durationMs: 12_000 },
    nemesis: { classes: ['crash'], permanent: false },
  })
  expect(run.drawn.cluster.keyspace.definition).toMatchObject({ n: 5, read: '2', write: '4', conflicts: 'siblings' })
  expect(run.drawn.workload).toMatchObject({ clients: 4, operations: 60, durationMs: 12_000 })
  expect(new Set(run.drawn.nemesis.faults.map(({ kind }) => kind))).toEqual(new Set(['crash']))
  expect(run.drawn.nemesis.core).toEqual([0, 1, 2, 3, 4])
})
