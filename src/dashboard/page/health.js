/** How the cluster is, as tables: who sees whom, how many failures are survived, how long calls take, what was mended. */
import { byId, bytesText, el, msText, show } from './dom.js'
import { allOf } from './picture.js'

/**
 * @import { ClusterState, ReplicaView } from '../cluster-view.ts'
 * @import { Report } from '../report.ts'
 * @typedef {{ id: string, report: Report }} Reporting
 */

/** A report that is older is not shown as the present. */
const OLD_MS = 3_000

/** @param {ClusterState} state */
export function showNumbers({ replicas }) {
  const reporting = replicas.flatMap(({ id, report, state }) => (report && state === 'running' ? [{ id, report }] : []))
  const model = [replicas.map(({ id, state }) => [id, state]), reporting.map(({ report }) => seen(report))]
  show(byId('numbers'), model, () => [
    sightTable(replicas),
    marginTable(reporting),
    callTable(reporting),
    countTable(reporting),
    groupTable(reporting),
  ])
}

/**
 * The short verdict on top of the page.
 * @param {ClusterState} state
 */
export function showHealth({ replicas }) {
  const pill = byId('health')
  const all = allOf(replicas).length
  const up = replicas.filter(({ state }) => state === 'running').length
  const reports = replicas.flatMap(({ report, state }) => (report && state === 'running' ? [report] : []))
  const isBroken = reports.some(({ broken }) => broken.length > 0)
  const lost = reports.filter(({ keyspaces }) =>
    keyspaces.some(({ margins }) => (margins?.read ?? 0) < 0 || (margins?.write ?? 0) < 0),
  )
  const [tone, words] =
    up < replicas.length
      ? ['warn', `${up} of ${replicas.length} replicas report`]
      : isBroken
        ? ['bad', `a link is broken; ${lost.length} of ${replicas.length} have no quorum`]
        : ['good', `${all} replicas, all in touch`]
  pill.className = `pill ${tone}`
  if (pill.textContent !== words) pill.textContent = words
}

/**
 * What is shown of a report, without what changes all the time.
 * @param {Report} report
 */
function seen({ replicas, keyspaces, calls, groups, hintBytes, events, clockStepMs }) {
  const rounded = Object.entries(replicas).map(([id, { state, latencyMs }]) => [id, state, Math.round(latencyMs * 10)])
  const leads = groups.map(({ group, leader, leaseLeftMs }) => [group, leader, Math.ceil(leaseLeftMs / 500)])
  return [rounded, keyspaces, calls, leads, hintBytes, events.at(-1)?.number, Math.round(clockStepMs)]
}

/**
 * @param {string} caption
 * @param {string[]} heads
 * @param {(string | Node)[][]} rows
 */
function table(caption, heads, rows) {
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
      el(
        'tbody',
        {},
        ...(rows.length > 0
          ? rows.map(([first = '', ...rest]) =>
              el(
                'tr',
                {},
                el('th', { scope: 'row' }, first),
                ...rest.map((cell) => (cell instanceof HTMLTableCellElement ? cell : el('td', {}, cell))),
              ),
            )
          : [el('tr', {}, el('td', { colspan: heads.length, class: 'none' }, 'nothing yet'))]),
      ),
    ),
  )
}

/** @param {readonly ReplicaView[]} replicas */
function sightTable(replicas) {
  const ids = [...new Set(replicas.flatMap(({ id, report }) => [id, ...Object.keys(report?.replicas ?? {})]))]
  const rows = replicas.map(({ id, report, reportAgeMs, state }) => {
    const isOld = reportAgeMs > OLD_MS || state !== 'running'
    return [
      id,
      ...ids.map((other) => {
        const sight = report?.replicas[other]
        if (other === id) return el('td', { class: 'self' }, '·')
        if (sight === undefined || isOld) return el('td', { class: 'none' }, '?')
        const tone = sight.state === 'reachable' ? 'good' : sight.state === 'late' ? 'warn' : 'bad'
        return el('td', { class: tone }, sight.state === 'reachable' ? msText(sight.latencyMs) : sight.state)
      }),
    ]
  })
  return table('Round trips, row to column', ['', ...ids], rows)
}

