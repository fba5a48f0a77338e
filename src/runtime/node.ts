/**
 * A node: a replica and a coordinator in this process.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import {
  checkFields,
  checkTimeout,
  CORE_FIELDS,
  resolveCore,
  type CoreOptions,
  type ResolvedCore,
} from '../core/options.ts'
import { membershipOf, type Member } from '../core/placement/membership.ts'
import type { KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { ExchangeSummary, Standing } from '../core/notice.ts'
import type { ReaperProgress } from '../core/replica-reaper.ts'
import type { DamagedRecord } from './replica-host.ts'
import { copyOf, type Copy } from './copy.ts'
import { drain, DRAIN_MS, type DrainLeft } from './drain.ts'
import type { Health } from './health.ts'
import { openLevelStorage } from './storage/level-storage.ts'
import { setAside } from './storage/set-aside.ts'
import { MemoryStorage } from './storage/memory-storage.ts'
import type { Storage } from './storage/storage.ts'
import { repair, summaryOf, type RepairOptions, type RepairResult } from './repair.ts'
import { Store, type StoreStatus } from './store.ts'
import type { LinkFaults } from './transport/faults.ts'
import type { Network, TransportLimits } from './transport/transport.ts'
import { drawIdentity, Wiring } from './wiring.ts'

/** Where a replica is: its address, or the address with its zone. */
export type Peer = string | { readonly url: string; readonly zone?: string }

export interface NodeOptions extends CoreOptions {
  /** This replica's name, the same at every start: letters, digits, dots, dashes, underscores. */
  readonly id: string
  /** Where others reach it. 127.0.0.1 and a free port by default. Other hosts need a `secret`. */
  readonly listen?: { readonly host?: string; readonly port?: number }
  /** The other replicas. Every member must be configured with the same ids and zones. */
  readonly peers?: Readonly<Record<string, Peer>>
  /** Where records are kept. Left out: in memory, gone with the process. */
  readonly dataDir?: string
  /** Zones count once every member has one. */
  readonly zone?: string
  /** What all members and clients know; at least 16 random characters. None by default, for loopback only. */
  readonly secret?: string
  /** Keeps clusters apart that share machines. `quorate` by default. */
  readonly clusterId?: string
  /** Bounds of the WebSocket transport. */
  readonly transport?: Partial<TransportLimits>
  /**
   * Called once when the storage fails: the replica has stopped for good, and what was under way is unknown. By
   * default the error is thrown where nothing catches it, so that the process ends.
   */
  readonly onFatal?: (error: QuorateError) => void
}

const FIELDS: readonly string[] = [
  'id',
  'listen',
  'peers',
  'dataDir',
  'zone',
  'secret',
  'clusterId',
  'transport',
  'onFatal',
  ...CORE_FIELDS,
]

export const CLUSTER_ID = 'quorate'

export interface NodeStatus extends StoreStatus {
  readonly url: string
  readonly incarnation: number
  readonly durable: boolean
  /** Keyspaces that are registered at this replica. */
  readonly registered: readonly KeyspaceDefinition[]
  /**
   * `serving` once everything is here that this replica acknowledged; `catching-up` while it may have forgotten some of
   * it, because its disk was lost, or because nobody has told it yet that it was not. It then takes no part in reads.
   */
  readonly standing: Standing
  /** Keyspaces with which it has not caught up. */
  readonly catchingUp: readonly string[]
  /** Answers that wait for the disk. */
  readonly held: number
  /**
   * Records that could not be read from the disk when the node started, the first 64. They are not served; a directory
   * that is moved away is filled again by the others.
   */
  readonly damaged: readonly DamagedRecord[]
  /** The last exchange that this replica began with each other one, and how long ago it ended. */
  readonly exchanges: Readonly<Record<string, ExchangeSummary & { readonly agoMs: number }>>
  /** Deleted records: how many wait here for the word of all replicas to be erased, and how many were. */
  readonly reaping: ReaperProgress
}

export class Node extends Store {
  /** Where this node listens. */
  readonly url: string
  readonly #wiring: Wiring
  readonly #membership: NodeParts['membership']
  #storage: Storage
  readonly #reopen: (before: Storage) => Promise<Reopened>
  #closing: Promise<void> | undefined
  /** While the data is set aside. */
  #anew: Promise<void> | undefined

  constructor(parts: NodeParts) {
    const { wiring, storage, limits, membership, clusterId, zone, id } = parts
    const { coordinator, engine, notices } = wiring
    super({ id, role: 'node', clusterId, zone, membership, limits, coordinator, engine, notices })
    this.url = parts.url
    this.#wiring = wiring
    this.#membership = membership
    this.#storage = storage
    this.#reopen = parts.reopen
  }

