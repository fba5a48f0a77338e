/**
 * Quorum systems on real replicas: with the largest set of them dead that a system tolerates, it reads what it wrote,
 * and with one more it says that it cannot.
 */
import { describe, expect, test } from 'vitest'
import type { KeyspaceOptions, LocalCluster } from '../../src/index.ts'
import { grid, majority, parseQuorums, weighted, zones } from '../../src/quorum/index.ts'
import { meets } from '../../src/core/quorum/expression.ts'
import { errorOf, freshKeyspace, GONE, ownClusters, seen } from './clusters.ts'
import { matching } from '../core/matching.ts'

const start = ownClusters({ heartbeatMs: 200, timeoutMs: 4_000 })
const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'] as const

interface System {
  readonly name: string
  readonly replicas: number
  readonly zones?: readonly string[]
  readonly options: Pick<KeyspaceOptions, 'read' | 'write' | 'quorums'>
  /** The same system as expressions, to find out without the store what it tolerates. */
  readonly same: { readonly read?: string; readonly write: string }
}

const GRID = grid([
  ['a', 'b'],
  ['c', 'd'],
  ['e', 'f'],
])
const WEIGHTED = weighted({ a: 3, b: 2, c: 1, d: 1 }, { read: 4, write: 4 })
const HIERARCHY = zones({ x: ['a', 'b'], y: ['c', 'd'], z: ['e', 'f'] })
const FREE = '2 of (a, b, c) and (d or e)'

const SYSTEMS: readonly System[] = [
  {
    name: 'majority',
    replicas: 5,
    options: { quorums: majority(['a', 'b', 'c', 'd', 'e']) },
    same: { write: 'majority of (a, b, c, d, e)' },
  },
  { name: 'grid', replicas: 6, options: { quorums: GRID }, same: GRID },
  { name: 'weighted', replicas: 4, options: { quorums: WEIGHTED }, same: WEIGHTED },
  {
    name: 'zoned',
    replicas: 6,
    zones: ['x', 'x', 'y', 'y', 'z', 'z'],
    options: { write: 'majority of (majority of @x, majority of @y, majority of @z)' },
    same: { write: HIERARCHY.write },
  },
  { name: 'free', replicas: 5, options: { write: FREE }, same: { write: FREE } },
]

/** The replicas that may be dead together while reads and writes go on: as many as possible. */
function tolerated({ same, replicas }: System): string[] {
  const { reads, writes } = parseQuorums(same)
  const ids = LETTERS.slice(0, replicas)
  let best: string[] = []
  for (let set = 0; set < 2 ** replicas; set++) {
    const dead = ids.filter((_, at) => set & (1 << at))
    const has = (id: string): boolean => !dead.includes(id as 'a')
    if (dead.length > best.length && meets(reads, has) && meets(writes, has)) best = dead
  }
  return best
}

async function kill(cluster: LocalCluster, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => cluster.kill(id)))
  await seen(cluster.store, Object.fromEntries(ids.map((id) => [id, GONE])))
}

describe('the largest tolerated set is dead', () => {
  test.for(SYSTEMS)('$name: reads give what was written, and one more death is one too many', async (system) => {
    const { replicas, options, same } = system
    const cluster = await start({ replicas, ...(system.zones && { zones: system.zones }) })
    const keyspace = freshKeyspace<string>(cluster.store, options)
    const first = await keyspace.put('before', 'all alive')
    expect(first.receipt.strict).toBe(true)

    const dead = tolerated(system)
    expect(dead.length).toBeGreaterThan(0)
    await kill(cluster, dead)
    const alive = LETTERS.slice(0, replicas).filter((id) => !dead.includes(id))
    expect((await keyspace.get('before')).value).toBe('all alive')
    for (let at = 0; at < 8; at++) {
      const put = await keyspace.put(`k${at}`, `v${at}`)
      expect(put.receipt.strict).toBe(true)
      const entry = await keyspace.get(`k${at}`)
      expect(entry.value).toBe(`v${at}`)
      expect(entry.receipt?.strict).toBe(true)
      for (const id of dead) expect(entry.receipt?.replicas[id]?.state).toBe('not asked')
    }

    const { reads, writes } = parseQuorums(same)
    const last = alive[0] as string
    await kill(cluster, [last])
    const has = (id: string): boolean => alive.includes(id as 'a') && id !== last
    const refused = {
      code: 'QUORATE_UNAVAILABLE',
      outcome: 'none',
      retry: 'safe',
      message: matching('nothing was sent'),
    }
    expect(meets(reads, has) && meets(writes, has)).toBe(false)
    if (meets(writes, has)) await keyspace.put('last', 'v')
    else expect(await errorOf(keyspace.put('last', 'v'))).toMatchObject(refused)
    if (meets(reads, has)) expect((await keyspace.get('before')).value).toBe('all alive')
    else expect(await errorOf(keyspace.get('before'))).toMatchObject(refused)
  })
})

