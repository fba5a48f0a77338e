/**
 * What cannot be is refused with words, and what is too large with its size: never with a hang.
 */
import { expect, test } from 'vitest'
import {
  availabilityTable,
  failureTable,
  figuresFor,
  parseQuorums,
  recommend,
  type ExplainOptions,
  type RecommendOptions,
  type StrategyOptions,
} from '../../src/quorum/index.ts'

const majority = parseQuorums({ write: '2 of (a, b, c)' })
const names = (size: number): string => Array.from({ length: size }, (_, index) => `n${index}`).join(', ')

function refusal(run: () => unknown): { code: string; message: string } {
  try {
    run()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was refused')
}

test.for<[StrategyOptions, string]>([
  [{ readFraction: 1.5 }, 'readFraction is 1.5: use a number from 0 to 1'],
  [{ readFraction: NaN }, 'readFraction is NaN'],
  [{ readFraction: [] }, 'readFraction has 0 shares: use a number, or 1 to 100 shares'],
  [{ readFraction: [{ readFraction: 0.5, weight: 0 }] }, 'sum to 0'],
  [{ readFraction: [{ readFraction: 0.5, weight: -1 }] }, 'the weight of a readFraction is -1'],
  [{ capacities: { a: 1, b: 1 } }, 'capacities leaves out c'],
  [{ capacities: { a: 1, b: 1, c: 1, d: 1 } }, 'capacities names "d"'],
  [{ capacities: { a: 1, b: 1, c: 0 } }, 'a capacity is 0'],
  [{ capacities: { a: 5e-324, b: 5e-324, c: 5e-324 } }, 'a capacity is 5e-324'],
  [
    { capacities: { a: 1e-300, b: 1, c: { read: 1, write: 1e300 } } },
    'capacities from 1e-300 to 1e+300 lie too far apart: use at most 1000000 times the least',
  ],
  [{ latencies: { a: 0, b: 0.001, c: 1e4 } }, 'latencies from 0.001 to 10000 lie too far apart'],
  [{ latencies: { a: 1, b: 1, c: -1 } }, 'a latency is -1'],
  [{ objective: 'speed' as 'load' }, 'objective is "speed": use load, latency, network'],
  [{ objective: 'latency' }, 'objective latency needs latencies'],
  [{ latencyMaxMs: 5 }, 'latencyMaxMs needs latencies'],
  [{ loadMax: -1 }, 'loadMax is -1'],
  [{ loadMax: 0.5 }, 'no strategy keeps within loadMax 0.5 (alone, 0.666667 can be had)'],
  [{ failuresToSurvive: 0.5 }, 'failuresToSurvive is 0.5'],
  [{ failuresToSurvive: 2 }, 'no read quorum survives 2 failures: at most 1 can be survived'],
  [{ failuresToSurvive: 1e9 }, 'no read quorum survives 1000000000 failures: at most 1'],
])('strategy: %j is refused', ([options, said]) => {
  const { code, message } = refusal(() => majority.strategy(options))
  expect(code).toBe('QUORATE_INVALID_OPTION')
  expect(message).toContain(said)
})

test.for<[ExplainOptions, string]>([
  [{ alive: ['x'] }, 'alive names "x": use a, b, c'],
  [{ latencies: { a: 1 } }, 'latencies leaves out b'],
  [{ level: 'most' }, '"most" is not a level'],
  [{ level: 4 }, 'level 4 needs 4 replicas'],
  [{ level: 'each-quorum' }, 'depends on where the coordinator is'],
])('explain: %j is refused', ([options, said]) => {
  const { code, message } = refusal(() => majority.explain(options))
  expect(code).toBe('QUORATE_INVALID_OPTION')
  expect(message).toContain(said)
})

test.for<[RecommendOptions, string]>([
  [{ nodes: [] }, '0 nodes cannot be'],
  [{ nodes: names(32).split(', ') }, '32 nodes cannot be'],
  [{ nodes: ['a', 'a'] }, 'the node a is named twice'],
  [{ nodes: ['a', 'and'] }, '"and" is no name of a node'],
  [{ nodes: ['a', 'b'], failuresToSurvive: -1 }, 'failuresToSurvive is -1'],
  [{ nodes: ['a', 'b'], zones: { eu: ['a'] } }, 'the node b is in no zone'],
  [{ nodes: ['a', 'b'], zones: { eu: ['a', 'b'], us: ['b'] } }, 'the node b is in two zones'],
  [{ nodes: ['a', 'b'], zones: { eu: ['a', 'b', 'c'] } }, 'zone eu names "c"'],
  [{ nodes: ['a', 'b'], zoneToSurvive: true }, 'zoneToSurvive needs zones'],
  [{ nodes: ['a', 'b'], objective: 'latency' }, 'objective latency needs latencies'],
  [{ nodes: ['a', 'b'], readFraction: 2 }, 'readFraction is 2'],
])('recommend: %j is refused', ([options, said]) => {
  const { code, message } = refusal(() => recommend(options))
  expect(code).toBe('QUORATE_INVALID_OPTION')
  expect(message).toContain(said)
})

test.for<[string, () => unknown, string]>([
  [
    'a majority of 31',
    () => parseQuorums({ write: `16 of (${names(31)})` }).writeQuorums(),
    'there are 300540195 minimal',
  ],
  ['its strategy', () => parseQuorums({ write: `16 of (${names(31)})` }).strategy(), 'there are 300540195 minimal'],
  [
    'a product of ten sums of three',
    () => parseQuorums({ write: tens((k) => `(a${k} or b${k} or c${k})`) }).writeQuorums(),
    'there are 59049 minimal quorums',
  ],
  [
    'the same with a name that occurs again',
    () => parseQuorums({ write: `(${tens((k) => `(a${k} or b${k} or c${k})`)}) or a0 and b0` }).writeQuorums(),
    'too many minimal quorums: listing them takes more than 200000000 steps',
  ],
  [
    'resilient quorums of 21',
    () => parseQuorums({ write: `20 of (${names(21)})` }).strategy({ failuresToSurvive: 1 }),
    'at most 20 nodes, not 21',
  ],
])('limit: %s is refused with its size', ([, run, said]) => {
  const { code, message } = refusal(run)
  expect(code).toBe('QUORATE_LIMIT')
  expect(message).toContain(said)
})

function tens(part: (k: number) => string): string {
  return Array.from({ length: 10 }, (_, k) => part(k)).join(' and ')
}

test('limit: weights that all differ are counted and survive an answer', () => {
  const votes = Array.from({ length: 31 }, (_, index) => `n${index}*${1000 + index * index}`).join(', ')
  const system = parseQuorums({ write: `20000 of (${votes})` })
  expect(refusal(() => system.writeQuorums()).code).toBe('QUORATE_LIMIT')
  expect(system.resilience.write).toBeGreaterThan(10)
})

test('tables and strategies by hand: what cannot be is refused', () => {
  expect(refusal(() => failureTable([0])).message).toContain('0 replicas cannot be')
  expect(refusal(() => availabilityTable({ factors: [3], levels: ['one'], pUp: 2 })).message).toContain('pUp is 2')
  const strategy = { reads: [{ quorum: ['a'], probability: 1 }], writes: [] }
  expect(refusal(() => figuresFor(majority, { strategy })).message).toContain('a is no quorum')
})
