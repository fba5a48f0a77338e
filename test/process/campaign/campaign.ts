/**
 * A campaign: a cluster of real processes is hit with one fault after the other while clients work on it, and the judges
 * of src/check look at all that was seen.
 */
import { checkLeadership, checkLinearizable, type HistoryLine } from '../../../src/check/index.ts'
import { Random } from '../../../src/core/base/random.ts'
import { fileFences, QuorateError, type Client } from '../../../src/index.ts'
import { Cluster, until } from '../cluster.ts'
import { canBeBusy, drawFaults, FAULTS, inflict, isFatal, undo, type Fault } from './faults.ts'
import type { CampaignOptions } from './options.ts'
import { RegisterLoad } from './register-load.ts'
import { targetOf } from './targets.ts'
import { nowMs, sleep } from './time.ts'
import { Witness, type LateActs } from './witness.ts'

/** Milliseconds from a fault to the next acknowledged change. */
export interface Recovery {
  readonly count: number
  readonly p50Ms: number
  readonly maxMs: number
  /** The most terms that acknowledged something while one such fault lasted; one more than leaders were replaced. */
  readonly termsMax: number
}

export interface CampaignResult {
  readonly recoveries: Readonly<Partial<Record<Fault, Recovery>>>
  /** What judges found, and what went wrong otherwise. Empty if every promise was kept. */
  readonly violations: readonly string[]
  /** How many answers could be judged. */
  readonly checked: { readonly linearizable: number; readonly leadership: number }
  readonly operations: { readonly ok: number; readonly fail: number; readonly info: number }
  /** Leaders, one for each term, that acknowledged something. */
  readonly leaders: number
  readonly late: Readonly<LateActs>
  readonly seconds: number
  readonly history: readonly HistoryLine[]
}

export interface CampaignSetting extends CampaignOptions {
  /** The compiled command line of quorate. */
  readonly main: string
  /** Called before each fault. */
  readonly progress?: (done: number, all: number, next: Fault) => void
}

const IDS = ['a', 'b', 'c', 'd', 'e'] as const
const CLIENTS = ['left', 'right'] as const
/** As many heartbeats make a lease, where it cannot be chosen. */
const LEASE_HEARTBEATS = 3
const CALL_MS = 2_000
const CONNECT_MS = 60_000
const WORKERS = 4
const KEYSPACE = 'accounts'
/** Between one fault and the next. */
const CALM_MS = 100
/** Steps of the judge for one key. */
const WORK_MAX = 20_000_000

export async function runCampaign(setting: CampaignSetting): Promise<CampaignResult> {
  const { main, replicas, leaseMs, leases } = setting
  const heartbeatMs = heartbeatOf(setting)
  const cluster = await Cluster.start({
    main,
    ids: IDS.slice(0, replicas),
    serve: ['--heartbeat-ms', String(heartbeatMs)],
    execArgv: canBeBusy(leases * leaseMs),
  })
  const fences = fileFences(cluster.file('tokens'))
  try {
    return await new Campaign(setting, cluster, new Witness('reports', fences)).run()
  } finally {
    await cluster.close()
    fences.close()
  }
}

class Campaign {
  readonly #setting: CampaignSetting
  readonly #cluster: Cluster
  readonly #witness: Witness
  readonly #took = new Map<Fault, { ms: number[]; terms: number }>()
  readonly #problems: string[] = []

  constructor(setting: CampaignSetting, cluster: Cluster, witness: Witness) {
    this.#setting = setting
    this.#cluster = cluster
    this.#witness = witness
  }

