/** Values that expire: for readers at once, and in the storage of all replicas later. */
import { describe, expect, test } from 'vitest'
import { startLocalCluster } from '../../src/index.ts'
import { errorOf, freshKeyspace, listOf, sharedCluster } from './clusters.ts'

const SLOW = { timeout: 60_000 }
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.for([{ conflicts: 'siblings' }, { conflicts: 'lww' }] as const)('values with an end, %o', ({ conflicts }) => {
  const cluster = sharedCluster({ replicas: 3 })

  test('a value: is found until its time is over, and deleted from then on', SLOW, async () => {
    const keyspace = freshKeyspace<number>(cluster().store, { conflicts })
    const began = Date.now()
    await keyspace.put('k', 1, { ttlMs: 400 })
    await keyspace.put('stays', 2)
    const entry = await keyspace.get('k')
    expect(entry).toMatchObject({ found: true, value: 1 })
    const endsAt = entry.versions[0]?.expiresAt?.getTime() ?? 0
    expect(endsAt - began).toBeGreaterThanOrEqual(400)
    expect(endsAt - began).toBeLessThan(5_000)
    while (Date.now() < endsAt) await sleep(20)
    const over = await keyspace.get('k')
    expect(over).toMatchObject({ found: false, deleted: true, value: undefined, conflict: false })
    expect(over.versions).toMatchObject([{ value: undefined, deleted: true }])
    expect((await listOf(keyspace.scan())).map(({ key }) => key)).toEqual(['stays'])
    await keyspace.update('k', (value) => (value ?? 10) + 1)
    expect((await keyspace.get('k')).value).toBe(11)
  })

  test(
    'the keyspace says how long, and a write otherwise; a delete and another write have no end of it',
    SLOW,
    async () => {
      const keyspace = freshKeyspace<number>(cluster().store, { conflicts, ttlMs: 300 })
      await keyspace.put('k', 1)
      await keyspace.put('stays', 2, { ttlMs: Infinity })
      await keyspace.delete('gone')
      await sleep(600)
      expect((await keyspace.get('k')).found).toBe(false)
      expect((await keyspace.get('stays')).versions).toMatchObject([{ value: 2, expiresAt: undefined }])
      expect((await keyspace.get('gone')).versions).toMatchObject([{ expiresAt: undefined }])
    },
  )

  test('a sibling or a later write without an end: is what is left', SLOW, async () => {
    const keyspace = freshKeyspace<number>(cluster().store, { conflicts })
    await keyspace.put('k', 1, { ttlMs: 200 })
    await keyspace.put('k', 2)
    await sleep(400)
    expect(await keyspace.get('k')).toMatchObject({ found: true, conflict: false, value: 2 })
  })
})

test('a span that is none: is refused, and nothing is sent', async () => {
  await using cluster = await startLocalCluster({ replicas: 1 })
  const keyspace = freshKeyspace<number>(cluster.store)
  for (const ttlMs of [0, -5, NaN, '9']) {
    const error = await errorOf(keyspace.put('k', 1, { ttlMs: ttlMs as number }))
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
  }
  expect((await keyspace.get('k')).found).toBe(false)
  expect(() => freshKeyspace<number>(cluster.store, { ttlMs: 0 })).toThrow(
    expect.objectContaining({ code: 'QUORATE_INVALID_OPTION' }) as Error,
  )
})

test('expired values are erased on every replica, a horizon later', SLOW, async () => {
  const options = { heartbeatMs: 250, exchangeMs: 100, horizonMs: 2_000, hintAgeMsMax: 1_000 } as const
  await using cluster = await startLocalCluster({ replicas: 3, ...options })
  const keyspace = freshKeyspace<number>(cluster.store, { conflicts: 'lww' })
  for (let i = 0; i < 10; i++) await keyspace.put(`k${i}`, i, { ttlMs: 100 })
  const erased = (): number => cluster.ids.reduce((sum, id) => sum + cluster.node(id).status().reaping.erased, 0)
  for (const deadline = Date.now() + 20_000; erased() < 30 && Date.now() < deadline;) await sleep(50)
  expect(erased()).toBe(30)
  expect(await keyspace.get('k3', { level: 'all' })).toMatchObject({ found: false, deleted: false })
})
