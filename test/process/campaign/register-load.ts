/**
 * Clients at work on registers while faults happen: reads, writes, compares and sets, and deletes of few keys. What
 * ends without an outcome they repeat through another client, or settle, or leave.
 */
import type { RegisterLine } from '../../../src/check/index.ts'
import { Random } from '../../../src/core/base/random.ts'
import type { CpKeyspace } from '../../../src/runtime/cp-keyspace.ts'
import { ABSENT, RegisterHistorian, type Held, type PlannedChange } from './register-historian.ts'
import { nowMs, sleep } from './time.ts'

export interface LoadOptions {
  /** One for each client: a worker prefers one of them. */
  readonly keyspaces: readonly CpKeyspace<string>[]
  readonly workers: number
  readonly seed: number
  readonly tell: (line: RegisterLine) => void
}

const KEYS = 3
const THINK_MS = 40
const RETRY_MS = 100
const TRIES = 3

export class RegisterLoad {
  readonly #workers: readonly Worker[]
  readonly #running: Promise<unknown>
  readonly #state: LoadState = { prefix: 'first', isOver: false, heard: new Set() }

  constructor({ keyspaces, workers, seed, tell }: LoadOptions) {
    const random = new Random(seed)
    this.#workers = Array.from({ length: workers }, (_, index) => {
      const historian = new RegisterHistorian(index, tell)
      return new Worker({ index, keyspaces, historian, random: random.fork(), state: this.#state })
    })
    this.#running = Promise.all(this.#workers.map((worker) => worker.run()))
    this.#running.catch(() => {})
  }

  /** Other keys from now on, so that no key's history grows too long to be judged. */
  turnTo(prefix: string): void {
    this.#state.prefix = prefix
  }

  /** Waits until a change that began after this moment has been acknowledged to so many workers; gives when. */
  acknowledged(to: 'one' | 'all', sinceMs: number): Promise<number> {
    const heard = new Set<number>()
    const enough = to === 'one' ? 1 : this.#workers.length
    return new Promise((resolve, reject) => {
      this.#running.catch(reject)
      const hear = (index: number, startMs: number): void => {
        if (startMs >= sinceMs) heard.add(index)
        if (heard.size < enough) return
        this.#state.heard.delete(hear)
        resolve(nowMs())
      }
      this.#state.heard.add(hear)
    })
  }

  async stop(): Promise<void> {
    this.#state.isOver = true
    await this.#running
  }
}

interface LoadState {
  prefix: string
  isOver: boolean
  /** Called with each acknowledged change: whose, and when it began. */
  readonly heard: Set<(worker: number, startMs: number) => void>
}

interface WorkerOptions {
  readonly index: number
  readonly keyspaces: readonly CpKeyspace<string>[]
  readonly historian: RegisterHistorian
  readonly random: Random
  readonly state: LoadState
}

class Worker {
  readonly #options: WorkerOptions
  readonly #last = new Map<string, Held>()
  #writes = 0

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { state, random } = this.#options
    while (!state.isOver) {
      await this.#act(`${state.prefix}-${random.below(KEYS)}`)
      await sleep(random.fraction() * THINK_MS)
    }
  }

  async #act(key: string): Promise<void> {
    const { random, historian } = this.#options
    const drawn = random.fraction()
    if (drawn < 0.4) {
      const held = await historian.read(this.#keyspace(), key)
      if (held !== undefined) this.#last.set(key, held)
      return
    }
    const value = drawn < 0.92 ? `${this.#options.index}.${++this.#writes}` : null
    const expected = drawn < 0.75 ? (this.#last.get(key) ?? ABSENT) : undefined
    const plan = await historian.plan(this.#keyspace(), { key, value, ...(expected && { expected }) })
    if (plan !== undefined) await this.#change(plan)
  }

  async #change(plan: PlannedChange): Promise<void> {
    const { random, historian, state, index } = this.#options
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const startMs = nowMs()
      const end = await historian.change(this.#keyspace(), plan)
      if (end.kind === 'ok' || end.kind === 'precondition') this.#last.set(plan.key, end.held)
      if (end.kind === 'ok') for (const hear of state.heard) hear(index, startMs)
      if (end.kind !== 'info') return
      if (random.chance(0.3)) return
      await sleep(random.fraction() * RETRY_MS)
      if (random.chance(0.4)) return historian.settle(plan, end.error)
    }
  }

  #keyspace(): CpKeyspace<string> {
    const { keyspaces, index, random } = this.#options
    const place = random.chance(0.7) ? index % keyspaces.length : random.below(keyspaces.length)
    return keyspaces[place] as CpKeyspace<string>
  }
}
