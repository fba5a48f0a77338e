/**
 * Which quorum systems suit some nodes and a workload: all of a family are tried, and the best are given with figures.
 *
 * What is not in the family is not found. When nothing fits, that is the answer, with the reasons.
 */
import { invalid } from '../core/base/errors.ts'
import { checkLists, checkObject, checkTexts, shown } from '../core/base/shape.ts'
import { checkNodeName } from '../core/quorum/parse-expression.ts'
import { POSITIONS_MAX } from '../core/quorum/quorum.ts'
import type { Figures } from './figures.ts'
import { minimalMasks, quorumCount } from './minimal-quorums.ts'
import type { QuorumSystem } from './quorum-system.ts'
import { candidatesFor, type CandidateNode, type SystemCandidate } from './recommend-candidates.ts'
import { failuresLeft, resilienceOf, type Resilience } from './resilience.ts'
import { maskOf, readSide, writeSide, type Side } from './sides.ts'
import { goalOf, strategyWithin, type Strategy, type StrategyOptions } from './strategy.ts'
import { OBJECTIVES, workloadOf, type Objective } from './workload.ts'

export interface RecommendOptions extends Omit<StrategyOptions, 'failuresToSurvive'> {
  /** The names of the nodes, at most 31. */
  readonly nodes: readonly string[]
  /** The nodes of each zone; together all nodes. Without it zones play no part. */
  readonly zones?: Readonly<Record<string, readonly string[]>>
  /** Failures after which reads and writes must both go on, whichever nodes they strike. 1 by default. */
  readonly failuresToSurvive?: number
  /** False by default. True asks that reads and writes go on without any one zone as well. */
  readonly zoneToSurvive?: boolean
  /** How many systems are given at most. 5 by default. */
  readonly most?: number
}

export interface Recommendation extends Omit<Figures, 'nodeLoads'> {
  /** What kind of system it is, in words. */
  readonly name: string
  readonly read: string
  readonly write: string
  readonly resilience: Resilience
  readonly strategy: Strategy
  readonly system: QuorumSystem
}

export interface Recommendations {
  /** The best first; empty when nothing fits. */
  readonly best: readonly Recommendation[]
  /** How many systems were tried. */
  readonly tried: number
  /** Why others were not taken; when nothing fits, why. */
  readonly reasons: readonly string[]
}

/** Systems with more quorums on both sides together are not weighed, so that an answer comes soon. */
const QUORUMS_MAX = 1800
const MOST = 5

/** Throws `QUORATE_INVALID_OPTION` for options that cannot be; that nothing fits is no error. */
export function recommend(options: RecommendOptions): Recommendations {
  const failures = checked(options)
  const { objective = 'load', most = MOST } = options
  const nodes = candidateNodes(options)
  const systems = distinct(candidatesFor(nodes))
  const tally = new Refusals(systems.length)
  const fit: Recommendation[] = []
  for (const [name, system] of systems) {
    const resilience = resilienceOf(system)
    if (resilience.both < failures) tally.fragile(resilience.both)
    else if (options.zoneToSurvive === true && !survivesZones(system, options.zones)) tally.zoneBound++
    else if (quorumsOf(system) > QUORUMS_MAX) tally.large.push(name)
    else {
      const strategy = strategyFor(system, options)
      if (strategy === undefined) tally.beyondLimits++
      else
        fit.push({ name, system, read: system.read, write: system.write, resilience, strategy, ...briefly(strategy) })
    }
  }
  const best = fit.toSorted((a, b) => compare(a, b, objective)).slice(0, most)
  return { best, tried: systems.length, reasons: tally.reasons({ options, failures }) }
}

function checked(options: RecommendOptions): number {
  checkObject(options, 'the argument with the options')
  const { nodes, zones, zoneToSurvive, failuresToSurvive = 1, most = MOST } = options
  checkTexts(nodes, 'nodes')
  if (zones !== undefined) checkLists(zones, 'zones')
  if (nodes.length === 0 || nodes.length > POSITIONS_MAX) {
    throw invalid(`${nodes.length} nodes cannot be: name 1 to ${POSITIONS_MAX}`)
  }
  for (const [index, node] of nodes.entries()) {
    checkNodeName(node)
    if (nodes.indexOf(node) !== index) throw invalid(`the node ${node} is named twice`)
  }
  for (const [what, value] of Object.entries({ failuresToSurvive, most })) {
    if (!Number.isInteger(value) || value < 0)
      throw invalid(`${what} is ${shown(value)}: use a whole number, 0 or more`)
  }
  goalOf(options)
  if (zoneToSurvive !== undefined && typeof zoneToSurvive !== 'boolean') {
    throw invalid(`zoneToSurvive is ${shown(zoneToSurvive)}: use true or false`)
  }
  if (zoneToSurvive === true && zones === undefined) throw invalid('zoneToSurvive needs zones')
  return failuresToSurvive
}

