/** What calls end in when replicas fail, links are cut, time runs out or callers give up: codes, outcomes, retries. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { QuorateError, type LocalCluster } from '../../src/index.ts'
import {
  caughtUp,
  errorOf,
  errorsOf,
  freshKeyspace,
  GONE,
  listOf,
  ownClusters,
  REACHABLE,
  seen,
  sharedCluster,
} from './clusters.ts'

const start = ownClusters({ heartbeatMs: 200, timeoutMs: 5_000 })

/** Node a is alone, and knows it. */
async function isolated(cluster: LocalCluster): Promise<void> {
  cluster.partition(['a'], ['b', 'c'])
  await seen(cluster.node('a'), { b: GONE, c: GONE })
}

describe('a partition', () => {
  test('the smaller side: refuses strict calls before anything is sent, with what each replica was', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.node('a'))
    await keyspace.put('k', 'v', { level: 'all' })
    await isolated(cluster)
    for (const error of await errorsOf([
      keyspace.put('k', 'w'),
      keyspace.get('k'),
      keyspace.delete('k'),
      listOf(keyspace.scan()),
    ])) {
      expect(error).toBeInstanceOf(QuorateError)
      expect(error).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none', retry: 'safe' })
      expect(error).toMatchObject({ required: 2, received: 0, replicas: { b: 'unreachable', c: 'unreachable' } })
    }
    expect((await keyspace.get('k', { level: 'one' })).siblings).toEqual(['v'])
  })

  test('the larger side: goes on, and so does a client that reaches everybody', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'before')
    await isolated(cluster)
    await seen(cluster.node('b'), { a: GONE })
    const there = cluster.node('b').keyspace<string>(keyspace.name)
    await there.update('k', () => 'after')
    expect((await there.get('k')).value).toBe('after')
    expect((await keyspace.get('k', { level: 'all' })).value).toBe('after')
  })

  test('level one: both sides accept, and after healing both writes are siblings everywhere', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.node('a'), { r: 1, w: 1 })
    const there = cluster.node('b').keyspace<string>(keyspace.name)
    const { context } = await keyspace.put('k', 'base', { level: 'all' })
    await there.get('k')
    await isolated(cluster)
    await Promise.all([keyspace.put('k', 'left', { context }), there.put('k', 'right', { context })])
    expect((await keyspace.get('k')).siblings).toEqual(['left'])
    expect((await there.get('k')).siblings).toEqual(['right'])
    cluster.heal()
    await seen(cluster.node('a'), { b: REACHABLE, c: REACHABLE })
    expect([...(await keyspace.get('k', { level: 'all' })).siblings].toSorted()).toEqual(['left', 'right'])
    for (const id of cluster.ids) {
      const others = cluster.ids.filter((other) => other !== id)
      await seen(cluster.node(id), Object.fromEntries(others.map((other) => [other, REACHABLE])))
      const local = await cluster.node(id).keyspace<string>(keyspace.name).get('k', { level: 'all' })
      expect([...local.siblings].toSorted()).toEqual(['left', 'right'])
    }
  })

  test('a new keyspace: cannot be opened without a majority, and can once it is healed', async () => {
    const cluster = await start({ timeoutMs: 300 })
    await isolated(cluster)
    const keyspace = freshKeyspace<string>(cluster.node('a'))
    const error = await errorOf(keyspace.put('k', 'v'))
    expect(error).toMatchObject({ code: 'QUORATE_TIMEOUT', outcome: 'none', retry: 'safe', required: 2, received: 1 })
    expect(error.message).toMatch(/^open in test-\d+: /)
    cluster.heal()
    await seen(cluster.node('a'), { b: REACHABLE, c: REACHABLE })
    await keyspace.put('k', 'v')
    expect((await keyspace.get('k')).value).toBe('v')
  })
})

describe('one way only', () => {
  test('a replica that is heard and does not hear: is one-way, and is not asked', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.node('a'))
    await keyspace.put('k', 'v', { level: 'all' })
    cluster.cut({ from: 'a', to: 'b' })
    await seen(cluster.node('a'), { b: ['one-way'] })
    await seen(cluster.node('b'), { a: ['unreachable'] })
    const { receipt } = await keyspace.put('k', 'w')
    expect(receipt.replicas).toMatchObject({ b: { state: 'not asked' }, c: { state: 'current' } })
    expect(await errorOf(keyspace.put('k', 'x', { level: 'all' }))).toMatchObject({ code: 'QUORATE_UNAVAILABLE' })
  })
})

describe('a slow replica', () => {
  test('the quorum does not wait for it', async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.node('a'))
    await keyspace.put('k', 'v', { level: 'all' })
    cluster.slow({ from: 'a', to: 'b', delayMs: 3_000 })
    const write = await keyspace.put('k', 'w')
    expect(write.receipt.replicas).toMatchObject({ a: { state: 'current' }, c: { state: 'current' } })
    const read = await keyspace.get('k', { level: 'quorum' })
    expect(read.receipt?.replicas).toMatchObject({ a: { state: 'current' }, c: { state: 'current' } })
  })
})

