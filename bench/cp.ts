/**
 * Registers beside AP keys and beside etcd, in one run: what agreeing on one value costs.
 *
 * Every round measures every cell once, in turn, and a ratio is the median of its rounds. etcd is measured where its
 * program is installed.
 */
import type { Client, CpKeyspace } from '../src/index.ts'
import { fill, getOf, IN_FLIGHT, keyFor, lwwOf, putOf, VALUE } from './cells.ts'
import { startCluster, type Cluster } from './cluster.ts'
import { EtcdCluster } from './etcd.ts'
import { countdown, throughput, type Operation } from './load.ts'
import { ledOf, measureLeaders } from './leader.ts'
import type { Progress } from './progress.ts'
import { GOAL_COLUMNS, goalRow, perSecond, type Part, type Row, type Scale, type Section } from './section.ts'
import { median, medianRatio } from './statistics.ts'

const CELLS = {
  put: 'durable lww put, W = 2',
  write: 'durable register write',
  led: 'durable write of a keyspace with a leader',
  get: 'get, R = 2',
  read: 'register read, linearizable',
  etcdPut: "etcd's put",
  etcdGet: "etcd's linearizable read",
  together: 'update of one key, 16 callers of one client',
  apart: 'update of one key, 16 clients',
} as const

type CellName = keyof typeof CELLS
type Figures = Readonly<Record<CellName, readonly number[]>>

const CALLERS = 16

export const cp: Part = {
  name: 'cp',
  about: 'registers beside AP keys, and beside etcd where it is installed',
  run: async (scale, progress) => {
    const sections: Section[] = []
    const bed = await TestBed.open()
    try {
      sections.push(await measure(bed, scale, progress))
    } finally {
      await bed.close()
    }
    return [...sections, await measureLeaders(scale, progress)]
  },
}

async function measure(bed: TestBed, { quick }: Scale, progress: Progress): Promise<Section> {
  const rounds = quick ? 2 : 7
  const cells = Object.entries(bed.operations) as [CellName, Operation][]
  progress.part('cp', rounds * cells.length + 2 + (quick ? 1 : 5))
  progress.step('warming up')
  const inFlightOf = (id: CellName): number => (id === 'together' || id === 'apart' ? CALLERS : IN_FLIGHT)
  for (const [id, operation] of cells) {
    await throughput(operation, { inFlight: inFlightOf(id), warmMs: 0, forMs: quick ? 200 : 1200 })
  }
  const figures = Object.fromEntries(Object.keys(CELLS).map((id) => [id, [] as number[]])) as Record<CellName, number[]>
  for (let round = 0; round < rounds; round++) {
    for (const [id, operation] of cells) {
      progress.step(`${CELLS[id]}, round ${round + 1} of ${rounds}`)
      const speed = await throughput(operation, { inFlight: inFlightOf(id), warmMs: 100, forMs: quick ? 250 : 900 })
      figures[id].push(speed.perSecond)
    }
  }
  await bed.checkCounts()
  return section(figures, bed)
}

/** What else there is does not depend on etcd. */
async function startEtcd(): Promise<
  readonly [etcd: EtcdCluster | undefined, note: string, failures: readonly string[]]
> {
  try {
    const etcd = await EtcdCluster.start()
    if (etcd === undefined) return [etcd, 'etcd is not installed here: its rows are left out.', []]
    return [
      etcd,
      'etcd: three servers, durable, each call a gRPC stream over one HTTP/2 connection to each server.',
      [],
    ]
  } catch (error) {
    return [undefined, 'etcd did not start: its rows are left out.', [`etcd is left out: ${(error as Error).message}`]]
  }
}

class TestBed {
  readonly operations: Partial<Record<CellName, Operation>>
  readonly hasEtcd: boolean
  readonly etcdNote: string
  readonly failures: readonly string[]
  /** Throws unless every increment of the shared keys was applied exactly once. */
  readonly checkCounts: () => Promise<void>
  readonly close: () => Promise<void>

  private constructor(parts: Omit<TestBed, never>) {
    this.operations = parts.operations
    this.hasEtcd = parts.hasEtcd
    this.etcdNote = parts.etcdNote
    this.failures = parts.failures
    this.checkCounts = parts.checkCounts
    this.close = parts.close
  }