  override status(): NodeStatus {
    const { replica } = this.#wiring
    const keyspaces = replica?.keyspaces() ?? []
    const { incarnation } = this.#storage.identity
    const { url } = this
    return {
      ...super.status(),
      url,
      incarnation,
      durable: this.#storage.durable,
      registered: keyspaces.map(({ definition }) => definition),
      standing: replica?.standing?.isWhole === false ? 'catching-up' : 'serving',
      catchingUp: keyspaces.flatMap(({ definition: { name }, isCatchingUp }) => (isCatchingUp === true ? [name] : [])),
      held: this.#wiring.engine.held,
      damaged: [...this.#wiring.engine.damaged],
      exchanges: this.#exchanges(),
      reaping: this.#wiring.replica?.reaper?.progress ?? { waiting: 0, erased: 0 },
    }
  }

  override health(): Health {
    const { members } = this.#membership
    const bytes = this.#wiring.replica?.hintBytes ?? []
    const hintBytes = Object.fromEntries(members.map(({ id }, index) => [id, bytes[index] ?? 0]))
    delete hintBytes[this.id]
    return { ...super.health(), hintBytes }
  }

  protected override definitions(): readonly KeyspaceDefinition[] {
    return [...super.definitions(), ...(this.#wiring.replica?.keyspaces() ?? []).map(({ definition }) => definition)]
  }

  /**
   * What the replica in this process holds of a key, whatever the others have: for looking at divergence. Nothing for a
   * keyspace that is not registered here. What it shows promises nothing. Throws `QUORATE_STORAGE` for a damaged record.
   */
  copy(keyspace: string, key: string): Copy | undefined {
    const known = this.#wiring.replica?.keyspaces().find(({ definition }) => definition.name === keyspace)
    return known && copyOf(this.#storage, known.definition, key)
  }

  #exchanges(): NodeStatus['exchanges'] {
    const { replica, coordinator, engine } = this.#wiring
    const { monoMs } = engine.now
    const exchanges: Record<string, ExchangeSummary & { readonly agoMs: number }> = {}
    for (const [peer, last] of replica?.exchange?.last ?? []) {
      exchanges[coordinator.peers.names[peer] as string] = { ...summaryOf(last), agoMs: monoMs - last.endedAtMs }
    }
    return exchanges
  }

  /**
   * Compares what is stored here with every other replica that holds some of it, and makes both equal, whatever
   * `exchangeMs` says. Resolves with what became of each exchange; one with a replica that cannot be reached is
   * `unreachable`. Rejects with `QUORATE_ABORTED` when the signal says so, `QUORATE_CLOSED` when the node is closed.
   */
  async repair(options: RepairOptions = {}): Promise<RepairResult> {
    const { engine, coordinator, replica } = this.#wiring
    const { names } = coordinator.peers
    const exchange = replica?.exchange
    if (exchange === undefined) return {}
    return repair({ engine, exchange, names, isClosed: () => this.#closing !== undefined }, options)
  }

  /** Ends calls in flight with `QUORATE_CLOSED`, waits for the disk, and frees the port. Closing twice is fine. */
  override close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  /**
   * Closes without haste: hands on what this process leads, takes no more calls, waits for those in flight, for answers
   * to others that wait for the disk, and until replicas that can be reached have taken what was kept for them; then
   * closes. What takes longer than `withinMs`, 3,000 ms by default, is left as it is, and told.
   */
  async drain({ withinMs = DRAIN_MS }: { readonly withinMs?: number } = {}): Promise<DrainLeft> {
    const { engine, coordinator } = this.#wiring
    const left = (): DrainLeft => {
      const { monoMs } = engine.now
      const bytes = this.#wiring.replica?.hintBytes ?? []
      const hintBytes = bytes.reduce(
        (sum, kept, owner) => sum + (coordinator.peers.usable(owner, monoMs) ? kept : 0),
        0,
      )
      return { calls: coordinator.inFlight, held: engine.held, hintBytes }
    }
    const last = this.#closing === undefined ? await drain(engine, left, checkTimeout(withinMs)) : left()
    await this.close()
    return last
  }

  /** Like a crash: what this node leads is handed on to nobody. For hosts that play faults. */
  crash(): Promise<void> {
    this.#closing ??= this.#end({ isCrash: true })
    return this.#closing
  }

  async #end(how?: { readonly isCrash: boolean }): Promise<void> {
    await this.#wiring.close(how)
    await this.#anew
    await this.#storage.close()
  }

  /** The data is an older copy: it is set aside, and the replica goes on without any. Rejects when that cannot be. */
  beginAnew(): Promise<void> {
    this.#anew ??= this.#beginAnew().finally(() => (this.#anew = undefined))
    return this.#anew
  }

  async #beginAnew(): Promise<void> {
    this.#wiring.stopReplica()
    const { storage, directory } = await this.#reopen(this.#storage)
    this.#storage = storage
    if (this.#closing !== undefined) return
    this.#wiring.beginReplica(storage)
    this.#wiring.tell({ kind: 'set-aside', replica: this.id, directory })
  }

  /** Starts to dial the other replicas. For hosts that learn addresses after all of them listen. */
  dialPeers(urls: Readonly<Record<string, string>>): void {
    for (const [id, url] of Object.entries(urls)) if (id !== this.id) this.#wiring.dial(id, url)
  }
}

interface NodeParts {
  readonly id: string
  readonly url: string
  readonly clusterId: string
  readonly zone: string
  readonly membership: ReturnType<typeof membershipOf>
  readonly limits: ResolvedCore
  readonly wiring: Wiring
  readonly storage: Storage
  /** Sets the data aside, and opens an empty storage in its place. */
  readonly reopen: (before: Storage) => Promise<Reopened>
}

interface Reopened {
  readonly storage: Storage
  /** Where the data is now; nothing for memory. */
  readonly directory: string | undefined
}

/**
 * Opens the storage, listens, and starts to dial the peers; it does not wait for them.
 *
 * Throws `QUORATE_INVALID_OPTION` for options that cannot be, a port in use among them, and `QUORATE_STORAGE` for a
 * data directory that cannot be used: another replica's, in use by another process, damaged.
 */
export async function openNode(options: NodeOptions): Promise<Node> {
  checkFields(options, FIELDS, 'a node')
  const urls = Object.fromEntries(Object.entries(options.peers ?? {}).map(([id, peer]) => [id, urlOf(peer)]))
  const node = await prepareNode(options)
  try {
    node.dialPeers(urls)
  } catch (error) {
    await node.close()
    throw error
  }
  return node
}

/**
 * A node that listens but dials nobody yet. `faults` are injected into whatever it sends. In another network than that
 * of WebSockets, what `listen` and the peers' addresses mean is for that network to say.
 */
export async function prepareNode(options: NodeOptions, faults?: LinkFaults, network?: Network): Promise<Node> {
  const limits = resolveCore(pickCore(options))
  const { id, zone = '', clusterId = CLUSTER_ID } = options
  const peers = Object.entries(options.peers ?? {})
  if (peers.some(([peer]) => peer === id)) throw invalid(`replica ${id} is among its own peers: list the others only`)
  const membership = membershipOf([{ id, zone }, ...peers.map(([peer, place]) => memberOf(peer, place))])
  const storage = await openStorage(options, clusterId)
  let wiring: Wiring | undefined
  let node: Node | undefined
  const onFatal = (error: QuorateError): void => {
    void node?.close().catch(() => {})
    if (options.onFatal !== undefined) options.onFatal(error)
    else
      setImmediate(() => {
        throw error
      })
  }
  const reopen = async (before: Storage): Promise<Reopened> => {
    await before.close()
    const directory = options.dataDir === undefined ? undefined : await setAside(options.dataDir)
    return { storage: await openStorage(options, clusterId), directory }
  }
  const onOlderCopy = (): void => {
    node?.beginAnew().catch((error: unknown) => onFatal(cannotGoOn(error)))
  }
  try {
    const { incarnation } = storage.identity
    const identity = { clusterId, id, role: 'node', incarnation, epoch: membership.epoch } as const
    const { secret, transport = {} } = options
    wiring = new Wiring({
      identity,
      membership,
      zone,
      limits,
      storage,
      secret,
      faults,
      transport,
      onFatal,
      onOlderCopy,
      ...(network && { network }),
    })
    const { host = '127.0.0.1', port = 0 } = options.listen ?? {}
    const bound = await wiring.listen({ host, port })
    const url = `ws://${host.includes(':') ? `[${host}]` : host}:${bound}`
    node = new Node({ id, url, clusterId, zone, membership, limits, wiring, storage, reopen })
    return node
  } catch (error) {
    await wiring?.close()
    await storage.close()
    throw error
  }
}

async function openStorage(options: NodeOptions, clusterId: string): Promise<Storage> {
  const { id: replicaId, dataDir } = options
  if (dataDir === undefined)
    return new MemoryStorage({ identity: { clusterId, replicaId, incarnation: drawIdentity() } })
  return openLevelStorage({ directory: dataDir, clusterId, replicaId, randomIdentity: drawIdentity })
}

function cannotGoOn(cause: unknown): QuorateError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `the data of this replica is an older copy and cannot be set aside, so it stops: ${why}`
  return new QuorateError('QUORATE_STORAGE', message, { cause })
}

function memberOf(id: string, peer: Peer): Member {
  return { id, zone: typeof peer === 'string' ? '' : (peer.zone ?? '') }
}

export function urlOf(peer: Peer): string {
  return typeof peer === 'string' ? peer : peer.url
}

/** The options of the core among those of a node or client. */
export function pickCore(options: CoreOptions): CoreOptions {
  const core = CORE_FIELDS.map((name) => [name, options[name as keyof CoreOptions]] as const)
  return Object.fromEntries(core.filter(([, value]) => value !== undefined))
}
