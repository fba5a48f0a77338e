/**
 * Strategies: how often to ask each quorum, chosen for load, latency or messages.
 */
import { invalid } from '../core/base/errors.ts'
import { figuresOf, type Draw, type Figures } from './figures.ts'
import { minimalMasks } from './minimal-quorums.ts'
import { resilientMasks } from './resilient-quorums.ts'
import { compareSets, membersOf, readSide, writeSide, type Side, type Sides } from './sides.ts'
import { solveStrategy, type Candidate, type Candidates, type Limits } from './strategy-program.ts'
import { OBJECTIVES, workloadOf, type Objective, type Workload, type WorkloadOptions } from './workload.ts'

export interface StrategyOptions extends WorkloadOptions {
  /** What to keep least: `load` by default, so that the slowest node has least to do. `latency` needs `latencies`. */
  readonly objective?: Objective
  /** Ask sets that are still quorums after any so many of their members failed. 0 by default. */
  readonly failuresToSurvive?: number
  /** No limit by default, and likewise for the two below. */
  readonly loadMax?: number
  /** Nodes asked per operation. */
  readonly networkMax?: number
  /** Average milliseconds. */
  readonly latencyMaxMs?: number
}

/** One quorum and how often it is asked. */
export interface Choice {
  readonly quorum: readonly string[]
  readonly probability: number
}

/** Plain data. */
export interface Strategy extends Figures {
  readonly objective: Objective
  /** Probabilities sum to 1; the most frequent quorum comes first, and those that are never asked are left out. */
  readonly reads: readonly Choice[]
  readonly writes: readonly Choice[]
}

const FIGURE_OF = { load: 'load', network: 'networkLoad', latency: 'latencyMs' } as const
const OPTION_OF = { load: 'loadMax', network: 'networkMax', latency: 'latencyMaxMs' } as const

/**
 * The best strategy for a workload.
 *
 * Throws `QUORATE_INVALID_OPTION` for options that cannot be, or when no strategy keeps within the limits; and
 * `QUORATE_LIMIT` when there are too many quorums.
 */
export function strategyFor(sides: Sides, options: StrategyOptions = {}): Strategy {
  const problem = problemOf(sides, options)
  return solved(problem) ?? refuse(problem)
}

/** The same, and undefined when no strategy keeps within the limits. */
export function strategyWithin(sides: Sides, options: StrategyOptions): Strategy | undefined {
  return solved(problemOf(sides, options))
}

interface Problem {
  readonly candidates: Candidates
  readonly workload: Workload
  readonly objective: Objective
  readonly limits: Limits
  readonly nodes: readonly string[]
}

function problemOf(sides: Sides, options: StrategyOptions): Problem {
  const { nodes } = sides
  const workload = workloadOf(options, nodes)
  const objective = objectiveOf(options, workload)
  const limits = limitsOf(options, workload)
  const failures = failuresOf(options)
  const candidates = {
    reads: candidatesOf(readSide(sides), { failures, workload, what: 'read' }),
    writes: candidatesOf(writeSide(sides), { failures, workload, what: 'write' }),
  }
  return { candidates, workload, objective, limits, nodes }
}

function solved({ candidates, workload, objective, limits, nodes }: Problem): Strategy | undefined {
  const solution = solveStrategy(candidates, { workload, objective, limits })
  if (solution === undefined) return undefined
  const reads = drawsOf(candidates.reads, solution.reads)
  const writes = drawsOf(candidates.writes, solution.writes)
  return {
    objective,
    reads: choicesOf(reads, nodes),
    writes: choicesOf(writes, nodes),
    ...figuresOf({ reads, writes }, workload, nodes),
  }
}

/** Says for each limit what is the least that can be had. */
function refuse(problem: Problem): never {
  const { limits } = problem
  const said = OBJECTIVES.filter((objective) => limits[objective] !== undefined).map((objective) => {
    const least = solved({ ...problem, objective, limits: {} })?.[FIGURE_OF[objective]] ?? 0
    return `${OPTION_OF[objective]} ${String(limits[objective])} (alone, ${Number(least.toPrecision(6))} can be had)`
  })
  throw invalid(`no strategy keeps within ${said.join(' and ')}`)
}

