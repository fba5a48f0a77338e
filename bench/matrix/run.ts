/**
 * One run of a cell in virtual time: load, work, trouble, healing, and what was left.
 */
import type { HistoryLine } from '../../src/check/history.ts'
import { Caller } from '../../src/sim/caller.ts'
import { RegisterCaller } from '../../src/sim/register-caller.ts'
import { Lab, TIMEOUT_MS } from './lab.ts'
import { ApLabClient, RegisterLabClient, type LabClient } from './lab-client.ts'
import type { Profile } from './profiles.ts'
import type { Setting } from './settings.ts'
import type { Situation } from './situations.ts'
import { Steps, type Workload } from './workloads.ts'

/** One place in the matrix. */
export interface Cell {
  readonly setting: Setting
  readonly profile: Profile
  readonly situation: Situation
  readonly workload: Workload
}

/** What was seen in one run. Times are nanoseconds of the history's clock. */
export interface Observed {
  readonly history: readonly HistoryLine[]
  readonly isCp: boolean
  readonly conflicts: 'siblings' | 'lww'
  /** When clients began to work. */
  readonly startNs: number
  /** When the trouble ended, where it did while clients worked. */
  readonly healedNs: number | undefined
  /** When they had stopped, and what was under way had ended. */
  readonly endNs: number
}

export const OPERATIONS = 400
const CLIENTS = 6
const LOADER = 1_000
const OTHERS_FROM = 10_000
/** Clients think for about so many calls between two of theirs where time does not matter. */
const THINK_CALLS = 2
const PAUSE_MS = 100

/** Whether a cell makes sense: registers are not scanned. */
export function isPossible({ setting, workload }: Pick<Cell, 'setting' | 'workload'>): boolean {
  return setting.keyspace.mode === 'ap' || !workload.mix.some(([kind]) => kind === 'scan')
}

export function play(cell: Cell, seed: number, operations = OPERATIONS): Observed {
  const { stackTraceLimit } = Error
  // Many calls fail, as they should, and nobody reads where.
  Error.stackTraceLimit = 0
  try {
    return new Run(cell, seed, operations).play()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

class Run {
  readonly #cell: Cell
  readonly #lab: Lab
  readonly #steps: Steps
  #left: number
  #others = OTHERS_FROM

  constructor(cell: Cell, seed: number, operations: number) {
    this.#cell = cell
    this.#left = operations
    const keys: string[] = []
    this.#lab = new Lab({ ...cell, seed, keys })
    this.#steps = new Steps(cell.workload, this.#lab.random.fork())
    // The lab was made with a list that the steps have to share.
    keys.push(...this.#steps.keys)
    this.#keys = keys
  }

  readonly #keys: string[]

  play(): Observed {
    const { situation } = this.#cell
    const lab = this.#lab
    lab.open()
    this.#load()
    const { simulator, recorder } = lab
    const startNs = simulator.nowNs
    lab.trouble()
    const { durationMs, forMs, fromMs } = situation
    const total = this.#left
    const clients = this.#clients(total)
    for (const client of clients) client.start()
    if (durationMs === undefined) while (this.#left > 0) simulator.runFor(PAUSE_MS)
    else simulator.runFor(durationMs)
    this.#left = 0
    simulator.runFor(2 * TIMEOUT_MS)
    const endNs = simulator.nowNs
    lab.settle()
    this.#finish()
    const isCp = this.#isCp
    const heals = durationMs !== undefined && fromMs + forMs < durationMs
    const { keyspace } = this.#cell.setting
    return {
      history: recorder.lines(),
      isCp,
      conflicts: keyspace.mode === 'ap' ? (keyspace.conflicts ?? 'siblings') : 'lww',
      startNs,
      healedNs: heals ? startNs + (fromMs + forMs) * 1e6 : undefined,
      endNs,
    }
  }

  get #isCp(): boolean {
    return this.#cell.setting.keyspace.mode === 'cp'
  }

  #clients(operations: number): LabClient[] {
    const { situation, profile, setting } = this.#cell
    const { clientHosts, random } = this.#lab
    const { durationMs } = situation
    const thinkMs = durationMs === undefined ? THINK_CALLS * profile.usualMs : (durationMs * CLIENTS) / operations
    return Array.from({ length: CLIENTS }, (_, process) => {
      const parts = {
        lab: this.#lab,
        process,
        host: clientHosts[process % clientHosts.length] as (typeof clientHosts)[number],
        random: random.fork(),
        stale: setting.stale === true,
        thinkMs,
        take: () => {
          if (this.#left <= 0) return undefined
          this.#left--
          const step = this.#steps.next()
          if (step.kind === 'insert') this.#keys.push(step.key)
          return step
        },
        others: () => this.#others++,
      }
      return this.#isCp ? new RegisterLabClient(parts) : new ApLabClient(parts)
    })
  }

  /** Every record once, on all replicas. */
  #load(): void {
    const lab = this.#lab
    const host = lab.clientHosts.at(-1) as (typeof lab.clientHosts)[number]
    const how = { host, session: undefined, timeoutMs: 5 * TIMEOUT_MS, giveUpMs: 10 * TIMEOUT_MS }
    const under = { way: this.#keys.length }
    const done = (): void => void under.way--
    this.#keys.forEach((key, index) => {
      const value = `load.${index}`
      const what = { key, value, operation: undefined }
      const process = LOADER + index
      if (this.#isCp) {
        const caller = new RegisterCaller(process, () => this.#others++, lab.around)
        caller.change({ how: { ...how, level: undefined }, ...what, expected: undefined }, done)
      } else {
        const caller = new Caller(process, lab.around)
        caller.put({ how: { ...how, level: 'all' }, ...what, isDelete: false, follows: undefined }, done)
      }
    })
    while (under.way > 0) lab.simulator.runFor(PAUSE_MS)
    lab.simulator.runFor(2 * PAUSE_MS)
  }

  #finish(): void {
    const lab = this.#lab
    if (!this.#isCp) {
      for (const key of this.#keys) lab.final(key)
      return
    }
    const how = { session: undefined, level: undefined, timeoutMs: TIMEOUT_MS, giveUpMs: 2 * TIMEOUT_MS }
    const host = lab.clientHosts[0] as (typeof lab.clientHosts)[number]
    for (const key of this.#keys) {
      const caller = new RegisterCaller(this.#others++, () => this.#others++, lab.around)
      caller.read({ host, ...how }, key, ({ held }) => {
        if (held !== undefined)
          lab.recorder.final({ replica: 'all', key, value: held.value === null ? [] : [held.value] })
      })
    }
    lab.simulator.runFor(2 * TIMEOUT_MS)
  }
}
