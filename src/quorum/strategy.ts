/**
 * Strategies: how often to ask each quorum, chosen for load, latency or messages.
 */
import { invalid } from '../core/base/errors.ts'
import { checkList, checkObject, shown } from '../core/base/shape.ts'
import { figuresOf, type Draw, type Figures } from './figures.ts'
import { minimalMasks } from './minimal-quorums.ts'
import { failuresLeft } from './resilience.ts'
import { resilientMasks } from './resilient-quorums.ts'
import { compareSets, maskOf, membersOf, readSide, tooMuch, writeSide, type Side, type Sides } from './sides.ts'
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
  const { objective, limits } = goalOf(options)
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
  if (said.length === 0) throw tooMuch('no strategy was found: numbers of this workload lie too far apart')
  throw invalid(`no strategy keeps within ${said.join(' and ')}`)
}

/** The figures of a strategy for a workload that it may not be made for. Throws `QUORATE_INVALID_OPTION`. */
export function figuresFor(
  sides: Sides,
  options: WorkloadOptions & { readonly strategy: Pick<Strategy, 'reads' | 'writes'> },
): Figures {
  checkObject(sides, 'the quorum system')
  const { nodes } = sides
  const workload = workloadOf(options, nodes)
  checkObject(options.strategy, 'strategy')
  const { reads, writes } = options.strategy
  const draws = {
    reads: drawsFrom(reads, { side: readSide(sides), what: 'strategy.reads', workload }),
    writes: drawsFrom(writes, { side: writeSide(sides), what: 'strategy.writes', workload }),
  }
  return figuresOf(draws, workload, nodes)
}

/** By hand: probabilities need not sum to 1, as long as they sum to something. */
function drawsFrom(
  choices: readonly Choice[],
  { side, what, workload }: { readonly side: Side; readonly what: string; readonly workload: Workload },
): Draw[] {
  checkList(choices, what)
  const minimal = minimalMasks(side)
  const draws = choices.map((choice) => {
    checkObject(choice, `a part of ${what}`)
    const { quorum, probability } = choice
    const members = maskOf(quorum, { nodes: side.nodes, what })
    const within = minimal.filter((mask) => (mask & members) === mask)
    if (within.length === 0) throw invalid(`${quorum.join(', ')} is no quorum`)
    if (typeof probability !== 'number' || !(probability >= 0 && probability < Infinity)) {
      throw invalid(`a probability of ${what} is ${shown(probability)}: use a number from 0 to 1`)
    }
    return { members, probability, latencyMs: fastest(within, workload) }
  })
  const total = draws.reduce((sum, { probability }) => sum + probability, 0)
  if (!(total > 0 && total < Infinity)) throw invalid(`the probabilities of ${what} sum to ${total}, not to 1`)
  return draws.map((draw) => ({ ...draw, probability: draw.probability / total }))
}

/** What is to be least, and within which limits. Throws `QUORATE_INVALID_OPTION` for what cannot be. */
export function goalOf(options: StrategyOptions): { readonly objective: Objective; readonly limits: Limits } {
  const { objective = 'load', loadMax, networkMax, latencyMaxMs, latencies } = options
  if (!OBJECTIVES.includes(objective)) {
    throw invalid(`objective is ${shown(objective)}: use ${OBJECTIVES.join(', ')}`)
  }
  for (const [name, limit] of Object.entries({ loadMax, networkMax, latencyMaxMs })) {
    if (limit === undefined || (typeof limit === 'number' && limit >= 0)) continue
    throw invalid(`${name} is ${shown(limit)}: use a number, 0 or more`)
  }
  if (latencies === undefined && objective === 'latency') throw invalid('objective latency needs latencies')
  if (latencies === undefined && latencyMaxMs !== undefined) throw invalid('latencyMaxMs needs latencies')
  return { objective, limits: { load: loadMax, network: networkMax, latency: latencyMaxMs } }
}

/** How many failures are to be survived. Throws `QUORATE_INVALID_OPTION`. */
function failuresOf({ failuresToSurvive = 0 }: StrategyOptions): number {
  if (Number.isInteger(failuresToSurvive) && failuresToSurvive >= 0) return failuresToSurvive
  throw invalid(`failuresToSurvive is ${shown(failuresToSurvive)}: use a whole number, 0 or more`)
}

function candidatesOf(
  side: Side,
  options: { readonly failures: number; readonly workload: Workload; readonly what: string },
): readonly Candidate[] {
  const { failures, workload, what } = options
  const minimal = minimalMasks(side)
  const masks = failures === 0 ? minimal : failures >= side.nodes.length ? [] : resilientMasks(side, failures)
  if (masks.length === 0) {
    const most = failuresLeft(side, 0).survived
    throw invalid(
      `no ${what} quorum survives ${failures === 1 ? '1 failure' : `${failures} failures`}: at most ${most} can be survived`,
    )
  }
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