describe('a killed replica', () => {
  test('strict calls go on without it; after a restart it catches up', async () => {
    const cluster = await start({ timeoutMs: 800 })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'v', { level: 'all' })
    await cluster.kill('b')
    await seen(cluster.store, { b: GONE })
    await keyspace.update('k', () => 'w')
    expect((await keyspace.get('k')).siblings).toEqual(['w'])
    expect(await errorOf(keyspace.put('k', 'x', { level: 'all' }))).toMatchObject({
      code: 'QUORATE_UNAVAILABLE',
      outcome: 'none',
      required: 3,
    })
    await cluster.restart('b')
    await seen(cluster.store, { b: REACHABLE })
    await caughtUp(cluster, 'b')
    const entry = await keyspace.get('k', { level: 'all', repair: 'blocking' })
    expect(entry.siblings).toEqual(['w'])
    expect(entry.receipt?.replicas['b']).toMatchObject({ state: 'current', repaired: false })
    await seen(cluster.node('b'), { a: REACHABLE, c: REACHABLE })
    const there = cluster.node('b').keyspace<string>(keyspace.name)
    expect((await there.get('k', { level: 'all' })).siblings).toEqual(['w'])
  })

  test('two of three: nothing strict is left, and everything comes back with them', async () => {
    const cluster = await start({ timeoutMs: 800 })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'v', { level: 'all' })
    await Promise.all([cluster.kill('b'), cluster.kill('c')])
    await seen(cluster.store, { b: GONE, c: GONE })
    expect(await errorOf(keyspace.get('k'))).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none' })
    expect((await keyspace.get('k', { level: 'one' })).value).toBe('v')
    await Promise.all([cluster.restart('b'), cluster.restart('c')])
    await seen(cluster.store, { b: REACHABLE, c: REACHABLE })
    await Promise.all([caughtUp(cluster, 'b'), caughtUp(cluster, 'c')])
    expect((await keyspace.get('k', { level: 'all' })).value).toBe('v')
  })
})

describe('a write that is not finished', () => {
  /** A put through node a that only its own replica has, with whatever ends it. */
  async function half(cluster: LocalCluster): Promise<ReturnType<typeof freshKeyspace<string>>> {
    const keyspace = freshKeyspace<string>(cluster.node('a'))
    await keyspace.put('k', 'base', { level: 'all' })
    // Nobody has noticed yet, so the write is sent.
    cluster.partition(['a'], ['b', 'c'])
    return keyspace
  }

  test('time is up: it happened below its level, and a retry with its operation finishes it, once', async () => {
    const cluster = await start()
    const keyspace = await half(cluster)
    const { context } = await keyspace.get('k', { level: 'one' })
    const error = await errorOf(keyspace.put('k', 'half', { context, timeoutMs: 50 }))
    expect(error).toMatchObject({ outcome: 'below-level', retry: 'same-operation', required: 2, received: 1 })
    expect(error.replicas).toMatchObject({ a: 'answered' })
    cluster.heal()
    await seen(cluster.node('a'), { b: REACHABLE, c: REACHABLE })
    await seen(cluster.node('b'), { a: REACHABLE, c: REACHABLE })
    const operation = error.operation as string
    const there = cluster.node('b').keyspace<string>(keyspace.name)
    const { receipt } = await there.put('k', 'half', { context, operation, level: 'all' })
    expect(receipt.reached).toBe(3)
    expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual(['half'])
  })

  test('the caller gives up: a write is below its level, a read has no effect', async () => {
    const cluster = await start()
    const keyspace = await half(cluster)
    const controller = new AbortController()
    const { signal } = controller
    const calls = [keyspace.put('k', 'x', { signal }), keyspace.get('k', { signal }), listOf(keyspace.scan({ signal }))]
    const errors = calls.map((call) => errorOf(call))
    controller.abort()
    const [put, get, scan] = await Promise.all(errors)
    expect(put).toMatchObject({ code: 'QUORATE_ABORTED', outcome: 'below-level', retry: 'same-operation' })
    for (const read of [get, scan]) {
      expect(read).toMatchObject({ code: 'QUORATE_ABORTED', outcome: 'none', retry: 'safe' })
      expect(read?.operation).toBeUndefined()
    }
    expect(put?.operation).toMatch(/^[0-9a-z]+-[0-9a-z]+-[0-9a-z]+$/)
    expect(cluster.node('a').status().inFlight).toBe(0)
  })

  test('the node is closed: its calls end, and say what is known of them', async () => {
    const cluster = await start()
    const keyspace = await half(cluster)
    const errors = [errorOf(keyspace.put('k', 'x')), errorOf(keyspace.get('k'))]
    await cluster.kill('a')
    const [put, get] = await Promise.all(errors)
    expect(put).toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'below-level', retry: 'same-operation' })
    expect(get).toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'none', retry: 'safe' })
  })
})

