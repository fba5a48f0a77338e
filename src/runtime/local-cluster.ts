/**
 * A cluster inside this process, for development and tests: real replicas over loopback WebSockets, and the faults
 * that networks and machines have.
 */
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { invalid } from '../core/base/errors.ts'
import type { CoreOptions } from '../core/options.ts'
import { Client, connect } from './client.ts'
import { prepareNode, type Node, type NodeOptions } from './node.ts'
import { LinkFaults } from './transport/faults.ts'

export interface LocalClusterOptions extends CoreOptions {
  /** How many replicas, named `a`, `b`, `c` and so on. Three by default, 26 at most. */
  readonly replicas?: number
  /** The zone of each replica, in order. None by default. */
  readonly zones?: readonly string[]
  /** Where the replicas keep their records, each in a folder of its name. In memory by default. */
  readonly dataDir?: string
  readonly secret?: string
}

/** A direction between two replicas, by id. */
export interface CutOptions {
  readonly from: string
  readonly to: string
}

const READY_MS = 10_000

export class LocalCluster {
  /** A client of all replicas. */
  readonly store: Client
  readonly #faults: LinkFaults
  readonly #nodes: Map<string, Node>
  readonly #optionsOf: (id: string) => NodeOptions
  readonly #urls: Readonly<Record<string, string>>

  constructor(parts: {
    readonly store: Client
    readonly nodes: Map<string, Node>
    readonly faults: LinkFaults
    readonly urls: Readonly<Record<string, string>>
    readonly optionsOf: (id: string) => NodeOptions
  }) {
    this.store = parts.store
    this.#nodes = parts.nodes
    this.#faults = parts.faults
    this.#urls = parts.urls
    this.#optionsOf = parts.optionsOf
  }

  get ids(): readonly string[] {
    return Object.keys(this.#urls)
  }

  get urls(): Readonly<Record<string, string>> {
    return this.#urls
  }

  /** A running replica's node. Throws `QUORATE_INVALID_OPTION` for an unknown or killed one. */
  node(id: string): Node {
    this.#check(id)
    const node = this.#nodes.get(id)
    if (node === undefined) throw invalid(`replica ${id} is not running: restart it first`)
    return node
  }

  /** Cuts every link between replicas of different groups, both ways. Replicas in no group form one more. */
  partition(...groups: readonly (readonly string[])[]): void {
    const listed = groups.flat()
    for (const id of listed) this.#check(id)
    const rest = this.ids.filter((id) => !listed.includes(id))
    const all = rest.length > 0 ? [...groups, rest] : groups
    for (const group of all) {
      for (const from of group) {
        for (const to of this.ids) if (!group.includes(to)) this.#faults.cut({ from, to })
      }
    }
  }

  /** Drops what goes one way. The other way still works. */
  cut({ from, to }: CutOptions): void {
    this.#check(from)
    this.#check(to)
    this.#faults.cut({ from, to })
  }

  /** Delays what goes one way by this many milliseconds. */
  slow({ from, to, delayMs }: CutOptions & { readonly delayMs: number }): void {
    this.#check(from)
    this.#check(to)
    if (!(delayMs >= 0)) throw invalid(`delayMs is ${String(delayMs)}: use 0 or more milliseconds`)
    this.#faults.delay({ from, to, ms: delayMs })
  }

  /** Ends all cuts and delays. */
  heal(): void {
    this.#faults.clear()
  }

  /** Stops a replica at once. What it kept in memory only is gone. */
  async kill(id: string): Promise<void> {
    const node = this.node(id)
    this.#nodes.delete(id)
    await node.crash()
  }

  /** Starts a killed replica again, at the same address and, with `dataDir`, with the same records. */
  async restart(id: string): Promise<void> {
    this.#check(id)
    if (this.#nodes.has(id)) throw invalid(`replica ${id} is running: kill it first`)
    const port = Number(new URL(this.#urls[id] as string).port)
    const node = await prepareNode({ ...this.#optionsOf(id), listen: { port } }, this.#faults)
    node.dialPeers(this.#urls)
    this.#nodes.set(id, node)
  }

  /** Closes the client and every replica. Closing twice is fine. */
  async close(): Promise<void> {
    await this.store.close()
    await Promise.all([...this.#nodes.values()].map((node) => node.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #check(id: string): void {
    if (!Object.hasOwn(this.#urls, id))
      throw invalid(`there is no replica ${JSON.stringify(id)}: use ${this.ids.join(', ')}`)
  }
}

/** Starts the replicas and waits until all of them see each other, and none has lost anything. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const { replicas = 3, zones, dataDir, secret, ...core } = options
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 26) {
    throw invalid(`replicas is ${String(replicas)}: use 1 to 26`)
  }
  if (zones !== undefined && zones.length !== replicas)
    throw invalid(`zones names ${zones.length} of ${replicas} replicas`)
  const ids = Array.from({ length: replicas }, (_, index) => String.fromCharCode(97 + index))
  const zoneOf = (id: string): string => zones?.[ids.indexOf(id)] ?? ''
  const optionsOf = (id: string): NodeOptions => ({
    ...core,
    id,
    peers: Object.fromEntries(ids.filter((peer) => peer !== id).map((peer) => [peer, { url: '', zone: zoneOf(peer) }])),
    zone: zoneOf(id),
    ...(dataDir !== undefined && { dataDir: join(dataDir, id) }),
    ...(secret !== undefined && { secret }),
  })
  const faults = new LinkFaults()
  const nodes = new Map<string, Node>()
  try {
    for (const id of ids) nodes.set(id, await openSomewhere(optionsOf(id), faults))
    const urls = Object.fromEntries([...nodes].map(([id, node]) => [id, node.url]))
    for (const node of nodes.values()) node.dialPeers(urls)
    const members = Object.fromEntries(ids.map((id) => [id, { url: urls[id] as string, zone: zoneOf(id) }]))
    const store = await connect({ ...core, id: 'store', replicas: members, ...(secret !== undefined && { secret }) })
    const cluster = new LocalCluster({ store, nodes, faults, urls, optionsOf })
    await everybodySeen([...nodes.values()])
    return cluster
  } catch (error) {
    await Promise.all([...nodes.values()].map((node) => node.close()))
    throw error
  }
}

/** So many ports are tried before a replica is not started. */
const PORT_TRIES = 100
/** Below the ports that systems take for outgoing connections: a replica that is stopped finds its port free again. */
const PORTS = { from: 10_000, to: 30_000 } as const

async function openSomewhere(options: NodeOptions, faults: LinkFaults): Promise<Node> {
  for (let triesLeft = PORT_TRIES; ; triesLeft--) {
    try {
      return await prepareNode({ ...options, listen: { port: randomInt(PORTS.from, PORTS.to) } }, faults)
    } catch (error) {
      const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
      if (cause?.code !== 'EADDRINUSE' || triesLeft === 0) throw error
    }
  }
}

async function everybodySeen(nodes: readonly Node[]): Promise<void> {
  const deadline = performance.now() + READY_MS
  const seen = (node: Node): boolean => {
    const { replicas, standing } = node.status()
    return standing === 'serving' && Object.values(replicas).every(({ state }) => state === 'reachable')
  }
  while (!nodes.every(seen) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2))
}
