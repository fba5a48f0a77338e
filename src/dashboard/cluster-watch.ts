/**
 * Puts a cluster together from the reports of its replicas, again and again while somebody looks.
 *
 * A replica that does not report in time keeps its last report, and its age says so: others are not waited for with it.
 */
import type { ClusterEvent, ClusterMessage, ClusterState, ClusterView, PlayView, ReplicaView } from './cluster-view.ts'
import type { Report } from './report.ts'

export interface ReportSource {
  readonly id: string
  /** Rejects, or takes too long, when there is no report to be had. */
  readonly report: (signal: AbortSignal) => Promise<Report>
}

export interface WatchOptions {
  readonly sources: readonly ReportSource[]
  /** What else is known of a replica. */
  readonly more?: (id: string, isSilent: boolean) => Partial<ReplicaView>
  /** What else is done at each look, before its state is told. */
  readonly onLook?: (reports: ReadonlyMap<string, Report>, signal: AbortSignal) => Promise<void>
  readonly play?: () => PlayView
  readonly levers?: ClusterView['levers']
}

const EVERY_MS = 400
/** A report that is not there by then is not waited for. */
const REPORT_MS = 1_000
const RECENT_MAX = 200

interface Known {
  report: Report
  atMs: number
}

export class ClusterWatch implements ClusterView {
  readonly levers?: NonNullable<ClusterView['levers']>
  readonly #options: WatchOptions
  readonly #reports = new Map<string, Known>()
  readonly #silent = new Set<string>()
  readonly #listeners = new Set<(message: ClusterMessage) => void>()
  readonly #recent: ClusterMessage[] = []
  #looking: Promise<ClusterState> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: WatchOptions) {
    this.#options = options
    if (options.levers !== undefined) this.levers = options.levers
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  look(): Promise<ClusterState> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  recent(): readonly ClusterMessage[] {
    return this.#recent
  }

  watch(listener: (message: ClusterMessage) => void): () => void {
    this.#listeners.add(listener)
    if (this.#timer === undefined) this.#next(0)
    return () => {
      this.#listeners.delete(listener)
      if (this.isWatched) return
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  /** Tells all who look, and keeps it for those who come. */
  tell(message: Exclude<ClusterMessage, { kind: 'state' }>): void {
    this.#recent.push(message)
    if (this.#recent.length > RECENT_MAX) this.#recent.shift()
    for (const listener of this.#listeners) listener(message)
  }

  #next(waitMs: number): void {
    this.#timer = setTimeout(() => void this.#again(), waitMs)
    this.#timer.unref()
  }

  async #again(): Promise<void> {
    const state = await this.look()
    if (!this.isWatched) return
    for (const listener of this.#listeners) listener({ kind: 'state', state })
    this.#next(EVERY_MS)
  }

  async #look(): Promise<ClusterState> {
    const { sources, onLook, play } = this.#options
    const signal = AbortSignal.timeout(REPORT_MS)
    await Promise.all(sources.map((source) => this.#ask(source, signal)))
    const reports = new Map([...this.#reports].map(([id, { report }]) => [id, report]))
    await onLook?.(reports, AbortSignal.timeout(REPORT_MS))
    return {
      at: new Date().toISOString(),
      replicas: sources.map(({ id }) => this.#viewOf(id)),
      play: play?.(),
    }
  }

  async #ask({ id, report: ask }: ReportSource, signal: AbortSignal): Promise<void> {
    try {
      const report = await ask(signal)
      const before = this.#reports.get(id)?.report
      this.#reports.set(id, { report, atMs: performance.now() })
      this.#silent.delete(id)
      this.#tellNew(report, before)
    } catch {
      this.#silent.add(id)
    }
  }

  /** Numbers begin anew with the process. */
  #tellNew(report: Report, before: Report | undefined): void {
    const isSameProcess = before !== undefined && report.upMs >= before.upMs
    const seen = isSameProcess ? (before.events.at(-1)?.number ?? 0) : 0
    for (const { number, at, notice } of report.events) {
      if (number <= seen) continue
      this.tell({ kind: 'event', event: { ...notice, at, replica: report.id, about: aboutOf(notice) } })
    }
  }

  #viewOf(id: string): ReplicaView {
    const known = this.#reports.get(id)
    const isSilent = this.#silent.has(id)
    return {
      id,
      state: isSilent ? 'silent' : 'running',
      report: known?.report,
      reportAgeMs: known === undefined ? Infinity : performance.now() - known.atMs,
      ...this.#options.more?.(id, isSilent),
    }
  }
}

/** The replica that a notice is about: its own `replica` says who told it. */
function aboutOf(notice: object): ClusterEvent['replica'] {
  return 'replica' in notice ? String(notice.replica) : undefined
}

/** Asks the HTTP side of a replica. */
export function httpSource(id: string, url: string): ReportSource {
  return {
    id,
    report: async (signal) => {
      const response = await fetch(new URL('/report', url), { signal })
      if (!response.ok) throw new Error(`${url} answers ${response.status}`)
      return (await response.json()) as Report
    },
  }
}
