/**
 * The report as one HTML file that needs nothing from outside: every table, and the charts as SVG.
 */
import { chartSvg } from './chart.ts'
import { escaped, PLOT_STYLE, plotSvg } from './plot-svg.ts'
import type { Section } from './section.ts'

const LIGHT =
  '--page:#fff;--ink:#1c2126;--soft:#5d6670;--rule:#e3e7ea;--band:#f3e3c3;--card:#f7f9fa;--good:#0a6b3d;--bad:#b3261e;' +
  '--c0:#0072b2;--c1:#c44e00;--c2:#00845f;--c3:#a84a86;--c4:#8a6d00;--c5:#2b8fc7;--c6:#6b4fa0;--c7:#6b6f73'
const DARK =
  '--page:#14181c;--ink:#e8ecef;--soft:#a4adb5;--rule:#2c343b;--band:#3d3320;--card:#1b2127;--good:#5fd39a;--bad:#ff8a80;' +
  '--c0:#5eb3ec;--c1:#ff9a4d;--c2:#41cf9f;--c3:#e79ac8;--c4:#e3c34a;--c5:#9ad4f5;--c6:#b9a3ea;--c7:#b5babf'
const STYLE = [
  `:root{color-scheme:light dark;${LIGHT}}@media (prefers-color-scheme:dark){:root{${DARK}}}`,
  'body{font:15px/1.5 system-ui,sans-serif;background:var(--page);color:var(--ink);max-width:78em;margin:2em auto;padding:0 1.2em}',
  'h1{font-size:1.7em;margin:0 0 .2em}h2{font-size:1.25em;margin:2.2em 0 .5em}h3{font-size:1.05em;margin:1.4em 0 .4em}',
  'a{color:var(--c0)}p,li{max-width:60em}.note{color:var(--soft)}.wide{overflow-x:auto}',
  'table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}',
  'td,th{padding:.22em .7em;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}',
  'th{color:var(--soft);font-weight:600;text-align:right}td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}',
  '.missed,.failed{color:var(--bad)}.met{color:var(--good)}dl{display:grid;grid-template-columns:max-content auto;gap:.1em 1em}',
  'dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}code{font:13px ui-monospace,monospace}',
  'svg{max-width:100%;height:auto;background:var(--card);border-radius:6px;margin:.5em 0}',
  'figure{margin:1em 0;overflow-x:auto}.row{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(24em,100%),1fr));gap:.8em}',
  // A picture that a phone would make too small to read is moved sideways instead.
  '@media (max-width:45em){figure svg{max-width:none;width:44em}}details{margin:.5em 0}summary{cursor:pointer}',
].join('')

export interface PageAbout {
  readonly command: string
  readonly at: Date
  /** What stands at the top, such as the machine: names and texts. */
  readonly facts: readonly (readonly [string, string])[]
}

export function htmlReport(sections: readonly Section[], { command, at, facts }: PageAbout): string {
  const meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
  const head = `<!doctype html><html lang="en">${meta}<title>quorate bench</title><style>${STYLE}${PLOT_STYLE}</style>`
  const all = [['command', command], ['began', at.toISOString()], ...facts] as const
  const list = all.map(([name, text]) => `<dt>${escaped(name)}</dt><dd><code>${escaped(text)}</code></dd>`).join('')
  const failures = sections.flatMap((section) => section.failures ?? [])
  const alarm = failures.map((text) => `<p class="failed">${escaped(text)}</p>`).join('')
  const first = `<h1>quorate bench</h1><p>What each setting costs, and what it gives.</p><dl>${list}</dl>${alarm}`
  const shown = sections.filter(({ isDetail }) => isDetail !== true).map(sectionHtml)
  const details = sections.filter(({ isDetail }) => isDetail === true)
  const rest = details.length === 0 ? '' : `<h2>All cells</h2>${details.map(detailHtml).join('')}`
  return `${head}<body><main>${first}${shown.join('')}${rest}</main></body></html>\n`
}

function sectionHtml(section: Section): string {
  return `<section><h2>${escaped(section.title)}</h2>${contents(section)}</section>`
}

function detailHtml(section: Section): string {
  return `<details><summary>${escaped(section.title)}</summary>${contents(section)}</details>`
}

function contents({ columns, rows, notes, charts = [], plots = [] }: Section): string {
  const heads = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('')
  const lines = rows.map(({ name, cells, goal }) => {
    const mark = goal === undefined ? '' : ` class="${goal.met ? 'met' : 'missed'}"`
    return `<tr${mark}>${[name, ...cells].map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`
  })
  const table = rows.length === 0 ? '' : `<div class="wide"><table><tr>${heads}</tr>${lines.join('')}</table></div>`
  const large = plots
    .filter(({ small }) => small !== true)
    .map((plot) => `<figure>${plotSvg(plot)}<figcaption class="note">${escaped(plot.about)}</figcaption></figure>`)
  const small = plots.filter((plot) => plot.small === true).map(plotSvg)
  const grid = small.length === 0 ? '' : `<div class="row">${small.join('')}</div>`
  const below = [...charts.map(chartSvg), ...notes.map((note) => `<p class="note">${escaped(note)}</p>`)]
  return `${large.join('')}${grid}${table}${below.join('')}`
}
