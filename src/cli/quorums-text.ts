/**
 * How `quorate quorums` draws what it found.
 */
import type {
  AvailabilityRow,
  Explanation,
  FailureRow,
  Recommendations,
  Resilience,
  Strategy,
} from '../quorum/index.ts'
import type { Style } from './output.ts'

/** Stands for what is too large to show. */
export interface Limit {
  readonly limit: string
}

export interface QuorumList {
  readonly count: number
  readonly first: readonly (readonly string[])[]
}

export interface Report {
  readonly read: string
  readonly write: string
  /** Which side was left out and is the dual of the other. */
  readonly derived: 'read' | 'write' | null
  readonly nodes: readonly string[]
  readonly meet: true
  readonly quorums: { readonly read: QuorumList | Limit; readonly write: QuorumList | Limit }
  readonly resilience: Resilience | Limit
  /** A smallest set of nodes for each side whose failure leaves no quorum. */
  readonly fatal: { readonly read: readonly string[]; readonly write: readonly string[] } | Limit
  readonly readFraction: number
  readonly strategy: Strategy | Limit
  readonly now?: Explanation
}

export interface Tables {
  readonly failures: readonly FailureRow[]
  readonly pUp: number
  readonly availability: readonly AvailabilityRow[]
}

interface Pen {
  style(style: Style, text: string): string
}

const BAR_CELLS = 24
const CHOICES_SHOWN = 8

export function reportText(report: Report, pen: Pen): string {
  const { derived, now } = report
  const mark = (side: 'read' | 'write'): string => {
    const other = side === 'read' ? 'write' : 'read'
    return side === derived ? pen.style('dim', `   (derived: the dual of ${other})`) : ''
  }
  return [
    `${pen.style('bold', 'write')}  ${report.write}${mark('write')}`,
    `${pen.style('bold', 'read')}   ${report.read}${mark('read')}`,
    `${pen.style('green', 'proved')} every read quorum meets every write quorum`,
    '',
    ...sideLines('write', report, pen),
    ...sideLines('read', report, pen),
    '',
    ...strategyLines(report, pen),
    ...(now === undefined ? [] : ['', now.text]),
  ].join('\n')
}

function sideLines(side: 'read' | 'write', { quorums, resilience, fatal }: Report, pen: Pen): string[] {
  const end = survivalText(side, { resilience, fatal })
  const list = quorums[side]
  if ('limit' in list) return [`${pen.style('bold', `${side} quorums`)}: ${list.limit}`, `  ${end}`]
  const shown = list.first.map((quorum) => `(${quorum.join(' ')})`).join(' ')
  const more = list.count > list.first.length ? ` and ${list.count - list.first.length} more` : ''
  return [`${pen.style('bold', `${side} quorums`)}: ${list.count}, ${end}`, `  ${shown}${more}`]
}

function survivalText(side: 'read' | 'write', { resilience, fatal }: Pick<Report, 'resilience' | 'fatal'>): string {
  if ('limit' in resilience || 'limit' in fatal) return 'too many to say what they survive'
  const survives = resilience[side]
  const failures = survives === 0 ? 'no failure' : `any ${survives === 1 ? 'failure' : `${survives} failures`}`
  return `survives ${failures}; without ${fatal[side].join(', ')} there is none`
}

function strategyLines({ strategy, readFraction, nodes }: Report, pen: Pen): string[] {
  if ('limit' in strategy) return [`${pen.style('bold', 'strategy')}: ${strategy.limit}`]
  const { objective, load, capacity, networkLoad, latencyMs, nodeLoads } = strategy
  const time = latencyMs === undefined ? '' : `, ${figure(latencyMs)} ms`
  const head = `strategy for ${percent(readFraction)} reads with the least ${objective}`
  const width = Math.max(...[...strategy.reads, ...strategy.writes].map(({ quorum }) => quorum.join(' ').length), 5)
  const choices = (['reads', 'writes'] as const).flatMap((side) => {
    const rows = strategy[side].slice(0, CHOICES_SHOWN).map(({ quorum, probability }, index) => {
      return `  ${(index === 0 ? side : '').padEnd(7)} ${quorum.join(' ').padEnd(width)} ${bar(probability)} ${percent(probability)}`
    })
    const more = strategy[side].length - rows.length
    return more > 0 ? [...rows, `          and ${more} more`] : rows
  })
  const busiest = Math.max(...Object.values(nodeLoads))
  const loads = nodes.map((node, index) => {
    const share = (nodeLoads[node] ?? 0) / busiest
    return `  ${(index === 0 ? 'loads' : '').padEnd(7)} ${node.padEnd(width)} ${bar(share)} ${figure(nodeLoads[node] ?? 0)}`
  })
  return [
    `${pen.style('bold', head)}: load ${figure(load)}, capacity ${figure(capacity)}, ${figure(networkLoad)} nodes an operation${time}`,
    ...choices,
    ...loads,
  ]
}

export function recommendedText(found: Recommendations, pen: Pen): string {
  const blocks = found.best.map((one, index) => {
    const { name, read, write, resilience, load, capacity, networkLoad, latencyMs } = one
    const time = latencyMs === undefined ? '' : `, ${figure(latencyMs)} ms`
    const figures = `load ${figure(load)}, capacity ${figure(capacity)}, ${figure(networkLoad)} nodes an operation${time}`
    return [
      `${index + 1}. ${pen.style('bold', name)}: ${figures}, survives ${resilience.both}`,
      `   read   ${read}`,
      `   write  ${write}`,
    ].join('\n')
  })
  const rest = found.reasons.length === 0 ? '' : `: ${reasonsText(found)}`
  return [...blocks, pen.style('dim', `${found.tried} systems were tried${rest}`)].join('\n')
}

export function reasonsText({ reasons }: Recommendations): string {
  return reasons.join('; ')
}

export function tablesText({ failures, pUp, availability }: Tables): string {
  const levels = availability.map(({ factor, level, required, survives, unavailability }) => {
    const cells = [String(factor).padStart(8), String(level).padEnd(7), String(required).padStart(5)]
    return `${cells.join('  ')} ${String(survives).padStart(9)}  ${Number(unavailability.toPrecision(3))}`
  })
  return [
    'nodes  majority  survives',
    ...failures.map(({ size, majority, survives }) => {
      return `${String(size).padStart(5)} ${String(majority).padStart(9)} ${String(survives).padStart(9)}  ${'●'.repeat(survives)}`
    }),
    '',
    `replicas  level    needs  survives  how likely it cannot be had, each replica up with ${percent(pUp)}`,
    ...levels,
  ].join('\n')
}

function bar(share: number): string {
  const cells = Math.round(share * BAR_CELLS)
  return ('█'.repeat(cells) + '·'.repeat(BAR_CELLS - cells)).slice(0, BAR_CELLS)
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)))
}
