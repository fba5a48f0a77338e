/**
 * A real replica that is away while others go on: dead or cut off beyond the horizon of deletes, or back with an empty
 * disk. No read repairs anything; what is compared in the end is what the stopped processes have on their disks.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ApKeyspace, Client } from '../../src/index.ts'
import { versionsOf } from '../../src/core/causality/merge.ts'
import { decodeValue } from '../../src/runtime/value-codec.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { Cluster, copies, gone, until, type Files } from './cluster.ts'
import { killAll } from './replica.ts'

const SLOW = { timeout: 240_000 }
const TRIED = { timeout: 60_000, interval: 200 }
const HORIZON_MS = 4_000
const HEARTBEAT_MS = 500
const SERVE = ['--exchange-ms', '500', '--heartbeat-ms', String(HEARTBEAT_MS)]
const REAPING = [...SERVE, '--horizon-ms', String(HORIZON_MS), '--hint-age-ms', '1000']
const KEYS = Array.from({ length: 60 }, (_, i) => `k${i}`)
const DELETED = KEYS.slice(0, 40)
const AGAIN = KEYS.slice(30, 40)

let built: BuiltCli | undefined
let cluster: Cluster | undefined

beforeAll(() => {
  built = buildCli()
}, 120_000)

afterEach(async () => {
  await cluster?.close()
  cluster = undefined
})

afterAll(() => {
  killAll()
  built?.remove()
})

async function started(ids: readonly string[], serve: readonly string[]): Promise<Cluster> {
  cluster = await Cluster.start({ main: built?.main ?? '', ids, serve })
  return cluster
}

/** Tried until it is acknowledged: with a short horizon a busy machine is too slow for some writes. */
function surely<Result>(call: () => Promise<Result>): Promise<Result> {
  return vi.waitFor(call, TRIED)
}

/** Writes all of them, and gives the contexts that the writes came to. */
async function putAll(
  keyspace: ApKeyspace<string>,
  keys: readonly string[],
  value: string,
): Promise<ReadonlyMap<string, string>> {
  const contexts = new Map<string, string>()
  for (const key of keys) contexts.set(key, (await surely(() => keyspace.put(key, value, { level: 'all' }))).context)
  return contexts
}

async function erased(here: Cluster, ids: readonly string[] = here.ids): Promise<readonly number[]> {
  return Promise.all(ids.map(async (id) => (await here.status(id)).reaping.erased))
}

/** For each key the values that a reader of all files would see. */
function valuesOf(files: Files): Readonly<Record<string, readonly string[]>> {
  const values: Record<string, Set<string>> = {}
  for (const records of files.values()) {
    for (const [key, record] of records) {
      const seen = (values[key] ??= new Set())
      for (const { value } of versionsOf(record)) seen.add(value === null ? 'deleted' : (decodeValue(value) as string))
    }
  }
  return Object.fromEntries(Object.entries(values).map(([key, seen]) => [key, [...seen].toSorted()]))
}

