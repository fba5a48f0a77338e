/**
 * The promised speeds, each as a ratio to a limit that was measured beside it.
 *
 * Every round measures every cell once, in turn, and a ratio is the median of its rounds: on a shared machine figures
 * drift by the minute, and their ratios do not.
 */
import { startCluster, type Cluster } from './cluster.ts'
import { fill, getOf, IN_FLIGHT, keyAt, localGetOf, lwwOf, putOf, siblingPutOf, siblingsOf, VALUE } from './cells.ts'
import { CLIENT_ID, putSizes } from './frame-sizes.ts'
import { EchoServers } from './limit.ts'
import { oneByOne, throughput, type Operation } from './load.ts'
import type { Progress } from './progress.ts'
import { GOAL_COLUMNS, goalRow, perSecond, span, type Part, type Row, type Scale, type Section } from './section.ts'
import { median, medianRatio } from './statistics.ts'
import { openSyncedDisk } from './synced-batch.ts'
import { measureTrouble } from './trouble.ts'

/** Something to measure: calls per second with many in flight, or the median of one after the other in µs. */
interface Cell {
  readonly name: string
  readonly measure: () => Promise<number>
}

const CELLS = {
  limit: 'echo limit, 512 in flight',
  addressed: 'echo with numbered messages, 512 in flight',
  put: 'lww put, W = 2',
  get: 'get, R = 2',
  siblings: 'siblings put, client',
  embedded: 'siblings put, embedded node',
  limitAlone: 'echo limit, 1 in flight',
  putAlone: 'lww put, 1 in flight',
  getAlone: 'get, 1 in flight',
  localGet: 'embedded get at level one',
  durable: 'durable lww put',
  durableAlone: 'durable lww put, 1 in flight',
  disk: 'one synced batch',
  disks: 'three synced batches at once, until two are done',
} as const

type CellName = keyof typeof CELLS
/** Cells that a load loop drives; the disk measures itself. */
type Driven = Exclude<CellName, 'disk' | 'disks'>
type Figures = Readonly<Record<CellName, readonly number[]>>

export const goals: Part = {
  name: 'goals',
  about: 'the promised speeds beside the echo limit, and what a slow or dead replica does to them',
  run: async (scale, progress) => {
    progress.part('goals', rounds(scale) * Object.keys(CELLS).length + 1)
    const bed = await TestBed.open(scale)
    let speed: Section
    try {
      progress.step('warming up')
      await bed.warmUp()
      const figures = await interleave(bed.cells(), { rounds: rounds(scale), progress })
      speed = section(figures, bed.cpuUs)
    } finally {
      await bed.close()
    }
    return [speed, await measureTrouble(scale, progress)]
  },
}

function rounds({ quick }: Scale): number {
  return quick ? 2 : 9
}

async function interleave(
  cells: readonly (Cell & { readonly id: CellName })[],
  options: { readonly rounds: number; readonly progress: Progress },
): Promise<Figures> {
  const figures = Object.fromEntries(Object.keys(CELLS).map((id) => [id, [] as number[]])) as Record<CellName, number[]>
  for (let round = 0; round < options.rounds; round++) {
    for (const { id, name, measure } of cells) {
      options.progress.step(`${name}, round ${round + 1} of ${options.rounds}`)
      figures[id].push(await measure())
    }
  }
  return figures
}

/** The clusters, all alive at once so that cells can take turns. Those that are not measured only send heartbeats. */
class TestBed {
  /** Processor time of this process for a call, by cell and round. */
  readonly cpuUs = new Map<CellName, number[]>()
  readonly #operations: Record<Driven, Operation>
  readonly #disk: Awaited<ReturnType<typeof openSyncedDisk>>
  readonly #quick: boolean
  readonly #close: () => Promise<void>

  private constructor(parts: {
    operations: Record<Driven, Operation>
    disk: Awaited<ReturnType<typeof openSyncedDisk>>
    quick: boolean
    close: () => Promise<void>
  }) {
    this.#operations = parts.operations
    this.#disk = parts.disk
    this.#quick = parts.quick
    this.#close = parts.close
  }

  static async open({ quick }: Scale): Promise<TestBed> {
    const echo = await EchoServers.start()
    const sizes = putSizes({ key: keyAt(0), by: CLIENT_ID, value: VALUE })
    const limit = await echo.limit(sizes)
    const addressed = await echo.addressedLimit(sizes)
    const memory = await startCluster({ storage: 'memory' })
    const mixed = await startCluster({ storage: 'memory', embedded: true })
    const durable = await startCluster({ storage: 'durable' })
    const clusters: readonly Cluster[] = [memory, mixed, durable]
    const disk = await openSyncedDisk()
    const client = await memory.client()
    const durableClient = await durable.client()
    const { node } = mixed
    if (node === undefined) throw new Error('there is no embedded node')
    for (const store of [client, node, durableClient]) await fill(lwwOf(store))
    const put = putOf(lwwOf(client))
    const get = getOf(lwwOf(client))
    const durablePut = putOf(lwwOf(durableClient))
    const operations = {
      limit: limit.operation,
      addressed: addressed.operation,
      put,
      get,
      siblings: siblingPutOf(siblingsOf(client), () => client.session()),
      embedded: siblingPutOf(siblingsOf(node), () => node.session()),
      limitAlone: limit.operation,
      putAlone: put,
      getAlone: get,
      localGet: localGetOf(lwwOf(node)),
      durable: durablePut,
      durableAlone: durablePut,
    }
    const close = async (): Promise<void> => {
      for (const cluster of clusters) await cluster.close()
      await Promise.all([disk.close(), echo.close()])
    }
    return new TestBed({ operations, disk, quick, close })
  }

