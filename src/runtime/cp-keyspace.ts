/**
 * The application's handle for a CP keyspace: linearizable registers with compare-and-set.
 *
 * Every call is answered by quorums of the key's replicas or fails: the side of a partition that has none refuses before
 * anything is sent. Arguments are checked first; errors come as rejected promises.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import type { Change, Visible } from '../core/consensus/change.ts'
import { ruleOnToken } from '../core/consensus/fence.ts'
import type { Leader } from '../core/consensus/group.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import { operationName, parseOperationName, type OperationId } from '../core/operation/operation-name.ts'
import type { ScanResult } from '../core/operation/scan.ts'
import { checkFields, type ResolvedCore } from '../core/options.ts'
import {
  CHANGE_FIELDS,
  LOOK_FIELDS,
  NOTHING,
  RANGE_FIELDS,
  timeoutOf,
  within,
  type CallOptions,
  type ChangeOptions,
  type LookOptions,
  type RangeOptions,
  type UpdateOptions,
} from './call-options.ts'
import type { Engine } from './engine.ts'
import { checkKey, checkText } from './key-text.ts'
import { AnswerSizes, checkKeys, many, type Many, type ReadyCall } from './many.ts'
import {
  ChangeFinisher,
  ReadFinisher,
  SettleFinisher,
  type Changed,
  type Register,
  type Settled,
  type Updated,
} from './register.ts'
import { Plain, start } from './tickets.ts'
import { decodeValue, encodeValue } from './value-codec.ts'

export interface CpKeyspaceConfig {
  readonly name: string
  readonly engine: Engine
  readonly limits: ResolvedCore
  /** Opens once, however often it is called. */
  readonly open: () => Promise<Keyspace>
  /** The keyspace, once open. */
  readonly opened: () => Keyspace | undefined
  readonly newOperation: (keyspace: Keyspace, key: string) => OperationId
  /** Who leads it, as far as is known. */
  readonly leader: () => Leader | undefined
}

const PAGE = 256
const LEVELS: ReadonlySet<unknown> = new Set(['linearizable', 'stale'])

export class CpKeyspace<V = unknown> {
  readonly mode = 'cp'
  readonly name: string
  readonly #config: CpKeyspaceConfig

  constructor(config: CpKeyspaceConfig) {
    this.name = config.name
    this.#config = config
  }

  /**
   * Who leads, of a keyspace with a leader, as far as is known here: what others did may have come to an end since.
   * Nothing before the first call, and where there is none.
   */
  get leader(): Leader | undefined {
    return this.#config.leader()
  }

  /** A fresh identity for one change of this key, for applications that keep it before they send. */
  async operation(key: string): Promise<string> {
    checkKey(key, this.#config.limits)
    return this.#whenOpen(NOTHING, async (keyspace) => operationName(this.#config.newOperation(keyspace, key)))
  }

  /**
   * Reads a key. It sees every change that was acknowledged before it began, and after it no older change that it did
   * not see takes effect any more. With `level: 'stale'` one replica answers, and what it has may be old.
   */
  get(key: string, options: LookOptions = NOTHING): Promise<Register<V>> {
    try {
      return this.#look(key, options)
    } catch (error) {
      return rejected(error)
    }
  }

  #look(key: string, options: LookOptions, sizes?: AnswerSizes): Promise<Register<V>> {
    checkKey(key, this.#config.limits)
    if (options !== NOTHING) checkFields(options, LOOK_FIELDS, 'a get')
    const { level = 'linearizable' } = options
    if (!LEVELS.has(level)) throw invalid(`level is ${shown(level)}: use 'linearizable' or 'stale'`)
    const timeoutMs = timeoutOf(options)
    return this.#whenOpen(options, (keyspace) => {
      const call = {
        kind: 'look',
        tag: new ReadFinisher<V>(sizes),
        timeoutMs,
        keyspace,
        key,
        stale: level === 'stale',
      } as const
      return start(this.#config.engine, call, options.signal)
    })
  }

