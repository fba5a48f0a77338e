/**
 * Nine replicas in three regions, 1 ms apart inside a region and 40 ms between two: reads stay in their region while
 * every read quorum meets every write quorum, and that remains so when a region is cut off.
 */
import { describe, expect, test } from 'vitest'
import { simulate, type Fault, type GivenKeyspace, type SimulationRun } from '../../src/sim/index.ts'
import { faultsOf } from './judge.ts'

const REGIONS = ['eu', 'us', 'asia'] as const
type Region = (typeof REGIONS)[number]

const NEAR_MS = 1
const FAR_MS = 40
/** To another replica of the region and back, and room for its spread and for one fetch of a record that differs. */
const LOCAL_MS = 4 * NEAR_MS
const CUT_AT_MS = 30_000
const END_MS = 60_000
/** By then every coordinator has given up on those that it cannot reach, the slowest heart beating every 2 s. */
const NOTICED_MS = 6_000

/** The cut takes no message under way, and none comes back until the end. */
function runOf(seed: number, keyspace: GivenKeyspace, cutOff: Region): SimulationRun {
  const setting = {
    // Nothing but calls on links on which one late message holds up those behind it.
    exchangeMs: 0,
    horizonMs: 0,
    seed,
    replicas: 9,
    zones: REGIONS,
    keyspace: { ...keyspace, conflicts: 'siblings', repair: 'background' },
    workload: {
      clients: 12,
      operations: 2_000,
      durationMs: END_MS,
      burstRate: 0,
      thinkMs: 300,
      readLevels: [],
      writeLevels: [],
      homeRate: 1,
      hasteRate: 0,
      plannedRate: 0,
      retryRate: 0,
      timeoutMs: 1_500,
    },
  } as const
  const conditions = { nearMs: NEAR_MS, farMs: FAR_MS }
  const calm = { classes: [], permanent: false, conditions } as const
  const { hosts } = simulate({ ...setting, nemesis: { ...calm, faults: [] } }).drawn.cluster
  const isInside = hosts.map(({ zone }) => zone === cutOff)
  const links = hosts.flatMap((_, from) =>
    hosts.flatMap((__, to) => (isInside[from] === isInside[to] ? [] : [{ from, to }])),
  )
  const shape = `${cutOff} cut off`
  const when = { atMs: CUT_AT_MS, forMs: END_MS - CUT_AT_MS }
  const cut: Fault = { kind: 'cut', shape, links, holds: false, isTold: false, ...when }
  return simulate({ ...setting, nemesis: { ...calm, faults: [cut] } })
}

/** What calls of one kind through the coordinators of a region came to, in one phase of the run. */
interface Calls {
  readonly ms: number[]
  strict: number
  /** Ended without a result. */
  failed: number
}

interface Phases {
  readonly before: Calls
  readonly after: Calls
}

function callsOf({ history, drawn }: SimulationRun, kind: 'get' | 'put', region: Region): Phases {
  const inRegion = new Set(drawn.cluster.hosts.filter(({ zone }) => zone === region).map(({ name }) => name))
  const phases: Phases = { before: { ms: [], strict: 0, failed: 0 }, after: { ms: [], strict: 0, failed: 0 } }
  const began = new Map<number, number>()
  for (const line of history) {
    if (!('process' in line) || !inRegion.has(line.node ?? '')) continue
    if ((line.f === 'get') !== (kind === 'get')) continue
    if (line.type === 'invoke') {
      began.set(line.process, line.time)
      continue
    }
    const fromMs = (began.get(line.process) as number) / 1e6
    const toMs = line.time / 1e6
    const calls =
      toMs < CUT_AT_MS ? phases.before : fromMs > CUT_AT_MS + NOTICED_MS && toMs < END_MS ? phases.after : undefined
    if (calls === undefined) continue
    if (line.type !== 'ok') calls.failed++
    else {
      calls.ms.push(toMs - fromMs)
      if (line.strict === true) calls.strict++
    }
  }
  return phases
}

function median({ ms }: Calls): number {
  return ms.toSorted((a, b) => a - b)[ms.length >> 1] ?? Infinity
}

const ANY_REGION = 'majority of @eu or majority of @us or majority of @asia'
const WITNESS = 'majority of @eu and 1 of (@us, @asia)'
const SEEDS = [1, 2, 3, 4, 5]

describe('three regions', () => {
  test.for(SEEDS)('seed %i, reads of any region: local before and after the cut, and never stale', (seed) => {
    const run = runOf(seed, { r: ANY_REGION }, 'asia')
    expect(faultsOf(run)).toEqual([])
    expect(run.drawn.cluster.keyspace.definition).toMatchObject({ read: ANY_REGION, write: `dual of (${ANY_REGION})` })
    for (const region of REGIONS) {
      const { before, after } = callsOf(run, 'get', region)
      for (const calls of [before, after]) {
        expect(calls.strict).toBeGreaterThan(20)
        expect(calls.strict).toBe(calls.ms.length)
        expect(calls.failed).toBe(0)
        expect(median(calls)).toBeLessThan(LOCAL_MS)
      }
      const writes = callsOf(run, 'put', region)
      expect(median(writes.before)).toBeGreaterThan(2 * 0.4 * FAR_MS)
      // One message in five thousand between regions takes longer than a call does, and a write crosses all of them.
      expect(writes.before.failed).toBeLessThanOrEqual(1)
      // What a read inside the lost region must not miss cannot be written any more.
      expect(writes.after.ms).toEqual([])
      expect(writes.after.failed).toBeGreaterThan(0)
    }
  })

  test.for(SEEDS)('seed %i, a home region with a witness: it reads locally and goes on without the other', (seed) => {
    const run = runOf(seed, { w: WITNESS }, 'asia')
    expect(faultsOf(run)).toEqual([])
    const reads = callsOf(run, 'get', 'eu')
    const writes = callsOf(run, 'put', 'eu')
    for (const phase of ['before', 'after'] as const) {
      expect(reads[phase].strict).toBeGreaterThan(20)
      expect(median(reads[phase])).toBeLessThan(LOCAL_MS)
      expect(writes[phase].strict).toBeGreaterThan(5)
      expect(reads[phase].failed + writes[phase].failed).toBe(0)
    }
    // From outside, the home is across the ocean; from the lost region, out of reach.
    expect(median(callsOf(run, 'get', 'us').after)).toBeGreaterThan(2 * 0.4 * FAR_MS)
    expect(callsOf(run, 'get', 'asia').after).toMatchObject({ ms: [], strict: 0 })
    expect(callsOf(run, 'put', 'asia').after).toMatchObject({ ms: [], strict: 0 })
  })

  test.for(SEEDS)('seed %i, the home region is cut off: the others together still read all that it wrote', (seed) => {
    const run = runOf(seed, { w: WITNESS }, 'eu')
    expect(faultsOf(run)).toEqual([])
    for (const region of ['us', 'asia'] as const) {
      const { after } = callsOf(run, 'get', region)
      expect(after.strict).toBeGreaterThan(20)
      // All six have to answer, and one message in a thousand takes longer than a call may.
      expect(after.failed).toBeLessThan(after.strict / 10)
      expect(callsOf(run, 'put', region).after).toMatchObject({ ms: [], strict: 0 })
    }
    // At home a read goes on, and a write has no witness.
    const { before, after } = callsOf(run, 'get', 'eu')
    for (const calls of [before, after]) expect(median(calls)).toBeLessThan(LOCAL_MS)
    expect(callsOf(run, 'put', 'eu').after).toMatchObject({ ms: [], strict: 0 })
  })
})
