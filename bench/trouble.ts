/**
 * What a slow, a silent and a dead replica do to everybody else, and how much may queue up for one that does not read.
 *
 * Calls come at a steady pace, half of them puts and half gets, and each is timed from the moment it was due. Healthy
 * stretches are measured between the troubled ones, because 99th percentiles are what a shared machine disturbs most.
 */
import type { Client } from '../src/index.ts'
import { fill, getOf, IN_FLIGHT, keyAt, lwwOf, putOf } from './cells.ts'
import { seesAll, startCluster, type Cluster } from './cluster.ts'
import { heldBytesNow } from './heap.ts'
import type { Latencies } from './latency-recorder.ts'
import { countdown, paced, throughput, type Operation } from './load.ts'
import type { Progress } from './progress.ts'
import { bytes, GOAL_COLUMNS, goalRow, span, type Row, type Scale, type Section } from './section.ts'
import { median, medianRatio } from './statistics.ts'

const CLIENT_ID = 'bench'
const CALLS_PER_SECOND = 2_000
/** How much slower a slow replica is than a healthy round trip. */
const SLOWDOWN = 100
/** On a machine so busy that calls queue, a hundred times that would be minutes. */
const SLOW_MS_MAX = 500
const QUEUE_BYTES_MAX = 4 * 2 ** 20
/** A value that fills a queue soon. */
const LARGE_VALUE = 'v'.repeat(1024)

/** How long a trouble lasts before it counts as known: a replica is given up after two heartbeats of half a second. */
const NOTICE_MS = 1_200

interface Pair {
  readonly healthy: Latencies
  /** While it is being noticed. */
  readonly first: Latencies
  /** After that. */
  readonly troubled: Latencies
}

export async function measureTrouble(scale: Scale, progress: Progress): Promise<Section> {
  const rounds = scale.quick ? 1 : 5
  const forMs = scale.quick ? 600 : 2000
  const pairs: Record<'slow' | 'silent' | 'dead', Pair[]> = { slow: [], silent: [], dead: [] }
  progress.part('trouble', 2 * rounds + 2)
  const bed = await TroubleBed.open(forMs)
  try {
    for (let round = 0; round < rounds; round++) {
      progress.step(`a slow replica, round ${round + 1} of ${rounds}`)
      pairs.slow.push(await bed.slow())
      progress.step(`a silent replica, round ${round + 1} of ${rounds}`)
      pairs.silent.push(await bed.silent())
    }
    progress.step('what queues up for a replica that does not read')
    const queued = await bed.queued()
    progress.step('a dead replica')
    pairs.dead.push(await bed.dead())
    return sectionOf(pairs, queued)
  } finally {
    await bed.cluster.close()
  }
}

class TroubleBed {
  readonly cluster: Cluster
  readonly #client: Client
  readonly #operation: Operation
  readonly #forMs: number

  private constructor(parts: { cluster: Cluster; client: Client; forMs: number }) {
    const { cluster, client, forMs } = parts
    this.cluster = cluster
    this.#client = client
    this.#forMs = forMs
    const put = putOf(lwwOf(client))
    const get = getOf(lwwOf(client))
    this.#operation = (worker, turn) => (turn % 2 === 0 ? put(worker, turn) : get(worker, turn))
  }

  static async open(forMs: number): Promise<TroubleBed> {
    const cluster = await startCluster({ storage: 'memory', faulty: true })
    const transport = { frameBytesMax: QUEUE_BYTES_MAX, queueBytesMax: QUEUE_BYTES_MAX }
    const client = await cluster.client({ id: CLIENT_ID, transport })
    await fill(lwwOf(client))
    const bed = new TroubleBed({ cluster, client, forMs })
    await bed.healthy()
    return bed
  }

  healthy(): Promise<Latencies> {
    return this.#load(this.#forMs)
  }

  #load(forMs: number): Promise<Latencies> {
    return paced(this.#operation, { perSecond: CALLS_PER_SECOND, forMs })
  }

  /** The answers of one replica take a hundred times as long as a healthy call. */
  async slow(): Promise<Pair> {
    const healthy = await this.healthy()
    const ms = Math.min(SLOW_MS_MAX, Math.max(1, (SLOWDOWN * healthy.p50Us) / 1000))
    await this.cluster.ask('a', { kind: 'slow', to: CLIENT_ID, ms })
    const first = await this.#load(NOTICE_MS)
    const troubled = await this.healthy()
    await this.cluster.ask('a', { kind: 'slow', to: CLIENT_ID, ms: 0 })
    await settle(ms + 200)
    return { healthy, first, troubled }
  }

