/**
 * What a node and a client have in common for the application: keyspaces, sessions, status, observing.
 */
import { EventEmitter } from 'node:events'
import { QuorateError } from '../core/base/errors.ts'
import type { LatencySamples } from '../core/base/latency-samples.ts'
import type { Coordinator } from '../core/coordinator.ts'
import type { Notice, Reachability } from '../core/notice.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import type { OpenResult } from '../core/operation/open.ts'
import {
  resolveKeyspace,
  checkName,
  type AnyKeyspaceOptions,
  type CpKeyspaceOptions,
  type KeyspaceOptions,
  type ResolvedCore,
  type ResolvedKeyspace,
} from '../core/options.ts'
import { proveQuorums } from '../core/operation/prove-quorums.ts'
import { definitionText, type KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { Membership } from '../core/placement/membership.ts'
import { ApKeyspace } from './ap-keyspace.ts'
import { CpKeyspace, type CpKeyspaceConfig } from './cp-keyspace.ts'
import type { Engine } from './engine.ts'
import type { GroupHealth, Health } from './health.ts'
import { withLock, type Lock, type LockOptions } from './lock.ts'
import { GroupObserver, Seat, type CampaignOptions, type SeatSetting } from './seat.ts'
import { Session } from './session.ts'
import { MarginGauge } from './telemetry/margins.ts'
import { Plain, start } from './tickets.ts'

/** What a coordinator knows of one replica. */
export interface ReplicaStatus {
  readonly state: Reachability
  /** Smoothed round trip; 0 for the replica in this process, and before the first answer. */
  readonly latencyMs: number
  /** Messages that could not be sent because there was no link or its buffer was full. */
  readonly dropped: number
  readonly zone: string
}

export interface StoreStatus {
  readonly id: string
  readonly role: 'node' | 'client'
  readonly clusterId: string
  readonly epoch: number
  readonly zone: string
  readonly replicas: Readonly<Record<string, ReplicaStatus>>
  /** Calls that have not ended. */
  readonly inFlight: number
  /** Keyspaces opened through this store. */
  readonly keyspaces: readonly KeyspaceDefinition[]
}

export interface StoreParts {
  readonly id: string
  readonly role: 'node' | 'client'
  readonly clusterId: string
  readonly zone: string
  readonly membership: Membership
  readonly limits: ResolvedCore
  readonly coordinator: Coordinator
  readonly engine: Engine
  /** Told to by the engine. */
  readonly notices: EventEmitter<{ notice: [Notice] }>
}

/** One keyspace name in one store: opened once, whoever asks. */
interface Opening {
  /** The options' canonical text, or nothing where they were left out. */
  readonly text: string | undefined
  opening: Promise<Keyspace> | undefined
  opened: Keyspace | undefined
}

export abstract class Store {
  readonly id: string
  readonly #parts: StoreParts
  readonly #openings = new Map<string, Opening>()
  readonly #margins: MarginGauge

  constructor(parts: StoreParts) {
    this.id = parts.id
    this.#parts = parts
    this.#margins = new MarginGauge(parts)
  }

  abstract close(): Promise<void>

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * A handle for a keyspace. Nothing is sent before its first call, which opens it: the members register the options,
   * or refuse others than the registered ones with `QUORATE_KEYSPACE_MISMATCH`. Without options, the registered ones are
   * adopted, and the defaults registered where there are none. Options that cannot be, and sets of replicas of which
   * reads do not meet writes, are refused here and now: `QUORATE_INVALID_OPTION`, `QUORATE_QUORUMS_DISJOINT`.
   */
  keyspace<V = unknown>(name: string, options: CpKeyspaceOptions): CpKeyspace<V>
  keyspace<V = unknown>(name: string, options?: KeyspaceOptions<V>): ApKeyspace<V>
  keyspace<V = unknown>(name: string, options?: AnyKeyspaceOptions<V>): ApKeyspace<V> | CpKeyspace<V> {
    checkName(name)
    const resolved = options === undefined ? undefined : resolveKeyspace(name, options, this.#parts.membership)
    const opening = this.#openingOf(name, resolved)
    if (options?.mode === 'cp') return new CpKeyspace<V>(this.#handleOf(name, opening, resolved))
    const resolve = options?.resolve
    return new ApKeyspace<V>({ ...this.#handleOf(name, opening, resolved), resolve, session: undefined })
  }

  /**
   * The keyspace as the cluster has registered it, of either mode; nothing where nothing is registered. For programs
   * that work on keyspaces of others.
   */
  async adopt<V = unknown>(name: string): Promise<ApKeyspace<V> | CpKeyspace<V> | undefined> {
    const definition = await this.registered(name)
    if (definition?.mode !== 'cp') return definition && this.keyspace<V>(name)
    const resolved = adopted(definition)
    return new CpKeyspace<V>(this.#handleOf(name, this.#openingOf(name, resolved), resolved))
  }

  #handleOf(name: string, opening: Opening, resolved: ResolvedKeyspace | undefined): CpKeyspaceConfig {
    const { coordinator, engine, limits } = this.#parts
    return {
      name,
      engine,
      limits,
      open: () => this.#open(name, opening, resolved),
      opened: () => opening.opened,
      newOperation: (keyspace, key) => coordinator.newOperation(keyspace, key, engine.now),
      leader: () => opening.opened && coordinator.leaders.leader(opening.opened, performance.now()),
    }
  }

  /** What the cluster has registered under a name, or nothing. Unlike `keyspace`, it registers nothing. */
  async registered(name: string): Promise<KeyspaceDefinition | undefined> {
    return this.#register(checkName(name), undefined)
  }

  /** A session, fresh or from another one's `token`. Hand it to `keyspace.with`. */
  session(token?: string): Session {
    return new Session(token)
  }

  /**
   * Stands for the lead of a group, until the seat is closed. Any number of processes may, nodes and clients alike: a
   * majority of the group's electors, at most five of the cluster's replicas, makes one of them the leader.
   *
   * Throws `QUORATE_INVALID_OPTION`, `QUORATE_OVERLOADED` above `seatsMax`, `QUORATE_ABORTED`, `QUORATE_CLOSED`.
   */
  campaign(group: string, options: CampaignOptions = {}): Seat {
    return new Seat(this.#seatSetting, 'group', group, options)
  }

  /** Does some work while no other process in the cluster does any under the same name. See `Lock` and `LockOptions`. */
  async withLock<T>(name: string, work: (lock: Lock) => T | PromiseLike<T>, options: LockOptions = {}): Promise<T> {
    const { coordinator, membership, engine } = this.#parts
    const { length: members } = membership.members
    const usable = (): number => {
      const { monoMs } = engine.now
      return membership.members.filter((_, index) => coordinator.peers.usable(index, monoMs)).length
    }
    return withLock({ ...this.#seatSetting, usable, members }, name, work, options)
  }

  /**
   * With a function: calls back with everything that the core notes, until the function that it gives is called. With a
   * name: looks on at that group, and tells who leads it.
   */
  observe(listener: (notice: Notice) => void): () => void
  observe(group: string): GroupObserver
  observe(what: string | ((notice: Notice) => void)): GroupObserver | (() => void) {
    if (typeof what === 'string') return new GroupObserver(this.#seatSetting, what)
    return this.#observe(what)
  }

  get #seatSetting(): SeatSetting {
    const { engine, limits, id } = this.#parts
    return { engine, limits, id }
  }

  #observe(listener: (notice: Notice) => void): () => void {
    this.#parts.notices.on('notice', listener)
    return () => void this.#parts.notices.off('notice', listener)
  }

  status(): StoreStatus {
    const { id, role, clusterId, zone, membership, coordinator, engine } = this.#parts
    const { monoMs } = engine.now
    const replicas: Record<string, ReplicaStatus> = {}
    membership.members.forEach((member, index) => {
      replicas[member.id] = {
        state: coordinator.peers.state(index, monoMs),
        latencyMs: coordinator.peers.latencyMs(index),
        dropped: engine.droppedTo(index),
        zone: member.zone,
      }
    })
    const keyspaces = [...this.#openings.values()].flatMap(({ opened }) => (opened ? [opened.definition] : []))
    const { epoch } = membership
    return { id, role, clusterId, epoch, zone, replicas, inFlight: coordinator.inFlight, keyspaces }
  }

  /**
   * The latest round trips that were measured to each replica, at most 1,024 writes and as many reads of each, of a few of the
   * calls; replicas are numbered in the order of `status().replicas`. It goes on filling. For `latenciesFrom` of `quorate/predict`:
   *
   * ```ts
   * const latencies = latenciesFrom(node.latencies(), [0, 1, 2])
   * predict({ n: 3, r: 1, w: 1, latencies, reads: 'quorum' }).pFresh(10)
   * ```
   */
  latencies(): LatencySamples {
    return this.#parts.coordinator.peers.roundTrips.samples
  }

  /** How this store is, in numbers: for dashboards and monitoring, which ask now and then. */
  health(): Health {
    const { telemetry } = this.#parts.engine
    const { tallies, times, fenced, clockStepMs } = telemetry
    const { monoMs } = this.#parts.engine.now
    const definitions = new Map(this.definitions().map((definition) => [definitionText(definition), definition]))
    return {
      keyspaces: [...definitions.values()].map((definition) => {
        return { definition, margins: this.#margins.of(definition, monoMs) }
      }),
      groups: this.#groups(monoMs),
      calls: times.series,
      failed: Object.fromEntries(tallies.failed),
      repairs: Object.fromEntries(tallies.repairs),
      siblings: Object.fromEntries(tallies.siblings),
      exchanges: Object.fromEntries(tallies.exchanges),
      exchanged: tallies.exchanged,
      handedOver: tallies.handedOver,
      hintBytes: {},
      leaderChanges: tallies.leaderChanges,
      quorumLosses: tallies.quorumLosses,
      fenced: fenced + (tallies.failed.get('QUORATE_FENCED') ?? 0),
      damaged: tallies.damaged,
      broken: tallies.broken,
      clockStepMs,
      events: [...tallies.events],
    }
  }

  /** Keyspaces that are known here. */
  protected definitions(): readonly KeyspaceDefinition[] {
    return this.status().keyspaces
  }

  #groups(nowMs: number): readonly GroupHealth[] {
    const { engine, coordinator } = this.#parts
    const groups = new Map<string, GroupHealth>()
    for (const [group, leader] of engine.telemetry.tallies.leaders) {
      groups.set(group, { group, leader, isHere: false, leaseLeftMs: 0 })
    }
    for (const { group, candidate } of coordinator.seats.standing) {
      const leader = candidate.leader(nowMs) ?? groups.get(group)?.leader
      const leaseLeftMs = candidate.leads(nowMs) ? candidate.leftMs(nowMs) : 0
      const known = groups.get(group)
      if (known?.isHere === true && leaseLeftMs === 0) continue
      groups.set(group, { group, leader, isHere: candidate.leads(nowMs), leaseLeftMs })
    }
    return [...groups.values()]
  }

  #openingOf(name: string, resolved: ResolvedKeyspace | undefined): Opening {
    const text = resolved === undefined ? undefined : definitionText(resolved.definition)
    const key = JSON.stringify([name, text, resolved?.repair, resolved?.timeoutMs, resolved?.strategy])
    const known = this.#openings.get(key)
    if (known !== undefined) return known
    if (resolved !== undefined) proveQuorums(resolved, this.#parts.membership)
    const opening: Opening = { text, opening: undefined, opened: undefined }
    this.#openings.set(key, opening)
    return opening
  }

  /** A failed opening is forgotten, so that the next call tries again. */
  #open(name: string, opening: Opening, resolved: ResolvedKeyspace | undefined): Promise<Keyspace> {
    opening.opening ??= this.#agree(name, resolved).then(
      (keyspace) => (opening.opened = keyspace),
      (error: unknown) => {
        opening.opening = undefined
        throw error
      },
    )
    return opening.opening
  }

  async #agree(name: string, resolved: ResolvedKeyspace | undefined): Promise<Keyspace> {
    const { coordinator, membership } = this.#parts
    const registered = await this.#register(name, resolved?.definition)
    if (resolved !== undefined) return coordinator.keyspace(resolved)
    if (registered !== undefined) {
      if (registered.mode === 'cp') throw holdsRegisters(name)
      const resolvedThere = adopted(registered)
      proveQuorums(resolvedThere, membership)
      return coordinator.keyspace(resolvedThere)
    }
    const fallback = resolveKeyspace(name, { mode: 'ap' }, membership)
    await this.#register(name, fallback.definition)
    return coordinator.keyspace(fallback)
  }

  #register(name: string, definition: KeyspaceDefinition | undefined): Promise<KeyspaceDefinition | undefined> {
    const tag = new Plain<OpenResult>()
    const opened = start(this.#parts.engine, { kind: 'open', tag, name, definition }, undefined)
    return opened.then((result) => result.definition)
  }
}

function holdsRegisters(name: string): QuorateError {
  const message = `keyspace ${name} keeps registers: open it with { mode: 'cp' } and its other options, or adopt it`
  return new QuorateError('QUORATE_KEYSPACE_MISMATCH', message)
}

function adopted(definition: KeyspaceDefinition): ResolvedKeyspace {
  return { definition, repair: undefined, timeoutMs: undefined }
}
