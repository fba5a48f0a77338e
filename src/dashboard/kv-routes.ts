/**
 * Keys over HTTP: one path for each key, JSON for values, and the causal context in a header both ways.
 *
 * `GET /kv/:keyspace/:key` answers 200 with what is stored, also when that is several siblings (`conflict` is true,
 * `siblings` has them, and `value` is left out), and 404 where there is no value: `reason` says why. A PUT or DELETE
 * that sends the context of such an answer in `x-quorate-context` replaces what that reader saw. Without it, a PUT is a
 * blind write and makes a sibling; a DELETE is of what is there, so the key is read first. A failed write says its
 * `operation`: sent again with it in `x-quorate-operation`, it applies at most once.
 *
 * Keyspaces are adopted as they are registered; a PUT to one that is not registers the defaults, with `?mode=cp` those of
 * registers. Nothing else creates. What is different for registers is in register-routes.ts.
 */
import type { Level } from '../core/quorum/level.ts'
import { invalid } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import type { ApKeyspace } from '../runtime/ap-keyspace.ts'
import type { CpKeyspace } from '../runtime/cp-keyspace.ts'
import type { CallOptions, PutOptions } from '../runtime/call-options.ts'
import type { Entry, Put } from '../runtime/entry.ts'
import type { Store } from '../runtime/store.ts'
import { checkQuery, numberIn } from './address.ts'
import { jsonAnswer, type Answer } from './answer.ts'
import type { HttpLimits } from './http-limits.ts'
import { jsonText } from './json-text.ts'
import { CONTEXT_HEADER, OPERATION_HEADER, type KeyRequest, type KvRequest } from './kv-request.ts'
import { deleteRegister, getRegister, putRegister, scanRegisters } from './register-routes.ts'

const KEY_QUERY = ['level', 'timeoutMs']
const SCAN_QUERY = ['prefix', 'after', 'limit', ...KEY_QUERY]
const ENTRIES = 100
const ENTRIES_MAX = 1_000

export class KvRoutes {
  readonly #store: Store
  readonly #limits: HttpLimits
  /** Keyspaces that are known to be registered; there is no way to unregister one. */
  readonly #registered = new Map<string, ApKeyspace | CpKeyspace>()

  constructor(store: Store, limits: HttpLimits) {
    this.#store = store
    this.#limits = limits
  }

  async get(request: KeyRequest): Promise<Answer> {
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace?.mode === 'cp') return getRegister(keyspace, this.#bounded(request))
    const options = this.#callOptions(request, KEY_QUERY)
    if (keyspace === undefined) return noSuchKeyspace()
    return entryAnswer(await keyspace.get(request.key, options))
  }

  async put(request: KeyRequest): Promise<Answer> {
    const { keyspace: name, query } = request
    const mode = query.get('mode') ?? 'ap'
    if (mode !== 'ap' && mode !== 'cp') throw invalid(`mode is ${shown(mode)}: use ap or cp`)
    const keyspace = await this.#existing(name)
    if (keyspace?.mode === 'cp') return putRegister(keyspace, this.#bounded(request))
    if (mode === 'cp') {
      const registers = this.#store.keyspace(name, { mode: 'cp' })
      const answer = await putRegister(registers, this.#bounded(request))
      this.#registered.set(name, registers)
      return answer
    }
    return this.#putValue(keyspace ?? this.#store.keyspace(name), request)
  }

  async delete(request: KeyRequest): Promise<Answer> {
    const { key, signal } = request
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace?.mode === 'cp') return deleteRegister(keyspace, this.#bounded(request))
    const options = this.#putOptions(request)
    if (keyspace === undefined) return noSuchKeyspace()
    const { timeoutMs } = options
    const read = { signal, ...(timeoutMs !== undefined && { timeoutMs }) }
    const context = options.context ?? (await keyspace.get(key, read)).context
    return putAnswer(await keyspace.delete(key, { ...options, context }))
  }

  /** A page of a keyspace in key order; `next` is the `after` of the page that follows, where one does. */
  async scan(request: KvRequest): Promise<Answer> {
    const { query } = request
    const limit = numberIn(query, 'limit', { min: 1, max: ENTRIES_MAX }) ?? ENTRIES
    const range = { prefix: query.get('prefix') ?? '', after: query.get('after') ?? '', limit: limit + 1 }
    const keyspace = await this.#existing(request.keyspace)
    if (keyspace?.mode === 'cp') return this.#page(scanRegisters(keyspace, this.#bounded(request), range), limit)
    const options = this.#callOptions(request, SCAN_QUERY)
    if (keyspace === undefined) return noSuchKeyspace()
    return this.#page(textsOf(keyspace.scan({ ...options, ...range })), limit)
  }

  async #page(entries: AsyncIterable<{ readonly key: string; readonly text: string }>, limit: number): Promise<Answer> {
    const texts: string[] = []
    let chars = 0
    let last: string | undefined
    let next: string | undefined
    for await (const { key, text } of entries) {
      if (texts.length === limit || chars > this.#limits.answerBytesMax) {
        next = last
        break
      }
      texts.push(text)
      chars += text.length
      last = key
    }
    const tail = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
    const body = `{"entries":[${texts.join(',')}]${tail}}\n`
    return { status: 200, body, contentType: 'application/json', headers: {} }
  }

  async #putValue(keyspace: ApKeyspace, request: KeyRequest): Promise<Answer> {
    const options = this.#putOptions(request)
    const put = await keyspace.put(request.key, await request.body(), options)
    this.#registered.set(request.keyspace, keyspace)
    return putAnswer(put)
  }

  async #existing(name: string): Promise<ApKeyspace | CpKeyspace | undefined> {
    const known = this.#registered.get(name)
    if (known !== undefined) return known
    const keyspace = await this.#store.adopt(name)
    if (keyspace !== undefined) this.#registered.set(name, keyspace)
    return keyspace
  }

  #bounded<Request extends KvRequest>(request: Request): Request & { readonly timeoutMsMax: number } {
    return { ...request, timeoutMsMax: this.#limits.timeoutMsMax }
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
      ...this.#callOptions(request, ['mode', ...KEY_QUERY]),
      ...(context !== undefined && { context: String(context) }),
      ...(operation !== undefined && { operation: String(operation) }),
    }
  }
}

async function* textsOf(
  entries: AsyncIterable<{ readonly key: string; readonly entry: Entry<unknown> }>,
): AsyncGenerator<{ readonly key: string; readonly text: string }> {
  for await (const { key, entry } of entries) yield { key, text: jsonText({ key, ...entry.toJSON() }) }
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
