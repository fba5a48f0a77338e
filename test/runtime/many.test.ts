/** Many keys at once on real sockets: every key has its own end. */
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
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

  test.for([
    ['a text', 'abc'],
    ['nothing', undefined],
    ['a number', 7],
    ['a set', new Set(['a'])],
  ] as const)('%s instead of keys: nothing is sent', async ([, keys]) => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const error = await errorOf(keyspace.getMany(keys as never))
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(error.message).toMatch(/keys is not a list/)
  })

  test.for([
    ['a text', 'abc'],
    ['nothing', undefined],
    ['keys alone', ['a', 'b']],
    ['an object', { a: 'v' }],
    ['a key without a value', [['a']]],
  ] as const)('%s instead of entries: nothing is sent', async ([, entries]) => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const error = await errorOf(keyspace.putMany(entries as never))
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(error.message).toMatch(/entries are not pairs/)
  })

  test('a map: is written', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { results } = await keyspace.putMany(new Map([['a', 'v']]))
    expect([...results.keys()]).toEqual(['a'])
  })

  test('more keys than calls may be in flight: all go through, and leave room for another call', async () => {
    await using small = await startLocalCluster({ replicas: 3, inFlightMax: 10 })
    const keyspace = freshKeyspace<number>(small.store, { conflicts: 'lww' })
    await keyspace.put('alone', 0)
    const pairs = Array.from({ length: 200 }, (_, i): [string, number] => [`key ${i}`, i])
    const writing = keyspace.putMany(pairs)
    expect((await keyspace.get('alone')).value).toBe(0)
    expect((await writing).errors.size).toBe(0)
    const { results, errors } = await keyspace.getMany(pairs.map(([key]) => key))
    expect([results.size, errors.size]).toEqual([200, 0])
  })

  test('more bytes than links queue: are paced, and every key goes through', async () => {
    await using small = await startLocalCluster({ replicas: 3, timeoutMs: 20_000 })
    const keyspace = freshKeyspace<Buffer>(small.store, { conflicts: 'lww' })
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`)
    const large = keys.map((key, i): [string, Buffer] => [key, Buffer.alloc(900_000, i)])
    const wrong = ['x', 'y', 'z'].map((key): [string, Buffer] => [key, undefined as never])
    const put = await keyspace.putMany([...large, ...wrong])
    expect([[...put.results.keys()], [...put.errors.keys()]]).toEqual([keys, ['x', 'y', 'z']])
    const got = await keyspace.getMany(keys)
    expect([got.results.size, got.errors.size]).toEqual([40, 0])
    expect(keys.every((key, i) => got.results.get(key)?.value?.[899_999] === i)).toBe(true)
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

describe('frames', () => {
  /** Frames that all processes of the cluster send while `run` runs: they share this one. */
  async function framesIn(run: () => Promise<unknown>): Promise<number> {
    const send = vi.spyOn(WebSocket.prototype, 'send')
    try {
      await run()
      return send.mock.calls.length
    } finally {
      send.mockRestore()
    }
  }

  const keys = Array.from({ length: 1_000 }, (_, i) => `key ${i}`)

  test.for(['lww', 'siblings'] as const)('a thousand %s keys: share a few frames of each link', async (conflicts) => {
    const keyspace = freshKeyspace<string>(cluster().store, { conflicts })
    await keyspace.put('opened', 'v')
    const put = await framesIn(() => keyspace.putMany(keys.map((key) => [key, 'v'])))
    const got = await framesIn(() => keyspace.getMany(keys))
    const alone = await framesIn(() => keyspace.get('opened'))
    expect(alone).toBeGreaterThanOrEqual(2)
    expect({ put, got, few: put < 200 && got < 200 }).toMatchObject({ few: true })
  })
})
