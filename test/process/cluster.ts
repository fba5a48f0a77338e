/**
 * A cluster of real replica processes with proxies between them, and what is on their disks when they have stopped.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect, type Client, type ClientOptions, type Node } from '../../src/index.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import { ByteWriter } from '../../src/runtime/codec/bytes.ts'
import { writeRecord } from '../../src/runtime/codec/record-codec.ts'
import { openLevelStorage } from '../../src/runtime/storage/level-storage.ts'
import { Proxies } from './proxy.ts'
import { allReachable, freePorts, Replica, urlsOf } from './replica.ts'

const CLIENT = { timeoutMs: 15_000, heartbeatMs: 1_000, transport: { backoffMsMax: 200 } } as const

export interface ClusterOptions {
  /** The compiled command line. */
  readonly main: string
  readonly ids: readonly string[]
  /** More options of `serve`, for all of them. */
  readonly serve?: readonly string[]
  /** Options of Node itself, for all of them. */
  readonly execArgv?: readonly string[]
}

/** For each replica what is on its disk: keys and their records. */
export type Files = ReadonlyMap<string, ReadonlyMap<string, StoredRecord>>

export class Cluster {
  readonly ids: readonly string[]
  readonly proxies: Proxies
  readonly #options: ClusterOptions
  readonly #folder: string
  readonly #http: Readonly<Record<string, number>>
  readonly #dialed = new Map<string, Readonly<Record<string, number>>>()
  readonly #replicas = new Map<string, Replica>()
  readonly #clients: Client[] = []

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    const { ids } = options
    const listed = (from: number): Record<string, number> =>
      Object.fromEntries(ids.map((id, i) => [id, ports[from + i] as number]))
    this.ids = ids
    this.#options = options
    this.#folder = mkdtempSync(path.join(tmpdir(), 'quorate-cluster-'))
    this.#http = listed(ids.length)
    this.proxies = new Proxies(listed(0))
  }

  /** Starts all of them. Whoever asks for it closes it. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options, await freePorts(2 * options.ids.length))
    try {
      for (const id of options.ids) cluster.#dialed.set(id, await cluster.proxies.portsFor(id))
      await cluster.up(...options.ids)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** Starts these replicas on what their disks have. */
  async up(...ids: readonly string[]): Promise<void> {
    const { main, serve = [], execArgv = [] } = this.#options
    for (const id of ids) {
      const ports = this.#dialed.get(id) as Record<string, number>
      const http = this.#http[id] as number
      const dataDir = path.join(this.#folder, id)
      this.#replicas.set(id, new Replica({ main, id, ports, http, dataDir, execArgv, options: serve }))
    }
    await Promise.all(ids.map((id) => this.replica(id).ready))
  }

  replica(id: string): Replica {
    return this.#replicas.get(id) as Replica
  }

  async kill(...ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.replica(id).kill('SIGKILL')))
  }

  /** Deletes what a replica that does not run has stored. */
  wipe(id: string): void {
    rmSync(path.join(this.#folder, id), { recursive: true })
  }

  /** A file in the cluster's folder, gone with it. */
  file(name: string): string {
    return path.join(this.#folder, name)
  }

  /** A client whose links are cut as its side's are. */
  async client(name: string, options: Partial<ClientOptions> = {}): Promise<Client> {
    const replicas = urlsOf(await this.proxies.portsFor(name))
    const client = await connect({ ...CLIENT, ...options, id: name, replicas })
    this.#clients.push(client)
    await allReachable(client)
    return client
  }

  async status(id: string): Promise<ReturnType<Node['status']>> {
    const answer = await fetch(`http://127.0.0.1:${this.#http[id]}/status`)
    return (await answer.json()) as ReturnType<Node['status']>
  }

  /** Waits until each replica has ended an exchange with each other that it began after now. */
  async exchanged(): Promise<void> {
    const since = performance.now()
    const isOver = async (id: string): Promise<boolean> => {
      const { exchanges } = await this.status(id)
      const ago = performance.now() - since
      return this.ids.every((peer) => {
        const last = exchanges[peer]
        return peer === id || (last?.outcome === 'done' && last.agoMs < ago)
      })
    }
    await until(async () => (await Promise.all(this.ids.map(isOver))).every(Boolean))
  }

  /** Stops the replicas in good order, and reads what is on their disks. */
  async files(definition: KeyspaceDefinition): Promise<Files> {
    for (const client of this.#clients.splice(0)) await client.close()
    await Promise.all([...this.#replicas.values()].map((replica) => replica.kill('SIGTERM')))
    const files = new Map<string, ReadonlyMap<string, StoredRecord>>()
    for (const id of this.ids) files.set(id, await this.#recordsOf(id, definitionFingerprint(definition)))
    return files
  }

  async #recordsOf(id: string, keyspace: number): Promise<ReadonlyMap<string, StoredRecord>> {
    const randomIdentity = (): number => {
      throw new Error(`the data of replica ${id} is gone`)
    }
    const directory = path.join(this.#folder, id)
    const storage = await openLevelStorage({ directory, clusterId: 'quorate', replicaId: id, randomIdentity })
    try {
      const all = { keyspace, prefix: '', after: '', limit: Infinity, sizeBytesMax: Infinity }
      const { entries } = await storage.scan(all)
      return new Map(entries.map(({ key, record }) => [key, record]))
    } finally {
      await storage.close()
    }
  }

  /** Kills what still runs and deletes what is stored. */
  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close()
    await this.kill(...this.#replicas.keys())
    this.proxies.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** On how many replicas each key is, if all of them have the same bytes; 0 for a key of which they differ. */
export function copies(files: Files): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const states = new Map<string, string>()
  for (const records of files.values()) {
    for (const [key, record] of records) {
      const bytes = bytesOf(record)
      const isEqual = (states.get(key) ?? bytes) === bytes
      states.set(key, bytes)
      counts.set(key, isEqual && counts.get(key) !== 0 ? (counts.get(key) ?? 0) + 1 : 0)
    }
  }
  return counts
}

/** The causal state as the codec writes it. */
function bytesOf(record: StoredRecord): string {
  const writer = new ByteWriter()
  writeRecord(writer, record)
  return writer.view().toString('hex')
}

const UNTIL_MS = 60_000

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + UNTIL_MS; performance.now() < deadline;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it did not come to that')
}

/** Waits until this client has given up these replicas. */
export function gone(client: Client, ids: readonly string[]): Promise<void> {
  return until(() => {
    const { replicas } = client.status()
    return ids.every((id) => ['unreachable', 'one-way'].includes(replicas[id]?.state ?? ''))
  })
}
