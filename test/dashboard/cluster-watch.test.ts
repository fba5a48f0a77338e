/**
 * Putting a cluster together from reports: who is silent is told so, events are told once, and nobody is asked in vain.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClusterWatch, httpSource } from '../../src/dashboard/cluster-watch.ts'
import type { ClusterMessage } from '../../src/dashboard/cluster-view.ts'
import { startHttp, type HttpSide } from '../../src/dashboard/http-server.ts'
import { ask, serveCluster, until, type Served } from './harness.ts'

let served: Served
let other: HttpSide
beforeAll(async () => {
  served = await serveCluster()
  other = await startHttp({ store: served.cluster.node('b') })
})
afterAll(async () => {
  await other.close()
  await served.close()
})

test('watch: replicas that report and one that does not are told apart', async () => {
  const sources = [httpSource('a', served.http.url), httpSource('b', other.url), httpSource('c', 'http://127.0.0.1:9')]
  const { replicas, play } = await new ClusterWatch({ sources }).look()
  expect(replicas.map(({ id, state }) => `${id} ${state}`)).toEqual(['a running', 'b running', 'c silent'])
  expect(replicas[1]?.report).toMatchObject({ id: 'b', role: 'node', standing: 'serving' })
  expect(replicas[2]?.report).toBeUndefined()
  expect(play).toBeUndefined()
})

test('watch: every event is told once, and sources are asked only while somebody looks', async () => {
  let asked = 0
  const source = httpSource('a', served.http.url)
  const report: typeof source.report = (signal) => {
    asked++
    return source.report(signal)
  }
  const watch = new ClusterWatch({ sources: [{ id: 'a', report }] })
  const told: ClusterMessage[] = []
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(0)
  const leave = watch.watch((message) => told.push(message))
  const events = (kind: string): number =>
    told.filter((message) => message.kind === 'event' && message.event.kind === kind).length
  const before = (): number => events('partition')
  await until(() => told.some(({ kind }) => kind === 'state'))
  const seen = before()
  served.cluster.partition(['a'], ['b', 'c'])
  await until(() => before() > seen)
  served.cluster.heal()
  await until(() => told.some((message) => message.kind === 'event' && isHealed(message.event)))
  leave()
  const numbers = told.filter(({ kind }) => kind === 'event').map((message) => JSON.stringify(message))
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(watch.isWatched).toBe(false)
})

function isHealed(event: Readonly<Record<string, unknown>>): boolean {
  return event['kind'] === 'partition' && Array.isArray(event['links']) && event['links'].length === 0
}

test('watch: without levers every lever is 404', async () => {
  const { status } = await ask(`${served.http.url}/admin/heal`, { method: 'POST', body: '{}' })
  expect(status).toBe(404)
})

test('copy: what one replica holds is told by it alone', async () => {
  const { url } = served.http
  await ask(`${url}/kv/carts/alice?level=all`, { method: 'PUT', body: '["milk"]' })
  expect(await ask(`${url}/copy/carts/alice`)).toMatchObject({ status: 200, json: { mode: 'ap', values: [['milk']] } })
  served.cluster.partition(['a'], ['b', 'c'])
  await ask(`${url}/kv/carts/alice?level=one`, { method: 'PUT', body: '["tea"]' })
  expect((await ask(`${url}/copy/carts/alice`)).json?.['values']).toHaveLength(2)
  expect((await ask(`${other.url}/copy/carts/alice`)).json?.['values']).toEqual([['milk']])
  served.cluster.heal()
  expect((await ask(`${url}/copy/nothing/alice`)).status).toBe(404)
})