  /** One replica stands still from the first call on: its sockets stay open and nothing comes. */
  async silent(): Promise<Pair> {
    const healthy = await this.healthy()
    this.cluster.signal('a', 'SIGSTOP')
    const first = await this.#load(NOTICE_MS)
    const troubled = await this.healthy()
    this.cluster.signal('a', 'SIGCONT')
    await this.#recover()
    return { healthy, first, troubled }
  }

  /** One replica is killed, for good. */
  async dead(): Promise<Pair> {
    const healthy = await this.healthy()
    this.cluster.signal('a', 'SIGKILL')
    const first = await this.#load(NOTICE_MS)
    return { healthy, first, troubled: await this.healthy() }
  }

  /** The most that this process held for a replica that stands still, beyond what it held while all were well. */
  async queued(): Promise<number> {
    const keyspace = lwwOf(this.#client)
    const put: Operation = (worker, turn) => keyspace.put(keyAt(worker + turn * IN_FLIGHT), LARGE_VALUE)
    const load = { inFlight: 256, warmMs: 0, forMs: 1500 }
    const before = await peakWhile(throughput(put, load))
    this.cluster.signal('a', 'SIGSTOP')
    const during = await peakWhile(throughput(put, load))
    this.cluster.signal('a', 'SIGCONT')
    await this.#recover()
    return Math.max(0, during - before)
  }

  async #recover(): Promise<void> {
    await seesAll(this.#client)
    await countdown((index) => this.#operation(0, index), { count: 1000, inFlight: 16 })
    await settle(200)
  }
}

async function peakWhile(running: Promise<unknown>): Promise<number> {
  let peak = 0
  const ended = running.then(() => true)
  do peak = Math.max(peak, heldBytesNow())
  while (!(await Promise.race([settle(150), ended])))
  return peak
}

function settle(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, ms, false))
}

function sectionOf(pairs: Record<'slow' | 'silent' | 'dead', readonly Pair[]>, queued: number): Section {
  const rows: Row[] = [
    pairRow('p99 with a replica slowed down 100 times', pairs.slow),
    pairRow('p99 with a replica that stands still', pairs.silent),
    pairRow('p99 with a replica killed', pairs.dead),
    goalRow({
      name: 'held for a replica that does not read',
      measured: bytes(queued),
      against: bytes(QUEUE_BYTES_MAX),
      goal: { ratio: queued / QUEUE_BYTES_MAX, relation: 'at most', bound: 1 },
      figures: { heldBytes: queued, queueBytesMax: QUEUE_BYTES_MAX },
    }),
  ]
  const title = `Trouble: puts and gets at ${CALLS_PER_SECOND} a second, W = R = 2`
  for (const [name, stretches] of Object.entries(pairs)) rows.push(noticeRow(name, stretches))
  const notes = ['Against: the p99 while all replicas are well, and the queue limit of a link.']
  return { part: 'goals', title, columns: GOAL_COLUMNS, rows, notes }
}

function pairRow(name: string, pairs: readonly Pair[]): Row {
  const troubled = pairs.map((pair) => pair.troubled.p99Us)
  const healthy = pairs.map((pair) => pair.healthy.p99Us)
  return goalRow({
    name,
    measured: span(median(troubled)),
    against: span(median(healthy)),
    goal: { ratio: medianRatio({ of: troubled, to: healthy }), relation: 'at most', bound: 2 },
    figures: { rounds: pairs },
  })
}

/** For the reader, without a goal: how it was while nobody knew yet. */
function noticeRow(name: string, pairs: readonly Pair[]): Row {
  const first = pairs.map((pair) => pair.first.p99Us)
  const healthy = pairs.map((pair) => pair.healthy.p99Us)
  const ratio = medianRatio({ of: first, to: healthy }).toFixed(2)
  const cells = [span(median(first)), span(median(healthy)), ratio, '', '']
  return {
    name: `the first ${NOTICE_MS} ms with a ${name} one`,
    cells,
    figures: { firstUs: first, healthyUs: healthy },
  }
}
