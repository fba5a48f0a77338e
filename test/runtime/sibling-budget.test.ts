/** What siblings of one key may add up to, on real sockets: blind writes are refused before the key is past reading. */
import { describe, expect, test } from 'vitest'
import { errorOf, errorsOf, freshKeyspace, GONE, ownClusters, REACHABLE, seen } from './clusters.ts'

const start = ownClusters({ replicas: 3, timeoutMs: 10_000 })
const MIB = 1024 * 1024

describe('a key at its bound of siblings', () => {
  test('blind writes and deletes of every kind: are refused, say what to do, and change nothing', async () => {
    const cluster = await start({ siblingsMax: 3 })
    const keyspace = freshKeyspace<string>(cluster.store)
    const near = cluster.node('a').keyspace<string>(keyspace.name)
    const values = ['one', 'two', 'three']
    for (const value of values) await keyspace.put('k', value, { level: 'all' })
    const session = cluster.store.session()
    const other = await keyspace.put('other', 'v')
    const blind = [
      keyspace.put('k', 'blind'),
      near.put('k', 'blind'),
      keyspace.delete('k'),
      keyspace.put('k', 'blind', { level: 'one' }),
      keyspace.with(session).put('k', 'blind'),
    ]
    for (const error of await errorsOf(blind)) {
      expect(error).toMatchObject({ code: 'QUORATE_LIMIT', outcome: 'none', retry: 'no', received: 0 })
      expect(error.message).toMatch(/siblingsMax.*nothing was written: read the key, and write with its context/)
      expect(Object.values(error.replicas)).toContainEqual(expect.stringMatching(/^refused: too-many-siblings 3/))
    }
    const many = await keyspace.putMany([
      ['k', 'blind'],
      ['free', 'v'],
    ])
    expect([[...many.results.keys()], many.errors.get('k')?.code]).toEqual([['free'], 'QUORATE_LIMIT'])
    expect((await keyspace.get('k', { level: 'all' })).siblings.toSorted()).toEqual(values.toSorted())
    await keyspace.put('other', 'again', { context: other.context })

    await keyspace.with(session).get('k')
    await keyspace.with(session).put('k', 'seen')
    expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual(['seen'])
    await keyspace.put('k', 'blind')
  })

  test('update: goes through, because it has read the key', async () => {
    const cluster = await start({ siblingsMax: 2 })
    const keyspace = freshKeyspace<string[]>(cluster.store, { resolve: (siblings) => siblings.flat() })
    await keyspace.put('k', ['one'], { level: 'all' })
    await keyspace.put('k', ['two'], { level: 'all' })
    expect((await errorOf(keyspace.put('k', ['three']))).code).toBe('QUORATE_LIMIT')
    await keyspace.update('k', (all = []) => [...all, 'three'])
    expect((await keyspace.get('k')).value?.toSorted()).toEqual(['one', 'three', 'two'])
  })
})

describe('large siblings', () => {
  test('blind writes of a mebibyte: are refused before the key is too large to be read', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<Buffer>(cluster.store)
    const value = Buffer.alloc(MIB - 16, 1)
    const ends: string[] = []
    for (let i = 0; i < 20; i++) {
      ends.push(
        await keyspace.put('k', value, { level: 'all' }).then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      )
    }
    expect(ends.slice(0, 3)).toEqual(['ok', 'ok', 'ok'])
    expect(new Set(ends.slice(4))).toEqual(new Set(['QUORATE_LIMIT']))
    const entry = await keyspace.get('k', { level: 'all' })
    expect(entry.siblings.length).toBe(ends.filter((end) => end === 'ok').length)
    const behind = await errorOf(keyspace.put('k', value))
    expect(behind.message).toMatch(/siblingBytesMax/)
    await keyspace.put('k', value, { context: entry.context })
    expect((await keyspace.get('k', { level: 'all' })).siblings).toHaveLength(1)
  })

  test('both sides of a partition filled to the bound: can be read as one when it heals', async () => {
    const cluster = await start({ heartbeatMs: 1_000 })
    const keyspace = freshKeyspace<Buffer>(cluster.store, { n: 3, r: 1, w: 1 })
    await keyspace.put('k', Buffer.of(1))
    const nodes = cluster.ids.map((id) => cluster.node(id))
    const handles = nodes.map((node) => node.keyspace<Buffer>(keyspace.name, { mode: 'ap', n: 3, r: 1, w: 1 }))
    for (const handle of handles) await handle.get('k')
    cluster.partition(['a'], ['b'], ['c'])
    await Promise.all(
      cluster.ids.map((id, i) => {
        const others = cluster.ids.filter((other) => other !== id)
        return seen(nodes[i] as never, Object.fromEntries(others.map((other) => [other, GONE])))
      }),
    )
    const value = Buffer.alloc(MIB - 16, 2)
    for (const handle of handles) {
      const ends = await Promise.allSettled(Array.from({ length: 8 }, () => handle.put('k', value)))
      expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(1)
      expect(ends.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(1)
    }
    cluster.heal()
    await seen(cluster.store, Object.fromEntries(cluster.ids.map((id) => [id, REACHABLE])))
    const entry = await keyspace.get('k', { level: 'all' })
    expect(entry.siblings.length).toBeGreaterThan(6)
    await keyspace.put('k', Buffer.of(3), { context: entry.context, level: 'all' })
    expect((await keyspace.get('k', { level: 'all' })).siblings).toHaveLength(1)
  })
})
