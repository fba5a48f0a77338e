/**
 * Whom a campaign hits, and when what it hits has recovered.
 *
 * `registers`: any replica; there is no leader, and clients go on as soon as they find quorums without it. `leader`: the
 * replica that leads the clients' keyspace. `seat` and `lock`: the process that leads a group or holds a lock, of three
 * that want to; it changes a register while it does.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { HistoryLine } from '../../../src/check/index.ts'
import type { Random } from '../../../src/core/base/random.ts'
import type { Cluster } from '../cluster.ts'
import { urlsOf } from '../replica.ts'
import { canBeBusy, isFatal, type Fault, type Victim } from './faults.ts'
import type { HolderPlan, Told } from './holder.ts'
import type { RegisterLoad } from './register-load.ts'
import { nowMs, within } from './time.ts'
import type { Witness } from './witness.ts'

export const TARGETS = ['seat', 'lock', 'leader', 'registers'] as const
export type TargetName = (typeof TARGETS)[number]

export interface TargetSetting {
  readonly cluster: Cluster
  readonly load: RegisterLoad
  readonly witness: Witness
  readonly random: Random
  readonly keyspace: string
  readonly leaseMs: number
  /** How long a process is that is made busy. */
  readonly busyMs: number
  readonly heartbeatMs: number
  /** The clients of the load, by their names in the network. */
  readonly clients: readonly string[]
}

export interface Target {
  readonly start: () => Promise<void>
  /** Whom to hit now. */
  readonly victim: () => Victim
  /** Waits for the next acknowledged change that shows that the fault is got over; gives when it was there. */
  readonly recovered: (fault: Fault, sinceMs: number) => Promise<number>
  /** After the fault: waits until everything is as it was before. */
  readonly mend: (fault: Fault) => Promise<void>
  readonly stop: () => void
}

export function targetOf(name: TargetName, setting: TargetSetting): Target {
  if (name === 'registers') return new ReplicaTarget(setting)
  return name === 'leader' ? new LeaderTarget(setting) : new HolderTarget(name, setting)
}

const RECOVERY_MS = 60_000

class ReplicaTarget implements Target {
  protected readonly setting: TargetSetting
  #hit = ''

  constructor(setting: TargetSetting) {
    this.setting = setting
  }

  async start(): Promise<void> {
    await this.recovered('bridge', nowMs())
  }

