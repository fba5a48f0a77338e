/**
 * A part of the matrix on real processes: three replicas over WebSockets on loopback, the very same steps, settings and
 * judges as in virtual time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HistoryLine } from '../../src/check/history.ts'
import { connect, type ApKeyspace, type Client, type CpKeyspace } from '../../src/index.ts'
import { Random } from '../../src/core/base/random.ts'
import { seesAll, startCluster, type Cluster } from '../cluster.ts'
import type { Part, Section } from '../section.ts'
import { cellColumns, cellRow } from './cell-row.ts'
import { DelayingProxy } from './delaying-proxy.ts'
import { frontPlot, timelinePlots } from './pictures.ts'
import { PROFILES, type Profile } from './profiles.ts'
import { nowNs, RealClient } from './real-client.ts'
import type { Cell, Observed } from './run.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { minorityOf, SITUATIONS, SLOW_FACTOR, type Situation } from './situations.ts'
import { Tally, type CellResult } from './tally.ts'
import { Steps, WORKLOADS, type Workload } from './workloads.ts'

const LOOPBACK = PROFILES[0] as Profile
const WORKLOAD = 'ycsb-a'
/** Situations of all settings, and settings of all situations; a quick run has one of each beside each other. */
const TOLD: ReadonlySet<string> = new Set(['healthy', 'healing'])
const TOLD_SETTINGS: ReadonlySet<string> = new Set(['n3-r1-w1', 'n3-r2-w2', 'siblings-r2-w2', 'cp', 'cp-leader'])
const QUICK = 'n3-r2-w2'
/** Cells with trouble under way at a time: they mostly wait. */
const AT_ONCE = 4
const CLIENTS = 3
/** The replica that is slow or dead. */
const FIRST = 'a'
const PROCESSES = 6
/** Calls of a process in a second: fewer where several clusters share the machine. */
const RATE_PER_SECOND = { calm: 60, troubled: 25 } as const
const HEALTHY_MS = { quick: 1_000, full: 2_000 } as const
/** How long a slow replica holds its answers back: calls take about a millisecond. */
const SLOW_MS = SLOW_FACTOR
const SETTLE_MS = 1_500