/** The figures of a strategy for a workload that it may not be made for. Throws `QUORATE_INVALID_OPTION`. */
export function figuresFor(
  sides: Sides,
  options: WorkloadOptions & { readonly strategy: Pick<Strategy, 'reads' | 'writes'> },
): Figures {
  const { nodes } = sides
  const workload = workloadOf(options, nodes)
  const drawn = (choices: readonly Choice[], side: Side): Draw[] => {
    const minimal = minimalMasks(side)
    const total = choices.reduce((sum, { probability }) => sum + probability, 0)
    return choices.map(({ quorum, probability }) => {
      const members = nodes.reduce((mask, node, position) => (quorum.includes(node) ? mask | (1 << position) : mask), 0)
      const within = minimal.filter((mask) => (mask & members) === mask)
      if (within.length === 0) throw invalid(`${quorum.join(', ')} is no quorum`)
      if (!(probability >= 0) || !(total > 0)) throw invalid('the probabilities of a strategy are no weights')
      return { members, probability: probability / total, latencyMs: fastest(within, workload) }
    })
  }
  const { reads, writes } = options.strategy
  return figuresOf({ reads: drawn(reads, readSide(sides)), writes: drawn(writes, writeSide(sides)) }, workload, nodes)
}

function objectiveOf({ objective = 'load' }: StrategyOptions, { latencies }: Workload): Objective {
  if (!OBJECTIVES.includes(objective)) {
    throw invalid(`objective is ${JSON.stringify(objective)}: use ${OBJECTIVES.join(', ')}`)
  }
  if (objective === 'latency' && latencies === undefined) throw invalid('objective latency needs latencies')
  return objective
}

function limitsOf({ loadMax, networkMax, latencyMaxMs }: StrategyOptions, { latencies }: Workload): Limits {
  for (const [name, limit] of Object.entries({ loadMax, networkMax, latencyMaxMs })) {
    if (limit !== undefined && !(limit >= 0)) throw invalid(`${name} is ${String(limit)}: use a number, 0 or more`)
  }
  if (latencyMaxMs !== undefined && latencies === undefined) throw invalid('latencyMaxMs needs latencies')
  return { load: loadMax, network: networkMax, latency: latencyMaxMs }
}

/** How many failures are to be survived. Throws `QUORATE_INVALID_OPTION`. */
function failuresOf({ failuresToSurvive = 0 }: StrategyOptions): number {
  if (Number.isInteger(failuresToSurvive) && failuresToSurvive >= 0) return failuresToSurvive
  throw invalid(`failuresToSurvive is ${String(failuresToSurvive)}: use a whole number, 0 or more`)
}

function candidatesOf(
  side: Side,
  options: { readonly failures: number; readonly workload: Workload; readonly what: string },
): readonly Candidate[] {
  const { failures, workload, what } = options
  const minimal = minimalMasks(side)
  if (failures >= side.nodes.length) {
    throw invalid(`no ${what} quorum of ${side.nodes.length} nodes survives ${failures} failures`)
  }
  const masks = failures === 0 ? minimal : resilientMasks(side, failures)
  if (masks.length === 0) throw invalid(`no set of nodes is a ${what} quorum after any ${failures} of them failed`)
  return masks.map((members) => {
    const within = failures === 0 ? [members] : minimal.filter((mask) => (mask & members) === mask)
    return { members, latencyMs: fastest(within, workload) }
  })
}

/** A set answers when the fastest quorum inside it has. */
function fastest(quorums: readonly number[], { latencies }: Workload): number | undefined {
  if (latencies === undefined) return undefined
  let best = Infinity
  for (const mask of quorums) {
    let slowest = 0
    for (const [position, latencyMs] of latencies.entries()) {
      if ((mask & (1 << position)) !== 0 && latencyMs > slowest) slowest = latencyMs
    }
    best = Math.min(best, slowest)
  }
  return best
}

function drawsOf(candidates: readonly Candidate[], probabilities: readonly number[]): Draw[] {
  return candidates
    .map((candidate, index) => ({ ...candidate, probability: probabilities[index] as number }))
    .filter(({ probability }) => probability > 0)
    .toSorted((a, b) => b.probability - a.probability || compareSets(a.members, b.members))
}

function choicesOf(draws: readonly Draw[], nodes: readonly string[]): Choice[] {
  return draws.map(({ members, probability }) => ({ quorum: membersOf(members, nodes), probability }))
}
