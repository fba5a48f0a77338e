/** Replicas that lost their data, or came back with an older copy of it: real links, real directories. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openNode, type LocalCluster } from '../../src/index.ts'
import type { Notice } from '../../src/core/notice.ts'
import { caughtUp, errorOf, freshKeyspace, GONE, ownClusters, REACHABLE, seen } from './clusters.ts'

/** It votes again after twice the time of a call. */
const OPTIONS = { heartbeatMs: 100, timeoutMs: 1_500, exchangeMs: 0 }
const start = ownClusters(OPTIONS)
const folders: string[] = []

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'quorate-lost-'))
  folders.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((path) => rm(path, { recursive: true, force: true })))
})

function standingOf(cluster: LocalCluster, id: string): string {
  return cluster.node(id).status().standing
}

describe('a replica whose disk was lost', () => {
  test(
    'takes writes and no part in reads, until exchanges have brought everything back',
    { timeout: 60_000 },
    async () => {
      const dataDir = await folder()
      const cluster = await start({ dataDir })
      const keyspace = freshKeyspace<number>(cluster.store)
      for (let i = 0; i < 50; i++) await keyspace.put(`k${i}`, i)
      const before = cluster.node('b').status().incarnation
      await cluster.kill('b')
      await rm(join(dataDir, 'b'), { recursive: true })
      await cluster.restart('b')
      await seen(cluster.store, { b: REACHABLE })
      expect(cluster.node('b').status().incarnation).not.toBe(before)
      await vi.waitFor(() => expect(cluster.node('b').status().catchingUp).toEqual([keyspace.name]), 5_000)
      const here = cluster.node('b').keyspace<number>(keyspace.name)
      await seen(cluster.node('b'), { a: REACHABLE, c: REACHABLE })
      const alone = await errorOf(here.get('k1', { level: 'all' }))
      expect(alone).toMatchObject({
        code: 'QUORATE_UNAVAILABLE',
        replicas: { b: expect.stringMatching('catching-up') as string },
      })
      await keyspace.put('new', 1, { level: 'all' })
      while (standingOf(cluster, 'b') === 'catching-up') {
        for (let i = 0; i < 50; i += 7) expect((await keyspace.get(`k${i}`)).value).toBe(i)
        expect((await here.get('k3')).value).toBe(3)
      }
      await cluster.kill('a')
      await seen(cluster.store, { a: GONE })
      await seen(cluster.node('b'), { a: GONE })
      for (let i = 0; i < 50; i++) expect((await here.get(`k${i}`, { level: 'one' })).value).toBe(i)
      expect((await keyspace.get('k7')).value).toBe(7)
    },
  )

  test('while another is away that may have the only other copy: it goes on waiting', { timeout: 60_000 }, async () => {
    const cluster = await start()
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'v')
    await cluster.kill('c')
    await cluster.kill('b')
    await cluster.restart('b')
    await seen(cluster.store, { b: REACHABLE, c: GONE })
    await vi.waitFor(() => expect(standingOf(cluster, 'b')).toBe('catching-up'))
    await new Promise((resolve) => setTimeout(resolve, 3 * OPTIONS.timeoutMs))
    expect(standingOf(cluster, 'b')).toBe('catching-up')
    expect(await errorOf(keyspace.get('k'))).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none' })
    await keyspace.put('k', 'w')
    // It kept everything in memory, so now two are lost: they have to make do with what is left.
    await cluster.restart('c')
    await Promise.all([caughtUp(cluster, 'b'), caughtUp(cluster, 'c')])
    expect((await keyspace.get('k', { level: 'all' })).siblings).toContain('w')
  })
})

describe('an older copy of the data', () => {
  test('is noticed and set aside, and the replica goes on as after a loss', { timeout: 60_000 }, async () => {
    const dataDir = await folder()
    const cluster = await start({ dataDir })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('old', 'v', { level: 'all' })
    await cluster.kill('b')
    await cp(join(dataDir, 'b'), join(dataDir, 'copy'), { recursive: true })
    await cluster.restart('b')
    await seen(cluster.store, { b: REACHABLE })
    await vi.waitFor(() => keyspace.put('new', 'w', { level: 'all' }))
    const { incarnation } = cluster.node('b').status()
    await cluster.kill('b')
    await rm(join(dataDir, 'b'), { recursive: true })
    await cp(join(dataDir, 'copy'), join(dataDir, 'b'), { recursive: true })
    await cluster.restart('b')
    const notices: Notice[] = []
    cluster.node('b').observe((notice) => notices.push(notice))
    await vi.waitFor(() => expect(notices.map(({ kind }) => kind)).toContain('set-aside'), { timeout: 10_000 })
    expect(notices).toContainEqual({
      kind: 'older-copy',
      replica: 'b',
      why: expect.stringMatching(/^[ac] remembers that (?:it has had a later state|another process)/) as string,
    })
    expect(notices).toContainEqual({ kind: 'set-aside', replica: 'b', directory: join(dataDir, 'b.older-copy-1') })
    expect(cluster.node('b').status().incarnation).not.toBe(incarnation)
    await seen(cluster.store, { b: REACHABLE })
    while (standingOf(cluster, 'b') === 'catching-up') expect((await keyspace.get('new')).value).toBe('w')
    const here = cluster.node('b').keyspace<string>(keyspace.name)
    await seen(cluster.node('b'), { a: REACHABLE, c: REACHABLE })
    expect((await here.get('new', { level: 'all' })).value).toBe('w')
    expect((await readdir(dataDir)).toSorted()).toEqual(['a', 'b', 'b.older-copy-1', 'c', 'copy'])
    // What was set aside is as it was: still the replica's own, of the incarnation that it was.
    const aside = await openNode({ id: 'b', dataDir: join(dataDir, 'b.older-copy-1') })
    expect(aside.status().incarnation).toBe(incarnation)
    await aside.close()
  })

  test('of a replica that nobody can tell of it: no request is taken', { timeout: 60_000 }, async () => {
    const dataDir = await folder()
    const cluster = await start({ dataDir })
    const keyspace = freshKeyspace<string>(cluster.store)
    await keyspace.put('k', 'v', { level: 'all' })
    await Promise.all(['a', 'b', 'c'].map((id) => cluster.kill(id)))
    await cluster.restart('b')
    await seen(cluster.store, { b: REACHABLE, a: GONE, c: GONE })
    const error = await errorOf(keyspace.get('k', { level: 'one' }))
    expect(error.replicas['b']).toMatch('refused: catching-up no other replica has told it yet')
    await cluster.restart('c')
    await caughtUp(cluster, 'b')
    await seen(cluster.store, { c: REACHABLE })
    expect((await keyspace.get('k')).value).toBe('v')
  })
})
