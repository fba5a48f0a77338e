/**
 * Every option of the core: default, limits, and combinations that cannot be.
 *
 * What the user writes has optional fields; what travels inward is resolved once and complete.
 * Ring: values.
 */
import { invalid } from './base/errors.ts'
import { checkObject, shown } from './base/shape.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import {
  checkStrategy,
  resolvePhases,
  resolveQuorums,
  type PhaseOptions,
  type QuorumOptions,
  type QuorumStrategy,
} from './quorum-options.ts'
import type { Place } from './quorum/quorum-text.ts'

/** What a read does about replicas that it found stale. */
export type Repair = 'blocking' | 'background' | 'off'

/** How copies of one key that were written without knowing of each other are treated. */
export type Conflicts = 'siblings' | 'lww'

export interface KeyspaceOptions<V = unknown> extends QuorumOptions {
  /** `ap`: every side of a partition accepts, divergence shows as siblings, healing merges. */
  readonly mode: 'ap'
  /**
   * None by default: a read asks the quorum that answers first. With one, reads at the default level draw the quorum
   * by these probabilities, so that the work is spread as planned; where the drawn one cannot be reached they ask the
   * first again. It concerns this store alone, and is no part of what the members agree on.
   */
  readonly strategy?: QuorumStrategy
  /**
   * `siblings` by default: concurrent writes are kept and shown. `lww` keeps the one with the highest hybrid timestamp
   * and *loses the others*, acknowledged or not; it saves a round trip for writers that host no replica.
   */
  readonly conflicts?: Conflicts
  /**
   * Makes one value of several siblings, whenever a read finds them. None by default: `entry.value` is then undefined
   * while `entry.conflict` holds.
   *
   * It must not depend on the order of the siblings, and gives its value at once, not a promise. `undefined` says that it
   * cannot tell: the conflict stays, and `update` is refused. If it throws, `entry.value` throws the same, and
   * `entry.resolveError` tells it; the siblings are in `entry.siblings`, and nothing is written. What it does to its list
   * and the values in it changes nothing.
   */
  readonly resolve?: (siblings: V[]) => V
  /**
   * `blocking` by default where every read quorum holds a write quorum (r >= w): the value returned is on a write quorum
   * first, so that no later strict read can miss it. Elsewhere `background`: a read of one replica cannot know from its
   * own answer that what it saw is settled; asking for `blocking` there makes it wait for a write quorum.
   * `off` leaves stale replicas as they are.
   */
  readonly repair?: Repair
  /**
   * False by default. With `true`, a write for which too few replicas of the key can be reached goes to other members,
   * which keep it for them and hand it over later; it then counts towards the keyspace's write quorum and towards level
   * `any`, and the receipt says `sloppy: true`. More writes get through, and reads may miss those: they are not strict.
   * Calls that name another level never count such copies. Siblings still need one replica of the key.
   */
  readonly sloppy?: boolean
  /**
   * How long values stay, in milliseconds: always, by default. It concerns writes through this store alone, as their
   * own `ttlMs` does, and is no part of what the members agree on.
   */
  readonly ttlMs?: number
  /** Milliseconds that a call may take. The node's `timeoutMs` by default. */
  readonly timeoutMs?: number
}

/** A keyspace of linearizable registers: compare-and-set, one value per key, refused on the minority's side. */
export interface CpKeyspaceOptions extends PhaseOptions {
  /** `cp`: at most one side of a partition goes on, and no read misses a write that was acknowledged. */
  readonly mode: 'cp'
  /**
   * False by default. With `true` one node at a time, which a majority elects, serves all keys: a write takes one round
   * trip from it, a read none while its lease lasts, and others send it theirs. All members hold all keys then.
   */
  readonly leader?: boolean
  /** False by default. With `true` a change without a fencing token (`fence`) is refused. */
  readonly requireFence?: boolean
  /** Milliseconds that a call may take. The node's `timeoutMs` by default. */
  readonly timeoutMs?: number
}

export type AnyKeyspaceOptions<V = unknown> = KeyspaceOptions<V> | CpKeyspaceOptions

