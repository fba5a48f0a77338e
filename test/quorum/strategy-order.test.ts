/**
 * The best strategy is the best for its objective, however much the nodes differ; other figures only break ties.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dual } from '../../src/core/quorum/expression.ts'
import { grid, parseQuorums, QuorumSystem, type Strategy } from '../../src/quorum/index.ts'
import { anyExpression, LETTERS } from '../core/quorum/any-quorum.ts'
import { holds } from '../property.ts'

/** Six orders of magnitude. */
const wide = fc.double({ min: -3, max: 3, noNaN: true }).map((exponent) => 10 ** exponent)
const byNode = (): fc.Arbitrary<Record<string, number>> =>
  fc
    .array(wide, { minLength: 6, maxLength: 6 })
    .map((values) => Object.fromEntries(values.map((value, index) => [LETTERS[index] as string, value])))

const anySetting = fc
  .record({
    writes: fc.integer({ min: 2, max: 6 }).chain(anyExpression),
    readFraction: fc.double({ min: 0, max: 1, noNaN: true }),
    capacities: byNode(),
    latencies: byNode(),
  })
  .map(({ writes, readFraction, capacities, latencies }) => {
    const system = new QuorumSystem({ reads: dual(writes), writes })
    const ofNodes = (record: Record<string, number>): Record<string, number> =>
      Object.fromEntries(system.nodes.map((node) => [node, record[node] as number]))
    return { system, options: { readFraction, capacities: ofNodes(capacities), latencies: ofNodes(latencies) } }
  })

const close = (found: number, wanted: number): void => {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-5 * Math.abs(wanted))
}

test('strategy: a slow node near by is asked, when time is what counts', () => {
  const { latencyMs, reads } = parseQuorums({ read: '1 of (a, b) or c' }).strategy({
    readFraction: 1,
    objective: 'latency',
    latencies: { a: 100, b: 10, c: 1000 },
    capacities: { a: 100_000, b: 10, c: 100_000 },
  })
  expect(latencyMs).toBe(10)
  expect(reads).toEqual([{ quorum: ['b'], probability: 1 }])
})

test('strategy: time and messages are the least there are, whatever the capacities', () => {
  holds(
    fc.property(anySetting, ({ system, options }) => {
      const { readFraction, latencies } = options
      const least = (value: (quorum: readonly string[]) => number): number => {
        const of = (quorums: string[][]): number => Math.min(...quorums.map(value))
        return readFraction * of(system.readQuorums()) + (1 - readFraction) * of(system.writeQuorums())
      }
      const slowest = (quorum: readonly string[]): number => Math.max(...quorum.map((node) => latencies[node] ?? 0))
      close(system.latency({ ...options, objective: 'latency' }), least(slowest))
      close(
        system.networkLoad({ ...options, objective: 'network' }),
        least(({ length }) => length),
      )
    }),
    { numRuns: 300 },
  )
})

test('strategy: load is no more than that of any other strategy, whatever the capacities', () => {
  holds(
    fc.property(anySetting, ({ system, options }) => {
      const { load } = system.strategy(options)
      const others: Strategy[] = (['latency', 'network'] as const).map((objective) =>
        system.strategy({ ...options, objective }),
      )
      for (const other of others) expect(load).toBeLessThanOrEqual(other.load * (1 + 1e-6))
    }),
    { numRuns: 300 },
  )
})

test('strategy: of those with the least load, one with the fewest messages', () => {
  holds(
    fc.property(anySetting, ({ system, options }) => {
      const { load, networkLoad } = system.strategy(options)
      const loadMax = load * (1 - 1e-6)
      const fewer = system.networkLoad({ ...options, objective: 'network', loadMax: load * (1 + 1e-6) })
      expect(() => system.strategy({ ...options, loadMax })).toThrow('no strategy keeps within loadMax')
      expect(networkLoad).toBeLessThanOrEqual(fewer * (1 + 1e-2))
    }),
    { numRuns: 100 },
  )
})

test('strategy: that of a grid of 3 by 3 is found at once', () => {
  const square = grid([
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
    ['g', 'h', 'i'],
  ])
  square.strategy()
  const began = performance.now()
  for (let round = 0; round < 10; round++) square.strategy()
  expect((performance.now() - began) / 10).toBeLessThan(100)
})
