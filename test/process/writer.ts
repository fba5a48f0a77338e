/**
 * A client's work while replicas are killed: puts, deletes and reads of a few keys, some its own, some shared with other
 * writers, with contexts threaded or not, and retries under the same operation.
 */
import type { Random } from '../../src/core/base/random.ts'
import type { ApKeyspace } from '../../src/runtime/ap-keyspace.ts'
import type { Historian } from './historian.ts'

export interface WriterOptions {
  /** Its number among the writers: a process of the history. */
  readonly process: number
  readonly writers: number
  readonly keyspace: ApKeyspace<string>
  readonly historian: Historian
  readonly random: Random
  /** Whether it also writes without having read, to keys that are written once. */
  readonly blind: boolean
}

/** What a context covers: what the read showed, or what was written. */
interface Seen {
  readonly context: string
  readonly values: readonly string[]
}

const OWN_KEYS = 4
const SHARED_KEYS = 8
const TRIES = 3
const PAUSE_MS = 25

export class Writer {
  readonly #options: WriterOptions
  readonly #seen = new Map<string, Seen>()
  readonly #keys = new Set<string>()
  #writes = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  async burst(calls: number): Promise<void> {
    const { random } = this.#options
    for (let call = 0; call < calls; call++) {
      const key = this.#drawKey()
      this.#keys.add(key)
      if (random.chance(0.3)) await this.#read(key)
      else await this.#write(key)
    }
  }

  /** Reads every key that it touched at level all: what the replicas have is then the same. */
  async readAll(): Promise<void> {
    const { historian, keyspace, process } = this.#options
    for (const key of this.#keys) {
      const call = (): Promise<{ siblings: readonly string[] }> =>
        keyspace.get(key, { level: 'all', timeoutMs: 10_000 })
      const entry = await historian.read({ process, key }, call, ({ siblings }) => siblings)
      if (entry === undefined) throw new Error(`key ${key} could not be read at level all`)
    }
  }

  #drawKey(): string {
    const { random, process, blind } = this.#options
    const drawn = random.fraction()
    if (blind && drawn < 0.3) return `once-${process}-${this.#writes}`
    return drawn < 0.6 ? `own-${process}-${random.below(OWN_KEYS)}` : `shared-${random.below(SHARED_KEYS)}`
  }

  async #read(key: string): Promise<boolean> {
    const { historian, keyspace, process } = this.#options
    const entry = await historian.read(
      { process, key },
      () => keyspace.get(key),
      ({ siblings }) => siblings,
    )
    if (entry === undefined) await pause()
    else this.#seen.set(key, { context: entry.context, values: entry.siblings })
    return entry !== undefined
  }

  /** One write with up to three attempts. Its value says who wrote it and when, and is written by nobody else. */
  async #write(key: string): Promise<void> {
    const { historian, keyspace, process, random } = this.#options
    // Shared keys are read first, or blind writes would heap up siblings.
    if (key.startsWith('shared') && !(await this.#read(key))) return
    const value = `${process}:${this.#writes++}`
    const f = random.chance(0.9) ? 'put' : 'delete'
    const seen = this.#seen.get(key)
    const operation = await keyspace.operation(key).catch(() => undefined)
    if (operation === undefined) return pause()
    const options = { operation, ...(seen !== undefined && { context: seen.context }) }
    const start = { process, f, key, value, saw: seen?.values ?? [], op: operation } as const
    for (let attempt = 0; attempt < TRIES; attempt++) {
      let context = ''
      const error = await historian.write(start, async () => {
        const put = f === 'put' ? await keyspace.put(key, value, options) : await keyspace.delete(key, options)
        ;({ context } = put)
      })
      if (error === undefined) {
        this.#seen.set(key, { context, values: f === 'put' ? [value] : [] })
        return
      }
      await pause()
      if (random.chance(0.5)) return
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
}