  static async open(): Promise<TestBed> {
    const durable = await startCluster({ storage: 'durable' })
    const memory = await startCluster({ storage: 'memory' })
    const [etcd, etcdNote, failures] = await startEtcd()
    const [client, reader] = [await durable.client(), await memory.client()]
    const [lww, lwwRead] = [lwwOf(client), lwwOf(reader)]
    const [registers, registersRead] = [registersOf(client), registersOf(reader)]
    const led = ledOf(client)
    for (const keyspace of [lww, lwwRead]) await fill(keyspace)
    for (const keyspace of [registers, registersRead, led]) {
      await countdown((index) => keyspace.put(keyFor(index, 0), VALUE), { count: 10_000, inFlight: IN_FLIGHT })
    }
    const counters = await TestBed.#counters(memory, reader)
    const operations: Partial<Record<CellName, Operation>> = {
      put: putOf(lww),
      write: (worker, turn) => registers.put(keyFor(worker, turn), VALUE),
      led: (worker, turn) => led.put(keyFor(worker, turn), VALUE),
      get: getOf(lwwRead),
      read: (worker, turn) => registersRead.get(keyFor(worker, turn)).then(look),
      ...(etcd !== undefined && { etcdPut: etcd.put(keyFor, VALUE), etcdGet: etcd.get(keyFor) }),
      ...counters.operations,
    }
    const close = async (): Promise<void> => {
      await Promise.all([durable.close(), memory.close(), etcd?.close()])
    }
    const hasEtcd = etcd !== undefined
    return new TestBed({ operations, hasEtcd, etcdNote, failures, checkCounts: counters.check, close })
  }

  static async #counters(
    cluster: Cluster,
    client: Client,
  ): Promise<{
    readonly operations: Pick<TestBed['operations'], 'together' | 'apart'>
    readonly check: () => Promise<void>
  }> {
    const clients = await Promise.all(Array.from({ length: CALLERS }, () => cluster.client()))
    const handles = clients.map((one) => countersOf(one))
    const own = countersOf(client)
    const made = { together: 0, apart: 0 }
    const increment = async (handle: CpKeyspace<number>, key: 'together' | 'apart'): Promise<void> => {
      await handle.update(key, (n = 0) => n + 1, { timeoutMs: 60_000 })
      made[key]++
    }
    const check = async (): Promise<void> => {
      for (const key of ['together', 'apart'] as const) {
        const { value } = await own.get(key)
        if (value !== made[key]) throw new Error(`${key}: ${made[key]} increments were answered, and ${value} applied`)
      }
    }
    const operations = {
      together: () => increment(own, 'together'),
      apart: (worker: number) => increment(handles[worker] as CpKeyspace<number>, 'apart'),
    }
    return { operations, check }
  }
}

function registersOf(store: Client): CpKeyspace<string> {
  return store.keyspace<string>('registers', { mode: 'cp', n: 3 })
}

function countersOf(store: Client): CpKeyspace<number> {
  return store.keyspace<number>('counters', { mode: 'cp', n: 3 })
}

function look({ value }: { readonly value: unknown }): void {
  if (value === undefined) throw new Error('a key that was written has no value')
}

function section(figures: Figures, { hasEtcd, etcdNote, failures }: TestBed): Section {
  const title = 'Registers: N = 3, 10,000 keys, values of 128 bytes, 512 in flight; updates of one key with 16'
  const notes = [
    'Writes are durable, reads and updates are of records in memory. Ratios are medians of the ratios of each round.',
    etcdNote,
  ]
  return { part: 'cp', title, columns: GOAL_COLUMNS, rows: rowsOf(figures, hasEtcd), notes, failures }
}

function rowsOf(figures: Figures, hasEtcd: boolean): Row[] {
  const rate = (id: CellName, to: CellName, bound: number): Row =>
    goalRow({
      name: `${CELLS[id]} (against ${CELLS[to]})`,
      measured: perSecond(median(figures[id])),
      against: perSecond(median(figures[to])),
      goal: { ratio: medianRatio({ of: figures[id], to: figures[to] }), relation: 'at least', bound },
      figures: { perSecond: figures[id], againstPerSecond: figures[to] },
    })
  const beside = (id: CellName, to: CellName): Row => {
    const ratio = medianRatio({ of: figures[id], to: figures[to] })
    const cells = [perSecond(median(figures[id])), perSecond(median(figures[to])), ratio.toFixed(2), '', '']
    const name = `${CELLS[id]} (against ${CELLS[to]})`
    return { name, cells, figures: { perSecond: figures[id], againstPerSecond: figures[to] } }
  }
  const counted = (id: 'together' | 'apart'): Row =>
    goalRow({
      name: `${CELLS[id]}, each increment applied once`,
      measured: perSecond(median(figures[id])),
      against: perSecond(1_000),
      goal: { ratio: median(figures[id]) / 1_000, relation: 'at least', bound: 1 },
      figures: { perSecond: figures[id] },
    })
  return [
    rate('write', 'put', 0.4),
    ...(hasEtcd ? [beside('write', 'etcdPut')] : []),
    rate('led', 'put', 0.8),
    ...(hasEtcd ? [rate('led', 'etcdPut', 8)] : []),
    rate('read', 'get', 0.8),
    ...(hasEtcd ? [rate('read', 'etcdGet', 20)] : []),
    counted('together'),
    counted('apart'),
  ]
}
