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
import type { Breakage } from './breakage.ts'

/** What a run may fix of the keyspace; the rest is drawn. */
export interface GivenKeyspace {
  readonly n?: number
  /** A count or a level. */
  readonly r?: Level
  readonly w?: Level
  readonly conflicts?: Conflicts
  readonly repair?: Repair
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
}

export interface ClusterSetting {
  readonly replicas: number | undefined
  readonly keyspace: GivenKeyspace
  readonly breakage: Breakage | undefined
}

const REPLICA_NAMES = 'abcdefghijklmnopqrstuvwxyz'
const ZONES = ['eu', 'us', 'asia']

export function drawCluster(random: Random, setting: ClusterSetting): ClusterPlan {
  const replicas = setting.replicas ?? random.pick([3, 3, 3, 5, 5, 7])
  const zones = random.chance(0.25) ? ZONES.slice(0, 2 + random.below(2)) : ['']
  const zoneOf = (host: number): string => zones[host % zones.length] as string
  const members = Array.from({ length: replicas }, (_, i) => ({ id: REPLICA_NAMES[i] as string, zone: zoneOf(i) }))
  const membership = membershipOf(members)
  const drawn = drawKeyspace(random, { replicas, zones: zones.length })
  const options = resolveCore({
    heartbeatMs: random.pick([500, 1000, 2000]),
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
  const keyspace = settle({ ...drawn, ...setting.keyspace }, { replicas, breakage: setting.breakage })
  return { membership, keyspace, options, hosts }
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
  { n = 3, r, w, conflicts, repair }: GivenKeyspace,
  { replicas, breakage }: { readonly replicas: number; readonly breakage: Breakage | undefined },
): ResolvedKeyspace {
  const copies = Math.min(n, replicas)
  const half = breakage === 'half-quorums'
  const required = half ? { read: Math.max(1, copies >> 1), write: Math.max(1, copies - (copies >> 1)) } : undefined
  const wanted = breakage === 'no-repair' ? 'off' : repair
  return resolveKeyspace(
    'sim',
    {
      mode: 'ap',
      n: copies,
      read: required?.read ?? r ?? majorityOf(copies),
      write: required?.write ?? w ?? majorityOf(copies),
      ...(conflicts !== undefined && { conflicts }),
      ...(wanted !== undefined && { repair: wanted }),
    },
    { members: replicas },
  )
}
