/**
 * A client on real time: carries out the steps of a workload as `lab-client.ts` does in virtual time, and writes the same
 * lines down.
 */
import type { HistoryLine } from '../../src/check/history.ts'
import { QuorateError, type ApKeyspace, type CpKeyspace } from '../../src/index.ts'
import type { Step } from './workloads.ts'

export interface RealClientParts {
  readonly process: number
  readonly store: ApKeyspace<string> | CpKeyspace<string>
  /** Whether the store is of registers. */
  readonly isCp: boolean
  readonly stale: boolean
  readonly history: HistoryLine[]
}

/** What a client knows of a key. */
interface Known {
  readonly values: readonly string[]
  readonly context: string | undefined
  readonly revision: number
}

/** How an operation is written down: `f` and what it asks for. */
type Asked = Readonly<Record<string, unknown>> & { readonly f: string }

const LOADER = 1_000
const FINALS = 2_000
const TRIES = 4
const LOAD_TRIES = 20

export class RealClient {
  readonly #parts: RealClientParts
  readonly #known = new Map<string, Known>()
  #process: number
  #writes = 0

  constructor(parts: RealClientParts) {
    this.#parts = parts
    this.#process = parts.process
    if (!parts.isCp) parts.history.push({ type: 'session', session: this.#session, guarantees: ['ryw', 'mr'] })
  }

  /** Opens the keyspace, so that no call that counts has to. */
  async open(): Promise<void> {
    await this.#parts.store.get('opening')
  }

  /** Writes a record on all replicas. */
  async load(key: string): Promise<void> {
    this.#process = LOADER
    for (let tries = LOAD_TRIES; ; tries--) {
      const isDone = await this.#write(key, undefined, `load.${key}.${tries}`)
      if (isDone) break
      if (tries === 0) throw new Error(`${key} could not be loaded`)
    }
    this.#known.delete(key)
    this.#process = this.#parts.process
  }

  async make({ kind, key }: Step): Promise<void> {
    if (kind === 'read' || kind === 'scan') await this.#read(key)
    else if (kind === 'modify') await this.#modify(key)
    else await this.#write(key, this.#parts.isCp ? undefined : this.#known.get(key))
  }

  /** Reads what is left of a key on the replicas that are alive, so many. */
  async final(key: string, alive: number): Promise<void> {
    this.#process = FINALS
    const known = await this.#read(key, alive)
    if (known !== undefined) this.#parts.history.push({ type: 'final', replica: 'all', key, value: known.values })
  }

  async #modify(key: string): Promise<void> {
    for (let tries = TRIES; tries > 0; tries--) {
      const known = await this.#read(key)
      if (known === undefined || (await this.#write(key, known)) !== 'conflict') return
    }
  }

  async #read(key: string, alive?: number): Promise<Known | undefined> {
    const { store, isCp, stale } = this.#parts
    const asked = { f: isCp ? 'read' : 'get' }
    const seen = await this.#call(key, asked, async () => {
      if (isCp) {
        const level = stale && alive === undefined ? 'stale' : 'linearizable'
        const { value, revision } = await (store as CpKeyspace<string>).get(key, { level })
        const known = { values: value === undefined ? [] : [value], context: undefined, revision }
        return { known, shown: value ?? null }
      }
      const level = alive === undefined ? {} : { r: alive }
      const { siblings, context } = await (store as ApKeyspace<string>).get(key, level)
      return { known: { values: siblings, context, revision: 0 }, shown: siblings }
    })
    return seen === 'conflict' ? undefined : seen
  }

  async #write(
    key: string,
    follows: Known | undefined,
    value = this.#nextValue(),
  ): Promise<Known | 'conflict' | undefined> {
    const { store, isCp } = this.#parts
    if (isCp) {
      const from = follows?.values[0] ?? null
      const asked = follows === undefined ? { f: 'write', value } : { f: 'cas', value: [from, value] }
      return this.#call(key, asked, async () => {
        const options = follows === undefined ? {} : { ifRevision: follows.revision }
        const { revision } = await (store as CpKeyspace<string>).put(key, value, options)
        return { known: { values: [value], context: undefined, revision }, shown: asked.value }
      })
    }
    const asked = { f: 'put', value, ...(follows && { saw: follows.values }) }
    return this.#call(key, asked, async () => {
      const level = value.startsWith('load') ? ({ level: 'all' } as const) : {}
      const options = { ...level, ...(follows?.context !== undefined && { context: follows.context }) }
      const { context } = await (store as ApKeyspace<string>).put(key, value, options)
      return { known: { values: [...(follows?.values ?? []), value], context, revision: 0 }, shown: value }
    })
  }

  async #call(
    key: string,
    asked: Asked,
    call: () => Promise<{ readonly known: Known; readonly shown: unknown }>,
  ): Promise<Known | 'conflict' | undefined> {
    const { history, isCp } = this.#parts
    const { f, value = null, saw } = asked
    const shared = {
      f,
      process: this.#process,
      key,
      ...(!isCp && this.#process < LOADER && { session: this.#session }),
    }
    const line = (type: string, more: object): void => {
      history.push({ type, ...shared, ...more, time: nowNs() } as unknown as HistoryLine)
    }
    line('invoke', { value, ...(saw !== undefined && { saw }) })
    try {
      const { known, shown } = await call()
      line('ok', { value: shown })
      this.#known.set(key, known)
      return known
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error
      const isConflict = error.code === 'QUORATE_CONDITION_FAILED'
      const reason = isConflict ? 'precondition' : error.code
      line(error.outcome === 'none' ? 'fail' : 'info', { value, reason })
      return isConflict ? 'conflict' : undefined
    }
  }

  get #session(): string {
    return `c${this.#parts.process}`
  }

  #nextValue(): string {
    return `v${this.#parts.process}.${++this.#writes}`
  }
}

/** On the clock of this process, as all lines of one history. */
export function nowNs(): number {
  return Math.round(performance.now() * 1e6)
}
