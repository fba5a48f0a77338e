/**
 * The application's handle for an AP keyspace.
 *
 * The first call opens the keyspace: the members agree on its options, once. Arguments are checked before anything is
 * sent; errors come as rejected promises.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { contextOf } from '../core/causality/merge.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import type { GetResult } from '../core/operation/get.ts'
import { parseOperationName } from '../core/operation/operation-name.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { ScanResult } from '../core/operation/scan.ts'
import { checkRepair, checkTimeout, type Repair, type ResolvedCore } from '../core/options.ts'
import type { Level } from '../core/quorum/level.ts'
import { parseContextToken } from './context-token.ts'
import type { Engine } from './engine.ts'
import { Entry, Put } from './entry.ts'
import type { Session } from './session.ts'
import { start } from './tickets.ts'
import { encodeValue } from './value-codec.ts'

/** What every call takes. */
export interface CallOptions {
  /** Stops waiting. What was sent may still happen: the error's `outcome` says so. */
  readonly signal?: AbortSignal
  /** Milliseconds from 1 to an hour; the keyspace's `timeoutMs` by default. */
  readonly timeoutMs?: number
}

export interface GetOptions extends CallOptions {
  /** The keyspace's read quorum by default. */
  readonly level?: Level
  /** The read quorum as a number, instead of `level`. */
  readonly r?: number
  /** What to do about stale replicas, this once. */
  readonly repair?: Repair
}

export interface PutOptions extends CallOptions {
  /** The keyspace's write quorum by default. */
  readonly level?: Level
  /** The write quorum as a number, instead of `level`. */
  readonly w?: number
  /** What the writer has seen, from an entry or a put: those siblings are replaced. Without it, a blind write. */
  readonly context?: string
  /** The identity of this write, from `operation()` or from an error: a retry with it applies at most once. */
  readonly operation?: string
}

export interface ScanOptions extends CallOptions {
  /** Only keys that begin with this. All by default. */
  readonly prefix?: string
  /** Only keys above this one. */
  readonly after?: string
  /** At most this many entries. All by default. */
  readonly limit?: number
  /** The keyspace's read quorum by default, for every key. */
  readonly level?: Level
}

export interface ApKeyspaceConfig<V> {
  readonly name: string
  readonly engine: Engine
  readonly limits: ResolvedCore
  readonly resolve: ((siblings: V[]) => V) | undefined
  /** Opens once, however often it is called. */
  readonly open: () => Promise<Keyspace>
  /** The keyspace, once open. */
  readonly opened: () => Keyspace | undefined
  readonly newOperation: () => string
  readonly session: Session | undefined
}

const PAGE = 256

export class ApKeyspace<V = unknown> {
  readonly name: string
  readonly #config: ApKeyspaceConfig<V>

  constructor(config: ApKeyspaceConfig<V>) {
    this.name = config.name
    this.#config = config
  }

