/**
 * Five real replica processes after outages: their files are equal without a read.
 *
 * Links go through proxies that can be cut. What is compared in the end is what the stopped processes have on their disks:
 * for each key the causal state of every replica of it, byte for byte as the codec writes it.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { Cluster, copies, gone, until } from './cluster.ts'
import { allReachable, killAll } from './replica.ts'

const IDS = ['a', 'b', 'c', 'd', 'e'] as const
const SLOW = { timeout: 120_000 }

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

async function started(): Promise<Cluster> {
  cluster = await Cluster.start({ main: built?.main ?? '', ids: IDS })
  return cluster
}

const CARTS = { name: 'carts', mode: 'ap', n: 5, read: '3', write: '3', conflicts: 'siblings' } as const
const CARTS_OPTIONS = { mode: 'ap', n: 5, r: 3, w: 3 } as const

test(
  'a partition of five, three and two, with writes on both sides: after healing all files are equal',
  SLOW,
  async () => {
    const here = await started()
    const [majority, minority] = [await here.client('left'), await here.client('right')]
    const [left, right] = [majority, minority].map((client) => client.keyspace<string>('carts', CARTS_OPTIONS))
    if (left === undefined || right === undefined) throw new Error('there are two sides')
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
    await left.putMany(keys.slice(0, 50).map((key) => [key, 'before']))
    await right.get('k0')
    here.proxies.partition(['a', 'b', 'c', 'left'], ['d', 'e', 'right'])
    await Promise.all([gone(majority, ['d', 'e']), gone(minority, ['a', 'b', 'c'])])
    const across = await left.putMany(keys.map((key) => [key, 'left']))
    const alone = await right.putMany(
      keys.slice(25).map((key) => [key, 'right'] as const),
      { level: 1 },
    )
    expect([across.errors.size, alone.errors.size]).toEqual([0, 0])
    here.proxies.heal()
    await here.exchanged()
    const files = await here.files(CARTS)
    const counts = copies(files)
    expect([...counts].filter(([, count]) => count !== IDS.length)).toEqual([])
    expect([...counts.keys()].toSorted()).toEqual(keys.toSorted())
    expect(files.get('e')).toEqual(files.get('a'))
  },
)

const NOTES = { name: 'notes', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'lww', sloppy: true } as const
const NOTES_OPTIONS = { mode: 'ap', n: 3, r: 2, w: 2, conflicts: 'lww', sloppy: true } as const

test('stand-ins killed while they keep hints: hand them over after they are back', SLOW, async () => {
  const here = await started()
  const client = await here.client('writer')
  const notes = client.keyspace<string>('notes', NOTES_OPTIONS)
  await notes.put('first', 'v')
  await here.kill('a', 'b', 'c')
  await gone(client, ['a', 'b', 'c'])
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
  const { results, errors } = await notes.putMany(
    keys.map((key) => [key, `of ${key}`] as const),
    { level: 'any' },
  )
  expect(errors.size).toBe(0)
  const onlyKept = [...results.values()].filter(({ receipt }) =>
    Object.values(receipt.replicas).every(({ state }) => state !== 'current'),
  )
  expect(onlyKept.length).toBeGreaterThan(2)
  await here.kill('d', 'e')
  await here.up(...IDS)
  await allReachable(client)
  // Reads that repair nothing: they only tell when the owners have taken everything.
  await until(async () => {
    const read = await notes.getMany(keys, { level: 'all', repair: 'off' })
    const isEverywhere = [...read.results.values()].every(
      ({ found, receipt }) => found && Object.values(receipt?.replicas ?? {}).every(({ state }) => state === 'current'),
    )
    return read.errors.size === 0 && isEverywhere
  })
  const files = await here.files(NOTES)
  const counts = copies(files)
  expect(keys.filter((key) => (counts.get(key) ?? 0) < 3)).toEqual([])
})
