/** Keyspaces with a leader on real replicas: what they promise while leaders crash, are cut off, sleep and hand over. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  RegisterError,
  type CpKeyspace,
  type CpKeyspaceOptions,
  type LocalCluster,
  type Node,
} from '../../src/index.ts'
import { errorOf, GONE, listOf, ownClusters, REACHABLE, seen, sharedCluster } from './clusters.ts'

const shared = sharedCluster({ replicas: 3, heartbeatMs: 100 })
const start = ownClusters({ replicas: 3, heartbeatMs: 100 })
/** Three heartbeats, as a keyspace's lease is. */
const LEASE_MS = 300
const LONG = { timeoutMs: 30_000 }

let keyspaces = 0
const folders: string[] = []

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'quorate-led-'))
  folders.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((path) => rm(path, { recursive: true, force: true })))
})

function led<V>(store: Pick<Node, 'keyspace'>, name = `led-${++keyspaces}`, more: Partial<CpKeyspaceOptions> = {}) {
  return store.keyspace<V>(name, { mode: 'cp', leader: true, ...more })
}

/** The same keyspace through each node, and who leads it. */
async function everywhere<V>(
  cluster: LocalCluster,
): Promise<{ readonly handles: Map<string, CpKeyspace<V>>; readonly leader: string }> {
  const name = `led-${++keyspaces}`
  const handles = new Map(cluster.ids.map((id) => [id, led<V>(cluster.node(id), name)]))
  for (const handle of handles.values()) await eventually(() => handle.get('nothing', LONG))
  const [handle] = handles.values()
  return { handles, leader: handle?.leader?.id as string }
}

function others<V>(handles: ReadonlyMap<string, CpKeyspace<V>>, leader: string): CpKeyspace<V>[] {
  return [...handles].filter(([id]) => id !== leader).map(([, handle]) => handle)
}

/** What a call gives once enough replicas can be reached: on a busy machine heartbeats come late. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const { code, outcome } = error as RegisterError
      if (outcome !== 'none' || (code !== 'QUORATE_UNAVAILABLE' && code !== 'QUORATE_NOT_LEADER')) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** Adds one, exactly once: what has no sure end is settled, and done again if it did not land. */
async function increment(handle: CpKeyspace<number>): Promise<void> {
  for (let landed = false; !landed;) {
    try {
      await handle.update('n', (n = 0) => n + 1, LONG)
      landed = true
    } catch (error) {
      if (!(error instanceof RegisterError)) throw error
      landed = (await eventually(() => error.settle())).outcome === 'landed'
    }
  }
}

/** Holds up this process, and with it all replicas in it. */
function stall(ms: number): void {
  const endAt = performance.now() + ms
  while (performance.now() < endAt);
}