  async run(): Promise<CampaignResult> {
    const { faults: counts, leaseMs, leases, seed, target: name, progress } = this.#setting
    const startedAtMs = nowMs()
    const random = new Random(seed)
    const load = await this.#load(seed)
    const around = { cluster: this.#cluster, load, witness: this.#witness, random: random.fork() }
    const span = { leaseMs, busyMs: leases * leaseMs, heartbeatMs: heartbeatOf(this.#setting) }
    const target = targetOf(name, { ...around, ...span, keyspace: KEYSPACE, clients: CLIENTS })
    const faults = drawFaults(counts, random)
    try {
      await target.start()
      for (const [done, fault] of faults.entries()) {
        progress?.(done, faults.length, fault)
        load.turnTo(`round-${done}`)
        await this.#round(fault, target)
      }
    } catch (error) {
      // Not to go on is a finding as well; what was seen until then is judged all the same.
      this.#problems.push(error instanceof Error ? error.message : String(error))
    }
    this.#cluster.proxies.heal()
    await load.stop()
    target.stop()
    return this.#judged(nowMs() - startedAtMs)
  }

  async #load(seed: number): Promise<RegisterLoad> {
    const options = {
      heartbeatMs: heartbeatOf(this.#setting),
      timeoutMs: CONNECT_MS,
      transport: { backoffMsMax: 100 },
    }
    const clients = await Promise.all(CLIENTS.map((client) => this.#cluster.client(client, options)))
    const { replicas, target } = this.#setting
    await everybodyVotes(clients[0] as Client, replicas)
    const kind = target === 'leader' ? { leader: true } : { n: replicas }
    const keyspaces = clients.map((client) => {
      client.observe((notice) => {
        if (notice.kind === 'leader' && notice.leader !== undefined) this.#witness.led(notice.group, notice.leader)
      })
      return client.keyspace<string>(KEYSPACE, { mode: 'cp', ...kind, timeoutMs: CALL_MS })
    })
    return new RegisterLoad({ keyspaces, workers: WORKERS, seed, tell: (line) => this.#witness.lines.push(line) })
  }

  async #round(fault: Fault, target: ReturnType<typeof targetOf>): Promise<void> {
    const { leaseMs, leases } = this.#setting
    const { proxies } = this.#cluster
    // Others stand ready for what is handed over once they have asked for it in vain.
    if (fault === 'end') await sleep(2 * leaseMs)
    const terms = this.#witness.terms
    const victim = target.victim()
    inflict(fault, victim, proxies)
    const atMs = nowMs()
    try {
      this.#note(fault, (await target.recovered(fault, atMs)) - atMs)
      if (!isFatal(fault)) await sleep(leases * leaseMs - (nowMs() - atMs))
    } finally {
      undo(fault, victim, proxies)
    }
    const took = this.#took.get(fault)
    if (took !== undefined) took.terms = Math.max(took.terms, this.#witness.terms - terms)
    await target.mend(fault)
    await sleep(CALM_MS)
  }

  #note(fault: Fault, ms: number): void {
    const took = this.#took.get(fault) ?? { ms: [], terms: 0 }
    took.ms.push(ms)
    this.#took.set(fault, took)
  }

  #judged(ms: number): CampaignResult {
    const { witness } = { witness: this.#witness }
    const history = witness.lines.toSorted((a, b) => timeOf(a) - timeOf(b))
    const linearizable = checkLinearizable(history, { workMax: WORK_MAX })
    const leadership = checkLeadership(history)
    const count = (type: string): number => history.filter((line) => line.type === type).length
    return {
      recoveries: this.#recoveries(),
      violations: [
        ...this.#problems,
        ...linearizable.violations.map(({ message, key }) => `linearizable, key ${key}: ${message}`),
        ...linearizable.undecided.map((key) => `linearizable: key ${key} took too many steps to judge`),
        ...leadership.violations.map(({ rule, message }) => `leadership, ${rule}: ${message}`),
      ],
      checked: { linearizable: linearizable.checked, leadership: leadership.checked },
      operations: { ok: count('ok'), fail: count('fail'), info: count('info') },
      leaders: leadership.groups[0]?.leaders ?? 0,
      late: witness.late,
      seconds: ms / 1_000,
      history,
    }
  }

  #recoveries(): CampaignResult['recoveries'] {
    const recoveries: Partial<Record<Fault, Recovery>> = {}
    for (const fault of FAULTS) {
      const took = this.#took.get(fault)
      if (took === undefined) continue
      const ms = took.ms.toSorted((x, y) => x - y)
      const [p50Ms, maxMs] = [ms[ms.length >> 1] ?? NaN, ms.at(-1) ?? NaN]
      recoveries[fault] = { count: ms.length, p50Ms: Math.round(p50Ms), maxMs: Math.round(maxMs), termsMax: took.terms }
    }
    return recoveries
  }
}

/**
 * Waits until each replica has heard from each other once. Before that it does not know whether it has forgotten
 * anything, and neither votes nor accepts; one that is killed by then leaves the others without a quorum.
 */
async function everybodyVotes(client: Client, replicas: number): Promise<void> {
  const all = client.keyspace<string>('all', { mode: 'cp', n: replicas, phase1: 1, phase2: replicas })
  await until(async () => {
    try {
      await all.put('k', 'v', { timeoutMs: CALL_MS })
      return true
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error
      return false
    }
  })
}

function heartbeatOf({ leaseMs }: CampaignOptions): number {
  return Math.round(leaseMs / LEASE_HEARTBEATS)
}

/** Registers have nanoseconds, leaders milliseconds, on the same clock. */
function timeOf(line: HistoryLine): number {
  if ('key' in line && 'time' in line) return line.time / 1e6
  return 'time' in line ? line.time : 0
}
