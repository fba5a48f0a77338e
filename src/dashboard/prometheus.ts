/**
 * `GET /metrics`: the numbers of one process in the text format of Prometheus, version 0.0.4.
 *
 * Names follow its conventions: base units, `_total` for what only rises. Alert rules that use them are in
 * docs/alerts.rules.yml.
 */
import type { GroupHealth, Health } from '../runtime/health.ts'
import type { StoreStatus } from '../runtime/store.ts'
import { STEPS_MS } from '../runtime/telemetry/call-times.ts'

type Labels = Readonly<Record<string, string>>

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Collects lines; every metric is told once, with its kind and what it means. */
class Page {
  readonly #lines: string[] = []

  metric(name: string, kind: 'counter' | 'gauge', help: string, values: readonly (readonly [Labels, number])[]): void {
    if (values.length === 0) return
    this.head(name, kind, help)
    for (const [labels, value] of values) this.value(name, labels, value)
  }

  head(name: string, kind: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`)
  }

  value(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    const where = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
    this.#lines.push(`${name}${where} ${value}`)
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function by(label: string, counts: Readonly<Record<string, number>>): (readonly [Labels, number])[] {
  return Object.entries(counts).map(([name, count]) => [{ [label]: name }, count])
}

/** A page that is ready to be scraped. */
export function metricsText(status: StoreStatus, health: Health): string {
  const page = new Page()
  replicas(page, status)
  keyspaces(page, health)
  groups(page, health.groups)
  repairs(page, health)
  calls(page, status, health)
  clocks(page, health)
  return page.text
}

function replicas(page: Page, { replicas: known, role, ...rest }: StoreStatus): void {
  const all = Object.entries(known)
  const up = ({ state }: { readonly state: string }): number => (state === 'reachable' || state === 'late' ? 1 : 0)
  const standing = 'standing' in rest ? String(rest.standing) : 'serving'
  page.metric('quorate_serving', 'gauge', 'Whether this process takes part in reads: 0 while it catches up.', [
    [{ role }, standing === 'serving' ? 1 : 0],
  ])
  page.metric(
    'quorate_replica_up',
    'gauge',
    'Whether a replica answers this process.',
    all.map(([replica, seen]) => [{ replica }, up(seen)]),
  )
  page.metric(
    'quorate_replica_round_trip_seconds',
    'gauge',
    'Smoothed time of answers of a replica; 0 for the one in this process.',
    all.map(([replica, { latencyMs }]) => [{ replica }, latencyMs / 1_000]),
  )
  page.metric(
    'quorate_messages_dropped_total',
    'counter',
    'Messages to a replica that no link could take.',
    all.map(([replica, { dropped }]) => [{ replica }, dropped]),
  )
}

function keyspaces(page: Page, { keyspaces: all }: Health): void {
  const margins = all.flatMap(({ definition: { name, mode }, margins: known }) =>
    Object.entries(known ?? {}).map(([level, margin]) => [{ keyspace: name, mode, level }, margin] as const),
  )
  page.metric(
    'quorate_quorum_margin',
    'gauge',
    'Further replica failures that are survived, whichever they are, as seen from here; -1 where some keys are unavailable.',
    margins,
  )
}

function groups(page: Page, all: readonly GroupHealth[]): void {
  const led = all.flatMap(({ group, leader }) => (leader === undefined ? [] : [{ group, leader }]))
  page.metric(
    'quorate_leader_generation',
    'gauge',
    'Number of the last leader that is known here; rises with each.',
    led.map(({ group, leader }) => [{ group }, leader.generation]),
  )
  page.metric(
    'quorate_leader_here',
    'gauge',
    'Whether this process leads.',
    all.map(({ group, isHere }) => [{ group }, isHere ? 1 : 0]),
  )
  page.metric(
    'quorate_lease_left_seconds',
    'gauge',
    'How long this process leads if no renewal gets through any more.',
    all.filter(({ isHere }) => isHere).map(({ group, leaseLeftMs }) => [{ group }, leaseLeftMs / 1_000]),
  )
}

function repairs(page: Page, health: Health): void {
  const { hintBytes, handedOver, exchanged, damaged } = health
  page.metric('quorate_hint_bytes', 'gauge', 'Kept here for a replica that is away.', by('replica', hintBytes))
  page.metric('quorate_hints_delivered_total', 'counter', 'Records that replicas took from here after being away.', [
    [{}, handedOver],
  ])
  page.metric(
    'quorate_read_repairs_total',
    'counter',
    'Reads that mended stale replicas.',
    by('keyspace', health.repairs),
  )
  page.metric(
    'quorate_sibling_reads_total',
    'counter',
    'Reads that found more than one version.',
    by('keyspace', health.siblings),
  )
  page.metric(
    'quorate_exchanges_total',
    'counter',
    'Exchanges with other replicas that found differences or failed.',
    by('outcome', health.exchanges),
  )
  page.metric('quorate_exchanged_records_total', 'counter', 'Records that exchanges brought here.', [[{}, exchanged]])
  page.metric('quorate_damaged_records_total', 'counter', 'Records that could not be read from the disk.', [
    [{}, damaged],
  ])
}

function calls(page: Page, { inFlight }: StoreStatus, { calls: series, failed, ...health }: Health): void {
  page.metric('quorate_calls_in_flight', 'gauge', 'Calls that have not ended.', [[{}, inFlight]])
  page.metric('quorate_failed_calls_total', 'counter', 'Calls that ended in an error.', by('code', failed))
  page.metric(
    'quorate_fenced_total',
    'counter',
    'What came with a token or generation that is over, and was refused.',
    [[{}, health.fenced]],
  )
  page.metric('quorate_leader_changes_total', 'counter', 'New leaders that this process heard of.', [
    [{}, health.leaderChanges],
  ])
  page.metric('quorate_quorum_losses_total', 'counter', 'How often a majority of the replicas could not be reached.', [
    [{}, health.quorumLosses],
  ])
  if (series.length === 0) return
  const name = 'quorate_call_duration_seconds'
  page.head(name, 'histogram', 'Time of calls that succeeded, in the coordinator.')
  for (const { keyspace, operation, level, times } of series) {
    const labels = { keyspace, operation, level }
    let count = 0
    for (const [step, more] of times.counts.entries()) {
      count += more
      const bound = STEPS_MS[step]
      page.value(`${name}_bucket`, { ...labels, le: bound === undefined ? '+Inf' : String(bound / 1_000) }, count)
    }
    page.value(`${name}_sum`, labels, times.sumMs / 1_000)
    page.value(`${name}_count`, labels, count)
  }
}

function clocks(page: Page, { clockStepMs }: Health): void {
  page.metric(
    'quorate_clock_step_seconds',
    'gauge',
    'How far the calendar clock was set since the process began, against the one that only goes on.',
    [[{}, clockStepMs / 1_000]],
  )
  page.metric('quorate_clock_seconds', 'gauge', 'The calendar clock, for comparing replicas.', [
    [{}, Date.now() / 1_000],
  ])
  page.metric(
    'quorate_steady_clock_seconds_total',
    'counter',
    'The clock that leases are counted on, for comparing its rate.',
    [[{}, performance.now() / 1_000]],
  )
}
