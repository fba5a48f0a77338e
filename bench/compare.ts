/**
 * This run beside an earlier one, as ratios with their spread.
 *
 * What is compared is a row's goal where it has one, which is a ratio itself and so stands on another machine or a busy
 * one; else the median time of a piece, or the 99th percentile of a simulated cell, which is the same everywhere.
 */
import type { Row, Section } from './section.ts'
import { median } from './statistics.ts'

/** As `--json` wrote it; nothing else in it is trusted. */
export interface EarlierRun {
  readonly startedAt: string
  readonly sections: readonly unknown[]
}

export function isEarlierRun(read: unknown): read is EarlierRun {
  return isObject(read) && typeof read['startedAt'] === 'string' && Array.isArray(read['sections'])
}

/** A figure, what it may be off by, and which way is better. */
export interface Figure {
  readonly value: number
  /** Half of the width in which the middle half of the rounds lies, as a share of the value. */
  readonly spread: number
  readonly better: 'more' | 'less'
  readonly isGoal: boolean
}

export interface Change {
  readonly part: string
  readonly name: string
  readonly before: Figure
  readonly now: Figure
  /** Above 1 when it got better. */
  readonly gain: number
  /** Whether it is more than both spreads together. */
  readonly isClear: boolean
}

export function changesBetween(earlier: EarlierRun, sections: readonly Section[]): Change[] {
  const before = new Map<string, Figure>()
  for (const section of earlier.sections) {
    if (!isObject(section) || !Array.isArray(section['rows'])) continue
    for (const row of section['rows'] as readonly unknown[]) {
      const figure = isObject(row) ? figureOf(row as unknown as Row) : undefined
      if (figure !== undefined) before.set(nameOf(section, row as Row), figure)
    }
  }
  return sections.flatMap((section) =>
    section.rows.flatMap((row): Change[] => {
      const known = before.get(nameOf(section as unknown as Fields, row))
      const now = figureOf(row)
      if (known === undefined || now === undefined || known.better !== now.better) return []
      const ratio = now.value / known.value
      const gain = now.better === 'more' ? ratio : 1 / ratio
      if (!Number.isFinite(gain) || gain <= 0) return []
      const isClear = Math.abs(Math.log(gain)) > Math.log1p(known.spread + now.spread) + 1e-9
      const name = section.part === 'matrix' ? `${section.title.replace('Matrix: ', '')}: ${row.name}` : row.name
      return [{ part: section.part, name, before: known, now, gain, isClear }]
    }),
  )
}

const ROWS_MAX = 60

export function compareSection(earlier: EarlierRun, sections: readonly Section[]): Section {
  const changes = changesBetween(earlier, sections)
  const order = changes.toSorted((a, b) => Number(b.isClear) - Number(a.isClear) || a.gain - b.gain)
  const rows = order.slice(0, ROWS_MAX).map(({ part, name, before, now, gain, isClear }): Row => {
    const verdict = !isClear ? 'within the spread' : gain > 1 ? 'better' : 'WORSE'
    const cells = [short(before), short(now), gain.toFixed(2), verdict]
    return { name: `${part}: ${name}`, cells, figures: { before, now, gain, isClear } }
  })
  const clear = changes.filter(({ isClear }) => isClear)
  const worse = clear.filter(({ gain }) => gain < 1).length
  return {
    part: 'compare',
    title: `Beside the run of ${earlier.startedAt}`,
    columns: ['', 'then', 'now', 'gain', ''],
    rows,
    notes: [
      `${changes.length} figures are in both; ${clear.length - worse} are clearly better, ${worse} clearly worse. ` +
        'A gain above 1 is better. ± is half the width of the middle half of the rounds.',
      ...(changes.length > ROWS_MAX ? [`The ${changes.length - ROWS_MAX} that changed least are left out here.`] : []),
    ],
  }
}

/** Goals whose ratio is clearly worse than before by more than so many percent. */
export function gateFailures(
  earlier: EarlierRun,
  sections: readonly Section[],
  gatePercent: number | undefined,
): string[] {
  if (gatePercent === undefined) return []
  const least = 1 - gatePercent / 100
  return changesBetween(earlier, sections)
    .filter(({ now, gain, isClear }) => now.isGoal && isClear && gain < least)
    .map(({ part, name, gain }) => `The gate is shut: ${part}: ${name} is at ${gain.toFixed(2)} of what it was`)
}

type Fields = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function nameOf({ part, title }: Fields, { name }: Pick<Row, 'name'>): string {
  return JSON.stringify([part, String(title).replace('Matrix: ', ''), name])
}

export function figureOf({ goal, figures }: Pick<Row, 'goal' | 'figures'>): Figure | undefined {
  if (!isObject(figures)) return undefined
  if (isObject(goal) && typeof goal['ratio'] === 'number') {
    const better = goal['relation'] === 'at least' ? 'more' : 'less'
    return { value: goal['ratio'], spread: spreadOf(roundsIn(figures)), better, isGoal: true }
  }
  const { nsMedian, marginPercent, all } = figures
  if (typeof nsMedian === 'number') {
    const spread = typeof marginPercent === 'number' ? marginPercent / 100 : 0
    return { value: nsMedian, spread, better: 'less', isGoal: false }
  }
  if (isObject(all) && typeof all['p99Us'] === 'number') {
    return { value: all['p99Us'], spread: 0, better: 'less', isGoal: false }
  }
  return undefined
}

/** The ratio of each round, where two figures were measured in turn; else what was measured in each. */
function roundsIn(figures: Fields): readonly number[] {
  const lists = Object.values(figures).filter(isNumbers)
  const [of, to] = lists
  if (of === undefined) return []
  return to?.length === of.length ? of.map((value, round) => value / (to[round] as number)) : of
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 1 && value.every((one) => typeof one === 'number')
}

function spreadOf(rounds: readonly number[]): number {
  if (rounds.length < 2) return 0
  const sorted = rounds.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] as number
  return (at(0.75) - at(0.25)) / 2 / median(sorted)
}

function short({ value, spread }: Figure): string {
  const text = value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
  return spread > 0 ? `${text} ± ${(100 * spread).toFixed(0)} %` : text
}