function candidateNodes(options: RecommendOptions): CandidateNode[] {
  const { nodes, zones } = options
  const { capacities, latencies } = workloadOf(options, nodes)
  const zoneOf = new Map<string, string>()
  for (const [zone, members] of Object.entries(zones ?? {})) {
    maskOf(members, { nodes, what: `zone ${zone}` })
    for (const node of members) {
      if (zoneOf.has(node)) throw invalid(`the node ${node} is in two zones`)
      zoneOf.set(node, zone)
    }
  }
  return nodes.map((node, position) => {
    const zone = zoneOf.get(node)
    if (zone === undefined && zones !== undefined) throw invalid(`the node ${node} is in no zone`)
    const { read, write } = capacities[position] as { read: number; write: number }
    return { name: node, zone: zone ?? '', speed: (read + write) / 2, latencyMs: latencies?.[position] ?? 0 }
  })
}

/** Each system once, under its first name. */
function distinct(candidates: readonly SystemCandidate[]): [string, QuorumSystem][] {
  const systems = new Map<string, [string, QuorumSystem]>()
  for (const { name, system } of candidates) {
    const key = `${system.read} | ${system.write}`
    if (!systems.has(key)) systems.set(key, [name, system])
  }
  return [...systems.values()]
}

function quorumsOf(system: QuorumSystem): number {
  const countOf = (side: Side): number => quorumCount(side.expression) ?? minimalMasks(side).length
  return countOf(readSide(system)) + countOf(writeSide(system))
}

function survivesZones(system: QuorumSystem, zones: RecommendOptions['zones'] = {}): boolean {
  return Object.values(zones).every((members) => {
    const dead = maskOf(members, { nodes: system.nodes, what: 'a zone' })
    return [readSide(system), writeSide(system)].every((side) => failuresLeft(side, dead).survived >= 0)
  })
}

function strategyFor(system: QuorumSystem, options: RecommendOptions): Strategy | undefined {
  const { nodes: _, zones: _zones, failuresToSurvive: _failures, zoneToSurvive: _zone, most: _most, ...rest } = options
  return strategyWithin(system, rest)
}

function briefly({ load, capacity, networkLoad, latencyMs }: Strategy): Omit<Figures, 'nodeLoads'> {
  return { load, capacity, networkLoad, ...(latencyMs !== undefined && { latencyMs }) }
}

/** The objective first; then load, messages, time, and what survives more. */
function compare(a: Recommendation, b: Recommendation, objective: Objective): number {
  const figure: Record<Objective, (one: Recommendation) => number> = {
    load: ({ load }) => load,
    network: ({ networkLoad }) => networkLoad,
    latency: ({ latencyMs }) => latencyMs ?? 0,
  }
  for (const key of [objective, ...OBJECTIVES]) {
    const [x, y] = [figure[key](a), figure[key](b)]
    if (Math.abs(x - y) > 1e-7 * Math.max(x, y)) return x - y
  }
  return b.resilience.both - a.resilience.both
}

/** Why systems were not taken. */
class Refusals {
  readonly #tried: number
  #fragile = 0
  #hardiest = 0
  zoneBound = 0
  beyondLimits = 0
  readonly large: string[] = []

  constructor(tried: number) {
    this.#tried = tried
  }

  fragile(survives: number): void {
    this.#fragile++
    this.#hardiest = Math.max(this.#hardiest, survives)
  }

  reasons({ options, failures }: { readonly options: RecommendOptions; readonly failures: number }): string[] {
    const size = options.nodes.length
    const most = Math.floor((size - 1) / 2)
    const reasons: string[] = []
    const of = `of ${this.#tried} systems`
    if (failures > most) {
      reasons.push(`reads and writes that meet survive at most ${most} of ${size} nodes failing, never ${failures}`)
    } else if (this.#fragile > 0) {
      const survive = `the hardiest of them ${this.#hardiest}`
      reasons.push(
        `${this.#fragile} ${of} do not survive ${failures === 1 ? 'a failure' : `${failures} failures`}, ${survive}`,
      )
    }
    if (this.zoneBound > 0) reasons.push(`${this.zoneBound} ${of} do not survive the loss of a zone`)
    if (this.beyondLimits > 0) reasons.push(`${this.beyondLimits} ${of} cannot keep within ${limitsIn(options)}`)
    if (this.large.length > 0) {
      reasons.push(`${this.large.length} ${of} have too many quorums to weigh: ${this.large.slice(0, 3).join('; ')}`)
    }
    return reasons
  }
}

function limitsIn({ loadMax, networkMax, latencyMaxMs }: RecommendOptions): string {
  const limits = Object.entries({ loadMax, networkMax, latencyMaxMs }).filter(([, limit]) => limit !== undefined)
  return limits.map(([limit, value]) => `${limit} ${String(value)}`).join(' and ')
}
