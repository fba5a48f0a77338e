/** Replicas become equal by themselves after an outage: nobody reads, and what a replica has is asked of it alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openNode, startLocalCluster, type LocalCluster } from '../../src/index.ts'

const CARTS = { mode: 'ap', n: 5, r: 3, w: 3 } as const
const SLOW = { timeout: 60_000 }

/** What the replica of this node holds, as text: no other is asked, and nothing is repaired. */
async function heldBy(cluster: LocalCluster, id: string): Promise<readonly string[]> {
  const keyspace = cluster.node(id).keyspace('carts', CARTS)
  const held: string[] = []
  for await (const { key, entry } of keyspace.scan({ level: 1 })) {
    held.push(JSON.stringify([key, entry.siblings.map((value) => JSON.stringify(value)).toSorted(), entry.context]))
  }
  return held
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it did not come to that')
}

async function areEqual(cluster: LocalCluster, keys: number): Promise<boolean> {
  const all = await Promise.all(cluster.ids.map((id) => heldBy(cluster, id)))
  return all.every((held) => held.length === keys && held.join('\n') === all[0]?.join('\n'))
}

describe('healing without reads', () => {
  test('five replicas, writes on both sides of a partition: all hold the same afterwards', SLOW, async () => {
    await using cluster = await startLocalCluster({ replicas: 5, heartbeatMs: 50, exchangeMs: 300 })
    const [a, d] = ['a', 'd'].map((id) => cluster.node(id).keyspace<number>('carts', CARTS))
    for (let i = 0; i < 20; i++) await a?.put(`k${i}`, i)
    cluster.partition(['a', 'b', 'c'], ['d', 'e'])
    for (let i = 0; i < 40; i++) {
      await a?.put(`k${i}`, 100 + i)
      await d?.put(`k${i + 20}`, 200 + i, { level: 1 })
    }
    expect(await areEqual(cluster, 60)).toBe(false)
    cluster.heal()
    await until(() => areEqual(cluster, 60))
    expect(await heldBy(cluster, 'e')).toEqual(await heldBy(cluster, 'a'))
  })

  test('a replica whose disk is wiped while it is down: is filled again, and knows the keyspace', SLOW, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'quorate-healing-'))
    try {
      await using cluster = await startLocalCluster({ replicas: 5, heartbeatMs: 50, exchangeMs: 300, dataDir })
      const keyspace = cluster.store.keyspace<number>('carts', CARTS)
      for (let i = 0; i < 50; i++) await keyspace.put(`k${i}`, i)
      await cluster.kill('c')
      await rm(join(dataDir, 'c'), { recursive: true })
      for (let i = 0; i < 50; i += 5) await keyspace.put(`k${i}`, 1_000 + i)
      await cluster.restart('c')
      await until(async () => cluster.node('c').status().registered.length === 1)
      await until(() => areEqual(cluster, 50))
      expect(await heldBy(cluster, 'c')).toHaveLength(50)
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  test('a replica that starts over its data: counts it, and has nothing to exchange', SLOW, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'quorate-healing-'))
    try {
      await using cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 500, exchangeMs: 0, dataDir })
      const keyspace = cluster.store.keyspace<number>('carts')
      for (let from = 0; from < 1_200; from += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => keyspace.put(`k${from + i}`, i)))
      }
      await cluster.kill('b')
      await cluster.restart('b')
      await until(async () => cluster.node('b').status().replicas['a']?.state === 'reachable')
      await until(async () => {
        const { a } = await cluster.node('b').repair()
        return a?.outcome === 'done' && a.differing === 0 && a.bytes < 200
      })
      expect(cluster.node('b').status().exchanges).toMatchObject({ a: { received: 0 } })
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

describe('repair on demand', () => {
  test('what others have is here when it resolves, with progress on the way and in the status', SLOW, async () => {
    await using cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 50, exchangeMs: 0 })
    const keyspace = cluster.store.keyspace<number>('carts', { mode: 'ap', conflicts: 'lww', w: 2 })
    await keyspace.put('first', 0)
    await cluster.kill('c')
    await Promise.all(Array.from({ length: 500 }, (_, i) => keyspace.put(`k${i}`, i)))
    await cluster.restart('c')
    const node = cluster.node('c')
    await until(async () => Object.values(node.status().replicas).every(({ state }) => state === 'reachable'))
    const seen: number[] = []
    const notices: string[] = []
    node.observe((notice) => notices.push(notice.kind))
    await until(async () => (await node.repair())['a']?.outcome === 'done' && node.status().registered.length === 1)
    const result = await node.repair({ onProgress: ({ waiting }) => seen.push(waiting.length) })
    expect(result).toMatchObject({ a: { outcome: 'done' }, b: { outcome: 'done' } })
    expect(seen.every((waiting) => waiting <= 2)).toBe(true)
    expect(notices).toContain('exchange')
    expect(node.status().exchanges).toMatchObject({ a: { outcome: 'done' }, b: { outcome: 'done' } })
    const local = node.keyspace<number>('carts')
    for (const i of [0, 250, 499]) expect((await local.get(`k${i}`, { level: 1, repair: 'off' })).value).toBe(i)
  })

  test('a replica that cannot be reached is said to be; a signal and closing end the waiting', SLOW, async () => {
    await using cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 50, exchangeMs: 0 })
    await cluster.store.keyspace('carts').put('x', 1)
    const node = cluster.node('a')
    await expect(node.repair({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'QUORATE_ABORTED' })
    await cluster.kill('b')
    await until(async () => node.status().replicas['b']?.state === 'unreachable')
    expect(await node.repair()).toMatchObject({ b: { outcome: 'unreachable' }, c: { outcome: 'done' } })
    const repairing = node.repair()
    const controller = new AbortController()
    const given = node.repair({ signal: controller.signal })
    controller.abort()
    await expect(given).rejects.toMatchObject({ code: 'QUORATE_ABORTED' })
    await cluster.kill('a')
    await expect(repairing).rejects.toMatchObject({ code: 'QUORATE_CLOSED' })
    await expect(node.repair()).rejects.toMatchObject({ code: 'QUORATE_CLOSED' })
  })

  test('a node alone has nobody to exchange with', async () => {
    await using node = await openNode({ id: 'a' })
    expect(await node.repair()).toEqual({})
  })
})
