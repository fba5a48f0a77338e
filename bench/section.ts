/**
 * What a part of the benchmark hands back: rows for people, and the same rows with every figure for programs.
 */
import type { Chart } from './chart.ts'
import type { MatrixOptions } from './options.ts'
import type { Plot } from './plot.ts'
import type { Progress } from './progress.ts'

/** A promise about a ratio, and whether it was kept. */
export interface Goal {
  readonly ratio: number
  readonly relation: 'at least' | 'at most'
  readonly bound: number
  readonly met: boolean
}

export interface Row {
  readonly name: string
  /** What the table shows, one text for each column after the name. */
  readonly cells: readonly string[]
  readonly goal?: Goal
  /** What was measured, with units in the names. */
  readonly figures: Readonly<Record<string, unknown>>
}

export interface Section {
  readonly part: string
  readonly title: string
  /** Headings, that of the name first. */
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  /** Sentences that belong under the table. */
  readonly notes: readonly string[]
  /** Drawn under the table; none by default. */
  readonly charts?: readonly Chart[]
  /** Pictures for the page alone; none by default. */
  readonly plots?: readonly Plot[]
  /** Whether the last column is of words. */
  readonly endsInWords?: true
  /** Whether it is too much for a terminal: only files have it. */
  readonly isDetail?: true
  /** What went wrong so that the exit status has to say so; nothing by default. */
  readonly failures?: readonly string[]
}

/** How much is measured. */
export interface Scale {
  readonly quick: boolean
  readonly seed: number
  readonly matrix: MatrixOptions
}

/** One of the parts that `--only` names. */
export interface Part {
  readonly name: string
  readonly about: string
  run(scale: Scale, progress: Progress): Promise<Section[]>
}

/** Columns of every section about goals. */
export const GOAL_COLUMNS = ['', 'measured', 'against', 'ratio', 'goal', ''] as const

function goalOf(given: Omit<Goal, 'met'>): Goal {
  const { ratio, relation, bound } = given
  return { ...given, met: relation === 'at least' ? ratio >= bound : ratio <= bound }
}

/** A row with a ratio and its goal. */
export function goalRow(given: {
  readonly name: string
  readonly measured: string
  readonly against: string
  readonly goal: Omit<Goal, 'met'>
  readonly figures: Readonly<Record<string, unknown>>
}): Row {
  const goal = goalOf(given.goal)
  const wanted = `${goal.relation} ${goal.bound}`
  const cells = [given.measured, given.against, goal.ratio.toFixed(2), wanted, goal.met ? 'met' : 'MISSED']
  return { name: given.name, cells, goal, figures: given.figures }
}

/** Calls per second, for people. */
export function perSecond(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(0)} k/s` : `${(value / 1000).toFixed(1)} k/s`
}

/** A span for people: microseconds below a millisecond. */
export function span(us: number): string {
  if (!Number.isFinite(us)) return '-'
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`
  return `${(us / 1000).toFixed(us < 10_000 ? 2 : 1)} ms`
}

export function bytes(value: number): string {
  if (Math.abs(value) < 10_000) return `${value.toFixed(0)} B`
  return Math.abs(value) < 10_000_000 ? `${(value / 1000).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`
}
