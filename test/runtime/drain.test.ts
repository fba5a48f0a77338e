/**
 * Draining a node: the lead is handed on, what is in flight ends well, and what was kept for others goes to them.
 */
import { afterEach, expect, test } from 'vitest'
import { startLocalCluster, type LocalCluster, type LocalClusterOptions } from '../../src/index.ts'
import { until } from '../dashboard/harness.ts'

let cluster: LocalCluster

async function start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200, ...options })
  return cluster
}

afterEach(() => cluster.close())

test('drain: another leads at once, without waiting for the lease', async () => {
  await start()
  // Longer than the test may take.
  const seat = cluster.node('a').campaign('reports', { leaseMs: 60_000 })
  await new Promise((resolve) => seat.once('elected', resolve))
  const next = cluster.node('b').campaign('reports', { leaseMs: 60_000 })
  const elected = new Promise((resolve) => next.once('elected', resolve))
  const before = seat.generation ?? 0
  await cluster.node('a').drain()
  await elected
  expect(next.generation).toBeGreaterThan(before)
  expect(seat.isLeader).toBe(false)
})

test('drain: calls in flight end well, and new ones are refused', async () => {
  await start()
  const node = cluster.node('a')
  const carts = node.keyspace<number>('carts', { mode: 'ap', n: 3, r: 2, w: 3 })
  await carts.put('alice', 0)
  cluster.slow({ from: 'a', to: 'c', delayMs: 300 })
  const slow = carts.put('alice', 1)
  const draining = node.drain()
  await expect(carts.put('alice', 2)).rejects.toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'none' })
  expect(() => node.campaign('late')).toThrow('closed')
  expect(await draining).toEqual({ calls: 0, held: 0, hintBytes: 0 })
  expect((await slow).receipt.reached).toBe(3)
})

test('drain: what takes longer than it may is told, and ended as by close', async () => {
  await start()
  const node = cluster.node('a')
  const carts = node.keyspace<number>('carts', { mode: 'ap', n: 3, r: 2, w: 3 })
  await carts.put('alice', 0)
  cluster.partition(['a', 'b'], ['c'])
  const stuck = carts.put('alice', 1).catch((error: unknown) => error)
  expect(await node.drain({ withinMs: 100 })).toMatchObject({ calls: 1 })
  expect(await stuck).toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'below-level' })
})

test('drain: hints are delivered to a replica that has come back', async () => {
  await start({ replicas: 4 })
  const sloppy = { mode: 'ap', n: 3, r: 2, w: 3, sloppy: true } as const
  const keyspace = cluster.store.keyspace<number>('carts', sloppy)
  await keyspace.put('any', 0)
  await cluster.kill('d')
  const keeps = (): readonly string[] =>
    ['a', 'b', 'c'].filter((id) => (cluster.node(id).health().hintBytes['d'] ?? 0) > 0)
  await until(() => Object.values(cluster.store.status().replicas).some(({ state }) => state === 'unreachable'))
  for (let i = 0; i < 100; i++) await keyspace.put(`key ${i}`, i)
  const keeper = keeps()[0] ?? ''
  expect(keeper).not.toBe('')
  await cluster.restart('d')
  await until(() => cluster.node(keeper).status().replicas['d']?.state === 'reachable')
  expect(await cluster.node(keeper).drain({ withinMs: 20_000 })).toEqual({ calls: 0, held: 0, hintBytes: 0 })
})
