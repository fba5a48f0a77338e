/**
 * One replica process and its directory: who may use it, what a wiped one becomes, how the process ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { connect, type Client } from '../../src/runtime/client.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { allReachable, freePorts, isFree, killAll, Replica, urlsOf } from './replica.ts'

let built: BuiltCli | undefined
let folder: string
let ports: Readonly<Record<string, number>>
let http: Readonly<Record<string, number>>

beforeAll(() => {
  built = buildCli()
}, 120_000)

afterAll(() => built?.remove())

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-serve-'))
  const free = await freePorts(6)
  const [a = 0, b = 0, c = 0, ha = 0, hb = 0, hc = 0] = free
  ports = { a, b, c }
  http = { a: ha, b: hb, c: hc }
})

afterEach(() => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})

function start(id: string, other: { readonly dataDir?: string; readonly through?: readonly string[] } = {}): Replica {
  const { dataDir = path.join(folder, id), through = [] } = other
  return new Replica({ main: built?.main ?? '', id, ports, dataDir, through, http: http[id] as number })
}

async function startAll(...ids: readonly string[]): Promise<Replica[]> {
  const replicas = ids.map((id) => start(id))
  await Promise.all(replicas.map((replica) => replica.ready))
  return replicas
}

async function clientOf(): Promise<Client> {
  const transport = { backoffMsMax: 100 }
  const client = await connect({ replicas: urlsOf(ports), heartbeatMs: 100, timeoutMs: 10_000, transport })
  await allReachable(client)
  return client
}

async function statusOf(id: string): Promise<{ readonly incarnation: number; readonly standing: string }> {
  const response = await fetch(`http://127.0.0.1:${http[id]}/status`)
  return (await response.json()) as { incarnation: number; standing: string }
}

async function incarnationOf(id: string): Promise<number> {
  return (await statusOf(id)).incarnation
}

/** Which of these keys are not found. */
async function missing(keys: readonly string[], get: (key: string) => Promise<{ found: boolean }>): Promise<string[]> {
  const found = await Promise.all(keys.map(async (key) => (await get(key)).found))
  return keys.filter((_, index) => found[index] !== true)
}

test(
  'serve: a wiped directory comes back as a new incarnation, and catches up before it takes part in reads',
  { timeout: 120_000 },
  async () => {
    const [, , c] = await startAll('a', 'b', 'c')
    const before = { a: await incarnationOf('a'), c: await incarnationOf('c') }
    const client = await clientOf()
    const carts = client.keyspace<number>('carts', { mode: 'ap', n: 3, r: 2, w: 3 })
    for (let i = 0; i < 20; i++) await carts.put(`k${i}`, i)
    await c?.kill('SIGKILL')
    rmSync(path.join(folder, 'c'), { recursive: true })
    await start('c').ready
    await allReachable(client)
    expect(await incarnationOf('c')).not.toBe(before.c)
    expect(await incarnationOf('a')).toBe(before.a)
    await vi.waitFor(async () => expect((await statusOf('c')).standing).toBe('serving'), { timeout: 60_000 })
    for (let i = 0; i < 20; i++) expect((await carts.get(`k${i}`, { level: 'all' })).value).toBe(i)
    const own = await fetch(`http://127.0.0.1:${http['c']}/kv/carts/k7?level=one`)
    expect(await own.json()).toMatchObject({
      found: true,
      value: 7,
      receipt: { replicas: { c: { state: 'current' } } },
    })
    await client.close()
  },
)

test('serve: a restarted replica is the same incarnation', { timeout: 60_000 }, async () => {
  const [a] = await startAll('a', 'b')
  const before = await incarnationOf('a')
  await a?.kill('SIGKILL')
  await start('a').ready
  expect(await incarnationOf('a')).toBe(before)
})

