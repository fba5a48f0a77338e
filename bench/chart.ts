/**
 * Line charts: as text for the terminal, and as SVG for a file.
 *
 * The x axis is logarithmic, because what is compared differs by orders of magnitude; the y axis begins at 0.
 */

import { shortNumber } from './plot.ts'
import { plotSvg } from './plot-svg.ts'

export interface Series {
  readonly name: string
  /** By rising x. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
}

const COLUMNS = 72
const ROWS = 16
const MARKS = ['*', 'o', '+', 'x']

/** Where a value lies between the ends of its axis, from 0 to 1. */
type Scale = (value: number) => number

interface Axes {
  readonly x: Scale
  readonly y: Scale
  readonly xEnds: readonly [number, number]
  readonly yMax: number
}

function axesOf({ series }: Chart): Axes {
  const points = series.flatMap((one) => one.points)
  const xs = points.map(({ x }) => x).filter((x) => x > 0)
  const xEnds = [Math.min(...xs), Math.max(...xs)] as const
  const yMax = Math.max(...points.map(({ y }) => y))
  const span = Math.log(xEnds[1] / xEnds[0]) || 1
  return {
    x: (value) => (value <= xEnds[0] ? 0 : Math.log(value / xEnds[0]) / span),
    y: (value) => Math.max(0, value) / (yMax || 1),
    xEnds,
    yMax,
  }
}

/** Lines of text, without colour. */
export function chartText(chart: Chart): string {
  const axes = axesOf(chart)
  const grid = Array.from({ length: ROWS }, () => Array.from({ length: COLUMNS }, () => ' '))
  chart.series.forEach(({ points }, at) => {
    for (let column = 0; column < COLUMNS; column++) {
      const y = valueAt(points, axes, column / (COLUMNS - 1))
      if (y === undefined) continue
      const row = ROWS - 1 - Math.round(axes.y(y) * (ROWS - 1))
      const line = grid[row] as string[]
      line[column] = MARKS[at % MARKS.length] as string
    }
  })
  const label = shortNumber(axes.yMax).padStart(8)
  const lines = grid.map(
    (line, row) => `${row === 0 ? label : row === ROWS - 1 ? '       0' : '        '} |${line.join('')}`,
  )
  const [from, to] = axes.xEnds.map(shortNumber) as [string, string]
  const foot = `${' '.repeat(9)}+${'-'.repeat(COLUMNS)}\n${' '.repeat(10)}${from.padEnd(COLUMNS - to.length)}${to}`
  const legend = chart.series.map(({ name }, at) => `${MARKS[at % MARKS.length]} ${name}`).join('   ')
  return `${chart.title}\n${lines.map((line) => line.trimEnd()).join('\n')}\n${foot}\n${' '.repeat(10)}${chart.y}, by ${chart.x}: ${legend}`
}

/** The last value at or before a place on the x axis; none before the series begins and after it ends. */
function valueAt(points: Series['points'], axes: Axes, share: number): number | undefined {
  const step = 0.5 / (COLUMNS - 1)
  if (axes.x(points.at(-1)?.x ?? 0) < share - step) return undefined
  return points.findLast(({ x }) => axes.x(x) <= share + step)?.y
}

/** The same as a picture. */
export function chartSvg(chart: Chart): string {
  return plotSvg({
    title: chart.title,
    about: `${chart.y}, by ${chart.x}: ${chart.series.map(({ name }) => name).join(', ')}.`,
    x: { label: chart.x, scale: 'log' },
    y: { label: chart.y, scale: 'linear' },
    series: chart.series.map(({ name, points }) => ({ name, points, style: 'step' })),
  })
}