  /** Writes a value; with `ifRevision` only if that is the key's revision, and 0 means that it must not exist. */
  put(key: string, value: V, options: ChangeOptions = NOTHING): Promise<Changed> {
    try {
      return this.#set(key, encodeValue(value, this.#config.limits.valueBytesMax), options)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Deletes a key, whether it exists or not; with `ifRevision` only if that is its revision. */
  delete(key: string, options: ChangeOptions = NOTHING): Promise<Changed> {
    try {
      return this.#set(key, null, options)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Puts what the function makes of the value, which is `undefined` where there is none, with nothing in between. The
   * function may be called several times, as often as somebody else was faster; an error that it throws ends the update
   * and nothing is written. It must not call the store. If it gives a promise, the value it comes to is written only if
   * the key was not changed meanwhile; else it is called again.
   */
  async update(
    key: string,
    change: (value: V | undefined) => V | Promise<V>,
    options: UpdateOptions = NOTHING,
  ): Promise<Updated<V>> {
    checkFields(options, CHANGE_FIELDS.slice(1), 'an update')
    if (typeof change !== 'function') throw invalid(`change is ${shown(change)}: use a function`)
    const { valueBytesMax } = this.#config.limits
    const apply = (now: Visible): Uint8Array => {
      const value = now.value === null ? undefined : (decodeValue(now.value) as V)
      const made = this.#config.engine.uninterrupted(() => change(value))
      if (isThenable(made)) throw new Later(made, now.revision)
      return encodeValue(made, valueBytesMax)
    }
    const endsAtMs = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs
    let left = options
    for (;;) {
      try {
        return await this.#change(key, { kind: 'update', change: apply }, left)
      } catch (error) {
        if (!(error instanceof Later)) throw error
        const value = (await error.made) as V
        if (endsAtMs !== Infinity) left = { ...options, timeoutMs: Math.max(1, endsAtMs - performance.now()) }
        const changed = await this.#unlessChanged(key, value, { ...left, ifRevision: error.revision })
        if (changed !== undefined) return { ...changed, value }
      }
    }
  }

  /** Reads many keys with the same options; what fails for a key is found under that key in `errors`. */
  async getMany(keys: readonly string[], options: LookOptions = NOTHING): Promise<Many<Register<V>>> {
    const { inFlightMax } = this.#config.limits
    const sizes = new AnswerSizes()
    const prepare = (key: string): ReadyCall<Register<V>> => {
      return { bytes: sizes.likely, run: () => this.#look(key, options, sizes) }
    }
    return many({ keys: checkKeys(keys), inFlightMax, prepare })
  }

  /** Keys that exist, in key order, each read as `get` does; no two of them at the same moment. */
  async *scan(options: RangeOptions = NOTHING): AsyncGenerator<{ readonly key: string; readonly entry: Register<V> }> {
    checkFields(options, RANGE_FIELDS, 'a scan')
    const { prefix = '', limit = Infinity } = options
    let after: string | undefined = options.after ?? ''
    checkText('prefix', prefix, this.#config.limits)
    checkText('after', after, this.#config.limits)
    if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
      throw invalid(`limit is ${String(limit)}: use a whole number of entries`)
    }
    const { signal, timeoutMs } = options
    const read = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
    let left = limit
    while (after !== undefined && left > 0) {
      const page: ScanResult = await this.#page({ prefix, after, limit: Math.min(PAGE, left) }, options)
      const keys = page.entries.map(({ key }) => key)
      const { results, errors } = await this.getMany(keys, read)
      for (const key of keys) {
        const entry = results.get(key)
        if (entry === undefined) throw errors.get(key) as QuorateError
        if (!entry.found || left === 0) continue
        left--
        yield { key, entry }
      }
      after = page.next
    }
  }

  #page(range: { prefix: string; after: string; limit: number }, options: CallOptions): Promise<ScanResult> {
    const timeoutMs = timeoutOf(options)
    return this.#whenOpen(options, (keyspace) => {
      const call = { kind: 'scan', tag: new Plain<ScanResult>(), timeoutMs, keyspace, ...range } as const
      return start(this.#config.engine, call, options.signal)
    })
  }

  #set(key: string, value: Uint8Array | null, options: ChangeOptions): Promise<Changed> {
    if (options !== NOTHING) checkFields(options, CHANGE_FIELDS, 'a change')
    const { ifRevision } = options
    if (ifRevision !== undefined && !(Number.isSafeInteger(ifRevision) && ifRevision >= 0)) {
      throw invalid(`ifRevision is ${shown(ifRevision)}: use the revision of a get, or 0 for a key that must not exist`)
    }
    return this.#change(key, { kind: 'set', value, ifRevision }, options)
  }

  #change(key: string, change: Change, options: UpdateOptions): Promise<Updated<V>> {
    checkKey(key, this.#config.limits)
    const operation = options.operation === undefined ? undefined : parseOperationName(options.operation)
    if (operation !== undefined && operation.home !== 0) {
      throw invalid(`this operation is not one of ${this.name}: it names a replica to mint it`)
    }
    const timeoutMs = timeoutOf(options)
    const { fence: token } = options
    if (token !== undefined && ruleOnToken(token, undefined) !== 'passes') {
      throw invalid(`fence is ${shown(token)}: use a token, as withLock and campaign give them`)
    }
    return this.#whenOpen(options, (keyspace) => {
      const tag = new ChangeFinisher<V>(change.kind === 'update', (name) => this.#settle(keyspace, key, name))
      const call = { kind: 'change', tag, timeoutMs, keyspace, key, change, operation, token } as const
      return start(this.#config.engine, call, options.signal)
    })
  }

  async #unlessChanged(key: string, value: V, options: ChangeOptions): Promise<Changed | undefined> {
    try {
      return await this.put(key, value, options)
    } catch (error) {
      if (error instanceof QuorateError && error.code === 'QUORATE_CONDITION_FAILED') return undefined
      throw error
    }
  }

  #settle(keyspace: Keyspace, key: string, name: string): Promise<Settled> {
    const operation = parseOperationName(name)
    const change = { kind: 'fence' } as const
    const call = { kind: 'change', tag: new SettleFinisher(), keyspace, key, change, operation } as const
    return start(this.#config.engine, call, undefined)
  }

  /** Runs at once when the keyspace is open. Opening counts towards the call's time, and its signal ends it. */
  #whenOpen<T>(options: CallOptions, run: (keyspace: Keyspace) => Promise<T>): Promise<T> {
    const keyspace = this.#config.opened()
    return keyspace === undefined ? within(this.#config.open(), options).then(run) : run(keyspace)
  }
}

/** Arguments are looked at before anything else: what is wrong with them becomes a rejection. */
function rejected(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : new Error(String(error)))
}

/** The function of an update gave a promise: the round that asked it goes on without it. */
class Later extends Error {
  readonly made: PromiseLike<unknown>
  readonly revision: number

  constructor(made: PromiseLike<unknown>, revision: number) {
    super('the change comes later')
    this.made = made
    this.revision = revision
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
