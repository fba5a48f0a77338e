/** Local clusters: what they hold, the faults that they inject, and their end. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openNode, startLocalCluster, type LocalCluster, type Reachability } from '../../src/index.ts'
import { errorOf, errorsOf, freshKeyspace, GONE, ownClusters, REACHABLE, seen, sharedCluster } from './clusters.ts'
import { matching } from '../core/matching.ts'

const start = ownClusters({ heartbeatMs: 200 })
const cluster = sharedCluster()

describe('what a cluster is', () => {
  test('by default: three replicas that all see each other, and a client of all', () => {
    expect(cluster().ids).toEqual(['a', 'b', 'c'])
    expect(Object.keys(cluster().urls)).toEqual(['a', 'b', 'c'])
    for (const store of [cluster().store, ...cluster().ids.map((id) => cluster().node(id))]) {
      const { replicas, epoch } = store.status()
      expect(Object.keys(replicas)).toEqual(['a', 'b', 'c'])
      for (const { state } of Object.values(replicas)) expect(REACHABLE).toContain(state)
      expect(epoch).toBe(cluster().store.status().epoch)
    }
    for (const url of Object.values(cluster().urls)) expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/)
  })

  test('a node: says who it is', () => {
    const status = cluster().node('b').status()
    expect(status).toMatchObject({ id: 'b', role: 'node', durable: false, held: 0, url: cluster().urls['b'] })
    expect(status.incarnation).toBeGreaterThan(0)
    expect(cluster().store.status()).toMatchObject({ id: 'store', role: 'client' })
  })

  test.for([
    ['of one replica', { replicas: 1 }, 1],
    ['of five', { replicas: 5 }, 3],
    ['with a secret', { secret: 'a long enough secret' }, 3],
  ] as const)('a cluster %s: stores and finds', async ([, options, n]) => {
    const own = await start(options)
    const keyspace = freshKeyspace<string>(own.store)
    const { receipt } = await keyspace.put('k', 'v', { level: 'all' })
    expect(receipt.reached).toBe(n)
    expect(
      (
        await own
          .node(own.ids.at(-1) as string)
          .keyspace<string>(keyspace.name)
          .get('k')
      ).value,
    ).toBe('v')
  })

  test('zones: spread the copies, and local levels stay inside', async () => {
    const own = await start({ replicas: 4, zones: ['x', 'x', 'y', 'y'] })
    const node = own.node('a')
    expect(node.status().replicas).toMatchObject({ a: { zone: 'x' }, d: { zone: 'y' } })
    const keyspace = freshKeyspace<string>(node, { n: 4, read: 'local-quorum', write: 'each-quorum' })
    const put = await keyspace.put('k', 'v')
    expect(put.receipt).toMatchObject({ level: 'each-quorum', reached: 4, strict: true })
    const { receipt } = await keyspace.get('k')
    expect(receipt).toMatchObject({ level: 'local-quorum', strict: true })
    const asked = Object.entries(receipt?.replicas ?? {}).filter(([, { state }]) => state !== 'not asked')
    expect(asked.map(([id]) => id).toSorted()).toEqual(['a', 'b'])
  })

  test('data on disk: is there after every replica was killed and started again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'quorate-'))
    onTestFinished(() => rm(dataDir, { recursive: true }))
    const own = await start({ dataDir })
    const keyspace = freshKeyspace<string>(own.store)
    await keyspace.put('k', 'kept', { level: 'all' })
    const before = own.node('a').status()
    expect(before).toMatchObject({ durable: true, registered: [{ name: keyspace.name }] })
    for (const id of own.ids) await own.kill(id)
    for (const id of own.ids) await own.restart(id)
    await seen(own.store, { a: REACHABLE, b: REACHABLE, c: REACHABLE })
    const after = own.node('a').status()
    expect(after.incarnation).toBe(before.incarnation)
    expect(after.registered).toEqual(before.registered)
    expect((await keyspace.get('k', { level: 'all' })).value).toBe('kept')
    expect((await readdir(dataDir)).toSorted()).toEqual(['a', 'b', 'c'])
    await own.close()
  })
})

describe('faults', () => {
  /** Waits until each node sees these others as gone, and the rest not; then what all of them see. */
  async function divided(own: LocalCluster, gone: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const others: Record<string, string> = {}
    for (const id of own.ids) {
      const states: Record<string, readonly Reachability[]> = {}
      for (const other of own.ids) if (other !== id) states[other] = gone[id]?.includes(other) ? GONE : REACHABLE
      await seen(own.node(id), states)
      const { replicas } = own.node(id).status()
      others[id] = own.ids.filter((other) => GONE.includes(replicas[other]?.state as Reachability)).join('')
    }
    return others
  }

  test('a partition: cuts between groups and not inside; who is in no group forms one more', async () => {
    const own = await start({ replicas: 5 })
    own.partition(['a', 'b'])
    expect(await divided(own, { a: 'cde', b: 'cde', c: 'ab', d: 'ab', e: 'ab' })).toEqual({
      a: 'cde',
      b: 'cde',
      c: 'ab',
      d: 'ab',
      e: 'ab',
    })
    own.heal()
    expect(await divided(own, { a: '', b: '', c: '', d: '', e: '' })).toEqual({ a: '', b: '', c: '', d: '', e: '' })
    own.partition(['a'], ['b', 'c'], ['d', 'e'])
    expect(await divided(own, { a: 'bcde', b: 'ade', c: 'ade', d: 'abc', e: 'abc' })).toEqual({
      a: 'bcde',
      b: 'ade',
      c: 'ade',
      d: 'abc',
      e: 'abc',
    })
  })

  test('partitions add up until they are healed', async () => {
    const own = await start()
    own.partition(['a'])
    own.partition(['b'])
    expect(await divided(own, { a: 'bc', b: 'ac', c: 'ab' })).toEqual({ a: 'bc', b: 'ac', c: 'ab' })
    own.heal()
    expect(await divided(own, { a: '', b: '', c: '' })).toEqual({ a: '', b: '', c: '' })
  })

  test('a killed replica: its node is gone; restarted in memory it is somebody new at the same address', async () => {
    const own = await start()
    const { url } = own.node('b')
    const { incarnation } = own.node('b').status()
    await own.kill('b')
    expect(() => own.node('b')).toThrow(/replica b is not running/)
    await seen(own.store, { b: GONE })
    await own.restart('b')
    await seen(own.store, { b: REACHABLE })
    expect(own.node('b').url).toBe(url)
    expect(own.node('b').status().incarnation).not.toBe(incarnation)
  })

  test.for([
    ['an unknown node', (own) => own.node('z'), /there is no replica "z": use a, b, c/],
    ['a partition of somebody unknown', (own) => own.partition(['a', 'z']), /there is no replica "z"/],
    ['a cut from somebody unknown', (own) => own.cut({ from: 'z', to: 'a' }), /there is no replica "z"/],
    ['a cut to somebody unknown', (own) => own.cut({ from: 'a', to: 'z' }), /there is no replica "z"/],
    ['a delay below 0', (own) => own.slow({ from: 'a', to: 'b', delayMs: -1 }), /delayMs is -1/],
    ['a delay that is none', (own) => own.slow({ from: 'a', to: 'b', delayMs: NaN }), /delayMs is NaN/],
    ['the end of somebody unknown', (own) => own.kill('z'), /there is no replica "z"/],
    ['a restart of somebody unknown', (own) => own.restart('z'), /there is no replica "z"/],
    ['a restart of somebody who runs', (own) => own.restart('a'), /replica a is running: kill it first/],
    ['a name of a prototype', (own) => own.node('constructor'), /there is no replica "constructor"/],
  ] as const satisfies readonly (readonly [string, (own: ReturnType<typeof cluster>) => unknown, RegExp])[])(
    '%s: is refused',
    async ([, act, message]) => {
      const error = await errorOf(Promise.resolve().then(() => act(cluster())))
      expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION', message: matching(message) })
    },
  )
})