describe.for(['siblings', 'lww'] as const)('deletes that a replica misses, %s', (conflicts) => {
  const definition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts } as const
  const carts = (client: Client): ApKeyspace<string> =>
    client.keyspace<string>('carts', { mode: 'ap', n: 3, r: 2, w: 2, conflicts })

  /** Deletes by the two that are there; ten of the keys are written again. Then two horizons pass. */
  async function deleteMeanwhile(here: Cluster, keyspace: ApKeyspace<string>, contexts: ReadonlyMap<string, string>) {
    for (const key of DELETED) {
      const context = contexts.get(key) as string
      const { context: after } = await surely(() => keyspace.delete(key, { context }))
      if (AGAIN.includes(key)) await surely(() => keyspace.put(key, 'again', { context: after }))
    }
    await new Promise((resolve) => setTimeout(resolve, 2 * HORIZON_MS))
    // One of three does not have the deletes: nobody may forget them.
    expect(await erased(here, ['a', 'b'])).toEqual([0, 0])
  }

  test('killed, and back past the horizon: nothing comes back, and the files are equal', SLOW, async () => {
    const here = await started(['a', 'b', 'c'], REAPING)
    const client = await here.client('writer', { heartbeatMs: HEARTBEAT_MS })
    const keyspace = carts(client)
    const contexts = await putAll(keyspace, KEYS, 'before')
    await here.kill('c')
    await gone(client, ['c'])
    await deleteMeanwhile(here, keyspace, contexts)
    await here.up('c')
    const all = DELETED.length - AGAIN.length
    await until(async () => (await erased(here)).every((count) => count === all))
    await here.exchanged()
    const files = await here.files(definition)
    const left = KEYS.filter((key) => !DELETED.includes(key) || AGAIN.includes(key))
    expect(copies(files)).toEqual(new Map(left.map((key) => [key, 3])))
    expect(valuesOf(files)).toEqual(
      Object.fromEntries(left.map((key) => [key, [AGAIN.includes(key) ? 'again' : 'before']])),
    )
  })

  test('cut off and written to, and back past the horizon: only what was written there stays', SLOW, async () => {
    const here = await started(['a', 'b', 'c'], REAPING)
    const client = await here.client('writer', { heartbeatMs: HEARTBEAT_MS })
    const beside = await here.client('beside', { heartbeatMs: HEARTBEAT_MS })
    const keyspace = carts(client)
    const alone = carts(beside)
    const contexts = await putAll(keyspace, KEYS, 'before')
    await surely(() => alone.get('k0'))
    here.proxies.partition(['a', 'b', 'writer'], ['c', 'beside'])
    await Promise.all([gone(client, ['c']), gone(beside, ['a', 'b'])])
    const there = AGAIN.slice(0, 5)
    // Before the deletes, so that the later one wins where only one may stay.
    for (const key of there) await surely(() => alone.put(key, 'there', { level: 1 }))
    await deleteMeanwhile(here, keyspace, contexts)
    here.proxies.heal()
    const all = DELETED.length - AGAIN.length
    await until(async () => (await erased(here)).every((count) => count === all))
    await here.exchanged()
    const files = await here.files(definition)
    const left = KEYS.filter((key) => !DELETED.includes(key) || AGAIN.includes(key))
    const expected = (key: string): readonly string[] => {
      if (!AGAIN.includes(key)) return ['before']
      if (conflicts === 'lww' || !there.includes(key)) return ['again']
      // It was written blindly: concurrent with what was there before, which the deletes have seen.
      return ['again', 'there']
    }
    expect(copies(files)).toEqual(new Map(left.map((key) => [key, 3])))
    expect(valuesOf(files)).toEqual(Object.fromEntries(left.map((key) => [key, expected(key)])))
  })

  test('five replicas, one with an empty disk: it has all of its records again, byte for byte', SLOW, async () => {
    const here = await started(['a', 'b', 'c', 'd', 'e'], SERVE)
    const client = await here.client('writer', { heartbeatMs: HEARTBEAT_MS })
    const keyspace = carts(client)
    const contexts = await putAll(keyspace, KEYS, 'before')
    await here.kill('c')
    here.wipe('c')
    await gone(client, ['c'])
    for (const key of DELETED) await surely(() => keyspace.delete(key, { context: contexts.get(key) as string }))
    for (const key of AGAIN) await surely(() => keyspace.put(key, 'again'))
    await here.up('c')
    await until(async () => {
      const { standing, catchingUp } = await here.status('c')
      return standing === 'serving' && catchingUp.length === 0
    })
    await here.exchanged()
    const files = await here.files(definition)
    expect(copies(files)).toEqual(new Map(KEYS.map((key) => [key, 3])))
    expect(files.get('c')?.size).toBeGreaterThan(10)
    for (const key of KEYS) {
      const [value, ...others] = valuesOf(files)[key] ?? []
      expect([key, value]).toEqual([key, AGAIN.includes(key) ? 'again' : DELETED.includes(key) ? 'deleted' : 'before'])
      // A blind write stands beside the delete, or after it; a delete is then a sibling that readers do not see.
      expect(others.filter((other) => other !== 'deleted')).toEqual([])
    }
  })
})
