/**
 * The linear program behind the best strategy: a variable for every quorum, how often it is asked.
 *
 * Load, messages and latency are all linear in these (quoracle, "Read-Write Quorum Systems Made Practical", 2021): the
 * load of each share of the workload is a variable of its own that no node may exceed. Everything is scaled to about 1,
 * since the solver takes what is tiny for zero.
 */
import { solve, type Constraint } from 'yalps'
import { count } from '../core/quorum/quorum.ts'
import { tooMuch } from './sides.ts'
import type { Capacity, Objective, Workload } from './workload.ts'

/** A quorum that may be asked. */
export interface Candidate {
  readonly members: number
  readonly latencyMs: number | undefined
}

export interface Candidates {
  readonly reads: readonly Candidate[]
  readonly writes: readonly Candidate[]
}

export interface Limits {
  readonly load?: number | undefined
  readonly network?: number | undefined
  readonly latency?: number | undefined
}

/** How often each candidate is asked. */
export interface Solution {
  readonly reads: readonly number[]
  readonly writes: readonly number[]
}

const NEGLIGIBLE = 1e-9
const PIVOTS_MAX = 100_000
/** What is smaller counts as zero. */
const PRECISION = 1e-10

interface Question {
  readonly workload: Workload
  readonly objective: Objective
  readonly limits: Limits
}

/**
 * The best strategy, or undefined when none keeps within the limits.
 *
 * Of those that are best for the objective, the one with the next best figure is wanted: each figure in turn is brought
 * to its least, and is then a limit for the next.
 */
export function solveStrategy(candidates: Candidates, question: Question): Solution | undefined {
  const scales = scalesOf(candidates, question.workload)
  const variables = variablesOf(candidates, { workload: question.workload, scales })
  const constraints = new Map(constraintsOf(question, scales))
  let solution: Values | undefined
  for (const figure of new Set<Objective>([question.objective, 'load', 'network'])) {
    const solved = least(figure, constraints, variables)
    // What is best already stays within its own bound; where rounding says otherwise it is kept as it is.
    if (solved === undefined) break
    solution = solved.values
    constraints.set(figure, { max: Math.min(solved.result, constraints.get(figure)?.max ?? Infinity) })
  }
  if (solution === undefined) return undefined
  return { reads: drawn(candidates.reads, 'r', solution), writes: drawn(candidates.writes, 'w', solution) }
}

type Values = ReadonlyMap<string, number>

function least(
  figure: Objective,
  constraints: ReadonlyMap<string, Constraint>,
  variables: readonly [string, Coefficients][],
): { readonly result: number; readonly values: Values } | undefined {
  const {
    status,
    result,
    variables: values,
  } = solve(
    { direction: 'minimize', objective: figure, constraints, variables },
    { maxPivots: PIVOTS_MAX, precision: PRECISION },
  )
  if (status === 'infeasible') return undefined
  if (status !== 'optimal') throw tooMuch(`the linear program has no end: ${status}`)
  return { result, values: new Map(values) }
}

function drawn(list: readonly Candidate[], letter: string, values: Values): number[] {
  const raw = list.map((_, index) => {
    const value = values.get(`${letter}${index}`) ?? 0
    return value > NEGLIGIBLE ? value : 0
  })
  const sum = raw.reduce((total, value) => total + value, 0)
  return raw.map((value) => value / sum)
}

/** By what each figure is multiplied to be about 1. */
type Scales = Readonly<Record<Objective, number>>

/** By what can be had with one quorum for reads and one for writes: no strategy is better by more than a small factor. */
function scalesOf({ reads, writes }: Candidates, { meanReadFraction, capacities, latencies }: Workload): Scales {
  const best = (list: readonly Candidate[], costOf: (one: Candidate) => number): number => {
    return list.reduce((cost, one) => Math.min(cost, costOf(one)), Infinity)
  }
  const mean = (read: number, write: number): number => meanReadFraction * read + (1 - meanReadFraction) * write
  const slowness = (side: keyof Capacity) => {
    return ({ members }: Candidate): number =>
      Math.max(...capacities.map((speeds, node) => ((members & (1 << node)) === 0 ? 0 : 1 / speeds[side])))
  }
  const latencyOf = ({ latencyMs }: Candidate): number => latencyMs ?? 0
  const latency = mean(best(reads, latencyOf), best(writes, latencyOf)) || Math.max(...(latencies ?? [0])) || 1
  return {
    load: 1 / mean(best(reads, slowness('read')), best(writes, slowness('write'))),
    network: 1 / capacities.length,
    latency: 1 / latency,
  }
}

/** A hair above the limit, so that rounding does not forbid what just fits. */
function atMost(limit: number | undefined, scale: number): Constraint {
  return limit === undefined ? {} : { max: limit * scale * (1 + 1e-9) }
}

function constraintsOf({ workload, limits }: Question, scales: Scales): [string, Constraint][] {
  const { shares, capacities } = workload
  const constraints: [string, Constraint][] = [
    ['reads', { equal: 1 }],
    ['writes', { equal: 1 }],
    ['load', atMost(limits.load, scales.load)],
    ['network', atMost(limits.network, scales.network)],
    ['latency', atMost(limits.latency, scales.latency)],
  ]
  for (const share of shares.keys()) {
    for (const node of capacities.keys()) constraints.push([`${share}/${node}`, { max: 0 }])
  }
  return constraints
}

interface Pricing {
  readonly workload: Workload
  readonly scales: Scales
}

type Coefficients = [string, number][]

/** What one operation that asks a node adds to its load during a share of the workload, scaled. */
interface Costs {
  readonly read: number
  readonly write: number
  /** By what the row of the node is divided, so that nothing in it is more than 1 however slow the node is. */
  readonly row: number
}

function costsOf({ workload: { shares, capacities }, scales }: Pricing): Costs[][] {
  return shares.map(({ readFraction }) =>
    capacities.map((speeds) => {
      const read = (readFraction * scales.load) / speeds.read
      const write = ((1 - readFraction) * scales.load) / speeds.write
      return { read, write, row: Math.max(1, read, write) }
    }),
  )
}

function variablesOf(candidates: Candidates, pricing: Pricing): [string, Coefficients][] {
  const { workload, scales } = pricing
  const costs = costsOf(pricing)
  const variable = ({ members, latencyMs }: Candidate, side: 'read' | 'write'): Coefficients => {
    const often = side === 'read' ? workload.meanReadFraction : 1 - workload.meanReadFraction
    const coefficients: Coefficients = [
      [`${side}s`, 1],
      ['network', often * count(members) * scales.network],
      ['latency', often * (latencyMs ?? 0) * scales.latency],
    ]
    for (const [share, nodes] of costs.entries()) {
      for (const [node, cost] of nodes.entries()) {
        if ((members & (1 << node)) !== 0) coefficients.push([`${share}/${node}`, cost[side] / cost.row])
      }
    }
    return coefficients
  }
  return [
    ...candidates.reads.map((one, index): [string, Coefficients] => [`r${index}`, variable(one, 'read')]),
    ...candidates.writes.map((one, index): [string, Coefficients] => [`w${index}`, variable(one, 'write')]),
    // The load of the busiest node during one share of the workload.
    ...workload.shares.map(({ weight }, share): [string, Coefficients] => [
      `l${share}`,
      [
        ['load', weight],
        ...(costs[share] ?? []).map(({ row }, node): [string, number] => [`${share}/${node}`, -1 / row]),
      ],
    ]),
  ]
}
