/** What nodes and clients have in common: opening keyspaces together, status, and telling observers. */
import { describe, expect, test } from 'vitest'
import type { Notice } from '../../src/index.ts'
import { caughtUp, errorOf, errorsOf, freshKeyspace, GONE, ownClusters, seen, sharedCluster } from './clusters.ts'
import { matching } from '../core/matching.ts'

const start = ownClusters({ heartbeatMs: 200, timeoutMs: 1_000 })
const cluster = sharedCluster()
let names = 0
const freshName = (): string => `opened-${++names}`

describe('opening a keyspace', () => {
  test('nothing is sent before the first call, and then it is registered once, everywhere', async () => {
    const name = freshName()
    const notices: Notice[] = []
    const stops = cluster().ids.map((id) =>
      cluster()
        .node(id)
        .observe((notice) => notices.push(notice)),
    )
    const handles = Array.from({ length: 3 }, () => cluster().store.keyspace<string>(name, { mode: 'ap' }))
    expect(
      cluster()
        .store.status()
        .keyspaces.map((definition) => definition.name),
    ).not.toContain(name)
    await Promise.all(handles.flatMap((handle) => [handle.put('k', 'v'), handle.get('k'), handle.get('other')]))
    // A read at all has been answered by everybody, and so has what went before it on the same links.
    await handles[0]?.get('k', { level: 'all' })
    for (const stop of stops) stop()
    const told = notices.filter((notice) => notice.kind === 'keyspace' && notice.name === name)
    expect(told).toHaveLength(2 * 3)
    expect(
      cluster()
        .store.status()
        .keyspaces.filter((definition) => definition.name === name),
    ).toHaveLength(1)
    for (const id of cluster().ids) {
      expect(cluster().node(id).status().registered).toContainEqual({
        name,
        mode: 'ap',
        n: 3,
        read: '2',
        write: '2',
        conflicts: 'siblings',
      })
    }
  })

  test('the same options in other words: are the same', async () => {
    const name = freshName()
    await cluster().store.keyspace(name, { mode: 'ap' }).put('k', 'v')
    const again = cluster().node('a').keyspace(name, { mode: 'ap', n: 3, read: 'quorum', w: 2, conflicts: 'siblings' })
    expect((await again.get('k')).value).toBe('v')
  })

  test('what is no agreement of the members: differs from handle to handle', async () => {
    const name = freshName()
    const first = cluster().store.keyspace<string>(name, { mode: 'ap', repair: 'off', timeoutMs: 20_000 })
    const second = cluster().store.keyspace<string>(name, { mode: 'ap', resolve: (siblings) => siblings.join() })
    await Promise.all([first.put('k', 'v'), second.put('k', 'v')])
    expect((await first.get('k')).value).toBeUndefined()
    expect((await second.get('k')).value).toBe('v,v')
  })

  test.for([
    [{ n: 2, r: 1, w: 1 }, /n is 3 there and 2 here, read is "2" there and "1" here, write is "2" there and "1" here/],
    [{ r: 1 }, /read is "2" there and "1" here/],
    [{ conflicts: 'lww' }, /conflicts is "siblings" there and "lww" here/],
  ] as const)(
    'other options (%j): are refused, through any member, and nothing is written',
    async ([options, message]) => {
      const name = freshName()
      const keyspace = cluster().store.keyspace<string>(name, { mode: 'ap' })
      await keyspace.put('k', 'v')
      for (const store of [cluster().store, cluster().node('b')]) {
        const other = store.keyspace<string>(name, { mode: 'ap', ...options })
        for (const error of await errorsOf([other.put('k', 'w'), other.get('k')])) {
          expect(error).toMatchObject({
            code: 'QUORATE_KEYSPACE_MISMATCH',
            outcome: 'none',
            retry: 'no',
            message: matching(message),
          })
        }
      }
      expect((await keyspace.get('k')).siblings).toEqual(['v'])
    },
  )

  test('two openings with other options at once: at most one succeeds, and what it wrote is there', async () => {
    const name = freshName()
    const handles = [
      cluster().node('a').keyspace<string>(name, { mode: 'ap', n: 2 }),
      cluster().node('b').keyspace<string>(name, { mode: 'ap', n: 3 }),
    ]
    const results = await Promise.allSettled(handles.map((handle) => handle.put('k', 'v')))
    const opened = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
    expect(opened.length).toBeLessThan(2)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'QUORATE_KEYSPACE_MISMATCH' })
    }
    for (const i of opened) expect((await handles[i]?.get('k'))?.value).toBe('v')
  })

  test('without options: the registered ones are adopted', async () => {
    const name = freshName()
    await cluster().store.keyspace(name, { mode: 'ap', n: 2, r: 1, w: 2, conflicts: 'lww' }).put('k', 'v')
    const adopted = cluster().node('c').keyspace<string>(name)
    expect((await adopted.get('k')).receipt?.level).toBe('1')
    expect((await adopted.put('k', 'w')).receipt.level).toBe('2')
  })

  test('without options, where nothing is registered: the defaults are', async () => {
    const name = freshName()
    await cluster().node('a').keyspace(name).put('k', 'v')
    expect(cluster().node('a').status().registered).toContainEqual({
      name,
      mode: 'ap',
      n: 3,
      read: '2',
      write: '2',
      conflicts: 'siblings',
    })
  })

  test('a failed opening: is tried again by the next call', async () => {
    const own = await start()
    await Promise.all([own.kill('b'), own.kill('c')])
    await seen(own.store, { b: GONE, c: GONE })
    const keyspace = freshKeyspace<string>(own.store, {})
    expect(await errorOf(keyspace.put('k', 'v'))).toMatchObject({ code: 'QUORATE_TIMEOUT', outcome: 'none' })
    await Promise.all([own.restart('b'), own.restart('c')])
    await seen(own.store, { b: ['reachable'], c: ['reachable'] })
    await keyspace.put('k', 'v')
    // They kept their data in memory: reads wait until they have caught up.
    await Promise.all([caughtUp(own, 'b'), caughtUp(own, 'c')])
    expect((await keyspace.get('k')).value).toBe('v')
  })
})

describe('observers', () => {
  test('are told of siblings and failures, until they stop', async () => {
    const { store } = cluster()
    const keyspace = freshKeyspace<string>(store)
    const notices: Notice[] = []
    await keyspace.get('k')
    const stop = store.observe((notice) => notices.push(notice))
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    await keyspace.get('k', { level: 'all' })
    expect(notices).toContainEqual({ kind: 'siblings', keyspace: keyspace.name, key: 'k', count: 2 })
    const signal = AbortSignal.timeout(0)
    await Promise.allSettled([keyspace.get('k', { signal })])
    stop()
    const told = notices.length
    await keyspace.get('k', { level: 'all' })
    expect(notices).toHaveLength(told)
  })

  test('one that throws: its error surfaces, and calls go on', async () => {
    const { store } = cluster()
    const keyspace = freshKeyspace<string>(store)
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    const surfaced: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => surfaced.push(error))
    const stop = store.observe(() => {
      throw new Error('a bad observer')
    })
    try {
      expect((await keyspace.get('k')).siblings).toHaveLength(2)
      stop()
      expect((await keyspace.get('k')).siblings).toHaveLength(2)
    } finally {
      stop()
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(surfaced).toMatchObject([{ message: 'a bad observer' }])
  })
})
