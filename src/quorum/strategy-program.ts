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
import type { Objective, Workload } from './workload.ts'

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

/** Of the strategies that are best for the objective, the one with the next best figure is wanted. */
const TIE_BREAK = 1e-5
const NEGLIGIBLE = 1e-9
const PIVOTS_MAX = 100_000
/** What is smaller counts as zero. */
const PRECISION = 1e-10

/** The best strategy, or undefined when none keeps within the limits. */
export function solveStrategy(
  candidates: Candidates,
  options: { readonly workload: Workload; readonly objective: Objective; readonly limits: Limits },
): Solution | undefined {
  const scales = scalesOf(options.workload)
  const constraints = constraintsOf(options.workload, options.limits, scales)
  const variables = variablesOf(candidates, { ...options, scales })
  const solved = solve(
    { direction: 'minimize', objective: 'cost', constraints, variables },
    { maxPivots: PIVOTS_MAX, precision: PRECISION },
  )
  if (solved.status === 'infeasible') return undefined
  if (solved.status !== 'optimal') throw tooMuch(`the linear program has no end: ${solved.status}`)
  const values = new Map(solved.variables)
  const probabilities = (list: readonly Candidate[], letter: string): number[] => {
    const raw = list.map((_, index) => {
      const value = values.get(`${letter}${index}`) ?? 0
      return value > NEGLIGIBLE ? value : 0
    })
    const sum = raw.reduce((total, value) => total + value, 0)
    return raw.map((value) => value / sum)
  }
  return { reads: probabilities(candidates.reads, 'r'), writes: probabilities(candidates.writes, 'w') }
}

/** By what each figure is multiplied to be about 1. */
type Scales = Readonly<Record<Objective, number>>

function scalesOf({ capacities, latencies }: Workload): Scales {
  const slowest = Math.max(...(latencies ?? [0]))
  return {
    load: Math.max(...capacities.flatMap(({ read, write }) => [read, write])),
    network: 1 / capacities.length,
    latency: slowest > 0 ? 1 / slowest : 1,
  }
}

/** A hair above the limit, so that rounding does not forbid what just fits. */
function atMost(limit: number | undefined, scale: number): Constraint {
  return limit === undefined ? {} : { max: limit * scale * (1 + 1e-9) }
}

function constraintsOf({ shares, capacities }: Workload, limits: Limits, scales: Scales): [string, Constraint][] {
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
  readonly objective: Objective
  readonly scales: Scales
}

type Coefficients = [string, number][]

function variablesOf(candidates: Candidates, pricing: Pricing): [string, Coefficients][] {
  const { workload, scales, objective } = pricing
  const { shares, capacities, meanReadFraction } = workload
  const variable = (
    { members, latencyMs }: Candidate,
    side: { readonly sum: string; readonly often: (readFraction: number) => number; readonly speed: readonly number[] },
  ): Coefficients => {
    const often = side.often(meanReadFraction)
    const network = often * count(members) * scales.network
    const latency = often * (latencyMs ?? 0) * scales.latency
    const cost = { load: TIE_BREAK * network, network, latency: latency + TIE_BREAK * TIE_BREAK * network }[objective]
    const coefficients: Coefficients = [
      [side.sum, 1],
      ['network', network],
      ['latency', latency],
      ['cost', cost],
    ]
    for (const [share, { readFraction }] of shares.entries()) {
      for (const [node, speed] of side.speed.entries()) {
        if ((members & (1 << node)) === 0) continue
        coefficients.push([`${share}/${node}`, (side.often(readFraction) * scales.load) / speed])
      }
    }
    return coefficients
  }
  const reading = { sum: 'reads', often: (fr: number): number => fr, speed: capacities.map(({ read }) => read) }
  const writing = { sum: 'writes', often: (fr: number): number => 1 - fr, speed: capacities.map(({ write }) => write) }
  return [
    ...candidates.reads.map((one, index): [string, Coefficients] => [`r${index}`, variable(one, reading)]),
    ...candidates.writes.map((one, index): [string, Coefficients] => [`w${index}`, variable(one, writing)]),
    ...shares.map(({ weight }, share): [string, Coefficients] => [`l${share}`, busiest(share, weight, pricing)]),
  ]
}

/** The load of the busiest node during one share of the workload. */
function busiest(share: number, weight: number, { workload, objective }: Pricing): Coefficients {
  return [
    ['load', weight],
    ['cost', weight * (objective === 'load' ? 1 : TIE_BREAK)],
    ...workload.capacities.map((_, node): [string, number] => [`${share}/${node}`, -1]),
  ]
}
