/**
 * A cluster in virtual time for one run of a cell: the simulator's hosts, network and disks, with the delays of a profile
 * in place of drawn ones, and nothing wrong but what the situation says.
 */
import { Random } from '../../src/core/base/random.ts'
import { mergeRecords } from '../../src/core/causality/merge.ts'
import { definitionFingerprint } from '../../src/core/keyspace-definition.ts'
import { proveQuorums } from '../../src/core/operation/prove-quorums.ts'
import { resolveCore, resolveKeyspace, type ResolvedKeyspace } from '../../src/core/options.ts'
import { membershipOf, type Membership } from '../../src/core/placement/membership.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import { Texts, type CallerSurroundings } from '../../src/sim/caller.ts'
import { NodeClock } from '../../src/sim/clocks.ts'
import { SimDisk } from '../../src/sim/disk.ts'
import type { Fault, NemesisPlan } from '../../src/sim/faults.ts'
import { Recorder } from '../../src/sim/history.ts'
import { Host } from '../../src/sim/host.ts'
import { Nemesis } from '../../src/sim/nemesis.ts'
import { Network, type DelayOf } from '../../src/sim/network.ts'
import { Simulator } from '../../src/sim/simulator.ts'
import { legMs, type Profile } from './profiles.ts'
import type { Setting } from './settings.ts'
import { minorityOf, SLOW_FACTOR, type Situation } from './situations.ts'

/** Processes with a coordinator and no replica. */
const CLIENT_HOSTS = 3
/** Milliseconds that a call may take. */
export const TIMEOUT_MS = 2_000
const HEARTBEAT_MS = 500
const EXCHANGE_MS = 10_000
const READY_MS_MAX = 60_000
const LOOK_MS = 50
/** Rounds of exchanges and handing over, after everything has healed. */
const SETTLE_MS = 25_000
/** Where nothing was wrong: what is under way arrives. */
const QUIET_MS = 3_000
const CONDITIONS = { lossRate: 0, duplicateRate: 0, replayRate: 0 } as const

export interface LabParts {
  readonly setting: Setting
  readonly profile: Profile
  readonly situation: Situation
  readonly seed: number
  /** Keys that scans are judged by; it may grow. */
  readonly keys: readonly string[]
}

export class Lab {
  readonly simulator = new Simulator()
  readonly recorder = new Recorder(this.simulator)
  readonly random: Random
  readonly hosts: readonly Host[]
  readonly around: CallerSurroundings
  readonly #parts: LabParts
  readonly #keyspace: ResolvedKeyspace
  #nemesis: Nemesis | undefined
  readonly #network: Network

  constructor(parts: LabParts) {
    const { setting, profile, seed, keys } = parts
    this.#parts = parts
    this.random = new Random(seed)
    const zones = setting.zones ?? profile.zones
    const zoneOf = (index: number): string => zones[index % zones.length] as string
    const ids = Array.from({ length: setting.replicas }, (_, index) => String.fromCharCode(97 + index))
    const membership = membershipOf(ids.map((id, index) => ({ id, zone: zoneOf(index) })))
    this.#keyspace = resolveKeyspace('bench', setting.keyspace, membership)
    proveQuorums(this.#keyspace, membership)
    const names = [...ids, ...Array.from({ length: CLIENT_HOSTS }, (_, index) => `client${index + 1}`)]
    const hostZones = names.map((_, index) => zoneOf(index < ids.length ? index : index - ids.length))
    this.#network = new Network({
      simulator: this.simulator,
      random: this.random.fork(),
      zones: hostZones,
      conditions: { ...CONDITIONS, inOrder: profile.legs === undefined, nearMs: profile.nearMs, farMs: farOf(profile) },
      freezes: false,
      ...this.#delays(hostZones),
    })
    this.hosts = names.map((name, index) => this.#host({ name, index, zone: hostZones[index] as string, membership }))
    for (const host of this.hosts) this.#network.join(host)
    const { simulator, recorder } = this
    const isStrict: CallerSurroundings['isStrict'] = (_side, { strict }) => strict
    this.around = { simulator, recorder, texts: new Texts(), isStrict, scansAreStrict: false, keys }
  }

  get clientHosts(): readonly Host[] {
    return this.hosts.slice(-CLIENT_HOSTS)
  }

