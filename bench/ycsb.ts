/**
 * YCSB's core workloads (Cooper and others, "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010) at four choices
 * of R and W: what a level costs, and what it may show.
 *
 * A: half reads, half updates. B: 95 % reads. C: reads alone. 100,000 records of 1 kB, a tenth of them in a quick run, asked for by a Zipfian
 * distribution; an update writes the whole record. R and W are given with each call, over one `lww` keyspace.
 */
import type { ApKeyspace, Client } from '../src/index.ts'
import { Random } from '../src/core/base/random.ts'
import { startCluster } from './cluster.ts'
import { CLIENT_ID, putSizes } from './frame-sizes.ts'
import { LatencyRecorder } from './latency-recorder.ts'
import { EchoServers } from './limit.ts'
import { countdown, throughput, type Operation } from './load.ts'
import type { Progress } from './progress.ts'
import { perSecond, span, type Part, type Row, type Scale, type Section } from './section.ts'
import { StalenessJudge } from './staleness.ts'
import { median } from './statistics.ts'
import { Zipfian } from './zipfian.ts'

const RECORDS = { quick: 10_000, full: 100_000 } as const
const RECORD_BYTES = 1_000
const THETA = 0.99
const IN_FLIGHT = 64
const COORDINATORS = 2
const WORKLOADS = { A: 0.5, B: 0.95, C: 1 } as const
const LEVELS = [
  [1, 1],
  [1, 3],
  [2, 2],
  [3, 1],
] as const

type Storage = 'memory' | 'durable'

export const ycsb: Part = {
  name: 'ycsb',
  about: 'workloads A, B and C at four choices of R and W, in memory and durable',
  run: async (scale, progress) => {
    progress.part('ycsb', 2 * (2 + Object.keys(WORKLOADS).length * LEVELS.length))
    const echo = await EchoServers.start()
    try {
      const limit = await echo.limit(putSizes({ key: keyOf(0), by: CLIENT_ID, value: new Uint8Array(RECORD_BYTES) }))
      const sections: Section[] = []
      for (const storage of ['memory', 'durable'] as const) {
        sections.push(await measureStorage({ storage, scale, progress, limit: limit.operation }))
      }
      return sections
    } finally {
      await echo.close()
    }
  },
}

interface Bench {
  readonly storage: Storage
  readonly scale: Scale
  readonly progress: Progress
  readonly limit: Operation
}

async function measureStorage({ storage, scale, progress, limit }: Bench): Promise<Section> {
  const records = RECORDS[scale.quick ? 'quick' : 'full']
  const cluster = await startCluster({ storage })
  try {
    const clients = [await cluster.client(), await cluster.client()]
    const traffic = new Traffic(clients, { records, seed: scale.seed })
    progress.step(`loading ${records} records, ${storage}`)
    await traffic.load()
    progress.step(`warming up, ${storage}`)
    await traffic.run({ reads: 0.5, r: 2, w: 2, operations: 10_000 })
    const limits: number[] = []
    const cells: Cell[] = []
    const operations = scale.quick ? 2_500 : 80_000
    for (const [workload, reads] of Object.entries(WORKLOADS)) {
      limits.push((await throughput(limit, { inFlight: IN_FLIGHT, warmMs: 100, forMs: 300 })).perSecond)
      for (const [r, w] of LEVELS) {
        progress.step(`workload ${workload}, R = ${r}, W = ${w}, ${storage}`)
        cells.push({ workload, r, w, ...(await traffic.run({ reads, r, w, operations })) })
      }
    }
    return sectionOf({ storage, records, cells, limit: median(limits) })
  } finally {
    await cluster.close()
  }
}

interface Measured {
  readonly perSecond: number
  readonly all: LatencyRecorder
  readonly reads: LatencyRecorder
  readonly updates: LatencyRecorder
  readonly readsJudged: number
  readonly readsStale: number
}

interface Cell extends Measured {
  readonly workload: string
  readonly r: number
  readonly w: number
}

/** Reads and updates of records through several coordinators. */
class Traffic {
  readonly #keyspaces: readonly ApKeyspace<Uint8Array>[]
  readonly #records: number
  readonly #judge: StalenessJudge
  readonly #random: Random
  readonly #zipfian: Zipfian
  /** Encoded before a put returns, so one serves all. */
  readonly #record = Buffer.alloc(RECORD_BYTES, 'r')

