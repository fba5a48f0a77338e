/**
 * Keys over HTTP: one path for each key, JSON for values, and the causal context in a header both ways.
 *
 * `GET /kv/:keyspace/:key` answers 200 with what is stored, also when that is several siblings (`conflict` is true,
 * `siblings` has them, and `value` is left out), and 404 where there is no value: `reason` says why. A PUT or DELETE
 * that sends the context of such an answer in `x-quorate-context` replaces what that reader saw. Without it, a PUT is a
 * blind write and makes a sibling; a DELETE is of what is there, so the key is read first. A failed write says its
 * `operation`: sent again with it in `x-quorate-operation`, it applies at most once.
 *
 * Keyspaces are adopted as they are registered; a PUT to one that is not registers the defaults. Nothing else creates.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Level } from '../core/quorum/level.ts'
import type { ApKeyspace } from '../runtime/ap-keyspace.ts'
import type { CallOptions, PutOptions } from '../runtime/call-options.ts'
import type { Entry, Put } from '../runtime/entry.ts'
import type { Store } from '../runtime/store.ts'
import { checkQuery, numberIn } from './address.ts'
import { jsonAnswer, type Answer } from './answer.ts'
import type { HttpLimits } from './http-limits.ts'
import { jsonText } from './json-text.ts'

const CONTEXT_HEADER = 'x-quorate-context'
const OPERATION_HEADER = 'x-quorate-operation'

/** A request for a keyspace, as far as it can be understood without the store. */
export interface KvRequest {
  readonly keyspace: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** The body as JSON. */
  readonly body: () => Promise<unknown>
}

export interface KeyRequest extends KvRequest {
  readonly key: string
}

const KEY_QUERY = ['level', 'timeoutMs']
const SCAN_QUERY = ['prefix', 'after', 'limit', ...KEY_QUERY]
const ENTRIES = 100
const ENTRIES_MAX = 1_000

export class KvRoutes {
  readonly #store: Store
  readonly #limits: HttpLimits
  /** Keyspaces that are known to be registered; there is no way to unregister one. */
  readonly #registered = new Set<string>()

  constructor(store: Store, limits: HttpLimits) {
    this.#store = store
    this.#limits = limits
  }

  async get(request: KeyRequest): Promise<Answer> {
    const options = this.#callOptions(request, KEY_QUERY)
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace === undefined) return noSuchKeyspace()
    return entryAnswer(await keyspace.get(request.key, options))
  }

  async put(request: KeyRequest): Promise<Answer> {
    const options = this.#putOptions(request)
    const value = await request.body()
    const put = await this.#store.keyspace(request.keyspace).put(request.key, value, options)
    this.#registered.add(request.keyspace)
    return putAnswer(put)
  }

  async delete(request: KeyRequest): Promise<Answer> {
    const { key, signal } = request
    const options = this.#putOptions(request)
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace === undefined) return noSuchKeyspace()
    const { timeoutMs } = options
    const read = { signal, ...(timeoutMs !== undefined && { timeoutMs }) }
    const context = options.context ?? (await keyspace.get(key, read)).context
    return putAnswer(await keyspace.delete(key, { ...options, context }))
  }

  /** A page of a keyspace in key order; `next` is the `after` of the page that follows, where one does. */
  async scan(request: KvRequest): Promise<Answer> {
    const { query } = request
    const options = this.#callOptions(request, SCAN_QUERY)
    const limit = numberIn(query, 'limit', { min: 1, max: ENTRIES_MAX }) ?? ENTRIES
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace === undefined) return noSuchKeyspace()
    const range = { prefix: query.get('prefix') ?? '', after: query.get('after') ?? '', limit: limit + 1 }
    const texts: string[] = []
    let chars = 0
    let last: string | undefined
    let next: string | undefined
    for await (const { key, entry } of keyspace.scan({ ...options, ...range })) {
      if (texts.length === limit || chars > this.#limits.answerBytesMax) {
        next = last
        break
      }
      const text = jsonText({ key, ...entry.toJSON() })
      texts.push(text)
      chars += text.length
      last = key
    }
    const tail = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
    const body = `{"entries":[${texts.join(',')}]${tail}}\n`
    return { status: 200, body, contentType: 'application/json', headers: {} }
  }

  async #existing(name: string): Promise<ApKeyspace | undefined> {
    if (!this.#registered.has(name)) {
      if ((await this.#store.registered(name)) === undefined) return undefined
      this.#registered.add(name)
    }
    return this.#store.keyspace(name)
  }

  #callOptions({ query, signal }: KvRequest, known: readonly string[]): CallOptions & { readonly level?: Level } {
    checkQuery(query, known)
    const level = query.get('level')
    const timeoutMs = numberIn(query, 'timeoutMs', { min: 1, max: this.#limits.timeoutMsMax })
    return {
      signal,
      ...(level !== undefined && { level: levelOf(level) }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    }
  }

  #putOptions(request: KeyRequest): PutOptions {
    const context = request.headers[CONTEXT_HEADER]
    const operation = request.headers[OPERATION_HEADER]
    return {
      ...this.#callOptions(request, KEY_QUERY),
      ...(context !== undefined && { context: String(context) }),
      ...(operation !== undefined && { operation: String(operation) }),
    }
  }
}

/** A number of replicas, or a word or an expression that the core checks. */
function levelOf(text: string): Level {
  return /^\d+$/.test(text) ? Number(text) : text
}

function entryAnswer(entry: Entry<unknown>): Answer {
  const headers = { [CONTEXT_HEADER]: entry.context }
  if (entry.found) return jsonAnswer(200, entry, headers)
  return jsonAnswer(404, { reason: entry.deleted ? 'deleted' : 'never-written', ...entry.toJSON() }, headers)
}

function putAnswer(put: Put): Answer {
  return jsonAnswer(200, put, { [CONTEXT_HEADER]: put.context })
}

function noSuchKeyspace(): Answer {
  const nothing = { found: false, deleted: false, conflict: false, siblings: [] }
  return jsonAnswer(404, { reason: 'no-such-keyspace', ...nothing })
}
