/**
 * What a strategy costs: load, capacity, messages, and time, as quoracle defines them (Whittaker and others,
 * "Read-Write Quorum Systems Made Practical", PaPoC 2021).
 *
 * The load of a node is the time that it spends per operation of the whole system; the busiest node is the load of the
 * strategy, and its inverse the capacity. For a workload that changes, both are averages over time.
 */
import { count } from '../core/quorum/quorum.ts'
import type { Workload } from './workload.ts'

/** A set of nodes as a mask, and how often it is asked. */
export interface Draw {
  readonly members: number
  readonly probability: number
  /** Undefined where latencies are not known. */
  readonly latencyMs: number | undefined
}

export interface Draws {
  readonly reads: readonly Draw[]
  readonly writes: readonly Draw[]
}

export interface Figures {
  /** The busiest node's time per operation: its probability to take part over its capacity. */
  readonly load: number
  /** Operations a second until the busiest node can no more. */
  readonly capacity: number
  /** Nodes asked per operation. */
  readonly networkLoad: number
  /** Average of the slowest member asked. Left out where latencies are not known. */
  readonly latencyMs?: number
  readonly nodeLoads: Readonly<Record<string, number>>
}

export function figuresOf(draws: Draws, workload: Workload, nodes: readonly string[]): Figures {
  const { shares, meanReadFraction, latencies } = workload
  const readShares = nodes.map((_, position) => shareOf(draws.reads, position))
  const writeShares = nodes.map((_, position) => shareOf(draws.writes, position))
  const nodeLoads = nodes.map(() => 0)
  let load = 0
  let capacity = 0
  for (const { readFraction, weight } of shares) {
    const loads = workload.capacities.map(({ read, write }, position) => {
      const reading = (readFraction * (readShares[position] as number)) / read
      return reading + ((1 - readFraction) * (writeShares[position] as number)) / write
    })
    const busiest = Math.max(...loads)
    load += weight * busiest
    capacity += weight / busiest
    for (const [position, one] of loads.entries()) nodeLoads[position] = (nodeLoads[position] as number) + weight * one
  }
  const mean = (value: (draw: Draw) => number): number => {
    return meanReadFraction * average(draws.reads, value) + (1 - meanReadFraction) * average(draws.writes, value)
  }
  return {
    load,
    capacity,
    networkLoad: mean(({ members }) => count(members)),
    ...(latencies !== undefined && { latencyMs: mean(({ latencyMs }) => latencyMs ?? 0) }),
    nodeLoads: Object.fromEntries(nodes.map((node, position) => [node, nodeLoads[position] as number])),
  }
}

function shareOf(draws: readonly Draw[], position: number): number {
  return average(draws, ({ members }) => (members >>> position) & 1)
}

function average(draws: readonly Draw[], value: (draw: Draw) => number): number {
  return draws.reduce((sum, draw) => sum + draw.probability * value(draw), 0)
}