  constructor(clients: readonly Client[], { records, seed }: { readonly records: number; readonly seed: number }) {
    this.#records = records
    this.#judge = new StalenessJudge(records)
    const options = { mode: 'ap', conflicts: 'lww', r: 2, w: 2 } as const
    this.#keyspaces = clients.map((client) => client.keyspace<Uint8Array>('ycsb', options))
    this.#random = new Random(seed)
    this.#zipfian = new Zipfian({ items: records, theta: THETA, random: this.#random.fork() })
  }

  async load(): Promise<void> {
    await Promise.all(this.#keyspaces.map((keyspace) => keyspace.get(keyOf(0))))
    await countdown((key) => this.#update(key, 3), { count: this.#records, inFlight: 256 })
  }

  async run(cell: { reads: number; r: number; w: number; operations: number }): Promise<Measured> {
    const reads = new LatencyRecorder()
    const updates = new LatencyRecorder()
    this.#judge.take()
    const call = async (): Promise<void> => {
      const isRead = this.#random.chance(cell.reads)
      const key = this.#zipfian.next()
      const startedAt = performance.now()
      await (isRead ? this.#read(key, cell.r) : this.#update(key, cell.w))
      const recorder = isRead ? reads : updates
      recorder.record((performance.now() - startedAt) * 1000)
    }
    const startedAt = performance.now()
    await countdown(call, { count: cell.operations, inFlight: IN_FLIGHT })
    const rate = (cell.operations / (performance.now() - startedAt)) * 1000
    const all = new LatencyRecorder()
    all.add(reads)
    all.add(updates)
    const judged = this.#judge.take()
    return { perSecond: rate, all, reads, updates, readsJudged: judged.reads, readsStale: judged.stale }
  }

  async #read(key: number, r: number): Promise<void> {
    const keyspace = this.#keyspaces[this.#random.below(COORDINATORS)] as ApKeyspace<Uint8Array>
    const begun = this.#judge.readBegins(key)
    const { value } = await keyspace.get(keyOf(key), { r })
    this.#judge.readEnds(begun, value === undefined ? 0 : numberIn(value))
  }

  async #update(key: number, w: number): Promise<void> {
    const keyspace = this.#keyspaces[key % COORDINATORS] as ApKeyspace<Uint8Array>
    const number = this.#judge.next(key)
    this.#record.writeUInt32LE(number, 0)
    await keyspace.put(keyOf(key), this.#record, { w })
    this.#judge.acknowledged(key, number)
  }
}

function keyOf(index: number): string {
  return `user${String(index).padStart(10, '0')}`
}

function numberIn(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true)
}

function sectionOf(of: {
  readonly storage: Storage
  readonly records: number
  readonly cells: readonly Cell[]
  readonly limit: number
}): Section {
  const { storage, records, cells, limit } = of
  const rows = cells.map((cell) => rowOf(storage, cell, limit))
  const title = `YCSB, ${storage === 'memory' ? 'in memory' : 'durable'}: ${records} records of 1 kB, ${IN_FLIGHT} in flight`
  const columns = ['workload', 'R', 'W', 'speed', 'of limit', 'p50', 'p99', 'stale reads']
  const notes = [`The echo limit with frames of 1 kB puts: ${perSecond(limit)}.`]
  return { part: 'ycsb', title, columns, rows, notes }
}

function rowOf(storage: Storage, cell: Cell, limit: number): Row {
  const { workload, r, w, readsJudged, readsStale } = cell
  const all = cell.all.summary()
  const share = readsStale / Math.max(1, readsJudged)
  const ratio = cell.perSecond / limit
  const stale = readsStale === 0 ? 'none' : `${(100 * share).toPrecision(2)} %`
  return {
    name: workload,
    cells: [`${r}`, `${w}`, perSecond(cell.perSecond), ratio.toFixed(2), span(all.p50Us), span(all.p99Us), stale],
    figures: {
      storage,
      workload,
      r,
      w,
      perSecond: cell.perSecond,
      limitPerSecond: limit,
      ofLimit: ratio,
      all,
      reads: cell.reads.summary(),
      updates: cell.updates.summary(),
      readsJudged,
      readsStale,
      staleShare: share,
    },
  }
}