describe('a signal', () => {
  const cluster = sharedCluster()

  test('aborted before the call: nothing is sent', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.get('k')
    const signal = AbortSignal.abort()
    for (const error of await errorsOf([
      keyspace.put('k', 'v', { signal }),
      keyspace.get('k', { signal }),
      keyspace.delete('k', { signal }),
    ])) {
      expect(error).toMatchObject({ code: 'QUORATE_ABORTED', outcome: 'none' })
    }
    expect((await keyspace.get('k')).found).toBe(false)
  })

  test('of many calls: none of them leaves a listener behind, whoever answered', async () => {
    const controller = new AbortController()
    for (const store of [cluster().store, cluster().node('a')]) {
      const keyspace = freshKeyspace<string>(store, { r: 1, w: 1 })
      for (let i = 0; i < 5; i++) {
        await keyspace.put('k', 'v', { signal: controller.signal })
        await keyspace.get('k', { signal: controller.signal })
        await errorOf(keyspace.get('k', { level: 99, signal: controller.signal }))
      }
    }
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('aborted after the call: changes nothing', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const controller = new AbortController()
    await keyspace.put('k', 'v', { signal: controller.signal })
    controller.abort()
    expect((await keyspace.get('k')).value).toBe('v')
  })
})

describe('limits', () => {
  test('calls above the limit: are refused and may be sent again; the others are answered', async () => {
    const cluster = await start({ inFlightMax: 4 })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'v')
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => keyspace.get('k')))
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as QuorateError] : []))
    expect(refused).toHaveLength(6)
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'QUORATE_OVERLOADED', outcome: 'none', retry: 'safe' })
    }
    expect((await keyspace.get('k')).value).toBe('v')
  })

  test('siblings at their bound: a blind write is refused by each replica, and one that replaces is taken', async () => {
    const cluster = await start({ siblingsMax: 2 })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'one', { level: 'all' })
    await keyspace.put('k', 'two', { level: 'all' })
    const error = await errorOf(keyspace.put('k', 'three'))
    expect(error.received).toBe(0)
    expect(Object.values(error.replicas)).toContainEqual(expect.stringMatching(/^refused: too-many-siblings/))
    const { context } = await keyspace.get('k')
    await keyspace.put('k', 'three', { context })
    expect((await keyspace.get('k')).siblings).toEqual(['three'])
  })

  test('a clock that is ahead: its lww writes are refused, and poison nothing', async () => {
    const cluster = await start({ driftMsMax: 0 })
    const keyspace = freshKeyspace<string>(cluster.store, { conflicts: 'lww' })
    await keyspace.put('k', 'now')
    const ahead = (Date.now() + 60_000 - Date.UTC(2024, 0, 1)) * 4096
    const operation = `${ahead.toString(36)}-zz`
    const error = await errorOf(keyspace.put('k', 'from the future', { operation }))
    expect(Object.values(error.replicas)).toContainEqual(expect.stringMatching(/^refused: clock-ahead/))
    await keyspace.put('k', 'later')
    expect((await keyspace.get('k', { level: 'all' })).value).toBe('later')
  })
})

describe('a half-done write that one read has shown', () => {
  /** Node a holds a newer value than b and c, and has shown it; then b and c are read without a. */
  async function newThenOld(
    cluster: LocalCluster,
    repair: 'off' | 'blocking',
  ): Promise<[first: string, second: string]> {
    const keyspace = freshKeyspace<string>(cluster.node('a'), { repair })
    const there = cluster.node('b').keyspace<string>(keyspace.name, { mode: 'ap', repair })
    const { context } = await keyspace.put('k', 'old', { level: 'all' })
    await there.get('k')
    await isolated(cluster)
    await keyspace.put('k', 'new', { context, level: 'one' })
    cluster.heal()
    await seen(cluster.node('a'), { b: REACHABLE, c: REACHABLE })
    const first = await keyspace.get('k')
    expect(first.receipt?.strict).toBe(true)
    await isolated(cluster)
    await seen(cluster.node('b'), { a: GONE, c: REACHABLE })
    const second = await there.get('k')
    expect(second.receipt?.strict).toBe(true)
    return [first.value ?? '', second.value ?? '']
  }

  test('repair off: a later strict read may go back in time', async () => {
    expect(await newThenOld(await start(), 'off')).toEqual(['new', 'old'])
  })

  test('blocking repair: no later strict read goes back', async () => {
    expect(await newThenOld(await start(), 'blocking')).toEqual(['new', 'new'])
  })
})
