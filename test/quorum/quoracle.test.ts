/**
 * The figures that quoracle prints for its examples, from the repository mwhittaker/quoracle: README.md (the tutorial),
 * examples/tutorial.py, examples/paper.py (the listings of "Read-Write Quorum Systems Made Practical", PaPoC 2021), and
 * tests/. Each row says where its figure stands.
 */
import { describe, expect, test } from 'vitest'
import { figuresFor, parseQuorums, type Capacity, type StrategyOptions } from '../../src/quorum/index.ts'

const GRID = 'a and b and c or d and e and f'
const SQUARE = 'a and b or c and d'
const MAJORITY_3 = 'a and b or b and c or a and c'
const MAJORITY_5 = 'majority of (a, b, c, d, e)'
const WALLS = 'a and b or c and d and e'
const PATHS = 'a and b or a and c and e or d and e or d and c and b'

const UNEVEN: Record<string, number> = { a: 1000, b: 500, c: 1000, d: 500, e: 1000, f: 500 }
const FAST_READS = capacities(UNEVEN, { read: 10, write: 1 })
const { f: _, ...FIVE } = FAST_READS
const PAPER = capacities({ a: 100, b: 100, c: 50, d: 50 }, { read: 2, write: 1 })
const CASE_STUDY = capacities({ a: 1, b: 1, c: 1, d: 1 }, { read: 2, write: 1 })

const CHANGING = shares([0.1, 1], [0.75, 1])
const FILES = shares([0.9, 0.9], [0.1, 0.1])
const PAPER_SHARES = shares([0, 10], [0.25, 4], [0.5, 2], [0.75, 1], [1, 1])

function capacities(speeds: Record<string, number>, { read, write }: Capacity): Record<string, Capacity> {
  return Object.fromEntries(
    Object.entries(speeds).map(([k, speed]) => [k, { read: speed * read, write: speed * write }]),
  )
}

function shares(...list: [number, number][]): { readFraction: number; weight: number }[] {
  return list.map(([readFraction, weight]) => ({ readFraction, weight }))
}

/** What is printed, when the figure is the same in as many digits; else the figure. */
function inDigitsOf(printed: string, value: number | undefined): string {
  const unit = 10 ** -(printed.split('.')[1]?.length ?? 0)
  return Math.abs((value ?? NaN) - Number(printed)) < unit ? printed : String(value)
}

describe('load and capacity', () => {
  test.for<[string, string, StrategyOptions, 'load' | 'capacity', string]>([
    ['README, Strategies: 3/8', GRID, { readFraction: 0.25 }, 'load', '0.375'],
    ['README, Load and Capacity: 8/3', GRID, { readFraction: 0.25 }, 'capacity', '2.6667'],
    ['README, Workload Distributions', GRID, { readFraction: CHANGING }, 'load', '0.404'],
    ['README, Heterogeneous Node', GRID, { readFraction: 0.75, capacities: UNEVEN }, 'load', '0.00075'],
    ['README, Heterogeneous Node', GRID, { readFraction: 0.75, capacities: UNEVEN }, 'capacity', '1333'],
    ['README, Heterogeneous Node', GRID, { readFraction: 1, capacities: FAST_READS }, 'capacity', '10000'],
    ['README, Heterogeneous Node', GRID, { readFraction: 0.5, capacities: FAST_READS }, 'capacity', '3913'],
    ['README, Heterogeneous Node', GRID, { readFraction: 0, capacities: FAST_READS }, 'capacity', '2000'],
    ['examples/paper.py, the basics', MAJORITY_3, { readFraction: 1 }, 'capacity', '1.5'],
    [
      'examples/paper.py, different capacities',
      SQUARE,
      { readFraction: 1, capacities: { a: 100, b: 100, c: 50, d: 50 } },
      'capacity',
      '150',
    ],
    ['examples/paper.py, read and write capacities', SQUARE, { readFraction: 1, capacities: PAPER }, 'capacity', '300'],
    [
      'examples/paper.py, read and write capacities',
      SQUARE,
      { readFraction: 0.5, capacities: PAPER },
      'capacity',
      '200',
    ],
    ['examples/paper.py, read and write capacities', SQUARE, { readFraction: 0, capacities: PAPER }, 'capacity', '100'],
    [
      'examples/paper.py, workload distribution',
      'a and c or b and d',
      { readFraction: PAPER_SHARES, capacities: PAPER },
      'capacity',
      '159',
    ],
    [
      'examples/paper.py, f-resilient strategies',
      SQUARE,
      { readFraction: 1, capacities: PAPER, failuresToSurvive: 1 },
      'capacity',
      '100',
    ],
    [
      'examples/paper.py, f-resilient strategies',
      '2 of (a, b, c, d)',
      { readFraction: 1, capacities: PAPER },
      'capacity',
      '300',
    ],
    [
      'examples/paper.py, f-resilient strategies',
      '2 of (a, b, c, d)',
      { readFraction: 1, capacities: PAPER, failuresToSurvive: 1 },
      'capacity',
      '200',
    ],
    ['tests/test_quorum_system.py', SQUARE, { readFraction: 1, capacities: CASE_STUDY }, 'load', '0.25'],
    ['tests/test_quorum_system.py', SQUARE, { readFraction: 0, capacities: CASE_STUDY }, 'load', '0.5'],
    [
      'tests/test_quorum_system.py',
      SQUARE,
      { readFraction: 1, capacities: CASE_STUDY, failuresToSurvive: 1 },
      'load',
      '0.5',
    ],
    [
      'tests/test_quorum_system.py',
      SQUARE,
      { readFraction: 0, capacities: CASE_STUDY, failuresToSurvive: 1 },
      'load',
      '1',
    ],
  ])('quoracle, %s: %s', ([, read, options, figure, printed]) => {
    expect(inDigitsOf(printed, parseQuorums({ read }).strategy(options)[figure])).toBe(printed)
  })

  // The README's case study prints the inverse of the average load; quoracle's code, like ours, averages capacities.
  test.for([
    [MAJORITY_5, 0, '5089'],
    [WALLS, 0, '5837'],
    [PATHS, 0, '5725'],
    [MAJORITY_5, 1, '3816'],
    [WALLS, 1, '1908'],
    [PATHS, 1, '1908'],
  ] as const)('quoracle, README, Case Study: %s with f = %i', ([read, failuresToSurvive, printed]) => {
    const load = parseQuorums({ read }).load({ readFraction: FILES, capacities: FIVE, failuresToSurvive })
    expect(inDigitsOf(printed, 1 / load)).toBe(printed)
  })
})

