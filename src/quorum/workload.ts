/**
 * What a quorum system is asked to do and with what: reads and writes, the speed of nodes, how far away they are.
 */
import { invalid } from '../core/base/errors.ts'

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
   * probability that the busiest node takes part, and capacity is in units of what one node does.
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

/** Throws `QUORATE_INVALID_OPTION` for numbers that cannot be, and for nodes that are unknown or left out. */
export function workloadOf(options: WorkloadOptions, nodes: readonly string[]): Workload {
  const { readFraction = 0.5, capacities, latencies } = options
  const shares = sharesOf(readFraction)
  return {
    shares,
    meanReadFraction: shares.reduce((sum, share) => sum + share.readFraction * share.weight, 0),
    capacities:
      capacities === undefined
        ? nodes.map(() => ({ read: 1, write: 1 }))
        : valuesOf(capacities, { nodes, what: 'capacities' }).map(capacityOf),
    latencies: latencies === undefined ? undefined : latenciesOf(latencies, nodes),
  }
}

/** Throws `QUORATE_INVALID_OPTION` for nodes that are unknown or left out, and for what is no time. */
export function latenciesOf(latencies: Readonly<Record<string, number>>, nodes: readonly string[]): readonly number[] {
  const values = valuesOf(latencies, { nodes, what: 'latencies' })
  for (const value of values) {
    if (!isNumber(value) || value < 0) throw invalid(`a latency is ${String(value)}: use milliseconds, 0 or more`)
  }
  return values
}

function sharesOf(readFraction: number | readonly FractionShare[]): readonly FractionShare[] {
  const shares = typeof readFraction === 'object' ? readFraction : [{ readFraction, weight: 1 }]
  if (shares.length === 0 || shares.length > SHARES_MAX) {
    throw invalid(`readFraction has ${shares.length} shares: use a number, or 1 to ${SHARES_MAX} shares`)
  }
  for (const share of shares) {
    if (!isNumber(share.readFraction) || share.readFraction < 0 || share.readFraction > 1) {
      throw invalid(`readFraction is ${String(share.readFraction)}: use a number from 0 to 1`)
    }
    if (!isNumber(share.weight) || share.weight < 0) {
      throw invalid(`the weight of a readFraction is ${String(share.weight)}: use a number, 0 or more`)
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
  for (const key of Object.keys(record)) {
    if (!nodes.includes(key)) throw invalid(`${what} names ${JSON.stringify(key)}: use ${nodes.join(', ')}`)
  }
  return nodes.map((node) => {
    if (!Object.hasOwn(record, node)) throw invalid(`${what} leaves out ${node}: give all of ${nodes.join(', ')}`)
    return record[node] as Value
  })
}

function capacityOf(value: number | Capacity): Capacity {
  const capacity = typeof value === 'object' ? value : { read: value, write: value }
  for (const speed of [capacity.read, capacity.write]) {
    if (!isNumber(speed) || speed <= 0) {
      throw invalid(`a capacity is ${String(speed)}: use operations a second, more than 0`)
    }
  }
  return { read: capacity.read, write: capacity.write }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
