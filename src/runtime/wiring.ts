/**
 * Machines, engine and links of one process, put together: what nodes and clients are made of.
 */
import { EventEmitter } from 'node:events'
import { randomBytes } from 'node:crypto'
import type { QuorateError } from '../core/base/errors.ts'
import { Random } from '../core/base/random.ts'
import { Coordinator } from '../core/coordinator.ts'
import type { Life } from '../core/message.ts'
import type { Notice } from '../core/notice.ts'
import type { ResolvedCore } from '../core/options.ts'
import { indexOf, type Membership } from '../core/placement/membership.ts'
import { Replica } from '../core/replica.ts'
import { Malformed } from './codec/bytes.ts'
import type { MessageLimits } from './codec/message-codec.ts'
import { Engine } from './engine.ts'
import type { Storage } from './storage/storage.ts'
import { Telemetry } from './telemetry/telemetry.ts'
import type { LinkFaults } from './transport/faults.ts'
import type { Dialer, Link, LinkIdentity, Listener, Network, TransportLimits } from './transport/transport.ts'
import { webSockets } from './transport/web-sockets.ts'

export interface WiringConfig {
  readonly identity: LinkIdentity
  readonly membership: Membership
  readonly zone: string
  readonly limits: ResolvedCore
  readonly storage: Storage | undefined
  readonly secret: string | undefined
  readonly faults: LinkFaults | undefined
  readonly transport: Partial<TransportLimits>
  /** WebSockets by default. */
  readonly network?: Network
  readonly onFatal: (error: QuorateError) => void
  /** The data of the replica here is an older copy. */
  readonly onOlderCopy?: () => void
}

const PROTOCOL_ERROR = 1002
/** Siblings in a record: what every replica of a key has taken at its bound, once they are joined. */
const ENTRIES_MAX = 16_384
const PAGE_ENTRIES_MAX = 1_024

/** A number that no other process draws: seeds its random choices and names its incarnation. */
export function drawIdentity(): number {
  return randomBytes(6).readUIntLE(0, 6) + 1
}

export class Wiring {
  readonly coordinator: Coordinator
  readonly engine: Engine
  readonly telemetry: Telemetry
  readonly notices: EventEmitter<{ notice: [Notice] }> = new EventEmitter()
  /** Another takes its place when its data is found to be an older copy. */
  replica: Replica | undefined
  readonly #config: WiringConfig
  readonly #dialers = new Map<number, Dialer>()
  #listener: Listener | undefined

  constructor(config: WiringConfig) {
    const { membership, zone, limits, storage, identity } = config
    this.#config = config
    const local = storage === undefined ? -1 : indexOf(membership, identity.id)
    const random = new Random(drawIdentity())
    const life = storage && { incarnation: storage.identity.incarnation, run: drawIdentity() }
    this.coordinator = new Coordinator({ name: identity.id, membership, local, life, zone, options: limits, random })
    if (storage !== undefined && life !== undefined) this.replica = this.#replicaOver(storage, life)
    const { replica } = this
    this.telemetry = new Telemetry(identity.id)
    this.engine = new Engine({
      coordinator: this.coordinator,
      local: replica && storage ? { replica, index: local, storage } : undefined,
      members: membership.members.length,
      epoch: membership.epoch,
      limits: messageLimits(limits),
      telemetry: this.telemetry,
      onNotice: (notice) => this.tell(notice),
      onFatal: config.onFatal,
    })
    for (const { definition, confirmed } of replica?.keyspaces() ?? []) {
      if (confirmed) this.coordinator.leaders.registered(definition)
    }
  }

  /** The replica here stops for good; another may begin. */
  stopReplica(): void {
    this.engine.stopReplica()
  }

  /** A replica over other data takes the place of the one that was stopped. */
  beginReplica(storage: Storage): void {
    const life = { incarnation: storage.identity.incarnation, run: drawIdentity() }
    const replica = this.#replicaOver(storage, life)
    this.replica = replica
    this.coordinator.peers.reborn(life)
    this.engine.replaceReplica({ replica, storage })
  }

  #replicaOver(storage: Storage, life: Life): Replica {
    const { membership, limits, identity } = this.#config
    const { peers } = this.coordinator
    const usable = (index: number, nowMs: number): boolean => peers.usable(index, nowMs)
    const asOf = (index: number, sinceMs: number, nowMs: number): number => peers.asOf(index, sinceMs, nowMs)
    return new Replica({
      index: indexOf(membership, identity.id),
      life,
      membership,
      records: storage,
      own: storage.own(),
      options: limits,
      exchange: { random: new Random(drawIdentity()), usable, asOf },
    })
  }

  /** For observers of this process. */
  tell(notice: Notice): void {
    if (notice.kind === 'older-copy') this.#config.onOlderCopy?.()
    this.#tell(notice)
  }

  /** An observer that throws must not stop the machines half-way: its error surfaces on its own. */
  #tell(notice: Notice): void {
    try {
      this.telemetry.noted(notice)
      this.notices.emit('notice', notice)
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  }

  /** Accepts links from members and clients. Gives the port. */
  async listen(address: { readonly host: string; readonly port: number }): Promise<number> {
    const { identity, secret, faults, transport, membership, network = webSockets } = this.#config
    this.#listener = await network.listen({
      ...address,
      local: identity,
      secret,
      faults,
      limits: transport,
      handlers: {
        up: (link) => this.engine.accepted(link),
        down: (link) => this.engine.gone(link),
        frame: (link, bytes) => {
          const member = link.remote.role === 'node' ? indexOf(membership, link.remote.id) : -1
          guarded(link, () => this.engine.requests(link, member, bytes))
        },
      },
    })
    return this.#listener.port
  }

  /** Keeps a link to a replica. */
  dial(id: string, url: string): void {
    const { identity, secret, faults, transport, membership, network = webSockets } = this.#config
    const index = indexOf(membership, id)
    const dialer = network.dial({
      url,
      remoteId: id,
      local: identity,
      secret,
      faults,
      limits: transport,
      handlers: {
        up: (link) => this.engine.dialed(index, link),
        down: () => this.engine.dialed(index, undefined),
        frame: (link, bytes) => guarded(link, () => this.engine.answers(index, bytes)),
        refused: (error) => this.#tell({ kind: 'refused', replica: id, reason: error.message }),
      },
    })
    this.#dialers.set(index, dialer)
  }

  /** Why there is no link to a replica. */
  problem(index: number): QuorateError | undefined {
    return this.#dialers.get(index)?.problem
  }

  /** Ends calls, links and timers, in that order; the storage stays the caller's. */
  async close(how: { readonly isCrash: boolean } = { isCrash: false }): Promise<void> {
    this.engine.stop(how)
    this.telemetry.close()
    await Promise.all([...this.#dialers.values()].map((dialer) => dialer.close()))
    await this.#listener?.close()
  }
}

/** A frame that makes no sense ends its own link, and nobody else's. */
function guarded(link: Link, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    link.close(PROTOCOL_ERROR, error.message.slice(0, 120))
  }
}

function messageLimits(limits: ResolvedCore): MessageLimits {
  const { keyBytesMax, valueBytesMax } = limits
  return { keyBytesMax, valueBytesMax, entriesMax: ENTRIES_MAX, pageEntriesMax: PAGE_ENTRIES_MAX }
}