/** A keyspace as every part of the core sees it. */
export interface ResolvedKeyspace {
  readonly definition: KeyspaceDefinition
  /** Left out by the user: derived from the quorums. */
  readonly repair: Repair | undefined
  readonly timeoutMs: number | undefined
  readonly ttlMs?: number | undefined
  readonly strategy?: QuorumStrategy | undefined
}

const QUORUM_FIELDS = ['n', 'r', 'w', 'read', 'write', 'quorums', 'strategy']
const KEYSPACE_FIELDS = ['mode', ...QUORUM_FIELDS, 'conflicts', 'resolve', 'repair', 'sloppy', 'ttlMs', 'timeoutMs']
const TTL_MS_MAX = 3_155_760_000_000
const CP_FIELDS = ['mode', 'n', 'phase1', 'phase2', 'quorums', 'leader', 'requireFence', 'timeoutMs']
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/**
 * Checks a keyspace's options and fills in what was left out. Throws `QUORATE_INVALID_OPTION`. Whether its quorums fit
 * every key, and meet, is for `proveQuorums`.
 */
export function resolveKeyspace<V>(
  name: string,
  options: AnyKeyspaceOptions<V>,
  cluster: { readonly members: readonly Place[] },
): ResolvedKeyspace {
  checkName(name)
  checkObject(options, 'the argument with the options of a keyspace')
  if (options.mode === 'cp') return resolveRegisters(name, options, cluster)
  checkFields(options, KEYSPACE_FIELDS, 'a keyspace')
  const { mode } = options as { readonly mode: unknown }
  if (mode !== 'ap') throw invalid(`mode ${shown(mode)} is not known: use 'ap' or 'cp'`)
  const definition: KeyspaceDefinition = {
    name,
    mode: 'ap',
    ...resolveQuorums(options, cluster.members),
    conflicts: oneOf('conflicts', options.conflicts ?? 'siblings', ['siblings', 'lww']),
    ...(oneOf('sloppy', options.sloppy ?? false, [true, false]) && { sloppy: true as const }),
  }
  if (options.resolve !== undefined && typeof options.resolve !== 'function') {
    throw invalid('resolve is not a function: give one that makes one value of several siblings')
  }
  if (options.resolve !== undefined && definition.conflicts === 'lww') {
    throw invalid("resolve is for siblings; a keyspace with conflicts 'lww' never has any")
  }
  const repair = options.repair === undefined ? undefined : checkRepair(options.repair)
  if (options.timeoutMs !== undefined) checkTimeout(options.timeoutMs)
  const strategy = options.strategy === undefined ? undefined : checkStrategy(options.strategy, cluster)
  const ttlMs = options.ttlMs === undefined ? undefined : checkTtl(options.ttlMs)
  return { definition, repair, timeoutMs: options.timeoutMs, ttlMs, ...(strategy && { strategy }) }
}

function resolveRegisters(
  name: string,
  options: CpKeyspaceOptions,
  { members }: { readonly members: readonly Place[] },
): ResolvedKeyspace {
  checkFields(options, CP_FIELDS, "a keyspace with mode 'cp'")
  if (options.timeoutMs !== undefined) checkTimeout(options.timeoutMs)
  const isLed = oneOf('leader', options.leader ?? false, [true, false])
  const needsFence = oneOf('requireFence', options.requireFence ?? false, [true, false])
  if (isLed && options.n !== undefined && options.n !== members.length) {
    throw invalid(`n is ${shown(options.n)}: with a leader all ${members.length} members hold all keys; leave n out`)
  }
  const definition: KeyspaceDefinition = {
    name,
    mode: 'cp',
    ...resolvePhases(isLed ? { ...options, n: members.length } : options, members),
    conflicts: 'registers',
    ...(isLed && { leader: true as const }),
    ...(needsFence && { requireFence: true as const }),
  }
  return { definition, repair: undefined, timeoutMs: options.timeoutMs }
}

