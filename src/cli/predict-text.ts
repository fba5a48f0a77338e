/**
 * How `quorate predict` draws what it found.
 */
import type { Advice, Comparison, FreshnessPromise, Prediction } from '../predict/index.ts'
import type { Style } from './output.ts'

interface Pen {
  style(style: Style, text: string): string
}

const TITLE = 22
const COLUMN = 9
const TIMES_A_ROW = 6
const CURVE_COLUMNS = 60
const CURVE_ROWS = 8
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const VERSIONS = [1, 2, 3, 5, 10]

export function cellText(
  given: { readonly name: string; readonly cell: Prediction; readonly times: readonly number[] },
  pen: Pen,
): string {
  const { name, cell, times } = given
  const { n, r, w, trials, seed } = cell
  const head = (title: string, cells: readonly string[]): string => pen.style('dim', row(title, cells))
  const latency = (ms: (p: number) => number): string[] => [0.5, 0.99, 0.999].map((p) => figure(ms(p)))
  const shares = [0.9, 0.99, 0.999]
  return [
    `${pen.style('bold', name)}, n = ${n}, r = ${r}, w = ${w}: ${count(trials)} trials, seed ${seed}`,
    '',
    head('', ['p50', 'p99', 'p99.9']),
    row(
      'read ms',
      latency((p) => cell.readMs(p)),
    ),
    row(
      'write ms',
      latency((p) => cell.writeMs(p)),
    ),
    '',
    head('', ['90 %', '99 %', '99.9 %']),
    row(
      'fresh after ms',
      shares.map((p) => figure(cell.tVisibility(p))),
    ),
    head(
      '  95 % sure from',
      shares.map((p) => figure(cell.tVisibilityBetween(p).lowMs)),
    ),
    head(
      '            to',
      shares.map((p) => figure(cell.tVisibilityBetween(p).highMs)),
    ),
    '',
    ...inRows(times).flatMap((some) => [
      head('ms after the write', some.map(String)),
      row(
        'fresh',
        some.map((tMs) => share(cell.pFresh(tMs))),
      ),
    ]),
    '',
    head('of the last versions', VERSIONS.map(String)),
    row(
      'one is read, at least',
      VERSIONS.map((k) => share(cell.kStaleness(k))),
    ),
    '',
    ...curveLines(cell, pen),
  ].join('\n')
}

function inRows(times: readonly number[]): (readonly number[])[] {
  return Array.from({ length: Math.ceil(times.length / TIMES_A_ROW) }, (_, at) =>
    times.slice(at * TIMES_A_ROW, (at + 1) * TIMES_A_ROW),
  )
}

/** P(fresh) over time, from what it is at once to 99.9 %. */
function curveLines(cell: Prediction, pen: Pen): string[] {
  if (cell.strict) return [`${pen.style('green', 'always fresh')}: r + w > n, so every read meets every write`]
  const endMs = cell.tVisibility(0.999)
  const atOnce = cell.pFresh(0)
  if (endMs === 0) return [`${share(atOnce)} are fresh at once`]
  const bottom = Math.floor(atOnce * 20) / 20
  const heights = Array.from({ length: CURVE_COLUMNS }, (_, at) => {
    const p = cell.pFresh((endMs * at) / (CURVE_COLUMNS - 1))
    return Math.round(((p - bottom) / (1 - bottom)) * CURVE_ROWS * 8)
  })
  const rows = Array.from({ length: CURVE_ROWS }, (_, at) => {
    const below = (CURVE_ROWS - 1 - at) * 8
    const label = at === 0 ? '100 %' : at === CURVE_ROWS - 1 ? `${Math.round(100 * bottom)} %` : ''
    const cells = heights.map((height) => BLOCKS[Math.max(0, Math.min(8, height - below))]).join('')
    return `${label.padStart(6)} ┤${pen.style('cyan', cells).trimEnd()}`
  })
  const middle = figure(endMs / 2)
  const end = `${figure(endMs)} ms`
  const axis = `0${middle.padStart(CURVE_COLUMNS / 2)}${end.padStart(CURVE_COLUMNS / 2 - 1)}`
  return ['P(fresh) over time since the write', ...rows, `       └${'─'.repeat(CURVE_COLUMNS)}`, `        ${axis}`]
}

