/**
 * Clusters to measure: replicas as processes on loopback, and clients of them in this process.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect, type Client, type ClientOptions, type Node } from '../src/index.ts'
import { prepareNode } from '../src/runtime/node.ts'
import { Child } from './child.ts'
import type { OpenReplica, ReplicaQuestion } from './replica-process.ts'

const IDS = ['a', 'b', 'c'] as const
/** The replica that stands in this process when a node is embedded. */
const EMBEDDED_ID = 'c'
const READY_MS = 30_000
const LOOK_MS = 5

export interface ClusterOptions {
  readonly storage: 'memory' | 'durable'
  /** Whether one of the three replicas is a node in this process. */
  readonly embedded?: boolean
  readonly faulty?: boolean
  /** Whether the replicas keep no digests. */
  readonly bare?: boolean
  /** How often replicas exchange; as nodes do by themselves if left out. */
  readonly exchangeMs?: number
}

const directories = new Set<string>()

/** A folder for data, gone when the cluster is closed or this process ends. */
export async function temporaryDirectory(parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(path.join(parent, 'quorate-bench-'))
  directories.add(directory)
  return directory
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  directories.delete(directory)
}

process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

export class Cluster {
  /** The node in this process, where one is embedded. */
  readonly node: Node | undefined
  readonly #children: Map<string, Child>
  readonly #questionOf: (id: string) => OpenReplica
  readonly #urls: Readonly<Record<string, string>>
  readonly #directory: string | undefined
  readonly #clients: Client[] = []

  constructor(parts: {
    readonly node: Node | undefined
    readonly children: Map<string, Child>
    readonly questionOf: (id: string) => OpenReplica
    readonly urls: Readonly<Record<string, string>>
    readonly directory: string | undefined
  }) {
    this.node = parts.node
    this.#children = parts.children
    this.#questionOf = parts.questionOf
    this.#urls = parts.urls
    this.#directory = parts.directory
  }

  /** Where the replicas listen, by id. */
  get urls(): Readonly<Record<string, string>> {
    return this.#urls
  }

  /** The ids of the replicas that are processes. */
  get ids(): readonly string[] {
    return [...this.#children.keys()]
  }

  /** A coordinator of its own in this process that reaches every replica, closed with the cluster. */
  async client(options: Omit<ClientOptions, 'replicas'> = {}): Promise<Client> {
    const client = await connect({ ...options, replicas: this.#urls })
    this.#clients.push(client)
    await seesAll(client)
    return client
  }

  ask(id: string, question: ReplicaQuestion): Promise<unknown> {
    return this.#child(id).ask(question)
  }

  /** Bytes that each replica process holds. */
  async heldBytes(): Promise<number[]> {
    return (await Promise.all(this.ids.map((id) => this.ask(id, { kind: 'memory' })))) as number[]
  }

  /** Processor time that the replica processes have used, in microseconds. */
  async cpuUs(): Promise<number> {
    const used = (await Promise.all(this.ids.map((id) => this.ask(id, { kind: 'cpu' })))) as number[]
    return used.reduce((sum, us) => sum + us, 0)
  }

  /** Starts a replica again that was killed, at its address and with its data. */
  async restart(id: string): Promise<void> {
    const child = new Child('replica-process', `replica ${id}`)
    this.#children.set(id, child)
    const port = Number(new URL(this.#urls[id] as string).port)
    await child.ask({ ...this.#questionOf(id), port })
    await child.ask({ kind: 'dial', urls: this.#urls })
  }

  signal(id: string, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child(id).signal(name)
  }

  /** Closes a replica, as an operator would. */
  stop(id: string): Promise<void> {
    return this.#child(id).stop()
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close()
    await this.node?.close()
    await Promise.all([...this.#children.values()].map((child) => child.stop()))
    if (this.#directory !== undefined) await removeDirectory(this.#directory)
  }

  #child(id: string): Child {
    const child = this.#children.get(id)
    if (child === undefined) throw new Error(`replica ${id} is not a process of its own`)
    return child
  }
}

/** Starts three replicas and waits until an embedded node, if there is one, sees the others. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { storage, embedded = false, faulty = false, bare = false, exchangeMs } = options
  const directory = storage === 'durable' ? await temporaryDirectory() : undefined
  const dataDirOf = (id: string): string | undefined => directory && path.join(directory, id)
  const peersOf = (id: string): string[] => IDS.filter((other) => other !== id)
  const questionOf = (id: string): OpenReplica => {
    const core = exchangeMs === undefined ? {} : { exchangeMs }
    return { kind: 'open', id, peers: peersOf(id), dataDir: dataDirOf(id), faulty, bare, ...core }
  }
  const children = new Map<string, Child>()
  const urls: Record<string, string> = {}
  let node: Node | undefined
  for (const id of IDS) {
    if (!embedded || id !== EMBEDDED_ID) {
      children.set(id, new Child('replica-process', `replica ${id}`))
    }
  }
  for (const [id, child] of children) {
    urls[id] = (await child.ask(questionOf(id))) as string
  }
  if (embedded) {
    const peers = Object.fromEntries(peersOf(EMBEDDED_ID).map((peer) => [peer, '']))
    const dataDir = dataDirOf(EMBEDDED_ID)
    node = await prepareNode({ id: EMBEDDED_ID, peers, ...(dataDir !== undefined && { dataDir }) })
    urls[EMBEDDED_ID] = node.url
    node.dialPeers(urls)
  }
  await Promise.all([...children.values()].map((child) => child.ask({ kind: 'dial', urls })))
  if (node !== undefined) await seesAll(node)
  return new Cluster({ node, children, questionOf, urls, directory })
}

/** Waits until a coordinator reaches every replica. */
export async function seesAll(store: Pick<Client, 'status'>): Promise<void> {
  const endsAt = performance.now() + READY_MS
  while (!Object.values(store.status().replicas).every(({ state }) => state === 'reachable')) {
    if (performance.now() > endsAt) throw new Error(`the replicas do not see each other after ${READY_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