/** Refuses options that do not exist: a misspelt one must not pass for its default. */
export function checkFields(options: object, allowed: readonly string[], what: string): void {
  checkObject(options, `the argument with the options of ${what}`)
  for (const field of Object.keys(options)) {
    if (allowed.includes(field)) continue
    throw invalid(`${shown(field)} is not an option of ${what}: use ${allowed.join(', ')}`)
  }
}

export function checkRepair(repair: unknown): Repair {
  return oneOf('repair', repair, ['blocking', 'background', 'off'])
}

/** A span from 1 ms to an hour. */
export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 1 && timeoutMs <= 3_600_000)) {
    throw invalid(`timeoutMs is ${shown(timeoutMs)}: use 1 to 3600000 milliseconds`)
  }
  return timeoutMs
}

/** From a millisecond to a hundred years, or `Infinity` for a value that stays. */
export function checkTtl(ttlMs: unknown): number {
  if (typeof ttlMs !== 'number' || !(ttlMs === Infinity || (ttlMs >= 1 && ttlMs <= TTL_MS_MAX))) {
    throw invalid(`ttlMs is ${shown(ttlMs)}: use 1 to ${TTL_MS_MAX} milliseconds, or Infinity for a value that stays`)
  }
  return ttlMs
}

export function checkName(name: unknown): string {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid(`${shown(name)} is not a keyspace name: use up to 64 letters, digits, dots, dashes and underscores`)
  }
  return name
}

function oneOf<T extends string | boolean>(option: string, value: unknown, allowed: readonly T[]): T {
  if ((allowed as readonly unknown[]).includes(value)) return value as T
  throw invalid(`${option} is ${shown(value)}: use ${allowed.join(', ')}`)
}

/** How the core behaves beyond what a keyspace says. */
export interface CoreOptions {
  /** Milliseconds that a call may take: 5,000 by default. */
  readonly timeoutMs?: number
  /** A replica that proved nothing for two of these is given up, so it is pinged twice in each: 1,000 ms by default. */
  readonly heartbeatMs?: number
  /** How far ahead of a replica's clock an `lww` timestamp may lie: 10,000 ms by default. */
  readonly driftMsMax?: number
  /**
   * By how much of its rate a clock that measures spans may be off: 0.01 by default. Leaders give up that much before
   * their lease ends, and electors wait that much longer. Beyond it two may believe that they lead; their generations
   * still differ. All processes of a cluster need the same.
   */
  readonly clockDriftMax?: number
  /** The longest lease that a replica grants: 60,000 ms by default. */
  readonly leaseMsMax?: number
  /** Groups and locks that a replica keeps a vote for: 65,536 by default. Votes are kept for good. */
  readonly groupsMax?: number
  /** Seats, locks and observers that one process may have at a time: 1,024 by default. */
  readonly seatsMax?: number
  /** Calls in flight in one coordinator: 8,192 by default, 16,384 at most. Above it calls are refused. */
  readonly inFlightMax?: number
  /**
   * How often a node compares its records with those of each other replica, and makes them equal: 10,000 ms by default,
   * less a random part of up to a quarter. 0 for only when it is asked to. Clients have no use for it.
   */
  readonly exchangeMs?: number
  /**
   * Siblings that a key may have: 64 by default. At the bound a write must say which of them it replaces, with the context
   * of a read. Each replica counts what it minted, so after a partition there may be more.
   */
  readonly siblingsMax?: number
  /**
   * Bytes that the values of a key's siblings may have together: 4 MiB by default, a quarter of what a frame holds. Beyond
   * it a write must replace them; a value that is alone may have `valueBytesMax`.
   */
  readonly siblingBytesMax?: number
  /** Keyspaces that a replica registers: 256 by default. */
  readonly keyspacesMax?: number
  /**
   * Bytes that a replica keeps for each other that cannot be reached, as its stand-in: 64 MiB by default. Beyond it
   * writes go to another member, or miss their level.
   */
  readonly hintBytesMax?: number
  /**
   * How long it keeps them, by the times of the writes: 3 hours by default. A write that only stand-ins took is lost
   * with them if no replica of its key came back by then.
   */
  readonly hintAgeMsMax?: number
  /**
   * How long every replica of a key holds the same deleted record before it is erased: a day by default, at least eight
   * heartbeats, and twice `hintAgeMsMax`. Messages that carry records are refused after a quarter of it. 0 keeps deleted
   * records for ever.
   */
  readonly horizonMs?: number
  /** UTF-8 bytes of a key: 1,024 by default. */
  readonly keyBytesMax?: number
  /** Encoded bytes of a value: 1 MiB by default. */
  readonly valueBytesMax?: number
}

