/**
 * The application's handle for an AP keyspace.
 *
 * The first call opens the keyspace: the members agree on its options, once. Arguments are checked before anything is
 * sent; errors come as rejected promises.
 */
import { invalid } from '../core/base/errors.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import { operationName, parseOperationName, type OperationId } from '../core/operation/operation-name.ts'
import type { ScanResult } from '../core/operation/scan.ts'
import { checkFields, checkRepair, checkTtl, type ResolvedCore } from '../core/options.ts'
import {
  GET_FIELDS,
  levelIn,
  NOTHING,
  PUT_FIELDS,
  SCAN_FIELDS,
  timeoutOf,
  within,
  type CallOptions,
  type GetOptions,
  type PutManyOptions,
  type PutOptions,
  type ScanOptions,
} from './call-options.ts'
import { parseContextToken } from './context-token.ts'
import type { Engine } from './engine.ts'
import { Entry, type Put } from './entry.ts'
import { GetFinisher, PutFinisher } from './finishers.ts'
import { checkKey, checkText } from './key-text.ts'
import { AnswerSizes, checkKeys, checkPairs, many, type Many, type ReadyCall } from './many.ts'
import type { Session } from './session.ts'
import { Plain, start } from './tickets.ts'
import { encodeValue } from './value-codec.ts'

export interface ApKeyspaceConfig<V> {
  readonly name: string
  readonly engine: Engine
  readonly limits: ResolvedCore
  readonly resolve: ((siblings: V[]) => V) | undefined
  /** Opens once, however often it is called. */
  readonly open: () => Promise<Keyspace>
  /** The keyspace, once open. */
  readonly opened: () => Keyspace | undefined
  readonly newOperation: (keyspace: Keyspace, key: string) => OperationId
  readonly session: Session | undefined
}

const PAGE = 256

export class ApKeyspace<V = unknown> {
  readonly mode = 'ap'
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