describe('the end', () => {
  test('closing twice, all at once and one after the other: is fine, and calls afterwards are refused', async () => {
    const own = await start()
    const keyspaces = [freshKeyspace<string>(own.store), freshKeyspace<string>(own.node('a'))]
    for (const keyspace of keyspaces) await keyspace.put('k', 'v')
    const node = own.node('a')
    await Promise.all([own.close(), own.close(), own.store.close(), node.close()])
    await own.close()
    for (const keyspace of keyspaces) {
      for (const error of await errorsOf([keyspace.put('k', 'w'), keyspace.get('k'), keyspace.delete('k')])) {
        expect(error).toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'none' })
      }
    }
    expect(await errorOf(freshKeyspace(node).get('k'))).toMatchObject({ code: 'QUORATE_CLOSED', outcome: 'none' })
  })

  test('calls in flight when the store is closed: end, one by one, with what is known of them', async () => {
    const own = await start()
    const keyspace = freshKeyspace<string>(own.store)
    await keyspace.get('k')
    const ended = Promise.allSettled(Array.from({ length: 20 }, (_, i) => keyspace.put(`k${i}`, 'v')))
    await own.store.close()
    const results = await ended
    expect(results).toHaveLength(20)
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'QUORATE_CLOSED', outcome: 'unknown' } })
    }
    expect(own.store.status().inFlight).toBe(0)
  })

  test('using: disposes of a cluster and of its nodes', async () => {
    const own = await startLocalCluster({ replicas: 1 })
    const keyspace = freshKeyspace<string>(own.store)
    await keyspace.put('k', 'v')
    await own[Symbol.asyncDispose]()
    await own.node('a')[Symbol.asyncDispose]()
    expect(await errorOf(keyspace.get('k'))).toMatchObject({ code: 'QUORATE_CLOSED' })
  })

  test('its ports: are free again', async () => {
    const first = await startLocalCluster({ replicas: 1 })
    const port = Number(new URL(first.node('a').url).port)
    await first.close()
    const again = await openNode({ id: 'a', listen: { port } })
    expect(new URL(again.url).port).toBe(String(port))
    await again.close()
  })
})
