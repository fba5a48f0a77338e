/**
 * Cells as pictures: latency against freshness with the Pareto front, distributions, staleness by age, and timelines.
 */
import { paretoFront, type Plot, type PlotPoint, type PlotSeries } from '../plot.ts'
import { span } from '../section.ts'
import { percent } from './cell-row.ts'
import { SITUATIONS } from './situations.ts'
import type { CellResult } from './tally.ts'

/** Settings of which curves are drawn, as far as they were measured. */
const CURVES = ['n3-r1-w1', 'n3-r1-w2', 'n3-r2-w1', 'n3-r2-w2', 'siblings-r2-w2', 'cp', 'cp-leader', 'cp-stale-read']
const TIMELINES = ['n3-r1-w1', 'n3-r2-w2', 'n3-r1-w3', 'sloppy', 'cp', 'cp-leader']

const FAMILIES: readonly (readonly [string, (name: string) => boolean])[] = [
  ['N = 3', (name) => /^n3-r\d-w\d$/.test(name)],
  ['N = 5', (name) => name.startsWith('n5-')],
  ['siblings, sloppy', (name) => /^(?:siblings|sloppy)/.test(name)],
  ['repair', (name) => /repair|background/.test(name)],
  ['levels, systems', (name) => /^(?:level|grid)/.test(name)],
  ['registers', (name) => name.startsWith('cp')],
]

/** Where a share of nothing stands on a logarithmic axis. */
const NONE = 1e-5

export function frontPlot(group: string, cells: readonly CellResult[]): Plot {
  const measured = cells.filter(({ all }) => all.samples > 0)
  const points = measured.map((cell) => {
    const ms = cell.all.p99Us / 1000
    const hint = `${cell.setting}: p99 ${span(cell.all.p99Us)}, stale ${percent(cell.staleShare)}`
    return { x: ms, y: Math.max(NONE, cell.staleShare), label: cell.setting, hint }
  })
  const series = FAMILIES.map(([name, isOf], colour): PlotSeries => {
    return { name, style: 'points', colour, points: points.filter(({ label }) => isOf(label)) }
  })
  const xs = points.map(({ x }) => x)
  const front = paretoFront(points)
  const ends = front.length === 0 ? [] : [{ x: Math.max(...xs), y: (front.at(-1) as PlotPoint).y }]
  return {
    title: `Latency against freshness: ${group}`,
    about:
      'Each setting by the 99th percentile of its calls and the share of its reads that missed an acknowledged write; ' +
      'to the left and below is better. At the very bottom no read was stale. The line joins settings that no other one beats in both.',
    x: { label: 'p99 of all calls', scale: 'log', unit: 'ms', from: Math.min(...xs) * 0.8, to: Math.max(...xs) * 1.6 },
    y: { label: 'stale reads', scale: 'log', unit: 'share', from: NONE, to: 1, floor: 'none' },
    series: [
      { name: 'Pareto front', style: 'front', points: [...front, ...ends] },
      ...series.filter((one) => one.points.length > 0),
    ],
  }
}

export function distributionPlot(group: string, cells: readonly CellResult[]): Plot {
  const series = picked(cells, CURVES).map(({ setting, distribution }): PlotSeries => {
    const points = distribution
      .filter(({ share }) => share < 1)
      .map(({ share, us }) => ({ x: us / 1000, y: 1 - share }))
    return { name: setting, style: 'line', points }
  })
  return {
    title: `Latency of all calls: ${group}`,
    about:
      'The share of calls that took longer. A line further to the left is a faster setting; at 0.1 % it shows p99.9.',
    x: { label: 'milliseconds', scale: 'log', unit: 'ms', ...xEnds(series) },
    y: { label: 'share of calls that took longer', scale: 'log', unit: 'share', from: 1e-3, to: 1 },
    series,
  }
}

export function ageplot(group: string, cells: readonly CellResult[]): Plot {
  const series = picked(cells, CURVES).map(({ setting, byAge }): PlotSeries => {
    const points = byAge
      .filter(({ reads }) => reads >= 30)
      .map(({ ageMs, reads, stale }) => ({ x: ageMs, y: stale / reads }))
    return { name: setting, style: 'line', points }
  })
  const some = series.filter(({ points }) => points.length > 1)
  return {
    title: `Staleness over time since the write: ${group}`,
    about:
      'The share of reads that were stale, by the time between the latest acknowledgement for their key and their beginning.',
    x: { label: 'since the latest acknowledged write of the key', scale: 'log', unit: 'ms', ...xEnds(some) },
    y: { label: 'stale reads', scale: 'linear', unit: 'share' },
    series: some,
  }
}

export function timelinePlots(group: string, cells: readonly CellResult[]): Plot[] {
  return picked(cells, TIMELINES).map(({ setting, byTime, situation, recoveryMs }): Plot => {
    const { fromMs = 0, forMs = 0 } = SITUATIONS.find(({ name }) => name === situation) ?? {}
    const during = byTime.filter(({ ok, failed }) => ok + failed > 0)
    const healed =
      recoveryMs === undefined ? '' : `; ${span(recoveryMs * 1000)} after healing the last trace of it was seen`
    return {
      title: `${setting}: a partition`,
      about: `${group}. Shares of calls without an answer and of stale reads, by quarters of a second${healed}.`,
      small: true,
      x: { label: 'seconds', scale: 'linear' },
      y: { label: 'share', scale: 'linear', unit: 'share', to: 1 },
      bands: [{ from: fromMs / 1000, to: (fromMs + forMs) / 1000, label: 'cut off' }],
      series: [
        {
          name: 'unanswered',
          style: 'step',
          colour: 1,
          points: during.map((at) => ({ x: at.atMs / 1000, y: at.failed / (at.ok + at.failed) })),
        },
        {
          name: 'stale reads',
          style: 'step',
          colour: 0,
          points: during.map((at) => ({ x: at.atMs / 1000, y: at.reads === 0 ? 0 : at.stale / at.reads })),
        },
      ],
    }
  })
}

function picked(cells: readonly CellResult[], names: readonly string[]): CellResult[] {
  const found = names.flatMap((name) => cells.filter(({ setting }) => setting === name))
  return found.length > 0 ? found : cells.slice(0, 6)
}

function xEnds(series: readonly PlotSeries[]): { readonly from?: number } {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x)).filter((x) => x > 0)
  return xs.length === 0 ? {} : { from: Math.min(...xs) }
}