describe('opening with sets', () => {
  test('through one store: refused at once, with the place or the two sets', async () => {
    const cluster = await start({ replicas: 4 })
    const name = (options: Partial<KeyspaceOptions>) => () => freshKeyspace(cluster.store, options)
    expect(name({ read: 'a and b', write: 'c and d' })).toThrow(
      expect.objectContaining({ code: 'QUORATE_QUORUMS_DISJOINT', read: ['a', 'b'], write: ['c', 'd'] }),
    )
    expect(name({ read: 'a and x' })).toThrow(expect.objectContaining({ code: 'QUORATE_INVALID_OPTION' }))
    expect(name({ n: 3, read: 'a' })).toThrow(expect.objectContaining({ message: matching('does not fit every key') }))
  })

  test('through two stores: the same sets in other words are the same, others are refused, and none are adopted', async () => {
    const cluster = await start({ replicas: 4 })
    const first = freshKeyspace<string>(cluster.store, { read: 'a and b or c and d' })
    await first.put('k', 'v')
    const again = cluster.node('b').keyspace<string>(first.name, { mode: 'ap', read: '1 of (all of (a, b), c and d)' })
    expect((await again.get('k')).value).toBe('v')
    const other = cluster.node('b').keyspace<string>(first.name, { mode: 'ap', read: 'a and c or b and d' })
    expect(await errorOf(other.get('k'))).toMatchObject({
      code: 'QUORATE_KEYSPACE_MISMATCH',
      message: matching('read is "a and b or c and d" there and "a and c or b and d" here'),
    })
    const adopted = await cluster.node('c').keyspace<string>(first.name).get('k')
    expect(adopted.receipt?.level).toBe('a and b or c and d')
    expect(adopted.receipt?.strict).toBe(true)
  })

  test('one call: asks for a set of its own under each name, and says whether it meets', async () => {
    const cluster = await start({ replicas: 3 })
    const keyspace = freshKeyspace<string>(cluster.store, {})
    const put = await keyspace.put('k', 'v', { write: 'a and b' })
    expect(put.receipt.toJSON()).toMatchObject({ level: 'a and b', strict: true })
    const read = await keyspace.get('k', { read: 'a' })
    expect(read.receipt?.toJSON()).toMatchObject({ level: 'a', strict: false })
    expect((await keyspace.get('k', { level: '1 of (b, c) and a' })).receipt?.level).toBe('(b or c) and a')
    for (const call of [
      keyspace.get('k', { level: 'a and' }),
      keyspace.put('k', 'v', { write: 'a and q' }),
      keyspace.get('k', { read: 'a', r: 1 }),
    ]) {
      expect(await errorOf(call)).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    }
  })
})

test('a strategy of a quorum system: spreads reads as it says', async () => {
  const cluster = await start({ replicas: 4 })
  const system = parseQuorums({ read: 'a and b or c and d' })
  const strategy = system.strategy({ readFraction: 0.9 })
  const keyspace = freshKeyspace<string>(cluster.store, { quorums: system, strategy })
  await keyspace.put('k', 'v')
  await keyspace.get('k', { level: 'all' })
  const asked = { left: 0, right: 0 }
  for (let at = 0; at < 200; at++) {
    const { receipt } = await keyspace.get('k')
    if (receipt?.replicas['a']?.state !== 'not asked') asked.left++
    if (receipt?.replicas['c']?.state !== 'not asked') asked.right++
  }
  // Half of 200; without a strategy one pair would get nearly all.
  expect(asked.left).toBeGreaterThan(60)
  expect(asked.right).toBeGreaterThan(60)
})
