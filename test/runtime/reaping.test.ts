/** Deleted keys on real replicas: what is stored of them is gone once all hold the same, and never comes back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startLocalCluster, type LocalCluster } from '../../src/index.ts'
import { GONE, REACHABLE, seen } from './clusters.ts'

const OPTIONS = { heartbeatMs: 250, exchangeMs: 100, horizonMs: 2_000, hintAgeMsMax: 1_000 } as const
const SLOW = { timeout: 60_000 }
const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`)

interface Status {
  readonly waiting: number
  readonly erased: number
}

function reaping(cluster: LocalCluster, ids: readonly string[] = cluster.ids): Status {
  let waiting = 0
  let erased = 0
  for (const id of ids) {
    const status = cluster.node(id).status().reaping
    waiting += status.waiting
    erased += status.erased
  }
  return { waiting, erased }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it did not come to that')
}

/** Which keys a replica keeps a deleted record of: it alone is asked, and nothing is repaired. */
async function graves(cluster: LocalCluster, id: string, name: string): Promise<readonly string[]> {
  const keyspace = cluster.node(id).keyspace(name)
  const entries = await keyspace.getMany(KEYS, { level: 1, repair: 'off' })
  return [...entries.results].flatMap(([key, entry]) => (entry.deleted ? [key] : []))
}

describe.for([{ conflicts: 'siblings' }, { conflicts: 'lww' }] as const)('deleted keys, %o', ({ conflicts }) => {
  test(
    'all replicas hold the deletes: they are erased on all of them, and keys can be written again',
    SLOW,
    async () => {
      await using cluster = await startLocalCluster({ replicas: 3, ...OPTIONS })
      const keyspace = cluster.store.keyspace<number>('carts', { mode: 'ap', conflicts })
      const before = await keyspace.put('k0', 1)
      for (const key of KEYS) await keyspace.put(key, 1)
      for (const key of KEYS) await keyspace.delete(key, { context: (await keyspace.get(key)).context })
      expect((await keyspace.get('k1')).deleted).toBe(true)
      await until(() => reaping(cluster).erased === 3 * KEYS.length)
      for (const id of cluster.ids) expect(await graves(cluster, id, 'carts')).toEqual([])
      expect(reaping(cluster).waiting).toBe(0)
      expect(await keyspace.get('k1')).toMatchObject({ found: false, deleted: false })
      await keyspace.put('k0', 2)
      await keyspace.put('k0', 3, { context: before.context })
      const { siblings } = await keyspace.get('k0')
      expect(siblings.toSorted((a, b) => a - b)).toEqual(conflicts === 'lww' ? [3] : [2, 3])
    },
  )

  test('a replica that is away: nothing is erased until it is back, and nothing comes back with it', SLOW, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'quorate-reaping-'))
    try {
      await using cluster = await startLocalCluster({ replicas: 3, ...OPTIONS, dataDir })
      const keyspace = cluster.store.keyspace<number>('carts', { mode: 'ap', conflicts })
      for (const key of KEYS) await keyspace.put(key, 1, { level: 'all' })
      await cluster.kill('c')
      await seen(cluster.node('a'), { c: GONE })
      await seen(cluster.node('b'), { c: GONE })
      await seen(cluster.store, { c: GONE })
      for (const key of KEYS) await keyspace.delete(key, { context: (await keyspace.get(key)).context })
      await new Promise((resolve) => setTimeout(resolve, 2 * OPTIONS.horizonMs))
      expect(reaping(cluster, ['a', 'b']).erased).toBe(0)
      expect(await graves(cluster, 'a', 'carts')).toEqual(KEYS)
      await cluster.restart('c')
      await seen(cluster.store, { c: REACHABLE })
      await until(() => reaping(cluster).erased === 3 * KEYS.length)
      for (const key of KEYS) expect(await keyspace.get(key, { level: 'all' })).toMatchObject({ found: false })
      for (const id of cluster.ids) expect(await graves(cluster, id, 'carts')).toEqual([])
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

test('registers that were deleted: are erased, also after a crash, and no revision is given again', SLOW, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quorate-reaping-'))
  try {
    await using cluster = await startLocalCluster({ replicas: 3, ...OPTIONS, dataDir })
    const locks = cluster.store.keyspace<number>('locks', { mode: 'cp' })
    const revisions = new Map<string, number>()
    for (const key of KEYS) {
      await locks.put(key, 1)
      revisions.set(key, (await locks.put(key, 2)).revision)
      await locks.delete(key)
    }
    await until(() => reaping(cluster).erased === 3 * KEYS.length)
    await cluster.kill('b')
    await cluster.restart('b')
    await seen(cluster.store, { b: REACHABLE })
    for (const key of KEYS) {
      expect(await locks.get(key)).toMatchObject({ found: false, revision: 0 })
      const { revision } = await locks.put(key, 3, { ifRevision: 0 })
      expect(revision).toBeGreaterThan(revisions.get(key) as number)
      await expect(locks.put(key, 4, { ifRevision: revisions.get(key) as number })).rejects.toMatchObject({
        code: 'QUORATE_CONDITION_FAILED',
      })
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('deletes that were stored before a start: are found and erased; a horizon of 0 keeps them', SLOW, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quorate-reaping-'))
  try {
    {
      await using cluster = await startLocalCluster({ replicas: 3, ...OPTIONS, horizonMs: 0, dataDir })
      const keyspace = cluster.store.keyspace<number>('carts', { mode: 'ap', conflicts: 'lww' })
      for (const key of KEYS) await keyspace.delete(key, { level: 'all' })
      await new Promise((resolve) => setTimeout(resolve, 2 * OPTIONS.horizonMs))
      expect(reaping(cluster)).toEqual({ waiting: 0, erased: 0 })
    }
    await using cluster = await startLocalCluster({ replicas: 3, ...OPTIONS, dataDir })
    await until(() => reaping(cluster).erased === 3 * KEYS.length)
    for (const id of cluster.ids) expect(await graves(cluster, id, 'carts')).toEqual([])
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
