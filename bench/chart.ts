/**
 * Line charts: as text for the terminal, and as SVG for a file.
 *
 * The x axis is logarithmic, because what is compared differs by orders of magnitude; the y axis begins at 0.
 */

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
const COLOURS = ['#0b6e4f', '#c8553d', '#3d5a80', '#8f6bb3']
const WIDTH = 760
const HEIGHT = 420
const MARGIN = 64

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

function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  return value >= 1e3 ? `${Number((value / 1e3).toPrecision(3))} k` : String(Number(value.toPrecision(3)))
}

/** An SVG element that needs nothing from outside. */
export function chartSvg(chart: Chart): string {
  const axes = axesOf(chart)
  const left = (value: number): string => (MARGIN + axes.x(value) * (WIDTH - 2 * MARGIN)).toFixed(1)
  const top = (value: number): string => (HEIGHT - MARGIN - axes.y(value) * (HEIGHT - 2 * MARGIN)).toFixed(1)
  const lines = chart.series.map(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length] as string
    const path = points.map(({ x, y }, i) => (i === 0 ? `M${left(x)} ${top(y)}` : `H${left(x)}V${top(y)}`)).join('')
    const y = 28 + 18 * at
    return [
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="${WIDTH - 250}" y="${y - 9}" width="10" height="10" fill="${colour}"/>`,
      `<text x="${WIDTH - 234}" y="${y}">${escaped(name)}</text>`,
    ].join('')
  })
  const [from, to] = axes.xEnds
  const bottom = HEIGHT - MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<text x="${MARGIN}" y="28" font-weight="bold">${escaped(chart.title)}</text>`,
    `<path d="M${MARGIN} ${MARGIN - 16}V${bottom}H${WIDTH - MARGIN}" fill="none" stroke="#888"/>`,
    `<text x="${MARGIN}" y="${bottom + 20}">${shortNumber(from)}</text>`,
    `<text x="${WIDTH - MARGIN}" y="${bottom + 20}" text-anchor="end">${shortNumber(to)}</text>`,
    `<text x="${WIDTH / 2}" y="${bottom + 40}" text-anchor="middle">${escaped(chart.x)}</text>`,
    `<text x="${MARGIN - 8}" y="${MARGIN}" text-anchor="end">${shortNumber(axes.yMax)}</text>`,
    `<text x="${MARGIN - 8}" y="${bottom}" text-anchor="end">0</text>`,
    `<text transform="translate(20 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(chart.y)}</text>`,
    ...lines,
    '</svg>',
  ].join('\n')
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