  /** The same keyspace through a session: reads and writes carry what the session has seen. */
  with(session: Session): ApKeyspace<V> {
    return new ApKeyspace({ ...this.#config, session })
  }

  /** A fresh identity for one write, for applications that keep it before they send. */
  operation(): string {
    return this.#config.newOperation()
  }

  /** Reads a key. A key that was never written or was deleted gives an entry with `found: false`. */
  get(key: string, options: GetOptions = {}): Promise<Entry<V>> {
    return checked(() => {
      this.#checkKey(key)
      const { session, resolve } = this.#config
      session?.checkRoom(this.name, key)
      const level = either(options.level, options.r, 'r')
      const repair = options.repair === undefined ? undefined : checkRepair(options.repair)
      const timeoutMs = timeoutOf(options)
      const finish = (result: GetResult): Entry<V> => {
        session?.see(this.name, key, contextOf(result.record))
        const place = { keyspace: this.name, key }
        return new Entry<V>(result.record, { place, resolve, receipt: result.receipt })
      }
      return this.#whenOpen((keyspace) => {
        const atLeast = session?.seen(this.name, key)
        const call = { kind: 'get', keyspace, key, level, repair, atLeast, timeoutMs } as const
        return start(this.#config.engine, call, { signal: options.signal, finish })
      })
    })
  }

  /** Writes a value. With `context` it replaces what that context has seen; a session threads contexts by itself. */
  put(key: string, value: V, options: PutOptions = {}): Promise<Put> {
    return checked(() => this.#write(key, encodeValue(value, this.#config.limits.valueBytesMax), options))
  }

  /** Writes a tombstone: like a put, it replaces what `context` has seen, and concurrent writes stay. */
  delete(key: string, options: PutOptions = {}): Promise<Put> {
    return checked(() => this.#write(key, null, options))
  }

  /**
   * Reads, changes, writes, with the context threaded. It is no transaction: of two updates at once, siblings keep both
   * results apart, and `lww` keeps one.
   */
  async update(key: string, change: (value: V | undefined) => V | Promise<V>, options: PutOptions = {}): Promise<Put> {
    const { signal, timeoutMs } = options
    const entry = await this.get(key, { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) })
    if (entry.conflict && this.#config.resolve === undefined) {
      throw invalid(
        `key ${JSON.stringify(key)} has ${entry.siblings.length} siblings, and the keyspace no way to make one of them: ` +
          'declare `resolve`, or use get and put',
      )
    }
    return this.put(key, await change(entry.value), { context: entry.context, ...options })
  }

  /** Keys and entries in key order; entries of deleted keys are left out. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<{ readonly key: string; readonly entry: Entry<V> }> {
    const { prefix = '', limit = Infinity } = options
    let after: string | undefined = options.after ?? ''
    this.#checkText('prefix', prefix)
    this.#checkText('after', after)
    if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
      throw invalid(`limit is ${String(limit)}: use a whole number of entries`)
    }
    let left = limit
    while (after !== undefined && left > 0) {
      const page: ScanResult = await this.#page({ prefix, after, limit: Math.min(PAGE, left) }, options)
      for (const { key, record } of page.entries) {
        const entry = new Entry<V>(record, { place: { keyspace: this.name, key }, resolve: this.#config.resolve })
        if (!entry.found || left === 0) continue
        left--
        yield { key, entry }
      }
      after = page.next
    }
  }

  #page(range: { prefix: string; after: string; limit: number }, options: ScanOptions): Promise<ScanResult> {
    const timeoutMs = timeoutOf(options)
    return this.#whenOpen((keyspace) => {
      const call = { kind: 'scan', keyspace, level: options.level, ...range, timeoutMs } as const
      return start(this.#config.engine, call, { signal: options.signal, finish: (result: ScanResult) => result })
    })
  }

  #write(key: string, value: Uint8Array | null, options: PutOptions): Promise<Put> {
    this.#checkKey(key)
    const { session, engine } = this.#config
    session?.checkRoom(this.name, key)
    const level = either(options.level, options.w, 'w')
    const operation = options.operation === undefined ? undefined : parseOperationName(options.operation)
    const given = options.context
    const parsed = given === undefined ? undefined : parseContextToken(given, { keyspace: this.name, key })
    const timeoutMs = timeoutOf(options)
    const finish = (result: PutResult): Put => {
      session?.see(this.name, key, result.context)
      return new Put(result, { keyspace: this.name, key })
    }
    return this.#whenOpen((keyspace) => {
      const context = parsed ?? session?.seen(this.name, key)
      const call = { kind: 'put', keyspace, key, value, level, context, operation, timeoutMs } as const
      return start(engine, call, { signal: options.signal, finish })
    })
  }

  #checkKey(key: unknown): void {
    if (typeof key !== 'string' || key === '') throw invalid('a key is a string that is not empty')
    this.#checkText('the key', key)
  }

  #checkText(what: string, text: unknown): void {
    const { keyBytesMax } = this.#config.limits
    if (typeof text !== 'string') throw invalid(`${what} is ${String(text)}: use a string`)
    if (text.length * 3 > keyBytesMax && Buffer.byteLength(text) > keyBytesMax) {
      const message = `${what} takes more than ${keyBytesMax} bytes: raise keyBytesMax, or hash the keys`
      throw new QuorateError('QUORATE_LIMIT', message)
    }
    if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
      throw invalid(`${what} must be well-formed Unicode: this one has half of a surrogate pair`)
    }
  }

  /** Runs at once when the keyspace is open. */
  #whenOpen<T>(run: (keyspace: Keyspace) => Promise<T>): Promise<T> {
    const keyspace = this.#config.opened()
    return keyspace === undefined ? this.#config.open().then(run) : run(keyspace)
  }
}

/** Arguments are looked at, and values encoded, before anything else: what is wrong with them becomes a rejection. */
function checked<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run()
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)))
  }
}

function either(level: Level | undefined, count: number | undefined, name: string): Level | undefined {
  if (level !== undefined && count !== undefined) throw invalid(`give level or ${name}, not both`)
  return level ?? count
}

function timeoutOf(options: CallOptions): number | undefined {
  return options.timeoutMs === undefined ? undefined : checkTimeout(options.timeoutMs)
}
