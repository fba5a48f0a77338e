/**
 * HTTP while the cluster is not well: 503 with the error as JSON, and what became of the operation.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ask, put, serveCluster, SOME_TEXT, until, type Served } from './harness.ts'

let served: Served

beforeEach(async () => {
  served = await serveCluster()
  await put(`${served.http.url}/kv/carts/x`, 'before')
})

afterEach(() => served.close())

/** Cuts replica `a`, where the HTTP side is, off from the others, and waits until it knows. */
async function isolate(): Promise<void> {
  const { cluster } = served
  cluster.partition(['a'])
  const others = (): string[] => ['b', 'c'].map((id) => cluster.node('a').status().replicas[id]?.state ?? '')
  await until(() => others().every((state) => state === 'unreachable'))
}

test('a minority refuses a quorum with 503, says that nothing happened, and serves level one', async () => {
  await isolate()
  const url = `${served.http.url}/kv/carts/x`
  for (const said of [await put(url, 'after'), await ask(url)]) {
    expect(said.status).toBe(503)
    expect(said.json).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none', required: 2, retry: 'safe' })
    expect(said.json).toMatchObject({ replicas: { b: 'unreachable', c: 'unreachable' } })
    expect(said.headers['retry-after']).toBe('1')
  }
  expect((await ask(`${url}?level=one`)).status).toBeGreaterThanOrEqual(200)
  served.cluster.heal()
  await until(async () => (await ask(url)).status === 200)
  expect((await ask(url)).json).toMatchObject({ value: 'before', conflict: false })
})

test('a write that is cut off midway is 503 with an outcome that is not none, and its retry applies once', async () => {
  const { cluster, http } = served
  const url = `${http.url}/kv/carts/y`
  cluster.cut({ from: 'a', to: 'b' })
  cluster.cut({ from: 'a', to: 'c' })
  const said = await put(`${url}?timeoutMs=60`, 'once')
  expect(said.status).toBe(503)
  expect(['unknown', 'below-level']).toContain(said.json?.['outcome'])
  expect(said.json).toMatchObject({ retry: 'same-operation', operation: SOME_TEXT })
  cluster.heal()
  const headers = { 'x-quorate-operation': String(said.json?.['operation']) }
  await until(async () => (await put(url, 'once', headers)).status === 200)
  expect((await ask(`${url}?level=all`)).json).toMatchObject({ value: 'once', conflict: false })
})

test('an unregistered keyspace cannot be told from none by a minority: 503, not 404', async () => {
  await isolate()
  expect((await ask(`${served.http.url}/kv/unheard/x`)).status).toBe(503)
})

test('status is answered while the store is not', async () => {
  await isolate()
  const { status, json } = await ask(`${served.http.url}/status`)
  expect(status).toBe(200)
  expect(json).toMatchObject({ id: 'a', replicas: { a: { state: 'reachable' }, b: { state: 'unreachable' } } })
  expect((await ask(`${served.http.url}/`)).text).toContain('1 of 3 replicas reachable')
})

test('a client that goes away ends its call', async () => {
  const { cluster, http } = served
  cluster.cut({ from: 'a', to: 'b' })
  cluster.cut({ from: 'a', to: 'c' })
  const controller = new AbortController()
  const asked = fetch(`${http.url}/kv/carts/x?timeoutMs=60000&level=all`, { signal: controller.signal })
  await until(() => cluster.node('a').status().inFlight > 0)
  controller.abort()
  await expect(asked).rejects.toThrow(/abort/)
  await until(() => cluster.node('a').status().inFlight === 0)
})
