/**
 * Registers over HTTP: the keys of a keyspace with mode `cp`, under the same paths as others.
 *
 * `GET` answers 200 with value and revision, also in the header `x-quorate-revision`, or 404; `?level=stale` asks one
 * replica. `PUT` and `DELETE` take `?ifRevision=`, where 0 means that the key must not exist, and answer 409 with what is
 * there when it is something else. A side of a partition without quorums answers 503. There are no contexts.
 */
import { invalid } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import type { CallOptions, ChangeOptions, LookOptions } from '../runtime/call-options.ts'
import type { CpKeyspace } from '../runtime/cp-keyspace.ts'
import type { Changed, Register } from '../runtime/register.ts'
import { checkQuery, numberIn } from './address.ts'
import { jsonAnswer, type Answer } from './answer.ts'
import { jsonText } from './json-text.ts'
import { CONTEXT_HEADER, OPERATION_HEADER, type KeyRequest, type KvRequest } from './kv-request.ts'

const REVISION_HEADER = 'x-quorate-revision'
const GET_QUERY = ['level', 'timeoutMs']
const CHANGE_QUERY = ['mode', 'ifRevision', 'timeoutMs']
const SCAN_QUERY = ['prefix', 'after', 'limit', 'timeoutMs']

interface RegisterRequest extends KeyRequest {
  readonly timeoutMsMax: number
}

export async function getRegister(keyspace: CpKeyspace, request: RegisterRequest): Promise<Answer> {
  const { query, key } = request
  checkQuery(query, GET_QUERY)
  const level = query.get('level') ?? 'linearizable'
  if (level !== 'linearizable' && level !== 'stale') {
    throw invalid(`level is ${shown(level)}: registers are read 'linearizable' or 'stale'`)
  }
  const options: LookOptions = { ...callOptions(request), level }
  const register = await keyspace.get(key, options)
  const headers = { [REVISION_HEADER]: String(register.revision) }
  return register.found
    ? jsonAnswer(200, register, headers)
    : jsonAnswer(404, { reason: 'no-such-key', ...register }, headers)
}

export async function putRegister(keyspace: CpKeyspace, request: RegisterRequest): Promise<Answer> {
  const options = changeOptions(request)
  return changedAnswer(await keyspace.put(request.key, await request.body(), options))
}

export async function deleteRegister(keyspace: CpKeyspace, request: RegisterRequest): Promise<Answer> {
  return changedAnswer(await keyspace.delete(request.key, changeOptions(request)))
}

/** What lists the entries of a keyspace, one text each. */
export async function* scanRegisters(
  keyspace: CpKeyspace,
  request: KvRequest & { readonly timeoutMsMax: number },
  range: { readonly prefix: string; readonly after: string; readonly limit: number },
): AsyncGenerator<{ readonly key: string; readonly text: string }> {
  checkQuery(request.query, SCAN_QUERY)
  for await (const { key, entry } of keyspace.scan({ ...callOptions(request), ...range })) {
    yield { key, text: jsonText({ key, ...entryData(entry) }) }
  }
}

function entryData({ found, value, revision }: Register<unknown>): object {
  return { found, value, revision }
}

function changedAnswer({ revision, receipt }: Changed): Answer {
  return jsonAnswer(200, { revision, receipt }, { [REVISION_HEADER]: String(revision) })
}

function callOptions({
  query,
  signal,
  timeoutMsMax,
}: Pick<RegisterRequest, 'query' | 'signal' | 'timeoutMsMax'>): CallOptions {
  const timeoutMs = numberIn(query, 'timeoutMs', { min: 1, max: timeoutMsMax })
  return { signal, ...(timeoutMs !== undefined && { timeoutMs }) }
}

function changeOptions(request: RegisterRequest): ChangeOptions {
  const { query, headers } = request
  checkQuery(query, CHANGE_QUERY)
  if (headers[CONTEXT_HEADER] !== undefined) {
    throw invalid(`registers have no contexts: leave ${CONTEXT_HEADER} out, and use ?ifRevision=`)
  }
  const ifRevision = numberIn(query, 'ifRevision', { min: 0, max: Number.MAX_SAFE_INTEGER })
  const operation = headers[OPERATION_HEADER]
  return {
    ...callOptions(request),
    ...(ifRevision !== undefined && { ifRevision }),
    ...(operation !== undefined && { operation: String(operation) }),
  }
}