  victim(): Victim {
    const name = this.setting.random.pick(this.setting.cluster.ids)
    // It is the one in the middle.
    return this.hit(name, this.#others(name))
  }

  recovered(fault: Fault, sinceMs: number): Promise<number> {
    const acknowledged = this.setting.load.acknowledged('all', sinceMs)
    return within(RECOVERY_MS, `a change for everybody after ${fault}`, acknowledged)
  }

  async mend(fault: Fault): Promise<void> {
    const { cluster } = this.setting
    if (!isFatal(fault)) return
    await cluster.replica(this.#hit).ended
    await cluster.up(this.#hit)
  }

  /** @param apart replicas that stand in two halves when there is a bridge. */
  protected hit(name: string, apart: readonly string[]): Victim {
    const { cluster, clients } = this.setting
    this.#hit = name
    const half = apart.length >> 1
    const [first, ...rest] = clients
    const halves = [
      [...apart.slice(0, half), first ?? ''],
      [...apart.slice(half), ...rest],
    ] as const
    return { name, signal: (signal) => cluster.replica(name).signal(signal), halves }
  }

  #others(name: string): readonly string[] {
    return this.setting.cluster.ids.filter((id) => id !== name)
  }

  stop(): void {}
}

class LeaderTarget extends ReplicaTarget {
  override async start(): Promise<void> {
    await this.mend('bridge')
  }

  override victim(): Victim {
    const { cluster, witness } = this.setting
    const name = witness.keyspaceLeader?.id ?? ''
    // Of a bridge, one half has the leader, and another replica is the middle.
    const [, ...others] = cluster.ids.filter((id) => id !== name)
    return this.hit(name, [name, ...others])
  }

  override recovered(fault: Fault, sinceMs: number): Promise<number> {
    const acknowledged = this.setting.load.acknowledged('one', sinceMs)
    return within(RECOVERY_MS, `a change after ${fault}`, acknowledged)
  }

  override async mend(fault: Fault): Promise<void> {
    await super.mend(fault)
    await this.recovered(fault, nowMs())
  }
}

const GROUP = 'reports'
const HOLDERS = 3
const HOLDER = path.join(import.meta.dirname, 'holder.ts')
/** Numbers of processes in the history: those of the load come before. */
const FIRST_PROCESS = 1_000
const PROCESSES_OF_ONE = 100_000

class HolderTarget implements Target {
  readonly #by: 'seat' | 'lock'
  readonly #setting: TargetSetting
  readonly #holders = new Map<string, Holder>()
  #started = 0
  /** Who was hit, and the term in which he led. */
  #hit = { node: '', term: 0 }

  constructor(by: 'seat' | 'lock', setting: TargetSetting) {
    this.#by = by
    this.#setting = setting
  }

  async start(): Promise<void> {
    const first = this.#setting.witness.nextAck(() => true)
    await Promise.all(Array.from({ length: HOLDERS }, () => this.#startOne()))
    await within(RECOVERY_MS, 'a first leader', first)
  }

  victim(): Victim {
    const { cluster, witness } = this.#setting
    this.#hit = witness.lastAck ?? this.#hit
    const name = this.#hit.node
    const others = [...this.#holders.keys()].filter((other) => other !== name)
    const half = cluster.ids.length >> 1
    const halves = [
      [...cluster.ids.slice(0, half), name],
      [...cluster.ids.slice(half + 1), ...others],
    ] as const
    return { name, signal: (signal) => this.#holder(name).signal(signal), halves }
  }

  async recovered(fault: Fault, sinceMs: number): Promise<number> {
    // Who is only in the way of others may well lead on.
    const { term } = this.#hit
    const isNext = (ack: { readonly start: number; readonly term: number }): boolean =>
      ack.start >= sinceMs && (fault === 'bridge' || ack.term > term)
    const ack = this.#setting.witness.nextAck(isNext)
    return (await within(RECOVERY_MS, `a change in a higher term after ${fault}`, ack)).time
  }

  async mend(fault: Fault): Promise<void> {
    const { cluster, witness } = this.#setting
    const { node, term } = this.#hit
    if (isFatal(fault)) {
      this.#holders.delete(node)
      cluster.proxies.forget(node)
      await this.#startOne()
    } else if (fault !== 'bridge') {
      await within(RECOVERY_MS, `what ${node} does late after ${fault}`, witness.lateAct(node, term))
    }
    const sinceMs = nowMs()
    const next = witness.nextAck(({ start }) => start >= sinceMs)
    await within(RECOVERY_MS, 'a change after the fault', next)
  }

  stop(): void {
    for (const holder of this.#holders.values()) holder.signal('SIGKILL')
  }

  #holder(name: string): Holder {
    return this.#holders.get(name) as Holder
  }

  async #startOne(): Promise<void> {
    const { cluster, witness, leaseMs, busyMs, heartbeatMs, keyspace } = this.#setting
    const number = this.#started++
    const name = `holder-${number}`
    const firstProcess = FIRST_PROCESS + number * PROCESSES_OF_ONE
    const replicas = urlsOf(await cluster.proxies.portsFor(name))
    const journal = { keyspace, n: cluster.ids.length, key: 'journal' }
    const plan = { name, replicas, heartbeatMs, by: this.#by, group: GROUP, leaseMs, ...journal, firstProcess }
    const holder = new Holder(plan, busyMs, witness)
    this.#holders.set(name, holder)
    await within(RECOVERY_MS, `${name} is ready`, holder.ready)
  }
}

/** All that have not ended: none outlives this process. */
const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

class Holder {
  readonly ready: Promise<void>
  readonly #child: ChildProcess

  constructor(plan: HolderPlan, busyMs: number, witness: Witness) {
    const args = ['--import', import.meta.resolve('tsx'), ...canBeBusy(busyMs), HOLDER, JSON.stringify(plan)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    alive.add(child)
    this.ready = new Promise((resolve, reject) => {
      child.once('close', (code, signal) => {
        alive.delete(child)
        reject(new Error(`${plan.name} ended (${signal ?? `code ${code}`})`))
      })
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = parsed(line)
        if (said === undefined) return
        if (said.type === 'ready') resolve()
        witness.hear(said, plan.name)
      })
    })
    this.ready.catch(() => {})
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}

/** Nothing for the last line of one that was killed while it wrote it. */
function parsed(line: string): HistoryLine | Told | undefined {
  try {
    return JSON.parse(line) as HistoryLine | Told
  } catch {
    return undefined
  }
}
