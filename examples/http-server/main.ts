/**
 * An HTTP service that says no rather than wrong: `POST /write` answers 503, with how the cluster looks, on the side of a
 * partition that has no majority.
 *
 * `GET /status` says the same at any time, and `POST /admin/simulate-partition` cuts this server off, to try it.
 * Run it: `node --import tsx examples/http-server/main.ts`
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { QuorateError, startLocalCluster } from '../../src/index.ts'
import { reaches, tell } from '../story.ts'

const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
const node = cluster.node('a')
const values = node.keyspace('values', { mode: 'cp', n: 3 })
const BODY_MAX = 64 * 1024

interface Said {
  readonly status: number
  readonly body: unknown
}

function look(): object {
  const { replicas } = node.status()
  const reached = Object.values(replicas).filter(({ state }) => state === 'reachable').length
  const members = Object.keys(replicas).length
  return { replica: node.id, reached, members, hasQuorum: reached > members / 2 }
}

async function answer(request: IncomingMessage): Promise<Said> {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /status') return { status: 200, body: look() }
  if (route === 'POST /write') return write(await jsonOf(request))
  if (route === 'POST /admin/simulate-partition') return partition(await jsonOf(request))
  return { status: 404, body: { error: `there is no ${route}` } }
}

async function write({ key, value }: Readonly<Record<string, unknown>>): Promise<Said> {
  if (typeof key !== 'string' || value === undefined) return { status: 400, body: { error: 'send key and value' } }
  const { revision } = await values.put(key, value)
  return { status: 200, body: { key, revision } }
}

function partition({ active }: Readonly<Record<string, unknown>>): Said {
  if (active === true) cluster.partition(['a'], ['b', 'c'])
  else cluster.heal()
  return { status: 200, body: { active: active === true } }
}

/** What went wrong, in HTTP's words: a refusal may be tried again elsewhere, and an unknown outcome says so. */
function failed(error: unknown): Said {
  if (error instanceof SyntaxError || error instanceof RangeError)
    return { status: 400, body: { error: error.message } }
  if (!(error instanceof QuorateError)) return { status: 500, body: { error: 'something went wrong' } }
  const { code, message, outcome } = error
  return {
    status: code === 'QUORATE_INVALID_OPTION' ? 400 : 503,
    body: { code, error: message, outcome, status: look() },
  }
}

async function jsonOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > BODY_MAX) throw new RangeError(`the body is longer than ${BODY_MAX} characters`)
  }
  const body: unknown = JSON.parse(text)
  if (typeof body !== 'object' || body === null) throw new SyntaxError('the body is no object')
  return body as Readonly<Record<string, unknown>>
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await answer(request).catch(failed)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

const server = createServer((request, response) => void serve(request, response))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Asks as anybody would, and tells it. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(`${url}${path}`, { method, ...sent })
  const said = { status: response.status, body: (await response.json()) as Record<string, unknown> }
  tell(`${method} ${path}: ${said.status} ${JSON.stringify(said.body)}`)
  return said
}

assert.equal((await ask('POST', '/write', { key: 'balance', value: 100 })).status, 200)
assert.equal((await ask('POST', '/write', 'not json')).status, 400)
await ask('POST', '/admin/simulate-partition', { active: true })
await reaches(node, 'a')
const refused = await ask('POST', '/write', { key: 'balance', value: 0 })
assert.equal(refused.status, 503)
assert.equal(refused.body['outcome'], 'none')
assert.equal((await ask('GET', '/status')).body['hasQuorum'], false)
await ask('POST', '/admin/simulate-partition', { active: false })
await reaches(node, 'a', 'b', 'c')
assert.deepEqual((await ask('POST', '/write', { key: 'balance', value: 90 })).body, { key: 'balance', revision: 2 })
assert.equal((await values.get('balance')).value, 90)
server.close()
await cluster.close()
tell('checked: 503 with the status while it was cut off, and what was refused did not happen')
