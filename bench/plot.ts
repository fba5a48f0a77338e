/**
 * What a picture shows, as data: axes, series, and stretches of time to be marked. `plot-svg.ts` draws it.
 */

export type AxisScale = 'linear' | 'log'

export interface Axis {
  readonly label: string
  readonly scale: AxisScale
  /** How a value is written at a tick; a short number if left out. */
  readonly unit?: 'ms' | 'share'
  /** What the lowest value is called, where it stands for nothing at all. */
  readonly floor?: string
  /** The ends, where the data shall not decide. */
  readonly from?: number
  readonly to?: number
}

export interface PlotPoint {
  readonly x: number
  readonly y: number
  /** Written beside it. */
  readonly label?: string
  /** What a pointer that rests on it is told. */
  readonly hint?: string
}

export interface PlotSeries {
  readonly name: string
  readonly style: 'line' | 'step' | 'points' | 'front' | 'dashed'
  readonly points: readonly PlotPoint[]
  /** Which colour, where it is not its place in the list. */
  readonly colour?: number
}

export interface Plot {
  readonly title: string
  /** A sentence for those who cannot see it, and under it for all. */
  readonly about: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly PlotSeries[]
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly label: string }[]
  /** One of several that stand side by side. */
  readonly small?: boolean
}

/** Axes with fewer decades have ticks between them. */
const FEW_DECADES = 2.2

/** Where a value lies between the ends of its axis, from 0 to 1, and which values deserve a tick. */
export interface Projection {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

export function project(axis: Axis, values: readonly number[]): Projection {
  return axis.scale === 'log' ? projectLog(axis, values) : projectLinear(axis, values)
}

function projectLog({ from, to }: Axis, values: readonly number[]): Projection {
  const positive = values.filter((value) => value > 0)
  const low = from ?? Math.min(...positive, 1)
  const high = Math.max(to ?? Math.max(...positive, low), low * 10)
  const span = Math.log10(high / low)
  const at = (value: number): number => clamp(value <= low ? 0 : Math.log10(value / low) / span)
  const first = Math.floor(Math.log10(low))
  const steps = span < FEW_DECADES ? [1, 2, 5] : [1]
  const ticks: number[] = []
  for (let power = first; 10 ** power <= high; power++) {
    const here = steps.map((factor) => factor * 10 ** power)
    ticks.push(...here.filter((value) => value >= low * 0.999999 && value <= high * 1.000001))
  }
  const step = Math.ceil(ticks.length / 8)
  return { at, ticks: ticks.filter((_, index) => index % step === 0) }
}

function projectLinear({ from = 0, to }: Axis, values: readonly number[]): Projection {
  const most = Math.max(...values, from)
  const high = to ?? (most > from ? most : from + 1)
  const raw = (high - from) / 5
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw
  const end = to ?? Math.ceil(high / step - 1e-9) * step
  const ticks: number[] = []
  for (let value = from; value <= end * 1.000001; value += step) ticks.push(Number(value.toPrecision(6)))
  return { at: (value) => clamp((value - from) / (end - from)), ticks }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}

export function tickText({ unit, floor, from }: Axis, value: number): string {
  // Powers of ten are not exact.
  if (floor !== undefined && from !== undefined && value < from * 1.000001) return floor
  if (unit === 'share') return value === 0 ? '0' : `${Number((100 * value).toPrecision(2))} %`
  if (unit === 'ms') return value >= 1000 ? `${shortNumber(value / 1000)} s` : `${shortNumber(value)} ms`
  return shortNumber(value)
}

export function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  return value >= 1e3 ? `${Number((value / 1e3).toPrecision(3))} k` : String(Number(value.toPrecision(3)))
}

/** The points of which no other is at least as good in both, by rising x; lower is better. */
export function paretoFront<P extends { readonly x: number; readonly y: number }>(points: readonly P[]): P[] {
  const front: P[] = []
  for (const point of points.toSorted((a, b) => a.x - b.x || a.y - b.y)) {
    if (point.y < (front.at(-1)?.y ?? Infinity)) front.push(point)
  }
  return front
}
