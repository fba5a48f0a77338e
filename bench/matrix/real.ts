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
import { minorityOf, SITUATIONS, type Situation } from './situations.ts'
import { Tally, type CellResult } from './tally.ts'
import { Steps, WORKLOADS, type Workload } from './workloads.ts'

const LOOPBACK = PROFILES[0] as Profile
const NAMES = { situations: ['healthy', 'healing'], workload: 'ycsb-a' } as const
const QUICK: ReadonlySet<string> = new Set(['n3-r2-w2'])
const CLIENTS = 3
const PROCESSES = 6
const RATE_PER_SECOND = 60
const HEALTHY_MS = { quick: 1_000, full: 3_000 } as const
const SETTLE_MS = 1_500

export const real: Part = {
  name: 'real',
  about: 'a part of the matrix on real processes over WebSockets, by the same steps and judges',
  run: async ({ quick, seed }, progress) => {
    const settings = SETTINGS.filter((setting) => setting.real === true)
    const situations = SITUATIONS.filter(({ name }) => (NAMES.situations as readonly string[]).includes(name))
    const workload = WORKLOADS.find(({ name }) => name === NAMES.workload) as Workload
    const asked = quick ? settings.filter(({ name }) => QUICK.has(name)) : settings
    const some = quick ? situations.slice(-1) : situations
    progress.part('real', asked.length * some.length)
    const sections: Section[] = []
    for (const situation of some) {
      const cells: CellResult[] = []
      for (const setting of asked) {
        progress.step(`${setting.name}, ${situation.name}`)
        const cell = { setting, profile: LOOPBACK, situation, workload }
        const tally = new Tally(cell, seed)
        tally.add(seed, await playReal(cell, { seed, quick }))
        cells.push(tally.result())
      }
      sections.push(sectionOf(situation, cells))
    }
    return sections
  },
}

function sectionOf(situation: Situation, cells: readonly CellResult[]): Section {
  const group = `real processes on loopback, ${situation.name}, ${NAMES.workload}`
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
      'Six processes of three clients make a call every 60th of a second or so; real time gives each run another order.',
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
      this.#clients.push(await connect({ id: `client${at + 1}`, replicas, heartbeatMs: 500, timeoutMs: 2_000 }))
    }
    return this.#clients
  }

  async #through(url: string): Promise<string> {
    const none = (): number => 0
    const proxy = await DelayingProxy.to(url, { there: none, back: none })
    this.#proxies.push(proxy)
    return proxy.url
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
    for (const key of this.#steps.keys) await (this.#clients.at(-1) as RealClient).final(key)
    const { keyspace } = setting
    const conflicts = keyspace.mode === 'ap' ? (keyspace.conflicts ?? 'siblings') : 'lww'
    return { history: this.#history, isCp: keyspace.mode === 'cp', conflicts, startNs, healedNs, endNs }
  }

  async #work(client: RealClient, run: { readonly isOver: boolean }): Promise<void> {
    while (!run.isOver) {
      await client.make(this.#steps.next())
      await sleep((2000 / RATE_PER_SECOND) * this.#random.fraction())
    }
  }

  /** Lets time pass and things go wrong; gives the moment of healing, where there was one. */
  async #trouble(durationMs: number): Promise<number | undefined> {
    const { trouble, fromMs, forMs } = this.#cell.situation
    const startedAt = performance.now()
    const until = async (ms: number): Promise<void> => sleep(Math.max(0, startedAt + ms - performance.now()))
    await until(fromMs)
    if (trouble === 'dead') this.#cluster.signal('a', 'SIGKILL')
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