describe('a keyspace with a leader', () => {
  test('a key, through whichever node: is written, compared, updated, deleted, and never read stale', async () => {
    const { handles } = await everywhere<number>(shared())
    const [a, b, c] = [...handles.values()] as [CpKeyspace<number>, CpKeyspace<number>, CpKeyspace<number>]
    expect(await a.get('k')).toMatchObject({ found: false, revision: 0 })
    expect(await b.put('k', 1, { ifRevision: 0 })).toMatchObject({ revision: 1 })
    for (let i = 2; i <= 20; i++) {
      expect(await [a, b, c][i % 3]?.update('k', (n = 0) => n + 1)).toMatchObject({ value: i, revision: i })
      for (const handle of handles.values()) expect(await handle.get('k')).toMatchObject({ value: i, revision: i })
    }
    const error = await errorOf(c.put('k', 0, { ifRevision: 3 }))
    expect(error).toBeInstanceOf(RegisterError)
    expect(error).toMatchObject({ code: 'QUORATE_CONDITION_FAILED', current: { value: 20, revision: 20 } })
    expect(await a.delete('k', { ifRevision: 20 })).toMatchObject({ revision: 0 })
    expect(await b.get('k')).toMatchObject({ found: false, revision: 0 })
    expect(await b.put('other', 5)).toMatchObject({ revision: 1 })
    expect((await listOf(c.scan())).map(({ key, entry }) => [key, entry.value])).toEqual([['other', 5]])
  })

  test('a receipt: names those who accepted, and for a read under the lease the leader alone', async () => {
    const { handles, leader } = await everywhere<string>(shared())
    for (const handle of handles.values()) {
      const { receipt } = await handle.put('k', 'v')
      expect(receipt).toMatchObject({ level: 'linearizable', strict: true, settled: true })
      expect(receipt.reached).toBeGreaterThanOrEqual(2)
      const read = (await handle.get('k')).receipt
      expect([read.level, read.strict, read.reached]).toEqual(['linearizable', true, 1])
      expect(read.replicas[leader]?.state).toBe('current')
    }
  })

  test('updates through all nodes and a client: each is applied exactly once', async () => {
    const { handles } = await everywhere<number>(shared())
    const [first] = handles.values()
    const all = [...handles.values(), led<number>(shared().store, first?.name)]
    const work = async (worker: number): Promise<void> => {
      for (let i = 0; i < 20; i++) await increment(all[worker % all.length] as CpKeyspace<number>)
    }
    await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)))
    for (const handle of all) expect(await handle.get('n', LONG)).toMatchObject({ value: 320, revision: 320 })
  })

  test('an operation sent twice through different nodes: is applied once, and both get its revision', async () => {
    const { handles } = await everywhere<string>(shared())
    const [a, b, c] = [...handles.values()] as [CpKeyspace<string>, CpKeyspace<string>, CpKeyspace<string>]
    const operation = await a.operation('k')
    expect(await a.put('k', 'once', { operation })).toMatchObject({ revision: 1 })
    await c.put('k', 'later')
    expect(await b.put('k', 'once', { operation })).toMatchObject({ revision: 1 })
    expect(await b.get('k')).toMatchObject({ value: 'later', revision: 2 })
  })

  test('the function of an update: gives a promise, throws, is called again, wherever the leader is', async () => {
    const { handles } = await everywhere<string>(shared())
    const wrong = new Error('not today')
    for (const handle of handles.values()) {
      await handle.put('k', 'x')
      const thrown = handle.update('k', () => {
        throw wrong
      })
      expect(await errorOf(thrown)).toBe(wrong)
      expect(await handle.update('k', async (value) => `${value}+`)).toMatchObject({ value: 'x+' })
      expect(await handle.get('k')).toMatchObject({ value: 'x+' })
    }
  })

  test('options that cannot be: fewer copies than members, another definition, a leader for siblings', async () => {
    const node = shared().node('a')
    expect(() => led(node, 'few', { n: 2 })).toThrow(/all 3 members/)
    expect(() => led(node, 'odd', { leader: 'yes' as never })).toThrow(/leader is/)
    expect(() => node.keyspace('ap', { mode: 'ap', leader: true } as never)).toThrow(/"leader" is not an option/)
    const { handles } = await everywhere<string>(shared())
    const { name } = [...handles.values()][0] as CpKeyspace<string>
    const other = node.keyspace(name, { mode: 'cp' })
    expect(await errorOf(other.get('k'))).toMatchObject({ code: 'QUORATE_KEYSPACE_MISMATCH' })
  })
})