test(
  'serve: a second process on the same directory is refused with one line, and the first works on',
  { timeout: 60_000 },
  async () => {
    await startAll('a', 'b')
    const [a = 0, b = 0, c = 0] = await freePorts(3)
    const { main } = built as BuiltCli
    const second = new Replica({ main, id: 'a', ports: { a, b, c }, dataDir: path.join(folder, 'a') })
    const { code, stderr } = await second.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^quorate: QUORATE_STORAGE: .*in use by another process.*\n$/)
    expect(await incarnationOf('a')).toBeGreaterThan(0)
  },
)

test("serve: another replica's directory is refused with one line", { timeout: 60_000 }, async () => {
  const [b] = await startAll('b')
  await b?.kill('SIGTERM')
  const { code, stderr } = await start('a', { dataDir: path.join(folder, 'b') }).ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^quorate: QUORATE_STORAGE: .*belongs to replica "b".*\n$/)
})

test(
  'serve: a horizon that is too short for the heartbeats is refused with one line',
  { timeout: 60_000 },
  async () => {
    const options = ['--horizon-ms', '1000', '--heartbeat-ms', '500', '--hint-age-ms', '0']
    const { main } = built as BuiltCli
    const { code, stderr } = await new Replica({ main, id: 'a', ports, dataDir: path.join(folder, 'a'), options }).ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^quorate: QUORATE_INVALID_OPTION: horizonMs is 1000, with heartbeats of 500 ms: .*\n$/)
  },
)

test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'serve: %s under load closes cleanly, frees the ports, and keeps what was acknowledged',
  { timeout: 60_000 },
  async (signal) => {
    const replicas = await startAll('a', 'b', 'c')
    const client = await clientOf()
    const keyspace = client.keyspace<number>('load', { mode: 'ap', n: 3, r: 1, w: 3, conflicts: 'lww' })
    const acknowledged: string[] = []
    const stopped = new AbortController()
    const writer = async (who: number): Promise<void> => {
      for (let i = 0; !stopped.signal.aborted; i++) {
        const key = `${who}-${i}`
        try {
          await keyspace.put(key, i)
          acknowledged.push(key)
        } catch {
          stopped.abort()
        }
      }
    }
    const writers = Promise.all(Array.from({ length: 16 }, (_, who) => writer(who)))
    while (acknowledged.length < 50) await new Promise((resolve) => setTimeout(resolve, 5))
    const ended = await Promise.all(replicas.map((replica) => replica.kill(signal)))
    for (const end of ended) expect(end).toEqual({ code: 0, signal: null, stderr: '' })
    await writers
    for (const port of [...Object.values(ports), ...Object.values(http)]) expect(await isFree(port)).toBe(true)
    await startAll('a', 'b', 'c')
    await allReachable(client)
    expect(await missing(acknowledged, (key) => keyspace.get(key, { level: 'all' }))).toEqual([])
    await client.close()
  },
)

test.skipIf(process.platform === 'win32')(
  'serve: a disk that refuses a write ends the replica with one line and code 1, and the others work on',
  { timeout: 120_000 },
  async () => {
    // The shell's file size limit stands for the disk: node ignores the signal, and the write fails.
    const broken = start('a', { through: ['sh', '-c', 'ulimit -f 512; exec "$0" "$@"'] })
    await Promise.all([broken.ready, ...['b', 'c'].map((id) => start(id).ready)])
    const client = await clientOf()
    const keyspace = client.keyspace<string>('full', { mode: 'ap', n: 3, r: 2, w: 2, conflicts: 'lww' })
    const acknowledged: string[] = []
    const gone = new AbortController()
    void broken.ended.then(() => gone.abort())
    for (let i = 0; !gone.signal.aborted && i < 2_000; i++) {
      await keyspace.put(`k${i}`, 'x'.repeat(1_000))
      acknowledged.push(`k${i}`)
    }
    const { code, stderr } = await broken.ended
    expect(stderr).toMatch(/^quorate: QUORATE_STORAGE: the storage failed, so this replica stops: .*\n$/)
    expect(code).toBe(1)
    await keyspace.put('after', 'x')
    await start('a').ready
    await allReachable(client)
    expect(await missing(acknowledged, (key) => keyspace.get(key, { level: 'all' }))).toEqual([])
    await client.close()
  },
)
