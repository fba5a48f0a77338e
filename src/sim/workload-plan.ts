/**
 * What clients do in a run, drawn from its seed.
 */
import type { Random } from '../core/base/random.ts'
import { ANY, type Level } from '../core/quorum/level.ts'
import { spanMs } from './delays.ts'

/** How often clients do what, relative to each other. */
export type Weights = readonly (readonly [
  kind: 'get' | 'put' | 'blind' | 'delete' | 'update' | 'scan',
  weight: number,
])[]

export interface WorkloadPlan {
  readonly clients: number
  /** How many operations all of them make together: an update or a scan is one, and so is a write with its retries. */
  readonly operations: number
  readonly keys: readonly string[]
  /** How long they work, in simulated milliseconds. */
  readonly durationMs: number
  readonly weights: Weights
  /** Levels that some calls ask for in place of the keyspace's. */
  readonly readLevels: readonly Level[]
  readonly writeLevels: readonly Level[]
  readonly levelRate: number
  readonly timeoutMs: number
  /** Mean pause between two operations of one client, where there is one. */
  readonly thinkMs: number
  /** How often there is no pause. */
  readonly burstRate: number
  /** The share of clients with a session. */
  readonly sessionRate: number
  /** The share of calls through the client's own coordinator. */
  readonly homeRate: number
  /** The share of calls given up before their time is over. */
  readonly hasteRate: number
  /** The share of writes whose identity is fixed before they are sent. */
  readonly plannedRate: number
  /** How often a write that did not succeed is repeated, and after how long at most. */
  readonly retryRate: number
  readonly retryMs: number
  readonly isLww: boolean
}

export interface WorkloadSetting {
  readonly isLww: boolean
  /** Copies of each key. */
  readonly n: number
  /** Expressions that single calls may ask for. */
  readonly callTexts: readonly string[]
  /** Whether writes may ask for any copy at all. */
  readonly sloppy: boolean
}

export function drawWorkload(
  random: Random,
  setting: WorkloadSetting,
  given: Partial<WorkloadPlan> = {},
): WorkloadPlan {
  const clients = given.clients ?? 3 + random.below(10)
  const operations = given.operations ?? spanMs(random, { min: 60, max: 300 })
  const durationMs = given.durationMs ?? spanMs(random, { min: 10_000, max: 95_000 })
  const burstRate = random.pick([0, 0.1, 0.5, 0.9])
  const mixes = random.chance(0.35)
  const levels: readonly Level[] = ['one', 'quorum', 'all', ...(setting.n > 3 ? (['two', 'three'] as const) : [])]
  const usable = [...levels.filter((level) => setting.n > 1 || level !== 'two'), ...setting.callTexts]
  return {
    clients,
    operations,
    keys: drawKeys(random, 1 + random.below(5)),
    durationMs,
    weights: drawWeights(random),
    readLevels: mixes ? usable : [],
    writeLevels: mixes && random.chance(0.7) ? [...usable, ...(setting.sloppy ? [ANY] : [])] : [],
    levelRate: Number((random.fraction() * 0.6).toFixed(2)),
    timeoutMs: 300 + random.below(3000),
    // The operations are spread over the whole phase.
    thinkMs: Math.round((durationMs * clients) / (operations * (1 - burstRate))),
    burstRate,
    sessionRate: random.pick([0, 0.5, 0.5, 1]),
    homeRate: random.pick([0.3, 0.8, 1]),
    hasteRate: random.pick([0, 0, 0.1, 0.4]),
    plannedRate: random.pick([0, 0.5, 1]),
    retryRate: random.pick([0, 0.5, 0.9]),
    retryMs: random.pick([10, 500, 5000]),
    isLww: setting.isLww,
    ...given,
  }
}

function drawKeys(random: Random, count: number): string[] {
  const keys = new Set<string>()
  while (keys.size < count) keys.add(`k${random.below(1000)}`)
  return [...keys]
}

/** Each kind may be missing, except reads and one kind of write. */
function drawWeights(random: Random): Weights {
  const some = (weight: number): number => (random.chance(0.3) ? 0 : Number((random.fraction() * weight).toFixed(2)))
  return [
    ['get', 2],
    ['put', 0.5 + some(3)],
    ['blind', some(2)],
    ['delete', some(0.7)],
    ['update', some(3)],
    ['scan', some(0.5)],
  ]
}
