/**
 * What the simulated cluster looks like, drawn from the run's seed: replicas and zones, the keyspace, and how each host
 * is made.
 */
import type { Random } from '../core/base/random.ts'
import {
  resolveCore,
  resolveKeyspace,
  type Conflicts,
  type Repair,
  type ResolvedCore,
  type ResolvedKeyspace,
} from '../core/options.ts'
import { membershipOf, type Membership } from '../core/placement/membership.ts'
import type { Level } from '../core/quorum/level.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import { isExpression } from '../core/quorum/quorum-text.ts'
import { proveQuorums } from '../core/operation/prove-quorums.ts'
import type { KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { Breakage } from './breakage.ts'
import { drawSide, drawSystem } from './system-plan.ts'

/** What a run may fix of the keyspace; the rest is drawn. */
export interface GivenKeyspace {
  /** `ap` by default. In mode `cp`, `r` is the phase-1 quorum and `w` the phase-2 quorum. */
  readonly mode?: 'ap' | 'cp'
  readonly n?: number
  /** A count, a level, or an expression; beside an expression the other side may be left out, and is then the dual. */
  readonly r?: Level
  readonly w?: Level
  readonly conflicts?: Conflicts
  readonly repair?: Repair
  /** Whether other members stand in for replicas that cannot be reached. */
  readonly sloppy?: boolean
  /** In mode `cp`: whether the keyspace has a leader. */
  readonly leader?: boolean
}

export interface HostPlan {
  readonly name: string
  readonly zone: string
  readonly isReplica: boolean
  /** How far its wall clock is ahead at the start. */
  readonly offsetMs: number
  /** Mean time of a flush. */
  readonly flushMs: number
  readonly joinsEffects: boolean
  readonly adopts: boolean
}

export interface ClusterPlan {
  readonly membership: Membership
  readonly keyspace: ResolvedKeyspace
  readonly options: ResolvedCore
  /** Replicas first, in the order of the membership, then clients. */
  readonly hosts: readonly HostPlan[]
  /** Expressions that single calls may ask for. */
  readonly callTexts: readonly string[]
  /** Whether replicas have to be equal after healing before anybody reads. */
  readonly healsUnread: boolean
  /** Whether deleted records may be erased while the run lasts. */
  readonly reaps: boolean
  /** With a leader: by how much of its rate a clock is off at most. */
  readonly clockDriftMax?: number
}

export interface ClusterSetting {
  readonly replicas: number | undefined
  readonly keyspace: GivenKeyspace
  readonly breakage: Breakage | undefined
  /** In which zones replicas and clients stand, in turn. */
  readonly zones: readonly string[] | undefined
  /** What quorum systems are drawn from: a stream of its own. */
  readonly systems: Random
  /** What stand-ins are drawn from. */
  readonly standIns: Random
  /** What exchanges are drawn from: a stream of its own. */
  readonly exchanges: Random
  /** How often replicas exchange, in place of what is drawn. */
  readonly exchangeMs: number | undefined
  /** What the horizon is drawn from: a stream of its own. */
  readonly reaping: Random
  /** The horizon, in place of what is drawn; 0 for the usual one, that no run lasts for. */
  readonly horizonMs: number | undefined
}

/** The share of sloppy keyspaces among those that have members to stand in, and of those the share with little room. */
const SLOPPY_RATE = 0.5
const TIGHT_RATE = 0.15
const TIGHT_BYTES = 600

const REPLICA_NAMES = 'abcdefghijklmnopqrstuvwxyz'
const ZONES = ['eu', 'us', 'asia']
/** The share of clusters with a quorum system beyond counts and levels. */
const SYSTEM_RATE = 0.25
/** How often replicas exchange; never, in one run of five. */
const EXCHANGE_MS = [0, 1000, 3000, 10_000, 10_000]
const CALL_MS_MAX = 3500
/** The share of the others in which nobody reads before replicas are compared. */
const UNREAD_RATE = 0.5
/** The share of clusters with a horizon that ends before the run does, in heartbeats. */
const REAP_RATE = 0.5
const HORIZON_HEARTBEATS = [8, 8, 12, 20]

export function drawCluster(random: Random, setting: ClusterSetting): ClusterPlan {
  const replicas = setting.replicas ?? random.pick([3, 3, 3, 5, 5, 7])
  const drawnZones = random.chance(0.25) ? ZONES.slice(0, 2 + random.below(2)) : ['']
  const zones = setting.zones ?? drawnZones
  const zoneOf = (host: number): string => zones[host % zones.length] as string
  const members = Array.from({ length: replicas }, (_, i) => ({ id: REPLICA_NAMES[i] as string, zone: zoneOf(i) }))
  const membership = membershipOf(members)
  const drawn = drawKeyspace(random, { replicas, zones: zones.length })
  const { exchanges } = setting
  const drawnMs = exchanges.pick(EXCHANGE_MS)
  const exchangeMs = setting.exchangeMs ?? drawnMs
  const healsUnread = exchangeMs > 0 && exchanges.chance(UNREAD_RATE)
  const options = resolveCore({
    exchangeMs,
    heartbeatMs: random.pick([500, 1000, 2000]),
    // No call of a run takes longer.
    timeoutMs: CALL_MS_MAX,
    siblingsMax: random.chance(0.1) ? 4 : 64,
  })
  const adoptRate = random.pick([0, 0.3])
  const flushMs = random.pick([0.5, 2, 10])
  const joinsEffects = random.chance(0.3)
  const skewMs = random.pick([5, 50, 500, 2500])
  const clients = 1 + random.below(3)
  const hosts = Array.from({ length: replicas + clients }, (_, index): HostPlan => {
    const isReplica = index < replicas
    return {
      name: isReplica ? (members[index]?.id as string) : `client${index - replicas + 1}`,
      zone: isReplica ? zoneOf(index) : zoneOf(random.below(zones.length)),
      isReplica,
      offsetMs: Math.round((random.fraction() * 2 - 1) * skewMs),
      flushMs,
      joinsEffects,
      adopts: index > 0 && random.chance(adoptRate),
    }
  })
  const { systems, standIns, breakage } = setting
  const over = { replicas: members.map(({ id }) => id), zones: [...new Set(zones)].filter((zone) => zone !== '') }
  const isOpen = [setting.keyspace.n, setting.keyspace.r, setting.keyspace.w].every((given) => given === undefined)
  const hasSystem = isOpen && breakage === undefined && systems.chance(SYSTEM_RATE)
  const given = hasSystem ? { ...setting.keyspace, ...drawSystem(systems, over) } : setting.keyspace
  const sloppy = drawSloppy(setting, replicas, { ...drawn, ...given }.n)
  const keyspace = settle({ ...merged(drawn, given, replicas), sloppy }, { membership, breakage })
  const callTexts = hasSystem ? [drawSide(systems, over), drawSide(systems, over)] : []
  const hintBytesMax = standIns.chance(TIGHT_RATE) ? TIGHT_BYTES : options.hintBytesMax
  const horizonMs = drawHorizon(setting, keyspace.definition, options)
  const reaps = horizonMs !== options.horizonMs
  return {
    membership,
    keyspace,
    options: { ...options, hintBytesMax, horizonMs },
    hosts,
    callTexts,
    healsUnread,
    reaps,
  }
}

/**
 * Hints may live longer than the horizon here: what keeps them apart from erased records is the word of every member.
 * Registers of the last writer have that rule as well, so they are spared it where there are stand-ins.
 */
function drawHorizon(
  { reaping, horizonMs: given, breakage }: ClusterSetting,
  { conflicts, sloppy }: KeyspaceDefinition,
  { heartbeatMs, horizonMs }: ResolvedCore,
): number {
  const isDrawn = reaping.chance(REAP_RATE)
  const drawnMs = reaping.pick(HORIZON_HEARTBEATS) * heartbeatMs
  if (given !== undefined) return given === 0 ? horizonMs : given
  const mayReap = breakage === undefined && !(conflicts === 'lww' && sloppy === true)
  return isDrawn && mayReap ? drawnMs : horizonMs
}

/** Never where all members hold every key, and never by chance in a run that is broken on purpose. */
function drawSloppy({ standIns, keyspace, breakage }: ClusterSetting, replicas: number, n = 3): boolean {
  const isDrawn = standIns.chance(SLOPPY_RATE)
  if (keyspace.mode === 'cp') return false
  return keyspace.sloppy ?? (isDrawn && breakage === undefined && n < replicas)
}

/** What is given counts. Beside a given expression nothing of the drawn quorums is left. */
function merged(drawn: GivenKeyspace, given: GivenKeyspace, replicas: number): GivenKeyspace {
  if (!isExpression(given.r) && !isExpression(given.w)) return { ...drawn, ...given }
  const { r: _r, w: _w, ...others } = drawn
  return { ...others, n: replicas, ...given }
}

/** Strict quorums mostly, majorities most of all. */
function drawKeyspace(random: Random, { replicas, zones }: { replicas: number; zones: number }): GivenKeyspace {
  const n = replicas === 3 ? random.pick([3, 3, 3, 3, 2, 1]) : random.pick([3, 3, Math.min(5, replicas), replicas])
  const conflicts = random.chance(0.7) ? 'siblings' : 'lww'
  const repair = random.pick([undefined, undefined, 'blocking', 'blocking', 'background', 'off'] as const)
  const shared = { n, conflicts, ...(repair !== undefined && { repair }) } as const
  const kind = random.below(20)
  if (zones > 1 && n >= zones && kind < 10) return { ...shared, r: 'local-quorum', w: 'each-quorum' }
  if (kind < 11) return { ...shared, r: majorityOf(n), w: majorityOf(n) }
  const w = 1 + random.below(n)
  if (kind < 16) return { ...shared, w, r: Math.min(n, n + 1 - w + random.below(w)) }
  return { ...shared, w, r: 1 + random.below(Math.max(1, n - w)) }
}

function settle(
  { mode = 'ap', n = 3, r, w, conflicts, repair, sloppy, leader = false }: GivenKeyspace,
  { membership, breakage }: { readonly membership: Membership; readonly breakage: Breakage | undefined },
): ResolvedKeyspace {
  const ids = membership.members.map(({ id }) => id)
  const copies = Math.min(n, ids.length)
  if (mode === 'cp') {
    return settleRegisters({ n: leader ? ids.length : copies, r, w, leader }, { membership, breakage })
  }
  const wanted = breakage === 'no-repair' ? 'off' : repair
  const resolved = resolveKeyspace(
    'sim',
    {
      mode: 'ap',
      n: copies,
      ...(r !== undefined && { read: r }),
      ...(w !== undefined && { write: w }),
      ...brokenSides(breakage, ids.slice(0, copies)),
      ...(conflicts !== undefined && { conflicts }),
      ...(wanted !== undefined && { repair: wanted }),
      ...(sloppy === true && { sloppy }),
    },
    membership,
  )
  if (breakage !== 'disjoint-quorums') proveQuorums(resolved, membership)
  return resolved
}

/** What was drawn for reads and writes, as far as phases can have it: they have to meet. */
function settleRegisters(
  { n, r, w, leader }: { n: number; r: Level | undefined; w: Level | undefined; leader: boolean },
  { membership, breakage }: { readonly membership: Membership; readonly breakage: Breakage | undefined },
): ResolvedKeyspace {
  if (breakage === 'half-quorums' || breakage === 'disjoint-quorums') {
    const ids = membership.members.slice(0, n).map(({ id }) => id)
    const { read = 1, write = 1 } = brokenSides(breakage, ids)
    return resolveKeyspace('sim', { mode: 'cp', n, phase1: read, phase2: write, leader }, membership)
  }
  const phase1 = typeof r === 'number' && typeof w === 'number' ? Math.max(r, n + 1 - w) : r
  const given = { ...(phase1 !== undefined && { phase1 }), ...(w !== undefined && { phase2: w }) }
  const resolved = resolveKeyspace('sim', { mode: 'cp', n, ...given, leader }, membership)
  proveQuorums(resolved, membership)
  return resolved
}

/** Quorums that do not meet, as counts or as sets. */
function brokenSides(breakage: Breakage | undefined, ids: readonly string[]): { read?: Level; write?: Level } {
  const half = ids.length >> 1
  if (breakage === 'half-quorums') return { read: Math.max(1, half), write: Math.max(1, ids.length - half) }
  if (breakage !== 'disjoint-quorums') return {}
  const all = (some: readonly string[]): string => `all of (${some.join(', ')})`
  return { read: all(ids.slice(0, half)), write: all(ids.slice(half)) }
}
