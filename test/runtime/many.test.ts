/** Many keys at once on real sockets: every key has its own end. */
import { describe, expect, test } from 'vitest'
import { startLocalCluster } from '../../src/index.ts'
import { errorOf, freshKeyspace, sharedCluster } from './clusters.ts'

const cluster = sharedCluster()

describe('many keys', () => {
  test('put and get: every key comes back, in the order in which it was named', async () => {
    const keyspace = freshKeyspace<number>(cluster().store)
    const keys = Array.from({ length: 3_000 }, (_, index) => `key ${(index * 7) % 3_000}`)
    const put = await keyspace.putMany(keys.map((key, index) => [key, index]))
    expect(put.errors.size).toBe(0)
    expect([...put.results.keys()]).toEqual(keys)
    const got = await keyspace.getMany([...keys, 'nobody'])
    expect(got.errors.size).toBe(0)
    expect([...got.results.keys()]).toEqual([...keys, 'nobody'])
    expect(keys.map((key) => got.results.get(key)?.value)).toEqual(keys.map((_, index) => index))
    expect(got.results.get('nobody')?.found).toBe(false)
  })

  test('a key that cannot be: fails alone', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const long = 'k'.repeat(2_000)
    const put = await keyspace.putMany([
      ['good', 'v'],
      [long, 'v'],
      ['', 'v'],
    ])
    expect([...put.results.keys()]).toEqual(['good'])
    expect([...put.errors].map(([key, { code }]) => [key, code])).toEqual([
      [long, 'QUORATE_LIMIT'],
      ['', 'QUORATE_INVALID_OPTION'],
    ])
    expect((await keyspace.get('good')).value).toBe('v')
  })

  test('a key that is given twice: nothing is sent', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const twice: [string, string][] = [
      ['k', 'one'],
      ['k', 'two'],
    ]
    expect((await errorOf(keyspace.putMany(twice))).code).toBe('QUORATE_INVALID_OPTION')
    expect((await errorOf(keyspace.getMany(['k', 'k']))).code).toBe('QUORATE_INVALID_OPTION')
    expect((await keyspace.get('k')).found).toBe(false)
  })

  test('no keys: nothing happens', async () => {
    const { results, errors } = await freshKeyspace(cluster().store).getMany([])
    expect([results.size, errors.size]).toEqual([0, 0])
  })

  test('a session: threads the contexts of all of them', async () => {
    const { store } = cluster()
    const keyspace = freshKeyspace<string>(store).with(store.session())
    const keys = ['a', 'b', 'c']
    for (const value of ['one', 'two']) await keyspace.putMany(keys.map((key) => [key, value]))
    const { results } = await keyspace.getMany(keys)
    expect(keys.map((key) => results.get(key)?.siblings)).toEqual([['two'], ['two'], ['two']])
  })

  test('replicas that are gone: each key says what became of it', async () => {
    await using small = await startLocalCluster({ replicas: 3 })
    const keyspace = small.store.keyspace<string>('single', { mode: 'ap', n: 1, conflicts: 'lww', timeoutMs: 500 })
    const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`)
    await keyspace.putMany(keys.map((key) => [key, 'v']))
    await small.kill('a')
    const { results, errors } = await keyspace.getMany(keys)
    expect(results.size).toBeGreaterThan(10)
    expect(errors.size).toBeGreaterThan(10)
    expect(results.size + errors.size).toBe(keys.length)
    for (const { code, replicas } of errors.values()) {
      expect(['QUORATE_UNAVAILABLE', 'QUORATE_TIMEOUT']).toContain(code)
      expect(Object.keys(replicas)).toEqual(['a'])
    }
  })
})
