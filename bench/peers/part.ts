/**
 * This store beside others, in one run: the same client process, the same keys and values, the same durability, in turn.
 *
 * Every round measures every cell once, one after another, and a ratio is the median of its rounds.
 */
import { fill, getOf, IN_FLIGHT, lwwOf, putOf } from '../cells.ts'
import { startCluster } from '../cluster.ts'
import { oneByOne, throughput, type Operation } from '../load.ts'
import type { Progress } from '../progress.ts'
import { GOAL_COLUMNS, goalRow, perSecond, span, type Part, type Row, type Scale, type Section } from '../section.ts'
import { median, medianRatio } from '../statistics.ts'
import { etcd } from './etcd.ts'
import { nats } from './nats.ts'
import type { Kind, Peer, PeerCell, RunningPeer } from './peer.ts'
import { redis } from './redis.ts'
import { runningServers, within } from './server.ts'
import { zookeeper } from './zookeeper.ts'

const PEERS: readonly Peer[] = [redis, nats, etcd, zookeeper]
/** Nobody takes so long for one cell who still works. */
const STUCK_MS = 60_000
const OURS: Readonly<Record<Kind, string>> = {
  put: 'put, W = 2, in memory',
  get: 'get, R = 2',
  durable: 'put, W = 2, durable',
}

export const peers: Part = {
  name: 'peers',
  about: 'stores of others beside this one, where their programs are installed: with --peers',
  run: async (scale, progress) => {
    progress.part('peers', PEERS.length + 2)
    const bed = await TestBed.open(progress)
    try {
      return [await measure(bed, scale, progress)]
    } finally {
      await bed.close()
    }
  },
}

class TestBed {
  readonly ours: Readonly<Record<Kind, Operation>>
  readonly cells: readonly PeerCell[]
  readonly notes: readonly string[]
  readonly failures: readonly string[]
  readonly close: () => Promise<void>

  private constructor(parts: Pick<TestBed, 'ours' | 'cells' | 'notes' | 'failures' | 'close'>) {
    this.ours = parts.ours
    this.cells = parts.cells
    this.notes = parts.notes
    this.failures = parts.failures
    this.close = parts.close
  }

  static async open(progress: Progress): Promise<TestBed> {
    const running: RunningPeer[] = []
    const skipped: string[] = []
    const failures: string[] = []
    for (const peer of PEERS) {
      progress.step(`starting ${peer.name}`)
      const before = new Set(runningServers())
      try {
        const started = await peer.start()
        if (started === undefined) skipped.push(`${peer.name} is left out: it is not installed here.`)
        else running.push(started)
      } catch (error) {
        failures.push(`${peer.name} is left out: ${(error as Error).message}`)
        for (const server of runningServers()) if (!before.has(server)) await server.stop()
      }
    }
    const memory = await startCluster({ storage: 'memory' })
    const durable = await startCluster({ storage: 'durable' })
    const [client, other] = [await memory.client(), await durable.client()]
    for (const store of [client, other]) await fill(lwwOf(store))
    return new TestBed({
      ours: { put: putOf(lwwOf(client)), get: getOf(lwwOf(client)), durable: putOf(lwwOf(other)) },
      cells: running.flatMap(({ cells }) => cells),
      notes: [...running.flatMap(({ notes }) => notes), ...skipped],
      failures,
      close: async () => {
        await Promise.all([memory.close(), durable.close(), ...running.map((peer) => peer.close())])
      },
    })
  }
}

interface Rounds {
  /** Calls per second with many in flight, and the median of one after the other in µs. */
  readonly many: number[]
  readonly aloneUs: number[]
}

async function measure(bed: TestBed, { quick }: Scale, progress: Progress): Promise<Section> {
  const rounds = quick ? 3 : 7
  const all: (readonly [string, Operation])[] = [
    ...(Object.keys(OURS) as Kind[]).map((kind) => [kind, bed.ours[kind]] as const),
    ...bed.cells.map(({ name, operation }) => [name, operation] as const),
  ]
  const figures = new Map(all.map(([name]): [string, Rounds] => [name, { many: [], aloneUs: [] }]))
  const failed = new Map<string, string>()
  /** A peer that fails now is left out; the others go on. */
  const attempt = async (name: string, run: () => Promise<void>): Promise<void> => {
    if (failed.has(name)) return
    try {
      await within(STUCK_MS, run)
    } catch (error) {
      if (name in OURS) throw error
      failed.set(name, `${name} is left out, it failed while it was measured: ${(error as Error).message}`)
    }
  }
  progress.step('warming up')
  for (const [name, operation] of all) {
    await attempt(name, async () => {
      await throughput(operation, { inFlight: IN_FLIGHT, warmMs: 0, forMs: quick ? 300 : 1500 })
    })
  }
  for (let round = 0; round < rounds; round++) {
    progress.step(`round ${round + 1} of ${rounds}`)
    for (const [name, operation] of all) {
      const of = figures.get(name) as Rounds
      const forMs = quick ? 350 : 1000
      await attempt(name, async () => {
        of.many.push((await throughput(operation, { inFlight: IN_FLIGHT, warmMs: 100, forMs })).perSecond)
        of.aloneUs.push((await oneByOne(operation, { forMs: quick ? 150 : 400 })).p50Us)
      })
    }
  }
  for (const name of failed.keys()) figures.delete(name)
  const cells = bed.cells.filter(({ name }) => !failed.has(name))
  return sectionOf({ cells, notes: bed.notes, failures: [...bed.failures, ...failed.values()] }, figures)
}

function sectionOf(
  { cells, notes, failures }: Pick<TestBed, 'cells' | 'notes' | 'failures'>,
  figures: ReadonlyMap<string, Rounds>,
): Section {
  const rows = cells.map(({ name, kind, goal }): Row => {
    const of = (figures.get(kind) as Rounds).many
    const to = (figures.get(name) as Rounds).many
    const shown = {
      name: `${OURS[kind]} (against ${name})`,
      measured: perSecond(median(of)),
      against: perSecond(median(to)),
      figures: { perSecond: of, againstPerSecond: to },
    }
    const ratio = medianRatio({ of, to })
    if (goal !== undefined) return goalRow({ ...shown, goal: { ratio, relation: 'at least', bound: goal } })
    return {
      name: shown.name,
      cells: [shown.measured, shown.against, ratio.toFixed(2), '', ''],
      figures: shown.figures,
    }
  })
  const alone = [...figures].map(([name, { aloneUs }]): Row => {
    const shown = name in OURS ? OURS[name as Kind] : name
    return { name: `${shown}, 1 in flight, p50`, cells: [span(median(aloneUs)), '', '', '', ''], figures: { aloneUs } }
  })
  return {
    part: 'peers',
    title: `Beside other stores: three servers each, values of 128 bytes, ${IN_FLIGHT} in flight`,
    columns: GOAL_COLUMNS,
    rows: [...rows, ...alone],
    notes: ['Ratios are medians of the ratios of each round. ioredis, with automatic pipelines for GET.', ...notes],
    failures,
  }
}
