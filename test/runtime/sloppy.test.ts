/** Sloppy keyspaces on real replicas: writes go on without most of a key's replicas, and reach them without any read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { resolveKeyspace } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import type { LocalCluster, Node } from '../../src/index.ts'
import { errorOf, freshKeyspace, GONE, ownClusters, REACHABLE, seen } from './clusters.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'quorate-sloppy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = ownClusters({ replicas: 5, heartbeatMs: 250 })
const LWW = { n: 3, r: 2, w: 2, conflicts: 'lww', sloppy: true } as const

/** The ids of a key's replicas, and of the others in the order in which they stand in. */
function placesOf(cluster: LocalCluster, key: string): { primaries: string[]; fallbacks: string[] } {
  const membership = membershipOf(cluster.ids.map((id) => ({ id, zone: '' })))
  const { definition } = resolveKeyspace('x', { mode: 'ap', n: 3 }, membership)
  const { replicas, fallbacks } = new Placement(membership, definition.n).listOf(key)
  const named = (indexes: readonly number[]): string[] => indexes.map((index) => membership.members[index]?.id ?? '')
  return { primaries: named(replicas), fallbacks: named(fallbacks) }
}

/** Waits until this node has handed its hints to the owner. */
function handedOver(node: Node, owner: string): Promise<number> {
  return new Promise((resolve) => {
    const stop = node.observe((notice) => {
      if (notice.kind !== 'handoff' || notice.owner !== owner || notice.state !== 'ended') return
      stop()
      resolve(notice.count)
    })
  })
}

describe('sloppy keyspaces', () => {
  test.for(['siblings', 'lww'] as const)(
    '%s: what was written while a replica was down is on its disk when it is back, without a read',
    async (conflicts) => {
      const cluster = await start({ dataDir: path.join(folder, conflicts) })
      const { primaries, fallbacks } = placesOf(cluster, 'k')
      const [kept = '', down = '', also = ''] = primaries
      const keyspace = freshKeyspace<string>(cluster.store, { ...LWW, conflicts })
      await keyspace.put('k', 'before')
      await cluster.kill(down)
      await cluster.kill(also)
      await seen(cluster.store, { [down]: GONE, [also]: GONE })
      const { receipt } = await keyspace.put('k', 'meanwhile', { context: (await keyspace.get('k', { r: 1 })).context })
      expect(receipt).toMatchObject({ sloppy: true, strict: false, settled: false, reached: 2 })
      const standIns = Object.entries(receipt.standIns)
      expect(standIns.length).toBeGreaterThan(0)
      for (const [id, owner] of standIns) {
        expect(fallbacks).toContain(id)
        expect([down, also]).toContain(owner)
      }
      expect(JSON.parse(JSON.stringify(receipt))).toMatchObject({ sloppy: true, standIns: receipt.standIns })
      const handovers = fallbacks.map((id, at) => handedOver(cluster.node(id), [down, also][at] as string))
      await cluster.restart(down)
      await cluster.restart(also)
      expect(await Promise.all(handovers)).toEqual([1, 1])
      await cluster.kill(kept)
      const back = cluster.node(down).keyspace<string>(keyspace.name)
      await seen(cluster.node(down), { [kept]: GONE, [also]: REACHABLE })
      const entry = await back.get('k', { level: `1 of (${down})`, repair: 'off' })
      expect(entry.siblings).toEqual(['meanwhile'])
    },
  )

  test('any: a write is taken when no replica of the key is there; a strict level is refused', async () => {
    const cluster = await start()
    const { primaries } = placesOf(cluster, 'k')
    const keyspace = freshKeyspace<string>(cluster.store, LWW)
    await keyspace.put('k', 'before')
    for (const id of primaries) await cluster.kill(id)
    await seen(cluster.store, Object.fromEntries(primaries.map((id) => [id, GONE])))
    const { receipt } = await keyspace.put('k', 'kept', { level: 'any' })
    expect(receipt).toMatchObject({ level: 'any', sloppy: true, strict: false, settled: false })
    const error = await errorOf(keyspace.put('k', 'refused', { level: 'quorum' }))
    expect(error).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none' })
    expect(await errorOf(keyspace.get('k', { level: 'any' }))).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
  })

  test('a flood of hints: is refused at the bound, and the writes say so', async () => {
    const cluster = await start({ hintBytesMax: 20_000, heartbeatMs: 1_000 })
    const keyspace = freshKeyspace<string>(cluster.store, { ...LWW, n: 1, r: 1, w: 1 })
    await keyspace.put('k', 'before')
    await cluster.kill('a')
    await seen(cluster.store, { a: GONE })
    const keys = Array.from({ length: 2_000 }, (_, at) => `k${at}`)
    const { errors, results } = await keyspace.putMany(keys.map((key) => [key, 'x'.repeat(1_000)]))
    expect(results.size).toBeGreaterThan(1_500)
    const refused = [...errors.values()]
    expect(refused.length).toBeGreaterThan(100)
    for (const error of refused) expect(error).toMatchObject({ code: 'QUORATE_UNAVAILABLE' })
    // Four others keep 17 records of a little more than a kilobyte each.
    const kept = [...results.values()].filter(({ receipt }) => receipt.sloppy).length
    expect(kept).toBeGreaterThan(4)
    expect(kept).toBeLessThanOrEqual(4 * 18)
  })
})
