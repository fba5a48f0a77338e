/**
 * Pictures as SVG elements that need nothing from outside. Colours are those of the page, by class, so that they fit a
 * light and a dark one; lines differ in dashes and points in shape as well.
 */
import { project, tickText, type Plot, type PlotPoint, type PlotSeries } from './plot.ts'

interface Frame {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const LARGE: Frame = { width: 880, height: 470, left: 76, right: 24, top: 44, bottom: 92 }
const SMALL: Frame = { width: 430, height: 240, left: 58, right: 16, top: 36, bottom: 62 }
const COLOURS = 8
const DASHES = ['', '7 4', '2 3', '10 3 2 3', '', '7 4', '2 3', '10 3 2 3']
const LABEL_PX = 6.4
const LINE_PX = 14
/** How many lines of labels may stand above points at the bottom. */
const TIERS = 16

interface Place {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

/** Rules that the page has to have: see `plotSvg`. */
export const PLOT_STYLE = [
  '.plot text{fill:var(--ink);font:13px system-ui,sans-serif}.plot .title{font-weight:600;font-size:15px}',
  '.plot .tick{font-size:12px;fill:var(--soft)}.plot .label{font-size:11.5px}',
  '.plot .axis{stroke:var(--soft);fill:none}.plot .grid{stroke:var(--rule);fill:none}',
  '.plot .leader{stroke:var(--soft);stroke-width:.6;opacity:.6}',
  '.plot .band{fill:var(--band)}.plot .front{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3;fill:none}',
  '.plot .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}.plot .dot{stroke:var(--page);stroke-width:1}',
  ...Array.from({ length: COLOURS }, (_, at) => `.plot .s${at}{stroke:var(--c${at})}.plot .f${at}{fill:var(--c${at})}`),
].join('')

export function plotSvg(plot: Plot): string {
  const frame = plot.small === true ? SMALL : LARGE
  const { width, height, left, right, top, bottom } = frame
  const points = plot.series.flatMap((series) => series.points)
  const xs = project(plot.x, [...points.map(({ x }) => x), ...(plot.bands ?? []).map(({ to }) => to)])
  const ys = project(
    plot.y,
    points.map(({ y }) => y),
  )
  const place: Place = {
    x: (value) => left + xs.at(value) * (width - left - right),
    y: (value) => height - bottom - ys.at(value) * (height - top - bottom),
  }
  const id = `p${hash(plot.title + plot.about)}`
  return [
    `<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}t ${id}d">`,
    `<title id="${id}t">${escaped(plot.title)}</title><desc id="${id}d">${escaped(plot.about)}</desc>`,
    `<text class="title" x="${left}" y="22">${escaped(plot.title)}</text>`,
    ...bands(plot, frame, place),
    ...axes(plot, frame, { xs: xs.ticks, ys: ys.ticks, place }),
    ...plot.series.map((series, at) => drawn(series, series.colour ?? at, place)),
    ...labels(plot.series, frame, place),
    ...legend(plot.series, frame),
    '</svg>',
  ].join('')
}

function bands({ bands: list = [] }: Plot, { height, top, bottom }: Frame, { x }: Place): string[] {
  return list.map(({ from, to, label }) => {
    const at = x(from)
    const box = `<rect class="band" x="${px(at)}" y="${top}" width="${px(x(to) - at)}" height="${height - top - bottom}"/>`
    return `${box}<text class="tick" x="${px(at + 5)}" y="${top + 13}">${escaped(label)}</text>`
  })
}

function axes(
  { x, y }: Plot,
  { width, height, left, right, top, bottom }: Frame,
  at: { readonly xs: readonly number[]; readonly ys: readonly number[]; readonly place: Place },
): string[] {
  const floor = height - bottom
  const across = at.ys.map((value) => {
    const line = `<path class="grid" d="M${left} ${px(at.place.y(value))}H${width - right}"/>`
    const text = `<text class="tick" x="${left - 7}" y="${px(at.place.y(value) + 4)}" text-anchor="end">${tickText(y, value)}</text>`
    return line + text
  })
  const along = at.xs.map((value) => {
    const line = `<path class="grid" d="M${px(at.place.x(value))} ${top}V${floor}"/>`
    const text = `<text class="tick" x="${px(at.place.x(value))}" y="${floor + 17}" text-anchor="middle">${tickText(x, value)}</text>`
    return line + text
  })
  const middle = (left + width - right) / 2
  const name = `<text x="${middle}" y="${floor + 36}" text-anchor="middle">${escaped(x.label)}</text>`
  const side = `<text transform="translate(15 ${(top + floor) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`
  return [...across, ...along, `<path class="axis" d="M${left} ${top}V${floor}H${width - right}"/>`, name, side]
}

function drawn(series: PlotSeries, colour: number, place: Place): string {
  const { style, points } = series
  const c = colour % COLOURS
  if (style === 'points') return points.map((point) => dot(point, c, place)).join('')
  if (points.length === 0) return ''
  const path = points.map(({ x, y }, at) => {
    const [left, top] = [px(place.x(x)), px(place.y(y))]
    if (at === 0) return `M${left} ${top}`
    return style === 'step' || style === 'front' ? `H${left}V${top}` : `L${left} ${top}`
  })
  if (style === 'front') return `<path class="front" d="${path.join('')}"/>`
  const dashes = style === 'dashed' ? '5 4' : DASHES[c]
  return `<path class="curve s${c}" stroke-dasharray="${dashes}" d="${path.join('')}"><title>${escaped(series.name)}</title></path>`
}

/** A circle, a square, a diamond or a triangle. */
function dot(point: PlotPoint, colour: number, place: Place): string {
  const [x, y] = [place.x(point.x), place.y(point.y)]
  const hint = point.hint ?? point.label
  const title = hint === undefined ? '' : `<title>${escaped(hint)}</title>`
  return shape(x, y, colour).replace('/>', `>${title}</path>`)
}

function shape(x: number, y: number, colour: number): string {
  const paths = [
    `M${px(x - 5.5)} ${px(y)}a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0z`,
    `M${px(x - 5)} ${px(y - 5)}h10v10h-10z`,
    `M${px(x)} ${px(y - 6.5)}l6.5 6.5l-6.5 6.5l-6.5 -6.5z`,
    `M${px(x)} ${px(y - 6)}l6 11h-12z`,
  ]
  return `<path class="dot f${colour}" d="${paths[colour % paths.length]}"/>`
}

interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
}

/** Beside each point its label, where there is room; the others are told by their hints alone. */
function labels(series: readonly PlotSeries[], frame: Frame, place: Place): string[] {
  const { width, right, left, height, bottom } = frame
  const points = series.filter(({ style }) => style === 'points').flatMap((one) => one.points)
  const all = points.toSorted((a, b) => a.x - b.x)
  const dots = all.map((point) => ({ left: place.x(point.x) - 6, top: place.y(point.y) - 6, width: 12 }))
  const taken: Box[] = []
  const texts: string[] = []
  for (const point of all) {
    const { label } = point
    if (label === undefined) continue
    const [x, y] = [place.x(point.x), place.y(point.y)]
    const size = label.length * LABEL_PX
    const isOnFloor = y > height - bottom - 2
    const beside = [
      { left: x + 9, top: y - 6 },
      { left: x - 9 - size, top: y - 6 },
      { left: x - size / 2, top: y - 22 },
      { left: x - size / 2, top: y + 9 },
      { left: x + 7, top: y - 20 },
      { left: x + 7, top: y + 7 },
    ]
    const middle = Math.max(left + 3, x - size / 2)
    const above = Array.from({ length: TIERS }, (_, tier) => ({ left: middle, top: y - 22 - tier * LINE_PX }))
    const spots = (isOnFloor ? above : beside).map((spot) => ({ ...spot, width: size }))
    const free = spots.find(
      (spot) =>
        spot.left > left &&
        spot.left + size < width - right + 20 &&
        !taken.some((box) => overlap(spot, box)) &&
        !dots.some((box) => overlap(spot, box)),
    )
    if (free === undefined) continue
    taken.push(free)
    // A label that stands away from its point has a line to it.
    if (y - free.top > 2 * LINE_PX) texts.push(`<path class="leader" d="M${px(x)} ${px(y - 7)}V${px(free.top + 14)}"/>`)
    texts.push(`<text class="label" x="${px(free.left)}" y="${px(free.top + 11)}">${escaped(label)}</text>`)
  }
  return texts
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && Math.abs(a.top - b.top) < LINE_PX
}

function legend(series: readonly PlotSeries[], { left, width, right, height, bottom }: Frame): string[] {
  let x = left
  let y = height - bottom + 56
  return series.map(({ name, style, colour }, at) => {
    const size = 30 + name.length * 7
    if (x + size > width - right && x > left) {
      x = left
      y += 17
    }
    const c = (colour ?? at) % COLOURS
    const dashes = style === 'dashed' ? '5 4' : DASHES[c]
    const line = `M${x} ${y - 4}h20`
    const mark =
      style === 'points'
        ? shape(x + 10, y - 4, c)
        : style === 'front'
          ? `<path class="front" d="${line}"/>`
          : `<path class="curve s${c}" stroke-dasharray="${dashes}" d="${line}"/>`
    const text = `<text class="tick" x="${x + 25}" y="${y}">${escaped(name)}</text>`
    x += size + 12
    return mark + text
  })
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function hash(text: string): string {
  let sum = 0
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0
  return (sum >>> 0).toString(36)
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