  /**
   * A fresh identity for one write to this key, for applications that keep it before they send. It names the replica
   * that will mint the write, so one of the key's replicas must be reachable: else `QUORATE_UNAVAILABLE`.
   */
  operation(key: string): Promise<string> {
    try {
      checkKey(key, this.#config.limits)
      return this.#whenOpen(NOTHING, async (keyspace) => operationName(this.#config.newOperation(keyspace, key)))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Reads a key. A key that was never written or was deleted gives an entry with `found: false`. */
  get(key: string, options: GetOptions = NOTHING): Promise<Entry<V>> {
    try {
      const { session, resolve } = this.#config
      checkKey(key, this.#config.limits)
      if (options !== NOTHING) checkFields(options, GET_FIELDS, 'a get')
      session?.checkRoom(this.name, key)
      const level = levelIn(options)
      const repair = options.repair === undefined ? undefined : checkRepair(options.repair)
      const timeoutMs = timeoutOf(options)
      const tag = new GetFinisher<V>({ keyspace: this.name, key }, session, resolve)
      return this.#whenOpen(options, (keyspace) => {
        const atLeast = session?.seen(this.name, key)
        const call = { kind: 'get', tag, timeoutMs, keyspace, key, level, repair, atLeast } as const
        return start(this.#config.engine, call, options.signal)
      })
    } catch (error) {
      return rejected(error)
    }
  }

  /** Writes a value. With `context` it replaces what that context has seen; a session threads contexts by itself. */
  put(key: string, value: V, options: PutOptions = NOTHING): Promise<Put> {
    try {
      return this.#write(key, encodeValue(value, this.#config.limits.valueBytesMax), options)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Writes a tombstone: like a put, it replaces what `context` has seen, and concurrent writes stay. */
  delete(key: string, options: PutOptions = NOTHING): Promise<Put> {
    try {
      return this.#write(key, null, options)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Reads, changes, writes, with the context threaded. Siblings are made one by the keyspace's `resolve`; when that
   * throws or gives `undefined`, the update rejects and nothing is written. It is no transaction: of two updates at once, siblings keep both
   * results apart, and `lww` keeps one.
   */
  async update(key: string, change: (value: V | undefined) => V | Promise<V>, options: PutOptions = {}): Promise<Put> {
    const { signal, timeoutMs } = options
    const entry = await this.get(key, { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) })
    const { value } = entry
    if (entry.conflict && value === undefined) {
      const what = this.#config.resolve === undefined ? 'there is no `resolve`' : '`resolve` gave undefined'
      throw invalid(
        `key ${JSON.stringify(key)} has ${entry.siblings.length} siblings, and ${what} to make one of them: ` +
          'declare one that does, or use get and put; nothing was written',
      )
    }
    return this.put(key, await change(value), { context: entry.context, ...options })
  }

  /**
   * Reads many keys with the same options. What fails for a key is found under that key in `errors`; it rejects only
   * when a key is given twice, or more than 100,000 are.
   */
  async getMany(keys: readonly string[], options: GetOptions = NOTHING): Promise<Many<Entry<V>>> {
    const { inFlightMax } = this.#config.limits
    const sizes = new AnswerSizes()
    const read = async (key: string): Promise<Entry<V>> => {
      const entry = await this.get(key, options)
      sizes.add(entry.sizeBytes)
      return entry
    }
    const prepare = (key: string): ReadyCall<Entry<V>> => ({ bytes: sizes.likely, run: () => read(key) })
    return many({ keys: checkKeys(keys), inFlightMax, prepare })
  }

  /**
   * Writes many keys with the same options, each on its own: some may succeed and others fail. No transaction. It rejects
   * only where `getMany` does.
   */
  async putMany(
    entries: Iterable<readonly [key: string, value: V]>,
    options: PutManyOptions = NOTHING,
  ): Promise<Many<Put>> {
    const pairs = checkPairs(entries)
    const values = new Map(pairs)
    const { inFlightMax, valueBytesMax } = this.#config.limits
    const prepare = (key: string): ReadyCall<Put> => {
      const value = encodeValue(values.get(key), valueBytesMax)
      return { bytes: value.length, run: () => this.#write(key, value, options) }
    }
    return many({ keys: pairs.map(([key]) => key), inFlightMax, prepare })
  }

  /** Keys and entries in key order; entries of deleted keys are left out. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<{ readonly key: string; readonly entry: Entry<V> }> {
    checkFields(options, SCAN_FIELDS, 'a scan')
    const { prefix = '', limit = Infinity } = options
    let after: string | undefined = options.after ?? ''
    checkText('prefix', prefix, this.#config.limits)
    checkText('after', after, this.#config.limits)
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
    return this.#whenOpen(options, (keyspace) => {
      const tag = new Plain<ScanResult>()
      const call = { kind: 'scan', tag, timeoutMs, keyspace, level: options.level, ...range } as const
      return start(this.#config.engine, call, options.signal)
    })
  }

  #write(key: string, value: Uint8Array | null, options: PutOptions): Promise<Put> {
    checkKey(key, this.#config.limits)
    if (options !== NOTHING) checkFields(options, PUT_FIELDS, 'a put')
    const { session, engine } = this.#config
    session?.checkRoom(this.name, key)
    const place = { keyspace: this.name, key }
    const level = levelIn(options)
    const operation = options.operation === undefined ? undefined : parseOperationName(options.operation)
    const given = options.context === undefined ? undefined : parseContextToken(options.context, place)
    const ttlMs = options.ttlMs === undefined ? undefined : checkTtl(options.ttlMs)
    const timeoutMs = timeoutOf(options)
    const tag = new PutFinisher(place, session)
    return this.#whenOpen(options, (keyspace) => {
      const context = given ?? session?.seen(this.name, key)
      const call = {
        kind: 'put',
        tag,
        timeoutMs,
        keyspace,
        key,
        level,
        value,
        context,
        ttlMs,
        session: session?.id,
        operation,
      } as const
      return start(engine, call, options.signal)
    })
  }

  /** Runs at once when the keyspace is open. Opening counts towards the call's time, and its signal ends it. */
  #whenOpen<T>(options: CallOptions, run: (keyspace: Keyspace) => Promise<T>): Promise<T> {
    const keyspace = this.#config.opened()
    if (keyspace !== undefined) return run(keyspace)
    return within(this.#config.open(), options).then(run)
  }
}

/** Arguments are looked at, and values encoded, before anything else: what is wrong with them becomes a rejection. */
function rejected(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : new Error(String(error)))
}