describe('changes of leader', () => {
  test('the leader crashes: another serves, with everything that was acknowledged, and nothing twice', async () => {
    const cluster = await start()
    const { handles, leader } = await everywhere<number>(cluster)
    const left = others(handles, leader)
    let acknowledged = 0
    const work = async (handle: CpKeyspace<number>): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await increment(handle)
        if (++acknowledged === 30) await cluster.kill(leader)
      }
    }
    await Promise.all(left.map(work))
    for (const handle of left) {
      expect(await eventually(() => handle.get('n', LONG))).toMatchObject({ value: 120 })
      expect(handle.leader?.id).not.toBe(leader)
    }
  })

  test('the leader closes: another leads at once, long before the lease would have run out', async () => {
    const cluster = await start({ heartbeatMs: 5_000 })
    const { handles, leader } = await everywhere<string>(cluster)
    const [handle] = others(handles, leader) as [CpKeyspace<string>]
    const before = handle.leader?.generation as number
    await handle.put('k', 'before')
    const endAt = performance.now() + 10_000
    await cluster.node(leader).close()
    expect(await handle.put('k', 'after', LONG)).toMatchObject({ revision: 2 })
    // Leases are of fifteen seconds here.
    expect(performance.now()).toBeLessThan(endAt)
    expect(handle.leader?.generation).toBeGreaterThan(before)
  })

  test('the leader is cut off: it refuses, the others go on, and it has what it missed after healing', async () => {
    const cluster = await start()
    const { handles, leader } = await everywhere<string>(cluster)
    const cutOff = handles.get(leader) as CpKeyspace<string>
    const [handle] = others(handles, leader) as [CpKeyspace<string>]
    await cutOff.put('k', 'before')
    const rest = cluster.ids.filter((id) => id !== leader)
    cluster.partition([leader], rest)
    expect(await handle.put('k', 'after', LONG)).toMatchObject({ revision: 2 })
    // Whoever has acknowledged that is not the leader that was cut off: its lease is over.
    const errors = [
      await errorOf(cutOff.get('k', { timeoutMs: 200 })),
      await errorOf(cutOff.put('k', 'lost', { timeoutMs: 200 })),
    ]
    for (const { code } of errors) {
      expect(['QUORATE_UNAVAILABLE', 'QUORATE_NOT_LEADER', 'QUORATE_TIMEOUT']).toContain(code)
    }
    await seen(cluster.node(leader), Object.fromEntries(rest.map((id) => [id, GONE])))
    expect(await errorOf(cutOff.put('k', 'lost'))).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none' })
    cluster.heal()
    await seen(cluster.node(leader), Object.fromEntries(rest.map((id) => [id, REACHABLE])))
    expect(await cutOff.get('k', LONG)).toMatchObject({ value: 'after', revision: 2 })
  })

  test('a process that sleeps through its lease: looks at the clock before it answers, and is elected anew', async () => {
    const cluster = await start()
    const { handles, leader } = await everywhere<string>(cluster)
    const handle = handles.get(leader) as CpKeyspace<string>
    await handle.put('k', 'v')
    const before = handle.leader?.generation as number
    stall(2 * LEASE_MS)
    expect(handle.leader).toBeUndefined()
    expect(await handle.get('k', LONG)).toMatchObject({ value: 'v' })
    expect(handle.leader?.generation).toBeGreaterThan(before)
  })

  test('all replicas crash and start again: what was acknowledged is there', async () => {
    const dataDir = await folder()
    const cluster = await start({ dataDir })
    const { handles, leader } = await everywhere<number>(cluster)
    const handle = handles.get(leader) as CpKeyspace<number>
    for (let i = 0; i < 10; i++) await handle.put(`k${i}`, i)
    for (const id of cluster.ids) await cluster.kill(id)
    for (const id of cluster.ids) await cluster.restart(id)
    const again = led<number>(cluster.node('a'), handle.name)
    await seen(cluster.node('a'), Object.fromEntries(cluster.ids.map((id) => [id, REACHABLE])))
    for (let i = 0; i < 10; i++) expect(await again.get(`k${i}`, LONG)).toMatchObject({ value: i, revision: 1 })
  })
})

describe('fencing tokens', () => {
  test.each([true, false])(
    'with a leader (%s): a lower token is refused, a retry is not, and it is kept with the key',
    async (leader) => {
      const name = `fenced-${++keyspaces}`
      const open = (id: string): CpKeyspace<string> => shared().node(id).keyspace(name, { mode: 'cp', leader })
      const [a, b] = [open('a'), open('b')]
      expect(await a.put('k', 'first', { fence: 7, ...LONG })).toMatchObject({ revision: 1 })
      const late = await errorOf(b.put('k', 'late', { fence: 6 }))
      expect(late).toMatchObject({ code: 'QUORATE_FENCED', outcome: 'none' })
      expect(await errorOf(b.update('k', () => 'late', { fence: 6 }))).toMatchObject({ code: 'QUORATE_FENCED' })
      expect(await errorOf(b.delete('k', { fence: 1 }))).toMatchObject({ code: 'QUORATE_FENCED' })
      expect(await b.get('k')).toMatchObject({ value: 'first', revision: 1 })
      expect(await b.put('k', 'same', { fence: 7 })).toMatchObject({ revision: 2 })
      expect(await b.delete('k', { fence: 8 })).toMatchObject({ revision: 0 })
      expect(await errorOf(a.put('k', 'late', { fence: 7 }))).toMatchObject({ code: 'QUORATE_FENCED' })
      // Who says nothing of a token is not asked for one.
      expect(await a.put('k', 'unfenced')).toMatchObject({ revision: 4 })
      expect(await errorOf(a.put('k', 'future', { fence: 2 ** 40 }))).toMatchObject({ code: 'QUORATE_LIMIT' })
      for (const fence of [0, -1, 1.5, NaN, '7' as never]) {
        expect(await errorOf(a.put('k', 'x', { fence }))).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
      }
    },
  )

  test('where they are required: a change without one is refused before anything is sent', async () => {
    const name = `fenced-${++keyspaces}`
    const keyspace = shared().node('a').keyspace<string>(name, { mode: 'cp', requireFence: true })
    expect(await errorOf(keyspace.put('k', 'v'))).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(await errorOf(keyspace.delete('k'))).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
    expect(await keyspace.put('k', 'v', { fence: 1 })).toMatchObject({ revision: 1 })
    expect(await keyspace.get('k')).toMatchObject({ value: 'v' })
  })
})
