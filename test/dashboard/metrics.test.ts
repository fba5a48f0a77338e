/**
 * `GET /metrics` and the alert rules: as Prometheus' own checker has it, and with the numbers that were caused.
 */
import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FenceGate, MemoryFences, type CallMessage, type FencedMessage, type NoticeMessage } from '../../src/index.ts'
import { CallTimes, Histogram } from '../../src/runtime/telemetry/call-times.ts'
import { ask, put, serveCluster, until, type Served } from './harness.ts'

const RULES = fileURLToPath(new URL('../../docs/alerts.rules.yml', import.meta.url))
const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool) console.log('promtool is not installed: its checks are skipped (apt-get install prometheus)')

describe('metrics', () => {
  let served: Served
  beforeAll(async () => void (served = await serveCluster()))
  afterAll(() => served.close())

  const scrape = async (): Promise<string> => (await ask(`${served.http.url}/metrics`)).text

  /** The value of one series, named as it stands in the text. */
  async function valueOf(series: string): Promise<number | undefined> {
    const line = (await scrape()).split('\n').find((each) => each.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length + 1))
  }

  test('calls, failures, leaders and fenced tokens are counted, by level', async () => {
    const { cluster, http } = served
    await put(`${http.url}/kv/carts/alice`, ['milk'])
    await put(`${http.url}/kv/carts/bob`, ['tea'])
    await ask(`${http.url}/kv/carts/alice?level=all`)
    await put(`${http.url}/kv/accounts/alice?mode=cp`, 7)
    const level = (operation: string, name: string): string =>
      `quorate_call_duration_seconds_count{keyspace="carts",operation="${operation}",level="${name}"}`
    expect(await valueOf(level('put', '2'))).toBe(2)
    expect(await valueOf(level('get', '3'))).toBe(1)
    expect(await valueOf('quorate_replica_up{replica="b"}')).toBe(1)

    const seat = cluster.node('a').campaign('reports')
    await new Promise((resolve) => seat.once('elected', resolve))
    expect(await valueOf('quorate_leader_here{group="group:reports"}')).toBe(1)
    expect(await valueOf('quorate_leader_generation{group="group:reports"}')).toBe(seat.generation)
    expect(await valueOf('quorate_lease_left_seconds{group="group:reports"}')).toBeGreaterThan(0)
    seat.close()

    const before = (await valueOf('quorate_fenced_total')) ?? 0
    const gate = new FenceGate(new MemoryFences())
    gate.check('report', 43)
    expect(() => gate.check('report', 42)).toThrow('fenced')
    expect(await valueOf('quorate_fenced_total')).toBe(before + 1)
  })

  test('the margin falls with each replica that is away, to -1', async ({ onTestFinished }) => {
    const { cluster } = served
    onTestFinished(() => cluster.heal())
    const margin = (keyspace: string, mode: string, level: string): Promise<number | undefined> =>
      valueOf(`quorate_quorum_margin{keyspace="${keyspace}",mode="${mode}",level="${level}"}`)
    expect(await margin('carts', 'ap', 'write')).toBe(1)
    expect(await margin('carts', 'ap', 'all')).toBe(0)
    cluster.partition(['a', 'b'], ['c'])
    await until(async () => (await margin('carts', 'ap', 'write')) === 0)
    expect(await margin('carts', 'ap', 'all')).toBe(-1)
    expect(await margin('accounts', 'cp', 'write')).toBe(0)
    cluster.partition(['a'], ['b'], ['c'])
    await until(async () => (await margin('accounts', 'cp', 'write')) === -1)
    expect(await margin('carts', 'ap', 'one')).toBe(0)
    // The loss is told with the next heartbeat, the margin at once.
    await until(async () => ((await valueOf('quorate_quorum_losses_total')) ?? 0) > 0)
    await put(`${served.http.url}/kv/carts/alice?level=quorum`, 1)
    expect(await valueOf('quorate_failed_calls_total{code="QUORATE_UNAVAILABLE"}')).toBe(1)
    cluster.heal()
    await until(async () => (await margin('carts', 'ap', 'write')) === 1)
  })

  test.skipIf(!hasPromtool)('promtool finds nothing to say about the metrics', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await scrape() })
    expect({ status, said: stdout.toString() + stderr.toString() }).toEqual({ status: 0, said: '' })
  })

  test('every metric of the alert rules is one that is told', async () => {
    const seat = served.cluster.node('a').campaign('rules')
    await new Promise((resolve) => seat.once('elected', resolve))
    const text = await scrape()
    seat.close()
    const names = new Set(readFileSync(RULES, 'utf8').match(/quorate_\w+/g))
    expect(names.size).toBeGreaterThan(7)
    for (const name of names) expect(text, name).toContain(`# TYPE ${name} `)
  })

  test('channels tell calls with the names of OpenTelemetry, notices, and fenced tokens', async () => {
    const calls: CallMessage[] = []
    const notices: NoticeMessage[] = []
    const fenced: FencedMessage[] = []
    const take = (list: unknown[]) => (message: unknown) => void list.push(message)
    const all = [
      ['quorate:call', take(calls)],
      ['quorate:notice', take(notices)],
      ['quorate:fenced', take(fenced)],
    ] as const
    for (const [name, listener] of all) subscribe(name, listener)
    await put(`${served.http.url}/kv/carts/carol`, 1)
    await ask(`${served.http.url}/kv/carts/carol?level=all&timeoutMs=1`)
    expect(() => {
      const gate = new FenceGate(new MemoryFences())
      gate.check('x', 2)
      gate.check('x', 1)
    }).toThrow('fenced')
    for (const [name, listener] of all) unsubscribe(name, listener)
    expect(calls[0]).toMatchObject({
      'db.system.name': 'quorate',
      'db.namespace': 'carts',
      'db.operation.name': 'put',
      'quorate.level': '2',
    })
    expect(calls[0]?.['db.client.operation.duration']).toBeGreaterThan(0)
    expect(fenced).toEqual([{ resource: 'x', token: 1, highest: 2 }])
    expect(notices.every(({ store }) => typeof store === 'string')).toBe(true)
  })
})

test.skipIf(!hasPromtool)('alerts: promtool finds nothing to say about the rules', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', RULES])
  expect({ status, said: stderr.toString() }).toEqual({ status: 0, said: '' })
  expect(stdout.toString()).toContain('SUCCESS')
})

test('histogram: quantiles lie within the steps that hold them', () => {
  const times = new Histogram()
  expect(times.quantileMs(0.5)).toBe(0)
  for (let ms = 1; ms <= 100; ms++) times.add(ms)
  expect(times.count).toBe(100)
  expect(times.sumMs).toBe(5_050)
  expect(times.quantileMs(0.5)).toBeCloseTo(50, 0)
  expect(times.quantileMs(0.99)).toBeGreaterThan(90)
  times.add(60_000)
  expect(times.quantileMs(1)).toBe(10_000)
})

test('call times: levels without end are counted together beyond a bound', () => {
  const times = new CallTimes()
  for (let i = 0; i < 1_000; i++) times.took('carts', 'get', `level ${i}`, 1)
  times.took('carts', 'get', 'level 7', 1)
  expect(times.series.length).toBeLessThan(300)
  expect(times.series.reduce((sum, series) => sum + series.times.count, 0)).toBe(1_001)
  expect(times.series.find(({ level }) => level === 'level 7')?.times.count).toBe(2)
})
