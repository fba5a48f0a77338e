/**
 * Five real replica processes after outages: their files are equal without a read.
 *
 * Links go through proxies that can be cut. What is compared in the end is what the stopped processes have on their disks:
 * for each key the causal state of every replica of it, byte for byte as the codec writes it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connect, type Client, type Node } from '../../src/index.ts'
import { definitionFingerprint } from '../../src/core/keyspace-definition.ts'
import { ByteWriter } from '../../src/runtime/codec/bytes.ts'
import { writeRecord } from '../../src/runtime/codec/record-codec.ts'
import { openLevelStorage } from '../../src/runtime/storage/level-storage.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { Proxies } from './proxy.ts'
import { allReachable, freePorts, killAll, Replica, urlsOf } from './replica.ts'

const IDS = ['a', 'b', 'c', 'd', 'e'] as const
const CLIENT = { timeoutMs: 15_000, heartbeatMs: 1_000, transport: { backoffMsMax: 200 } } as const
const SLOW = { timeout: 120_000 }

let built: BuiltCli | undefined
let folder: string
let cluster: Cluster | undefined

beforeAll(() => {
  built = buildCli()
}, 120_000)

afterEach(async () => {
  await cluster?.close()
  rmSync(folder, { recursive: true, force: true })
})

afterAll(() => {
  killAll()
  built?.remove()
})

class Cluster {
  readonly #ports: Readonly<Record<string, number>>
  readonly #http: Readonly<Record<string, number>>
  readonly #dialed = new Map<string, Readonly<Record<string, number>>>()
  readonly #replicas = new Map<string, Replica>()
  readonly #clients: Client[] = []
  readonly proxies: Proxies

  private constructor(ports: readonly number[]) {
    const listed = (from: number): Record<string, number> =>
      Object.fromEntries(IDS.map((id, i) => [id, ports[from + i] as number]))
    this.#ports = listed(0)
    this.#http = listed(IDS.length)
    this.proxies = new Proxies(this.#ports)
  }

  static async start(): Promise<Cluster> {
    folder = mkdtempSync(path.join(tmpdir(), 'quorate-outage-'))
    const started = new Cluster(await freePorts(2 * IDS.length))
    cluster = started
    for (const id of IDS) started.#dialed.set(id, await started.proxies.portsFor(id))
    await started.up(...IDS)
    return started
  }

  async up(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const ports = this.#dialed.get(id) as Record<string, number>
      const http = this.#http[id] as number
      const options = { main: built?.main ?? '', id, ports, http, dataDir: path.join(folder, id) }
      this.#replicas.set(id, new Replica(options))
    }
    await Promise.all(ids.map((id) => (this.#replicas.get(id) as Replica).ready))
  }

  async kill(...ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => (this.#replicas.get(id) as Replica).kill('SIGKILL')))
  }

  /** A client whose links are cut as its side's are. */
  async client(name: string): Promise<Client> {
    const client = await connect({ ...CLIENT, id: name, replicas: urlsOf(await this.proxies.portsFor(name)) })
    this.#clients.push(client)
    await allReachable(client)
    return client
  }

  async exchangesOf(id: string): Promise<ReturnType<Node['status']>['exchanges']> {
    const answer = await fetch(`http://127.0.0.1:${this.#http[id]}/status`)
    return ((await answer.json()) as ReturnType<Node['status']>).exchanges
  }

  /** Waits until each replica has ended an exchange with each other that it began after now. */
  async exchanged(): Promise<void> {
    const since = performance.now()
    const isOver = async (id: string): Promise<boolean> => {
      const exchanges = await this.exchangesOf(id)
      const ago = performance.now() - since
      return IDS.every((peer) => {
        const last = exchanges[peer]
        return peer === id || (last?.outcome === 'done' && last.agoMs < ago)
      })
    }
    await until(async () => (await Promise.all(IDS.map(isOver))).every(Boolean))
  }

  /** Stops the replicas in good order, and reads what is on their disks. */
  async files(keyspace: number): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    for (const client of this.#clients.splice(0)) await client.close()
    await Promise.all([...this.#replicas.values()].map((replica) => replica.kill('SIGTERM')))
    const files = new Map<string, ReadonlyMap<string, string>>()
    for (const id of IDS) files.set(id, await recordsOf(id, keyspace))
    return files
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close()
    await this.kill(...this.#replicas.keys())
    this.proxies.close()
  }
}

async function recordsOf(id: string, keyspace: number): Promise<ReadonlyMap<string, string>> {
  const randomIdentity = (): number => {
    throw new Error(`the data of replica ${id} is gone`)
  }
  const directory = path.join(folder, id)
  const storage = await openLevelStorage({ directory, clusterId: 'quorate', replicaId: id, randomIdentity })
  try {
    const all = { keyspace, prefix: '', after: '', limit: Infinity, sizeBytesMax: Infinity }
    const { entries } = await storage.scan(all)
    const writer = new ByteWriter()
    return new Map(
      entries.map(({ key, record }) => {
        writer.reset()
        writeRecord(writer, record)
        return [key, writer.view().toString('hex')]
      }),
    )
  } finally {
    await storage.close()
  }
}

/** On how many replicas each key is, if all of them have the same bytes; 0 for a key of which they differ. */
function copies(files: ReadonlyMap<string, ReadonlyMap<string, string>>): Map<string, number> {
  const counts = new Map<string, number>()
  const states = new Map<string, string>()
  for (const records of files.values()) {
    for (const [key, bytes] of records) {
      const isEqual = (states.get(key) ?? bytes) === bytes
      states.set(key, bytes)
      counts.set(key, isEqual && counts.get(key) !== 0 ? (counts.get(key) ?? 0) + 1 : 0)
    }
  }
  return counts
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it did not come to that')
}

/** Waits until this client has given up these replicas. */
function gone(client: Client, ids: readonly string[]): Promise<void> {
  return until(async () => {
    const { replicas } = client.status()
    return ids.every((id) => ['unreachable', 'one-way'].includes(replicas[id]?.state ?? ''))
  })
}

const CARTS = { name: 'carts', mode: 'ap', n: 5, read: '3', write: '3', conflicts: 'siblings' } as const
const CARTS_OPTIONS = { mode: 'ap', n: 5, r: 3, w: 3 } as const

test(
  'a partition of five, three and two, with writes on both sides: after healing all files are equal',
  SLOW,
  async () => {
    const here = await Cluster.start()
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
    const files = await here.files(definitionFingerprint(CARTS))
    const counts = copies(files)
    expect([...counts].filter(([, count]) => count !== IDS.length)).toEqual([])
    expect([...counts.keys()].toSorted()).toEqual(keys.toSorted())
    expect(files.get('e')).toEqual(files.get('a'))
  },
)

const NOTES = { name: 'notes', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'lww', sloppy: true } as const
const NOTES_OPTIONS = { mode: 'ap', n: 3, r: 2, w: 2, conflicts: 'lww', sloppy: true } as const

test('stand-ins killed while they keep hints: hand them over after they are back', SLOW, async () => {
  const here = await Cluster.start()
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
  const files = await here.files(definitionFingerprint(NOTES))
  const counts = copies(files)
  expect(keys.filter((key) => (counts.get(key) ?? 0) < 3)).toEqual([])
})
