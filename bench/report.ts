/**
 * The report at the end: one aligned table for each section, in colour on a terminal, with missed goals counted last.
 */
import { styleText } from 'node:util'
import { chartText } from './chart.ts'
import type { Row, Section } from './section.ts'

type Paint = (style: 'bold' | 'dim' | 'green' | 'red', text: string) => string

/** Everything as text that ends with a newline. */
export function renderReport(sections: readonly Section[], options: { readonly colour: boolean }): string {
  const paint: Paint = (style, text) => (options.colour ? styleText(style, text, { validateStream: false }) : text)
  const goals = sections.flatMap(({ rows }) => rows.flatMap(({ goal }) => (goal ? [goal] : [])))
  const missed = goals.filter(({ met }) => !met).length
  const verdict = missed === 0 ? `all ${goals.length} goals met` : `${missed} of ${goals.length} goals missed`
  const parts = sections.filter(({ isDetail }) => isDetail !== true).map((section) => renderSection(section, paint))
  const failures = sections.flatMap((section) => section.failures ?? [])
  if (goals.length > 0) parts.push(paint(missed === 0 ? 'green' : 'red', verdict))
  for (const failure of failures) parts.push(paint('red', failure))
  return `${parts.join('\n\n')}\n`
}

function renderSection({ title, columns, rows, notes, charts = [], endsInWords }: Section, paint: Paint): string {
  const table = [columns, ...rows.map(({ name, cells }) => [name, ...cells])]
  const widths = columns.map((_, column) => Math.max(...table.map((line) => width(line[column] ?? ''))))
  const lines = rows.map((row) => paintGoal(row, alignedLine([row.name, ...row.cells], widths, endsInWords), paint))
  const head = paint('dim', alignedLine(columns, widths, endsInWords))
  const drawn = charts.map((chart) => `\n${chartText(chart)}\n`)
  return [paint('bold', title), head, ...lines, ...drawn, ...notes.map((note) => paint('dim', note))].join('\n')
}

function paintGoal({ goal }: Row, line: string, paint: Paint): string {
  if (goal === undefined) return line
  const end = goal.met ? 'met' : 'MISSED'
  return line.slice(0, -end.length) + paint(goal.met ? 'green' : 'red', end)
}

/** Names to the left, figures to the right, what stands last to the left again when it is a verdict. */
function alignedLine(cells: readonly string[], widths: readonly number[], endsInWords = false): string {
  const aligned = cells.map((cell, column) => {
    const room = ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)))
    const isLeft = column === 0 || isVerdict(cell) || (endsInWords && column === widths.length - 1)
    return isLeft ? cell + room : room + cell
  })
  return `  ${aligned.join('  ').trimEnd()}`
}

function isVerdict(cell: string): boolean {
  return cell === 'met' || cell === 'MISSED'
}

/** Nothing in a report takes more than one column or one UTF-16 unit for each character. */
function width(text: string): number {
  return text.length
}