export function tableText(
  { name, cells }: { readonly name: string; readonly cells: readonly Prediction[] },
  pen: Pen,
): string {
  const [first] = cells as readonly [Prediction]
  const head = ['r', 'w', 'read p99.9', 'write p99.9', 'fresh at once', '99 % after', '99.9 % after']
  const rows = cells.map((cell) => [
    String(cell.r),
    String(cell.w),
    figure(cell.readMs(0.999)),
    figure(cell.writeMs(0.999)),
    share(cell.pFresh(0)),
    figure(cell.tVisibility(0.99)),
    cell.strict ? 'always' : figure(cell.tVisibility(0.999)),
  ])
  const title = `${pen.style('bold', name)}, n = ${first.n}: ${count(first.trials)} trials, seed ${first.seed}; milliseconds`
  return [title, '', ...aligned([head, ...rows], pen)].join('\n')
}

export function adviceText(
  given: { readonly name: string; readonly n: number; readonly promise: FreshnessPromise; readonly found: Advice },
  pen: Pen,
): string {
  const { name, n, promise, found } = given
  const { best, candidates } = found
  const wish = `${percent(promise.probability)} fresh within ${promise.withinMs} ms`
  const why = best.strict ? 'r + w > n, so always fresh' : `${share(best.pFresh)} fresh then`
  const head = ['r', 'w', 'read p99.9', 'write p99.9', 'cost', 'fresh then', 'as promised after', '']
  const rows = candidates.map((one) => [
    String(one.r),
    String(one.w),
    figure(one.readMs),
    figure(one.writeMs),
    figure(one.costMs),
    share(one.pFresh),
    one.strict ? 'always' : figure(one.tVisibilityMs),
    one === best ? '◀' : one.meets ? 'yes' : 'no',
  ])
  return [
    `${pen.style('bold', name)}, n = ${n}, ${wish}: ${pen.style('green', `r = ${best.r}, w = ${best.w}`)} (${why})`,
    '',
    ...aligned([head, ...rows], pen),
  ].join('\n')
}

export function publishedText(
  { trials, comparisons }: { readonly trials: number; readonly comparisons: readonly Comparison[] },
  pen: Pen,
): string {
  const head = [
    '',
    'r',
    'w',
    'read',
    'published',
    'off',
    'write',
    'published',
    'off',
    't 99.9 %',
    'crossing',
    'published',
    'off',
  ]
  const rows = comparisons.map(({ published, readMs, writeMs, tVisibilityMs, crossing, off, agrees }) => [
    published.profile,
    String(published.r),
    String(published.w),
    figure(readMs),
    figure(published.readMs),
    offText(off.read),
    figure(writeMs),
    figure(published.writeMs),
    offText(off.write),
    figure(tVisibilityMs),
    crossing.medianMs === 0 ? '0' : `${figure(crossing.lowMs)}–${figure(crossing.highMs)}`,
    figure(published.tVisibilityMs),
    offText(off.crossing) + (agrees ? '' : ' !'),
  ])
  const apart = comparisons.filter(({ agrees }) => !agrees).length
  const verdict =
    apart === 0
      ? pen.style('green', `all ${comparisons.length} pairs agree`)
      : pen.style('red', `${apart} of ${comparisons.length} pairs do not agree`)
  return [
    `${pen.style('bold', 'n = 3')}, ${count(trials)} trials a profile; 99.9th percentiles in milliseconds`,
    '',
    ...aligned([head, ...rows], pen),
    '',
    'crossing: where 95 % of runs of the authors’ stepping in t would stop; off: published against its median.',
    verdict,
  ].join('\n')
}

/** Columns as wide as their widest cell; the first line is a head. */
function aligned(rows: readonly (readonly string[])[], pen: Pen): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => (cells[at] ?? '').length)))
  return rows.map((cells, index) => {
    const line = cells
      .map((cell, at) => cell.padStart(widths[at] as number))
      .join('  ')
      .trimEnd()
    return index === 0 ? pen.style('dim', line) : line
  })
}

function row(title: string, cells: readonly string[]): string {
  return title.padEnd(TITLE) + cells.map((cell) => ` ${cell.padStart(COLUMN - 1)}`).join('')
}

/** Three digits or so. */
function figure(value: number): string {
  if (value >= 1000) return value.toFixed(0)
  return value >= 100 ? value.toFixed(1) : value === 0 ? '0' : value.toFixed(2)
}

/** Never rounded up to all of them. */
function share(p: number): string {
  return p === 1 ? '100 %' : `${(Math.floor(p * 100_000) / 1000).toFixed(p >= 0.99 ? 3 : 1)} %`
}

function percent(p: number): string {
  return `${Number((100 * p).toPrecision(10))} %`
}

function offText(off: number): string {
  return `${off >= 0 ? '+' : '−'}${(100 * Math.abs(off)).toFixed(1)} %`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
