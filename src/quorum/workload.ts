/**
 * What a quorum system is asked to do and with what: reads and writes, the speed of nodes, how far away they are.
 */
import { invalid } from '../core/base/errors.ts'
import { checkObject, shown } from '../core/base/shape.ts'

export type Objective = 'load' | 'latency' | 'network'

export const OBJECTIVES: readonly Objective[] = ['load', 'latency', 'network']

/** How many operations a second a node can serve, when it does nothing else. */
export interface Capacity {
  readonly read: number
  readonly write: number
}

/** A fraction of reads that holds during part of the time. */
export interface FractionShare {
  readonly readFraction: number
  /** How often, in relation to the other shares. */
  readonly weight: number
}

export interface WorkloadOptions {
  /**
   * Which part of the operations are reads, from 0 to 1. Half by default.
   *
   * A list stands for a workload that changes: one strategy serves all of it, and figures are averages over time.
   */
  readonly readFraction?: number | readonly FractionShare[]
  /**
   * Operations a second for every node, a number when reads and writes cost the same. 1 by default, so that load is the
   * probability that the busiest node takes part, and capacity is in units of what one node does. The largest may be
   * a million times the smallest; likewise for latencies above 0.
   */
  readonly capacities?: Readonly<Record<string, number | Capacity>>
  /** Milliseconds to every node and back. Without it nothing is said about latency. */
  readonly latencies?: Readonly<Record<string, number>>
}

/** The options with nodes as positions. */
export interface Workload {
  /** The weights sum to 1. */
  readonly shares: readonly FractionShare[]
  readonly meanReadFraction: number
  readonly capacities: readonly Capacity[]
  readonly latencies: readonly number[] | undefined
}

const SHARES_MAX = 100
/** How many times the largest capacity, or latency, may be the smallest: beyond it rounding decides. */
const SPREAD_MAX = 1e6

/** Throws `QUORATE_INVALID_OPTION` for numbers that cannot be, and for nodes that are unknown or left out. */
export function workloadOf(options: WorkloadOptions, nodes: readonly string[]): Workload {
  checkObject(options, 'the argument with the workload')
  const { readFraction = 0.5, capacities, latencies } = options
  const shares = sharesOf(readFraction)
  return {
    shares,
    meanReadFraction: shares.reduce((sum, share) => sum + share.readFraction * share.weight, 0),
    capacities: capacities === undefined ? nodes.map(() => ({ read: 1, write: 1 })) : capacitiesOf(capacities, nodes),
    latencies: latencies === undefined ? undefined : latenciesOf(latencies, nodes),
  }
}

function capacitiesOf(
  given: Readonly<Record<string, number | Capacity>>,
  nodes: readonly string[],
): readonly Capacity[] {
  const capacities = valuesOf(given, { nodes, what: 'capacities' }).map(capacityOf)
  checkSpread(
    capacities.flatMap(({ read, write }) => [read, write]),
    'capacities',
  )
  return capacities
}

function checkSpread(values: readonly number[], what: string): void {
  const positive = values.filter((value) => value > 0)
  const [least, most] = [Math.min(...positive), Math.max(...positive)]
  if (positive.length === 0 || most <= least * SPREAD_MAX) return
  throw invalid(`${what} from ${least} to ${most} lie too far apart: use at most ${SPREAD_MAX} times the least`)
}

/** Throws `QUORATE_INVALID_OPTION` for nodes that are unknown or left out, and for what is no time. */
export function latenciesOf(latencies: Readonly<Record<string, number>>, nodes: readonly string[]): readonly number[] {
  const values = valuesOf(latencies, { nodes, what: 'latencies' })
  for (const value of values) {
    if (!isNumber(value) || value < 0) throw invalid(`a latency is ${shown(value)}: use milliseconds, 0 or more`)
  }
  checkSpread(values, 'latencies')
  return values
}

function sharesOf(readFraction: number | readonly FractionShare[]): readonly FractionShare[] {
  const shares: readonly FractionShare[] = Array.isArray(readFraction) ? readFraction : [{ readFraction, weight: 1 }]
  if (shares.length === 0 || shares.length > SHARES_MAX) {
    throw invalid(`readFraction has ${shares.length} shares: use a number, or 1 to ${SHARES_MAX} shares`)
  }
  for (const share of shares) {
    checkObject(share, 'a share of readFraction')
    if (!isNumber(share.readFraction) || share.readFraction < 0 || share.readFraction > 1) {
      throw invalid(`readFraction is ${shown(share.readFraction)}: use a number from 0 to 1`)
    }
    if (!isNumber(share.weight) || share.weight < 0) {
      throw invalid(`the weight of a readFraction is ${shown(share.weight)}: use a number, 0 or more`)
    }
  }
  const total = shares.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) throw invalid('the weights of readFraction sum to 0')
  return shares.filter(({ weight }) => weight > 0).map((share) => ({ ...share, weight: share.weight / total }))
}

function valuesOf<Value>(
  record: Readonly<Record<string, Value>>,
  { nodes, what }: { readonly nodes: readonly string[]; readonly what: string },
): Value[] {
  checkObject(record, what)
  for (const key of Object.keys(record)) {
    if (!nodes.includes(key)) throw invalid(`${what} names ${shown(key)}: use ${nodes.join(', ')}`)
  }
  return nodes.map((node) => {
    if (!Object.hasOwn(record, node)) throw invalid(`${what} leaves out ${node}: give all of ${nodes.join(', ')}`)
    return record[node] as Value
  })
}

function capacityOf(value: number | Capacity): Capacity {
  const capacity = typeof value === 'object' && value !== null ? value : { read: value, write: value }
  for (const speed of [capacity.read, capacity.write]) {
    if (!isNumber(speed) || speed <= 0 || !isNumber(1 / speed)) {
      throw invalid(`a capacity is ${shown(speed)}: use operations a second, more than 0`)
    }
  }
  return { read: capacity.read, write: capacity.write }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