/** @param {Reporting[]} reporting */
function marginTable(reporting) {
  /** @type {Map<string, Map<string, number>>} */
  const margins = new Map()
  for (const { id, report } of reporting) {
    for (const { definition, margins: known } of report.keyspaces) {
      for (const [level, margin] of Object.entries(known ?? {})) {
        const name = `${definition.name} ${level}`
        margins.set(name, (margins.get(name) ?? new Map()).set(id, margin))
      }
    }
  }
  const ids = reporting.map(({ id }) => id)
  const rows = [...margins].map(([name, by]) => [name, ...ids.map((id) => marginCell(by.get(id)))])
  return table('Failures until unavailable, as seen by', ['', ...ids], rows)
}

/** @param {number | undefined} margin */
function marginCell(margin) {
  if (margin === undefined) return el('td', { class: 'none' }, '')
  if (margin < 0) return el('td', { class: 'bad', title: 'unavailable for some keys' }, 'down')
  return el('td', { class: margin === 0 ? 'warn' : 'good' }, String(margin))
}

/** @param {Reporting[]} reporting */
function callTable(reporting) {
  const rows = reporting.flatMap(({ id, report }) =>
    report.calls.map(({ keyspace, operation, level, count, p50Ms, p99Ms }) => {
      return [`${keyspace} ${operation}`, level, id, String(count), msText(p50Ms), msText(p99Ms)]
    }),
  )
  return table(
    'Latency of calls, by level',
    ['', 'level', 'through', 'calls', 'p50', 'p99'],
    rows.toSorted(([a = ''], [b = '']) => a.localeCompare(b)),
  )
}

/** @param {Reporting[]} reporting */
function countTable(reporting) {
  const sum = (/** @type {Readonly<Record<string, number>>} */ counts) =>
    Object.values(counts).reduce((all, each) => all + each, 0)
  /** @type {[string, (report: Report) => string][]} */
  const lines = [
    ['hints kept for others', ({ hintBytes }) => bytesText(sum(hintBytes))],
    ['hints delivered', ({ handedOver }) => String(handedOver)],
    ['reads that repaired', ({ repairs }) => String(sum(repairs))],
    ['reads that saw siblings', ({ siblings }) => String(sum(siblings))],
    ['records from exchanges', ({ exchanged }) => String(exchanged)],
    ['failed calls', ({ failed }) => String(sum(failed))],
    ['fenced', ({ fenced }) => String(fenced)],
    ['lost the majority', ({ quorumLosses }) => String(quorumLosses)],
    ['clock was set by', ({ clockStepMs }) => msText(Math.abs(Math.round(clockStepMs)))],
  ]
  const rows = lines.map(([name, of]) => [name, ...reporting.map(({ report }) => of(report))])
  return table('Since the start', ['', ...reporting.map(({ id }) => id)], rows)
}

/** @param {Reporting[]} reporting */
function groupTable(reporting) {
  /** @type {Map<string, { holder: string, generation: number, leftMs: number }>} */
  const groups = new Map()
  for (const { report } of reporting) {
    for (const { group, leader, isHere, leaseLeftMs } of report.groups) {
      if (leader === undefined) continue
      const known = groups.get(group)
      const isNewer =
        known === undefined ||
        leader.generation > known.generation ||
        (isHere && leader.generation === known.generation)
      if (isNewer) groups.set(group, { holder: leader.id, generation: leader.generation, leftMs: leaseLeftMs })
    }
  }
  const rows = [...groups].map(([group, { holder, generation, leftMs }]) => {
    return [group, holder, String(generation), leftMs > 0 ? msText(Math.ceil(leftMs / 500) * 500) : '–']
  })
  return table('Groups and leaders', ['', 'leader', 'generation', 'lease left'], rows)
}
