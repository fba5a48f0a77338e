/**
 * The levers over HTTP: they do what they say, refuse everybody else's pages, and answer nonsense with a clear status.
 */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePlace, Started, until, type Place } from '../cli/harness.ts'
import { ask, type Said } from '../dashboard/harness.ts'

const SLOW = { timeout: 180_000 }
let place: Place
let started: Started

beforeAll(async () => {
  place = await freePlace()
  started = new Started(place.args)
  await started.event('started')
}, 120_000)

afterAll(async () => {
  await started?.stop('SIGTERM')
  place?.remove()
}, 60_000)

const at = (path: string): string => `http://127.0.0.1:${place.port}${path}`
const pull = (name: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Said> =>
  ask(at(`/admin/${name}`), { method: 'POST', body: JSON.stringify(body), headers })

interface Cluster {
  readonly replicas: readonly { readonly id: string; readonly state: string; readonly pid?: number }[]
  readonly play: { readonly links: readonly { readonly from: string; readonly to: string; readonly isCut: boolean }[] }
}

async function cluster(): Promise<Cluster> {
  return (await ask(at('/cluster'))).json as unknown as Cluster
}

test.for([
  ['a body that is no object', 'link', [1]],
  ['a field that there is not', 'heal', { now: true }],
  ['a replica that there is not', 'replica', { id: 'z', action: 'kill' }],
  ['an action that there is not', 'replica', { id: 'a', action: 'explode' }],
  ['a link that there is not', 'link', { from: 'a', to: 'a', state: 'cut' }],
  ['a state that there is not', 'link', { from: 'a', to: 'b', state: 'wet' }],
  ['a delay of a day', 'link', { from: 'a', to: 'b', state: 'slow', delayMs: 86_400_000 }],
  ['sides that are none', 'partition', { sides: [['a'], 'b'] }],
  ['sides of others', 'partition', { sides: [['a', '__proto__']] }],
  ['a value without end', 'call', { kind: 'write', via: 'a', key: 'k', value: 'x'.repeat(65), level: 'one' }],
  ['a level that there is not', 'call', { kind: 'write', via: 'a', key: 'k', value: 'x', level: 'most' }],
  ['no value', 'call', { kind: 'write', via: 'a', key: 'k', level: 'one' }],
  ['steady writes through nobody', 'steady', { via: 'nobody' }],
] as const)('levers: %s is 400', async ([, name, body]) => {
  expect(await pull(name, body)).toMatchObject({ status: 400, json: { code: 'QUORATE_INVALID_OPTION' } })
})

test('levers: bad JSON is 400, a huge body 413, a wrong method 405, an unknown lever 404', async () => {
  expect((await ask(at('/admin/heal'), { method: 'POST', body: '{' })).status).toBe(400)
  const huge = `{"from":"${'x'.repeat(5_000_000)}"}`
  expect((await fetch(at('/admin/link'), { method: 'POST', body: huge })).status).toBe(413)
  expect((await ask(at('/admin/heal'))).status).toBe(405)
  expect((await pull('toString', {})).status).toBe(404)
  expect((await pull('format', {})).status).toBe(404)
  expect((await ask(at('/page/../http-server.ts'))).status).toBe(404)
  expect((await ask(at('/page/tsconfig.json'))).status).toBe(404)
  expect((await ask(at('/cluster/secrets'))).status).toBe(404)
})

test.for([
  ['a foreign page', { origin: 'https://evil.example' }],
  ['a form on a foreign page', { origin: 'null', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ['a page on another port', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
  ['a name that was made to point here', { host: 'evil.example' }],
] as const)('levers: %s pulls none', async ([, headers]) => {
  expect((await pull('partition', { sides: [['a'], ['b', 'c']] }, headers)).status).toBe(403)
  expect((await cluster()).play.links.some(({ isCut }) => isCut)).toBe(false)
})

test('levers: a replica that never led has no token', async () => {
  const replies = await Promise.all(['a', 'b', 'c'].map((replica) => pull('visit', { replica })))
  expect(replies.map(({ status }) => status)).toContain(409)
})

test('levers: a killed replica stays away until it is started, as another process', SLOW, async () => {
  const stateOf = async (id: string): Promise<Cluster['replicas'][number] | undefined> =>
    (await cluster()).replicas.find((replica) => replica.id === id)
  const before = (await stateOf('c'))?.pid
  expect((await pull('replica', { id: 'c', action: 'kill' })).status).toBe(200)
  await until(async () => (await stateOf('c'))?.pid === undefined)
  expect((await stateOf('c'))?.state).toBe('killed')
  await pull('replica', { id: 'c', action: 'revive' })
  await until(async () => (await stateOf('c'))?.state === 'running')
  expect((await stateOf('c'))?.pid).not.toBe(before)
})

test('levers: a frozen replica gives no answer, which is unknown and not a refusal', SLOW, async () => {
  await pull('replica', { id: 'b', action: 'pause' })
  const said = await pull('call', { kind: 'write', via: 'b', key: 'k', value: 'x', level: 'one' })
  expect(said.json).toMatchObject({ ap: { ok: false, answer: { outcome: 'unknown' } } })
  await pull('replica', { id: 'b', action: 'revive' })
  await until(async () => {
    const { json } = await pull('call', { kind: 'write', via: 'b', key: 'k', value: 'x', level: 'one' })
    return (json as { readonly cp?: { readonly ok: boolean } } | undefined)?.cp?.ok === true
  })
})

test('levers: a reader of the cluster that reads nothing harms nobody', SLOW, async () => {
  const deaf = connect(place.port, '127.0.0.1')
  deaf.pause()
  deaf.write('GET /cluster/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const stream = await fetch(at('/cluster/events'))
  const reader = stream.body?.getReader()
  let text = ''
  while (!text.includes('"kind":"state"')) text += Buffer.from((await reader?.read())?.value ?? []).toString()
  await reader?.cancel()
  expect((await cluster()).replicas).toHaveLength(3)
  deaf.destroy()
})

test('levers: a browser is given the page, a shell the commands', async () => {
  const page = await ask(at('/'), { headers: { accept: 'text/html,*/*' } })
  expect(page.headers['content-type']).toContain('text/html')
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  const parts = [...page.text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, part]) => part ?? '')
  expect(parts).toHaveLength(2)
  for (const part of parts) expect((await ask(at(part))).status, part).toBe(200)
  expect((await ask(at('/'))).headers['content-type']).toContain('text/plain')
})
