/**
 * Recommendations: what is given fits, and when nothing does, that is said.
 */
import { describe, expect, test } from 'vitest'
import { parseQuorums, recommend, type RecommendOptions } from '../../src/quorum/index.ts'

const FIVE = ['a', 'b', 'c', 'd', 'e']
const NINE = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
const zones = { eu: ['a', 'b', 'c'], us: ['d', 'e', 'f'], as: ['g', 'h', 'i'] }
const latencies = Object.fromEntries(NINE.map((node, index) => [node, 1 + Math.floor(index / 3) * 40]))

test.for<[string, RecommendOptions]>([
  ['load', { nodes: FIVE, readFraction: 0.9 }],
  ['two failures', { nodes: NINE, failuresToSurvive: 2 }],
  ['uneven nodes', { nodes: FIVE, capacities: { a: 400, b: 200, c: 400, d: 200, e: 100 } }],
  ['latency', { nodes: NINE, zones, latencies, objective: 'latency', readFraction: 0.9 }],
  ['a zone lost', { nodes: NINE, zones, zoneToSurvive: true, objective: 'network' }],
  ['limits', { nodes: NINE, loadMax: 0.5, objective: 'network' }],
])('recommend: %s gives systems that meet, survive what was asked, and come best first', ([, options]) => {
  const { best, tried } = recommend(options)
  const { objective = 'load', failuresToSurvive = 1 } = options
  expect(best.length).toBeGreaterThan(0)
  expect(tried).toBeGreaterThan(best.length)
  for (const { read, write, system, resilience, load } of best) {
    expect(parseQuorums({ read, write }).intersects).toBe(true)
    expect(resilience.both).toBeGreaterThanOrEqual(failuresToSurvive)
    expect(system.resilience).toEqual(resilience)
    expect(load).toBeLessThanOrEqual((options.loadMax ?? 1) + 1e-6)
    if (options.zoneToSurvive !== true) continue
    for (const zone of Object.values(zones)) {
      const alive = system.nodes.filter((node) => !zone.includes(node))
      const { read: reads, write: writes } = system.explain({ alive })
      expect([reads.survives, writes.survives].every((left) => left >= 0)).toBe(true)
    }
  }
  const figures = best.map(
    (one) => ({ load: one.load, network: one.networkLoad, latency: one.latencyMs ?? 0 })[objective],
  )
  for (const [index, figure] of figures.slice(1).entries()) expect(figure).toBeGreaterThan((figures[index] ?? 0) - 1e-6)
})

test('recommend: no worse than a majority', () => {
  const majority = parseQuorums({ write: 'majority of (a, b, c, d, e)' })
  for (const readFraction of [0, 0.5, 0.9, 1]) {
    const [best] = recommend({ nodes: FIVE, readFraction }).best
    expect(best?.load).toBeLessThanOrEqual(majority.load({ readFraction }) + 1e-9)
  }
})

test('recommend: two failures of five leave the majority alone', () => {
  expect(recommend({ nodes: FIVE, failuresToSurvive: 2 }).best.map(({ name }) => name)).toEqual(['majority of 5'])
})

describe('nothing fits', () => {
  test.for<[RecommendOptions, string]>([
    [{ nodes: ['a', 'b', 'c'], failuresToSurvive: 2 }, 'survive at most 1 of 3 nodes failing, never 2'],
    [{ nodes: ['a'] }, 'survive at most 0 of 1 nodes failing, never 1'],
    [{ nodes: FIVE, loadMax: 0.1, objective: 'network' }, 'cannot keep within loadMax 0.1'],
    [
      { nodes: FIVE, zones: { eu: ['a', 'b', 'c', 'd'], us: ['e'] }, zoneToSurvive: true },
      'do not survive the loss of a zone',
    ],
  ])('recommend: %j gives an empty list and the reason', ([options, reason]) => {
    const { best, reasons } = recommend(options)
    expect(best).toEqual([])
    expect(reasons.join('; ')).toContain(reason)
  })
})

test('recommend: systems too large to weigh are named, not passed over', () => {
  const nodes = Array.from({ length: 31 }, (_, index) => `n${index}`)
  const { best, reasons } = recommend({ nodes })
  expect(best.length).toBeGreaterThan(0)
  expect(reasons.join('; ')).toContain('have too many quorums to weigh')
})