describe('resilience', () => {
  test('quoracle, README, Resilience: the grid survives 1 for reads and 2 for writes', () => {
    expect(parseQuorums({ read: GRID }).resilience).toEqual({ read: 1, write: 2, both: 1 })
  })

  test.for([
    ['a', 0],
    ['a or b or c or d', 3],
    ['a and b and c and d', 0],
    ['(a or b) and (c or d)', 1],
    ['(a or b or c) and (d or e or f)', 2],
    ['(a or b or c) and (a or e or f)', 2],
    ['(a or a or c) and (d or e or f)', 1],
    ['(a or a or a) and (d or e or f)', 0],
    ['a and b or b and c or a and d or a and d and e', 1],
    ['2 of (a, b, c)', 1],
    ['2 of (a, b, c, d, e)', 3],
    ['3 of (a, b, c, d, e)', 2],
    ['4 of (a, b, c, d, e)', 1],
    ['2 of (a or b or c, d or e, f)', 2],
    ['2 of (a and b, a and c, d)', 0],
    ['2 of (a or b, a or c, a or d)', 2],
  ] as const)('quoracle, tests/test_expr.py: %s survives %i', ([read, survives]) => {
    expect(parseQuorums({ read }).resilience.read).toBe(survives)
  })
})

describe('strategies', () => {
  test('quoracle, README, Strategies: the best for 25 % reads asks all rows, and three disjoint columns, alike', () => {
    const { reads, writes } = parseQuorums({ read: GRID }).strategy({ readFraction: 0.25 })
    expect(reads.map(({ probability }) => probability)).toEqual([0.5, 0.5])
    for (const { probability } of writes) expect(inDigitsOf('0.33333333', probability)).toBe('0.33333333')
    expect(writes.flatMap(({ quorum }) => quorum).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test.for([
    [0, '0.3333'],
    [0.5, '0.4167'],
    [1, '0.5'],
  ] as const)('quoracle, README, Strategies: that strategy under %d reads', ([readFraction, printed]) => {
    const grid = parseQuorums({ read: GRID })
    const strategy = grid.strategy({ readFraction: 0.25 })
    expect(inDigitsOf(printed, figuresFor(grid, { strategy, readFraction }).load)).toBe(printed)
  })

  test.for([
    [1, '0.6667'],
    [0, '0.3333'],
    [0.25, '0.4167'],
  ] as const)('quoracle, README, Load and Capacity: a strategy by hand under %d reads', ([readFraction, printed]) => {
    const strategy = {
      reads: [
        { quorum: ['a', 'b', 'c'], probability: 2 },
        { quorum: ['d', 'e', 'f'], probability: 1 },
      ],
      writes: ['ad', 'be', 'cf'].map((pair) => ({ quorum: Array.from(pair), probability: 1 })),
    }
    const { load, nodeLoads } = figuresFor(parseQuorums({ read: GRID }), { strategy, readFraction })
    expect(inDigitsOf(printed, load)).toBe(printed)
    if (readFraction === 0.25) for (const node of 'def') expect(inDigitsOf('0.3333', nodeLoads[node])).toBe('0.3333')
  })
})

describe('network load and latency', () => {
  const latencies = { a: 4000, b: 4000, c: 1000, d: 1000 }
  const options = { readFraction: 1, capacities: PAPER, latencies }

  test('quoracle, examples/paper.py: the strategy of least load sends 2 messages and takes 3 seconds', () => {
    const { capacity, networkLoad, latencyMs } = parseQuorums({ read: SQUARE }).strategy(options)
    expect(inDigitsOf('300', capacity)).toBe('300')
    expect(inDigitsOf('2', networkLoad)).toBe('2')
    expect(inDigitsOf('3000', latencyMs)).toBe('3000')
  })

  test('quoracle, examples/paper.py: least latency within limits asks ab a third of the time, cd two thirds', () => {
    const limits = { objective: 'latency', loadMax: 1 / 150, networkMax: 2 } as const
    const { reads } = parseQuorums({ read: SQUARE }).strategy({ ...options, ...limits })
    expect(reads.map(({ quorum }) => quorum.join(''))).toEqual(['cd', 'ab'])
    expect(inDigitsOf('0.6667', reads[0]?.probability)).toBe('0.6667')
    expect(inDigitsOf('0.3333', reads[1]?.probability)).toBe('0.3333')
  })

  test('quoracle, examples/paper.py: any one to read, within the same limits, takes 1 message and 1 second', () => {
    const limits = { objective: 'latency', loadMax: 1 / 150, networkMax: 2 } as const
    const found = parseQuorums({ read: 'a or b or c or d' }).strategy({ ...options, ...limits })
    expect(inDigitsOf('1', found.networkLoad)).toBe('1')
    expect(inDigitsOf('1000', found.latencyMs)).toBe('1000')
    expect(found.capacity).toBeGreaterThanOrEqual(150)
  })

  const ladder = { capacities: CASE_STUDY, latencies: { a: 1000, b: 2000, c: 3000, d: 4000 } }
  test.for<[string, StrategyOptions, 'networkLoad' | 'latencyMs' | 'load', string]>([
    ['network', { readFraction: 1, objective: 'network', loadMax: 0.25 }, 'networkLoad', '2'],
    ['network', { readFraction: 0, objective: 'network', loadMax: 0.5 }, 'networkLoad', '2'],
    ['network', { readFraction: 1, objective: 'network', latencyMaxMs: 2000 }, 'networkLoad', '2'],
    ['network', { readFraction: 0, objective: 'network', latencyMaxMs: 3000 }, 'networkLoad', '2'],
    ['network, f = 1', { readFraction: 1, objective: 'network', failuresToSurvive: 1 }, 'networkLoad', '4'],
    ['network, f = 1', { readFraction: 0, objective: 'network', failuresToSurvive: 1 }, 'networkLoad', '4'],
    ['latency', { readFraction: 1, objective: 'latency' }, 'latencyMs', '2000'],
    ['latency', { readFraction: 0, objective: 'latency' }, 'latencyMs', '3000'],
    ['latency', { readFraction: 1, objective: 'latency', networkMax: 2, loadMax: 1 }, 'latencyMs', '2000'],
    ['latency, f = 1', { readFraction: 1, objective: 'latency', failuresToSurvive: 1 }, 'latencyMs', '2000'],
    ['latency, f = 1', { readFraction: 0, objective: 'latency', failuresToSurvive: 1 }, 'latencyMs', '3000'],
    ['load within a latency', { readFraction: 1, latencyMaxMs: 4000 }, 'load', '0.25'],
    ['load within messages', { readFraction: 0, networkMax: 2 }, 'load', '0.5'],
  ])('quoracle, tests/test_quorum_system.py: %s with %j', ([, more, figure, printed]) => {
    expect(inDigitsOf(printed, parseQuorums({ read: SQUARE }).strategy({ ...ladder, ...more })[figure])).toBe(printed)
  })

  test.for<[StrategyOptions]>([
    [{ readFraction: 0, networkMax: 1.5 }],
    [{ readFraction: 0, latencyMaxMs: 1000 }],
    [{ readFraction: 1, objective: 'network', loadMax: 0.25, latencyMaxMs: 2000 }],
  ])('quoracle, tests/test_quorum_system.py: no strategy keeps within %j', ([more]) => {
    const run = (): unknown => parseQuorums({ read: SQUARE }).strategy({ ...ladder, ...more })
    expect(run).toThrow(expect.objectContaining({ code: 'QUORATE_INVALID_OPTION' }))
    expect(run).toThrow(/no strategy keeps within .*can be had/)
  })
})
