/**
 * The report as one HTML file that needs nothing from outside: every table, and the charts as SVG.
 */
import { chartSvg, escaped } from './chart.ts'
import type { Section } from './section.ts'

const STYLE =
  'body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}' +
  'td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}' +
  '.missed{color:#b00}.met{color:#060}svg{max-width:100%}p{color:#555}'

export function htmlReport(
  sections: readonly Section[],
  about: { readonly command: string; readonly at: Date },
): string {
  const head = `<!doctype html><html lang="en"><meta charset="utf-8"><title>quorate bench</title><style>${STYLE}</style>`
  const first = `<h1>quorate bench</h1><p>${escaped(about.command)}, ${about.at.toISOString()}</p>`
  return `${head}<body>${first}${sections.map(sectionHtml).join('')}</body></html>\n`
}

function sectionHtml({ title, columns, rows, notes, charts = [] }: Section): string {
  const heads = columns.map((column) => `<th>${escaped(column)}</th>`).join('')
  const lines = rows.map(({ name, cells, goal }) => {
    const mark = goal === undefined ? '' : ` class="${goal.met ? 'met' : 'missed'}"`
    return `<tr${mark}>${[name, ...cells].map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`
  })
  const below = [...charts.map(chartSvg), ...notes.map((note) => `<p>${escaped(note)}</p>`)]
  return `<h2>${escaped(title)}</h2><table><tr>${heads}</tr>${lines.join('')}</table>${below.join('')}`
}