export const real: Part = {
  name: 'real',
  about: 'a part of the matrix on real processes over WebSockets, by the same steps and judges',
  run: async ({ quick, seed }, progress) => {
    const cells = cellsOf(quick)
    progress.part('real', cells.length)
    const results: CellResult[] = []
    const measure = async (at: number): Promise<void> => {
      const cell = cells[at] as Cell
      progress.step(`${cell.setting.name}, ${cell.situation.name}`)
      const tally = new Tally(cell, seed)
      tally.add(seed, await playReal(cell, { seed, quick }))
      results[at] = tally.result()
    }
    // Where nothing is wrong, latencies count, and nothing else runs.
    const calm = cells.filter(({ situation }) => situation.trouble === 'none').length
    for (let at = 0; at < calm; at++) await measure(at)
    let next = calm
    const work = async (): Promise<void> => {
      while (next < cells.length) await measure(next++)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return SITUATIONS.map((situation): [Situation, CellResult[]] => {
      return [situation, results.filter((result) => result.situation === situation.name)]
    })
      .filter(([, some]) => some.length > 0)
      .map(([situation, some]) => sectionOf(situation, some))
  },
}

/** Those with nothing wrong come first. */
function cellsOf(quick: boolean): Cell[] {
  const workload = WORKLOADS.find(({ name }) => name === WORKLOAD) as Workload
  const settings = SETTINGS.filter((setting) => setting.real === true && (!quick || setting.name === QUICK))
  const situations = SITUATIONS.filter(({ trouble }) => !quick || trouble !== 'none')
  return situations.flatMap((situation) =>
    settings
      .filter(({ name }) => TOLD.has(situation.name) || TOLD_SETTINGS.has(name))
      .map((setting) => ({ setting, profile: LOOPBACK, situation, workload })),
  )
}

function sectionOf(situation: Situation, cells: readonly CellResult[]): Section {
  const group = `real processes on loopback, ${situation.name}, ${WORKLOAD}`
  const heals = cells.some(({ recoveryMs }) => recoveryMs !== undefined)
  return {
    part: 'real',
    title: `Matrix: ${group}`,
    columns: cellColumns(cells).slice(0, -1).concat('broke'),
    endsInWords: true,
    rows: cells
      .map((cell) => cellRow(cell, heals))
      .map((row, at) => {
        const broke = cells[at]?.breaches.map(
          ({ guarantee, promised }) => `${guarantee}${promised ? ' (PROMISED)' : ''}`,
        )
        return { ...row, cells: [...row.cells.slice(0, -1), (broke ?? []).join(', ')] }
      }),
    notes: [
      `Six processes of three clients; real time gives each run another order. What goes wrong: ${situation.about}.`,
    ],
    plots: heals ? timelinePlots(group, cells) : [frontPlot(group, cells)],
    failures: cells.flatMap(({ setting, breaches }) =>
      breaches
        .filter(({ promised }) => promised)
        .map(
          ({ guarantee }) =>
            `The store broke what it promised on real processes: ${guarantee}, ${setting}, ${situation.name}`,
        ),
    ),
  }
}

async function playReal(
  cell: Cell,
  { seed, quick }: { readonly seed: number; readonly quick: boolean },
): Promise<Observed> {
  const cluster = await startCluster({ storage: 'memory', faulty: true })
  const links = new CutLinks(cluster, cell.situation.trouble === 'partition')
  try {
    const clients = await links.clients()
    for (const client of clients) await seesAll(client)
    return await new RealRun({ cell, cluster, clients, links, seed }).play(quick)
  } finally {
    await links.close()
    await cluster.close()
  }
}

/**
 * The clients and how they reach the replicas: directly, and through proxies that can drop everything where a partition
 * will run between the two. The smaller side has the first replica and the first client.
 */
class CutLinks {
  readonly #cluster: Cluster
  readonly #cuts: boolean
  readonly #proxies: DelayingProxy[] = []
  readonly #clients: Client[] = []

  constructor(cluster: Cluster, cuts: boolean) {
    this.#cluster = cluster
    this.#cuts = cuts
  }

  async clients(): Promise<readonly Client[]> {
    for (let at = 0; at < CLIENTS; at++) {
      const replicas: Record<string, string> = {}
      for (const [id, url] of Object.entries(this.#cluster.urls)) {
        const isAcross = this.#isSmall(id) !== (at === 0)
        replicas[id] = this.#cuts && isAcross ? await this.#through(url) : url
      }
      this.#clients.push(await connect({ id: idOf(at), replicas, heartbeatMs: 500, timeoutMs: 2_000 }))
    }
    return this.#clients
  }

  async #through(url: string): Promise<string> {
    const none = (): number => 0
    const proxy = await DelayingProxy.to(url, { there: none, back: none })
    this.#proxies.push(proxy)
    return proxy.url
  }

  /** The first replica answers late. */
  async slow(ms: number): Promise<void> {
    const others = this.#cluster.ids.filter((id) => id !== FIRST)
    const clients = Array.from({ length: CLIENTS }, (_, at) => idOf(at))
    for (const to of [...others, ...clients]) await this.#cluster.ask(FIRST, { kind: 'slow', to, ms })
  }

  async cut(): Promise<void> {
    const { ids } = this.#cluster
    for (const proxy of this.#proxies) proxy.isCut = true
    for (const id of ids) {
      const to = ids.filter((other) => this.#isSmall(other) !== this.#isSmall(id))
      await this.#cluster.ask(id, { kind: 'cut', to })
    }
  }

  async heal(): Promise<void> {
    for (const proxy of this.#proxies) proxy.isCut = false
    for (const id of this.#cluster.ids) await this.#cluster.ask(id, { kind: 'heal' })
  }

  #isSmall(id: string): boolean {
    return this.#cluster.ids.indexOf(id) < minorityOf(this.#cluster.ids.length)
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    await Promise.all(this.#proxies.map((proxy) => proxy.close()))
  }
}

function idOf(client: number): string {
  return `client${client + 1}`
}

class RealRun {
  readonly #cell: Cell
  readonly #cluster: Cluster
  readonly #links: CutLinks
  readonly #steps: Steps
  readonly #random: Random
  readonly #history: HistoryLine[] = []
  readonly #clients: readonly RealClient[]

  constructor(parts: {
    readonly cell: Cell
    readonly cluster: Cluster
    readonly clients: readonly Client[]
    readonly links: CutLinks
    readonly seed: number
  }) {
    const { cell, cluster, clients, links, seed } = parts
    const { setting } = cell
    this.#cell = cell
    this.#cluster = cluster
    this.#links = links
    this.#random = new Random(seed)
    this.#steps = new Steps(cell.workload, this.#random.fork())
    this.#clients = Array.from({ length: PROCESSES }, (_, process) => {
      const store = keyspaceOf(clients[process % clients.length] as Client, setting)
      const isCp = setting.keyspace.mode === 'cp'
      return new RealClient({ process, store, isCp, stale: setting.stale === true, history: this.#history })
    })
  }

  async play(quick: boolean): Promise<Observed> {
    const { situation, setting } = this.#cell
    const first = this.#clients[0] as RealClient
    for (const client of this.#clients) await client.open()
    for (const key of this.#steps.keys) await first.load(key)
    await sleep(SETTLE_MS / 3)
    const startNs = nowNs()
    const durationMs = situation.durationMs ?? HEALTHY_MS[quick ? 'quick' : 'full']
    const run = { isOver: false }
    const working = Promise.all(this.#clients.map((client) => this.#work(client, run)))
    const healedNs = await this.#trouble(durationMs)
    run.isOver = true
    await working
    const endNs = nowNs()
    if (situation.trouble === 'partition') await this.#links.heal()
    await sleep(situation.trouble === 'none' ? SETTLE_MS / 3 : 3 * SETTLE_MS)
    const alive = this.#cluster.ids.length - (situation.trouble === 'dead' ? 1 : 0)
    for (const key of this.#steps.keys) await (this.#clients.at(-1) as RealClient).final(key, alive)
    const { keyspace } = setting
    const conflicts = keyspace.mode === 'ap' ? (keyspace.conflicts ?? 'siblings') : 'lww'
    return { history: this.#history, isCp: keyspace.mode === 'cp', conflicts, startNs, healedNs, endNs }
  }

  async #work(client: RealClient, run: { readonly isOver: boolean }): Promise<void> {
    const rate = RATE_PER_SECOND[this.#cell.situation.trouble === 'none' ? 'calm' : 'troubled']
    while (!run.isOver) {
      await client.make(this.#steps.next())
      await sleep((2000 / rate) * this.#random.fraction())
    }
  }

  /** Lets time pass and things go wrong; gives the moment of healing, where there was one. */
  async #trouble(durationMs: number): Promise<number | undefined> {
    const { trouble, fromMs, forMs } = this.#cell.situation
    const startedAt = performance.now()
    const until = async (ms: number): Promise<void> => sleep(Math.max(0, startedAt + ms - performance.now()))
    await until(fromMs)
    if (trouble === 'slow') await this.#links.slow(SLOW_MS)
    if (trouble === 'dead') this.#cluster.signal(FIRST, 'SIGKILL')
    if (trouble === 'partition') await this.#links.cut()
    const heals = trouble === 'partition' && fromMs + forMs < durationMs
    if (heals) {
      await until(fromMs + forMs)
      await this.#links.heal()
    }
    const healedNs = heals ? nowNs() : undefined
    await until(durationMs)
    return healedNs
  }
}

function keyspaceOf(client: Client, { keyspace }: Setting): ApKeyspace<string> | CpKeyspace<string> {
  return keyspace.mode === 'cp'
    ? client.keyspace<string>('bench', keyspace)
    : client.keyspace<string>('bench', keyspace as never)
}