export type ResolvedCore = Required<CoreOptions>

interface Bound {
  readonly default: number
  readonly min: number
  readonly max: number
}

const CORE_BOUNDS: { readonly [Name in keyof ResolvedCore]: Bound } = {
  timeoutMs: { default: 5_000, min: 1, max: 3_600_000 },
  heartbeatMs: { default: 1_000, min: 10, max: 60_000 },
  driftMsMax: { default: 10_000, min: 0, max: 86_400_000 },
  clockDriftMax: { default: 0.01, min: 0, max: 0.5 },
  leaseMsMax: { default: 60_000, min: 50, max: 3_600_000 },
  groupsMax: { default: 65_536, min: 1, max: 1_048_576 },
  seatsMax: { default: 1_024, min: 1, max: 65_536 },
  inFlightMax: { default: 8_192, min: 1, max: 16_384 },
  exchangeMs: { default: 10_000, min: 0, max: 86_400_000 },
  siblingsMax: { default: 64, min: 1, max: 512 },
  siblingBytesMax: { default: 4_194_304, min: 1, max: 268_435_456 },
  keyspacesMax: { default: 256, min: 1, max: 65_535 },
  hintBytesMax: { default: 67_108_864, min: 0, max: 2 ** 40 },
  hintAgeMsMax: { default: 10_800_000, min: 0, max: 2_592_000_000 },
  horizonMs: { default: 86_400_000, min: 0, max: 31_536_000_000 },
  keyBytesMax: { default: 1_024, min: 1, max: 32_768 },
  valueBytesMax: { default: 1_048_576, min: 1, max: 268_435_456 },
}

/** A message may be a quarter of the horizon old, and clocks are told twice in a heartbeat. */
const HORIZON_HEARTBEATS = 8

/** The names of the core's options, for those who take others beside them. */
export const CORE_FIELDS: readonly string[] = Object.keys(CORE_BOUNDS)

/** Checks the core's options and fills in what was left out. Throws `QUORATE_INVALID_OPTION`. */
export function resolveCore(options: CoreOptions): ResolvedCore {
  const resolved: Record<string, number> = {}
  for (const [name, bound] of Object.entries(CORE_BOUNDS)) {
    const value = options[name as keyof CoreOptions] ?? bound.default
    if (typeof value !== 'number' || !(value >= bound.min && value <= bound.max)) {
      throw invalid(`${name} is ${shown(value)}: use ${bound.min} to ${bound.max}`)
    }
    resolved[name] = value
  }
  return checkHorizon(resolved as unknown as ResolvedCore)
}

/** What is too short for the horizon to mean anything, or so long that it could outlive what was deleted. */
function checkHorizon(core: ResolvedCore): ResolvedCore {
  const { horizonMs, heartbeatMs, hintAgeMsMax } = core
  if (horizonMs === 0) return core
  if (horizonMs < HORIZON_HEARTBEATS * heartbeatMs) {
    const least = HORIZON_HEARTBEATS * heartbeatMs
    throw invalid(`horizonMs is ${horizonMs}, with heartbeats of ${heartbeatMs} ms: use at least ${least}, or 0`)
  }
  if (2 * hintAgeMsMax > horizonMs) {
    throw invalid(
      `hintAgeMsMax is ${hintAgeMsMax} and horizonMs ${horizonMs}: a hint must not outlive the memory of a delete, so ` +
        'hintAgeMsMax may be half of horizonMs at most',
    )
  }
  return core
}
