/**
 * Values of a wrong shape, as callers without types hand them in: each is refused with words, at every way in.
 */
import { describe, expect, test } from 'vitest'
import * as quorums from '../../src/quorum/index.ts'
import { parseQuorums, QuorumSystem } from '../../src/quorum/index.ts'

type Call = (...args: unknown[]) => unknown

const system = parseQuorums({ write: '2 of (a, b, c)' })
const [strategy, explain] = (['strategy', 'explain'] as const).map((name): Call => (system[name] as Call).bind(system))
const exported: Readonly<Record<string, unknown>> = { ...quorums }
const call = (name: keyof typeof quorums, ...args: unknown[]): unknown => (exported[name] as Call)(...args)

function refusal(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

test.for<[string, () => unknown, string]>([
  ['parseQuorums()', () => call('parseQuorums'), 'what is given to parse is undefined: give an object'],
  ['zones as text', () => parse({ zones: { eu: 'a' } }), 'zones.eu is "a": give a list'],
  ['zones null', () => parse({ zones: null }), 'zones is null: give an object'],
  ['nodes with a number', () => parse({ nodes: ['a', 1] }), 'nodes holds 1: use names in quotes'],
  ['a side that is a list', () => parse({ write: ['a'] }), 'a quorum is written as text'],
  ['majority(null)', () => call('majority', null), 'what is given for nodes is null: give a list'],
  ['majority of symbols', () => call('majority', [Symbol('a')]), 'holds Symbol(a)'],
  ['counts of 1n', () => call('counts', 3, 1n, 3), '1n of 3 cannot be'],
  ['grid(null)', () => call('grid', null), 'what is given for rows is null: give a list'],
  ['grid of text', () => call('grid', ['ab']), 'a row is "ab": give a list'],
  ['paths(undefined)', () => call('paths'), 'what is given for rows is undefined'],
  ['explicit()', () => call('explicit'), 'what is given for explicit sets is undefined'],
  ['explicit sets as text', () => call('explicit', { read: 'ab' }), 'a side is "ab": give a list'],
  ['weighted(null)', () => call('weighted', null), 'votes is null'],
  ['weighted by 1n', () => call('weighted', { a: 1n, b: 1 }), 'weight 1n cannot be'],
  ['weighted, null needed', () => call('weighted', { a: 1 }, null), 'the second argument of weighted is null'],
  ['zones() of text', () => call('zones', { eu: 'a' }), 'zones.eu is "a"'],
  ['tree of {}', () => call('tree', {}), 'what is given for nodes is {}'],
  ['new QuorumSystem(null)', () => new QuorumSystem(null as never), 'what is given for a quorum system is null'],
  ['strategy(null)', () => strategy?.(null), 'the argument with the workload is null'],
  ['readFraction {}', () => strategy?.({ readFraction: {} }), 'readFraction is {}: use a number from 0 to 1'],
  ['readFraction null', () => strategy?.({ readFraction: null }), 'readFraction is null'],
  ['readFraction [null]', () => strategy?.({ readFraction: [null] }), 'a share of readFraction is null'],
  ['capacities null', () => strategy?.({ capacities: null }), 'capacities is null: give an object'],
  ['a capacity null', () => strategy?.({ capacities: { a: null, b: 1, c: 1 } }), 'a capacity is null'],
  ['latencies null', () => strategy?.({ latencies: null }), 'latencies is null'],
  ['a latency null', () => strategy?.({ latencies: { a: null, b: 1, c: 1 } }), 'a latency is null'],
  ['objective 1n', () => strategy?.({ objective: 1n }), 'objective is 1n: use load, latency, network'],
  ['failuresToSurvive {}', () => strategy?.({ failuresToSurvive: {} }), 'failuresToSurvive is {}'],
  ['loadMax null', () => strategy?.({ loadMax: null }), 'loadMax is null: use a number, 0 or more'],
  ['latency({})', () => system.latency({} as never), 'latency needs latencies'],
  ['explain(null)', () => explain?.(null), 'the argument with the options is null'],
  ['alive {}', () => explain?.({ alive: {} }), 'alive is {}: give a list'],
  ['alive as text', () => explain?.({ alive: 'ab' }), 'alive is "ab": give a list'],
  ['level null', () => explain?.({ level: null }), 'level is null'],
  ['level []', () => explain?.({ level: [] }), 'level is []'],
  ['level 1n', () => explain?.({ level: { read: 1n } }), '1n is not a level'],
  ['recommend({})', () => call('recommend', {}), 'nodes is undefined: give a list'],
  ['recommend of numbers', () => call('recommend', { nodes: [1, 2] }), 'nodes holds 1'],
  ['recommend, zones as text', () => recommend({ zones: { eu: 'a' } }), 'zones.eu is "a"'],
  ['recommend, zones null', () => recommend({ zones: null }), 'zones is null'],
  ['recommend, loadMax null', () => recommend({ loadMax: null }), 'loadMax is null: use a number, 0 or more'],
  ['recommend, zoneToSurvive 1', () => recommend({ zoneToSurvive: 1 }), 'zoneToSurvive is 1: use true or false'],
  ['figuresFor(null)', () => call('figuresFor', null, {}), 'the quorum system is null'],
  ['no strategy', () => call('figuresFor', system, {}), 'strategy is undefined'],
  ['a share null', () => figures([null]), 'a part of strategy.reads is null'],
  ['a share without a quorum', () => figures([{ probability: 1 }]), 'strategy.reads is undefined: give a list'],
  ['no shares', () => figures([]), 'the probabilities of strategy.reads sum to 0, not to 1'],
  ['a share of a stranger', () => figures([share(1, 'z')]), 'strategy.reads names "z": use a, b, c'],
  ['an endless share', () => figures([share(Infinity)]), 'a probability of strategy.reads is Infinity'],
  ['shares that sum to no number', () => figures([share(1e308), share(1e308)]), 'sum to Infinity'],
  ['failureTable(null)', () => call('failureTable', null), 'what is given for sizes is null'],
  ['availabilityTable()', () => call('availabilityTable'), 'the argument with the options is undefined'],
  ['no factors', () => call('availabilityTable', { levels: ['one'], pUp: 0.9 }), 'factors is undefined'],
  ['pUp null', () => call('availabilityTable', { factors: [3], levels: ['one'], pUp: null }), 'pUp is null'],
  ['availabilityOf(null)', () => call('availabilityOf', null, 0.5), 'the side is null'],
])('%s: is refused', ([, run, said]) => {
  expect(refusal(run)).toMatchObject({
    name: 'QuorateError',
    code: 'QUORATE_INVALID_OPTION',
    message: expect.stringContaining(said) as string,
  })
})

function parse(options: object): unknown {
  return call('parseQuorums', { write: 'any of (a, b)', ...options })
}

function recommend(options: object): unknown {
  return call('recommend', { nodes: ['a', 'b', 'c'], ...options })
}

function share(probability: number, stranger?: string): object {
  return { quorum: ['a', 'b', ...(stranger === undefined ? [] : [stranger])], probability }
}

function figures(reads: unknown): unknown {
  return call('figuresFor', system, { strategy: { reads, writes: [share(1)] } })
}

describe('expressions by hand', () => {
  const a = { kind: 'name', name: 'a' }
  const b = { kind: 'name', name: 'b' }
  const of = (required: unknown, ...weights: unknown[]): object => ({
    kind: 'threshold',
    required,
    parts: weights.map((weight, index) => ({ expression: index === 0 ? a : b, weight })),
  })
  const endless: { kind: string; required: number; parts: unknown[] } = { kind: 'threshold', required: 1, parts: [] }
  endless.parts.push({ expression: endless, weight: 1 })

  test.for<[unknown, string]>([
    [of(0, 1, 1), '0 of 2 cannot be'],
    [of(3, 1, 1), '3 of 2 cannot be'],
    [of(1.5, 1, 1), '1.5 of 2 cannot be'],
    [of(undefined, 1, 1), 'undefined of 2 cannot be'],
    [of(1, NaN, 1), 'weight NaN cannot be'],
    [of(1, undefined, 1), 'weight undefined cannot be'],
    [of(1, 0.5, 1), 'weight 0.5 cannot be'],
    [of(1, -1, 3), 'weight -1 cannot be'],
    [of(1), 'a quorum of an empty set'],
    [{ kind: 'threshold', required: 1 }, 'parts in reads is undefined: give a list'],
    [{ kind: 'threshold', required: 1, parts: [null] }, 'a part in reads is null'],
    [{ kind: 'threshold', required: 1, parts: [{ weight: 1 }] }, 'reads is undefined: give an object'],
    [{ kind: 'sum', required: 1, parts: [] }, 'a kind in reads is "sum": use "name" or "threshold"'],
    [{ kind: 'name' }, 'undefined is no name of a node'],
    [{ kind: 'name', name: 'a b' }, '"a b" is no name of a node'],
    ['a', 'reads is "a": give an object'],
    [undefined, 'reads is undefined'],
    [endless, 'reads is nested more than 256 deep'],
  ])('case %#: is refused', ([reads, said]) => {
    const options = { reads, writes: a, unchecked: true } as ConstructorParameters<typeof QuorumSystem>[0]
    expect(refusal(() => new QuorumSystem(options))).toMatchObject({
      code: 'QUORATE_INVALID_OPTION',
      message: expect.stringContaining(said) as string,
    })
  })
})