  #delays(zones: readonly string[]): { readonly delayOf?: DelayOf } {
    const { legs } = this.#parts.profile
    const { replicas } = this.#parts.setting
    if (legs === undefined) return {}
    const delayOf: DelayOf = ({ message, from, to }, random) => {
      const replica = to.host < replicas ? to.host : from.host
      // Messages inside a process are no letters of the network, and errands between processes do not exist.
      const { kind } = message
      return legMs(random, legs, { kind, replica, isRemote: zones[from.host] !== zones[to.host] })
    }
    return { delayOf }
  }

  #host(at: { readonly name: string; readonly index: number; readonly zone: string; membership: Membership }): Host {
    const { setting, profile } = this.#parts
    const random = this.random.fork()
    const isReplica = at.index < setting.replicas
    const exchangeMs = setting.exchanges === false ? 0 : EXCHANGE_MS
    return new Host({
      ...at,
      simulator: this.simulator,
      network: this.#network,
      options: resolveCore({ heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS, exchangeMs, inFlightMax: 16_384 }),
      random,
      clock: new NodeClock(0),
      disk: isReplica ? new SimDisk(random.fork()) : undefined,
      flushMs: profile.flushMs,
      joinsEffects: false,
      keyspace: this.#keyspace,
      adopts: false,
      breakage: undefined,
    })
  }

  /** Starts every host, and waits until calls can be made through all of them. */
  open(): void {
    for (const host of this.hosts) host.start()
    const endMs = READY_MS_MAX
    while (!this.hosts.every((host) => host.isReady)) {
      if (this.simulator.nowUs > endMs * 1000) throw new Error('the simulated hosts did not get ready')
      this.simulator.runFor(LOOK_MS)
    }
    // Until each knows how far away the others are.
    this.simulator.runFor(2 * HEARTBEAT_MS)
  }

  /** Lets go wrong what is to go wrong, counted from now. */
  trouble(): void {
    const faults = faultsOf(this.#parts)
    const plan: NemesisPlan = {
      classes: [],
      conditions: { ...CONDITIONS, inOrder: true, nearMs: 0, farMs: 0 },
      crashesAreTold: true,
      faults,
      core: [],
    }
    const { simulator, hosts } = this
    this.#nemesis = new Nemesis({ simulator, network: this.#network, hosts, plan, lossesMax: 0 })
    this.#nemesis.start()
  }

  /** Heals all but the dead, and gives replicas the time to make themselves equal. */
  settle(): void {
    this.#nemesis?.heal()
    this.simulator.runFor(this.#parts.situation.trouble === 'none' ? QUIET_MS : SETTLE_MS)
  }

  /** Writes down what all living replicas together hold for a key. */
  final(key: string): void {
    const fingerprint = definitionFingerprint(this.#keyspace.definition)
    let merged: StoredRecord | undefined
    for (const host of this.hosts) {
      const record = host.isUp ? host.config.disk?.read(fingerprint, key) : undefined
      if (record !== undefined) merged = merged === undefined ? record : mergeRecords(merged, record)
    }
    this.recorder.final({ replica: 'all', key, value: this.around.texts.valuesOf(merged) })
  }
}

function farOf({ nearMs, farMs }: Profile): number {
  return farMs === 0 ? nearMs : farMs
}

function faultsOf({ setting, situation }: Pick<LabParts, 'setting' | 'situation'>): Fault[] {
  const { replicas } = setting
  const permanent = situation.forMs === Infinity
  const when = { atMs: situation.fromMs, forMs: permanent ? 0 : situation.forMs }
  switch (situation.trouble) {
    case 'none':
      return []
    case 'slow':
      return [{ kind: 'slow', host: 0, factor: SLOW_FACTOR, ...when, permanent }]
    case 'dead':
      return [{ kind: 'crash', host: 0, moment: 'now', wipes: false, ...when, permanent }]
    case 'partition':
      // Not for good: `settle` mends it, so that what is lost then is lost.
      return [partition(replicas, { ...when, forMs: permanent ? 1e9 : when.forMs })]
  }
}

/** The smaller side has the first replicas and the first client. */
function partition(replicas: number, when: { readonly atMs: number; readonly forMs: number }): Fault {
  const minority = minorityOf(replicas)
  const isSmall = (host: number): boolean => host < minority || host === replicas
  const all = Array.from({ length: replicas + CLIENT_HOSTS }, (_, host) => host)
  const links = all.flatMap((from) => all.filter((to) => isSmall(from) !== isSmall(to)).map((to) => ({ from, to })))
  return { kind: 'cut', shape: 'partition', links, holds: false, isTold: false, ...when }
}