  /** Until the code of every cell has been compiled, here and in the servers. */
  async warmUp(): Promise<void> {
    const { limit, addressed, put, get, siblings, embedded, durable } = this.#operations
    for (const operation of [limit, addressed, put, get, siblings, embedded, durable]) {
      await throughput(operation, { inFlight: IN_FLIGHT, warmMs: 0, forMs: this.#quick ? 300 : 1500 })
    }
  }

  cells(): (Cell & { readonly id: CellName })[] {
    const forMs = this.#quick ? 250 : 900
    const aloneMs = this.#quick ? 150 : 500
    const many = (id: Driven): Cell & { readonly id: CellName } => ({
      id,
      name: CELLS[id],
      measure: async () => {
        const speed = await throughput(this.#operations[id], { inFlight: IN_FLIGHT, warmMs: 100, forMs })
        this.cpuUs.set(id, [...(this.cpuUs.get(id) ?? []), speed.cpuUsPerCall])
        return speed.perSecond
      },
    })
    const alone = (id: Driven): Cell & { readonly id: CellName } => ({
      id,
      name: CELLS[id],
      measure: async () => (await oneByOne(this.#operations[id], { forMs: aloneMs })).p50Us,
    })
    const disk = (databases: 1 | 3): Cell & { readonly id: CellName } => {
      const id = databases === 1 ? 'disk' : 'disks'
      const measure = async (): Promise<number> => (await this.#disk.measure({ databases, forMs: aloneMs })).p50Us
      return { id, name: CELLS[id], measure }
    }
    return [
      many('limit'),
      many('addressed'),
      many('put'),
      many('get'),
      many('siblings'),
      many('embedded'),
      alone('limitAlone'),
      alone('putAlone'),
      alone('getAlone'),
      alone('localGet'),
      many('durable'),
      alone('durableAlone'),
      disk(1),
      disk(3),
    ]
  }

  close(): Promise<void> {
    return this.#close()
  }
}

function section(figures: Figures, cpuUs: ReadonlyMap<CellName, readonly number[]>): Section {
  const title = 'Speed: N = 3, 10,000 keys, values of 128 bytes'
  const notes = ['Figures are medians of the rounds, ratios medians of the ratios of each round.']
  return { part: 'goals', title, columns: GOAL_COLUMNS, rows: [...rowsOf(figures), ...cpuRows(cpuUs)], notes }
}

/** Processor time is what remains comparable when other programs take the machine's time. */
function cpuRows(cpuUs: ReadonlyMap<CellName, readonly number[]>): Row[] {
  const limit = cpuUs.get('limit') ?? []
  return [...cpuUs].map(([id, figures]) => {
    const ratio = medianRatio({ of: figures, to: limit })
    const cells = [span(median(figures)), span(median(limit)), ratio.toFixed(1), '', '']
    return { name: `processor time here for a call: ${CELLS[id]}`, cells, figures: { cpuUs: figures, limitUs: limit } }
  })
}

function rowsOf(figures: Figures): Row[] {
  const rate = (id: CellName, to: CellName, bound: number): Row =>
    goalRow({
      name: id === 'durable' ? 'durable lww put, W = 2 (against in memory)' : CELLS[id],
      measured: perSecond(median(figures[id])),
      against: perSecond(median(figures[to])),
      goal: { ratio: medianRatio({ of: figures[id], to: figures[to] }), relation: 'at least', bound },
      figures: { perSecond: figures[id], limitPerSecond: figures[to] },
    })
  const trip = (id: CellName, to: readonly number[], bound: number): Row =>
    goalRow({
      name: `${CELLS[id]}, p50`,
      measured: span(median(figures[id])),
      against: span(median(to)),
      goal: { ratio: medianRatio({ of: figures[id], to }), relation: 'at most', bound },
      figures: { p50Us: figures[id], limitUs: to },
    })
  const beside = (id: CellName, show: (value: number) => string, to: readonly number[]): Row => {
    const ratio = medianRatio({ of: figures[id], to })
    const cells = [show(median(figures[id])), show(median(to)), ratio.toFixed(2), '', '']
    return { name: CELLS[id], cells, figures: { measured: figures[id], against: to } }
  }
  const { limitAlone, limit, disk } = figures
  const synced = disk.map((us, round) => us + (limitAlone[round] ?? NaN))
  const twenty = figures.localGet.map(() => 20)
  return [
    rate('put', 'limit', 0.6),
    rate('get', 'limit', 0.9),
    rate('siblings', 'limit', 0.35),
    rate('embedded', 'limit', 0.6),
    rate('durable', 'put', 0.3),
    trip('putAlone', limitAlone, 1.5),
    trip('getAlone', limitAlone, 1.5),
    trip('localGet', twenty, 1),
    trip('durableAlone', synced, 1.5),
    beside('addressed', perSecond, limit),
    beside('disks', span, disk),
  ]
}
