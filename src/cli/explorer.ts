/**
 * What `quorate start` adds to its cluster so that it can be played with: two keyspaces, a group, a resource behind a
 * fence, and everything that a hand on the page can do.
 *
 * The same write goes to an AP and to a CP keyspace. Each replica stands for the lead of one group; whoever is elected visits
 * the resource at once, so that tokens of leaders before it are refused from then on.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { QuorateError } from '../core/base/errors.ts'
import { groupName } from '../core/consensus/group.ts'
import type { Copy } from '../runtime/copy.ts'
import { FenceGate, MemoryFences } from '../runtime/fence-gate.ts'
import { ClusterWatch, httpSource } from '../dashboard/cluster-watch.ts'
import type { ClusterView, PlayView, ReplicaView, ResourceView } from '../dashboard/cluster-view.ts'
import type { Report } from '../dashboard/report.ts'
import { askBoth, type BothAnswers, type Question } from './explorer-calls.ts'
import { leversOf, type Stage } from './explorer-levers.ts'
import type { ReplicaEvent } from './replica-process.ts'
import type { Supervisor } from './supervisor.ts'
import { PLAY_GROUP } from './supervision.ts'

export const PLAY_KEYSPACES = { ap: 'explorer-ap', cp: 'explorer-cp' } as const

const RESOURCE = 'report'
const VISITS_MAX = 20
const STEADY_MS = 400
const STEADY_KEY = 'steady'
const STEADY_CALL_MS = 1_500

export class Explorer implements Stage {
  readonly view: ClusterView
  readonly supervisor: Supervisor
  key = 'colour'
  readonly #watch: ClusterWatch
  readonly #gate = new FenceGate(new MemoryFences())
  readonly #visits: ResourceView['visits'][number][] = []
  /** The highest generation in which each replica led. */
  readonly #tokens = new Map<string, number>()
  readonly #copies = new Map<string, NonNullable<ReplicaView['copies']>>()
  #steadyVia: string | undefined
  #isClosed = false

  constructor(supervisor: Supervisor) {
    this.supervisor = supervisor
    this.#watch = new ClusterWatch({
      sources: Object.entries(supervisor.status).map(([id, { http }]) => httpSource(id, http)),
      more: (id, isSilent) => this.#more(id, isSilent),
      onLook: (reports, signal) => this.#look(reports, signal),
      play: () => this.#play(),
      levers: leversOf(this),
    })
    this.view = this.#watch
  }

  /** Tells those who look what became of a process. */
  happened({ replica, event, ...rest }: ReplicaEvent): void {
    this.tell({ kind: `process-${event}`, replica, ...rest })
  }

  readonly tell: Stage['tell'] = (event) => {
    this.#watch.tell({ kind: 'event', event: { replica: undefined, ...event, at: new Date().toISOString() } })
  }

  /** Where a replica answers over HTTP. Throws `QUORATE_INVALID_OPTION`. */
  httpOf(id: string): string {
    return this.supervisor.process(id).status.http
  }

  ask(via: string, question: Question): Promise<BothAnswers> {
    return askBoth(this.httpOf(via), PLAY_KEYSPACES, question)
  }

  /** Visits the resource with the token that a replica held last. Throws `QUORATE_FENCED`, and for one that never led. */
  visit(replica: string): { readonly token: number } {
    this.supervisor.process(replica)
    const token = this.#tokens.get(replica)
    if (token === undefined) {
      throw new QuorateError('QUORATE_NOT_LEADER', `replica ${replica} has never led, so it has no token`)
    }
    const at = new Date().toISOString()
    const note = (accepted: boolean): void => {
      this.#visits.push({ at, replica, token, accepted })
      if (this.#visits.length > VISITS_MAX) this.#visits.shift()
      this.tell({ kind: accepted ? 'visited' : 'fenced', replica, token, highest: this.#gate.highest(RESOURCE) })
    }
    try {
      this.#gate.check(RESOURCE, token)
    } catch (error) {
      note(false)
      throw error
    }
    note(true)
    return { token }
  }

  /** Begins to write through a replica again and again, or stops. It stops by itself when nobody looks. */
  steady(via: string | undefined): void {
    const isRunning = this.#steadyVia !== undefined
    this.#steadyVia = via
    if (via !== undefined && !isRunning) void this.#writeSteadily()
  }

  close(): void {
    this.#isClosed = true
    this.#steadyVia = undefined
  }

  async #writeSteadily(): Promise<void> {
    for (let count = 1; ; count++) {
      const via = this.#steadyVia
      if (via === undefined || this.#isClosed) return
      if (!this.#watch.isWatched) return void (this.#steadyVia = undefined)
      const question = { kind: 'replace', key: STEADY_KEY, value: `${via}${count}`, level: 'one' } as const
      const { ap, cp } = await this.ask(via, { ...question, timeoutMs: STEADY_CALL_MS })
      const at = new Date().toISOString()
      const sample = { at, via, ap: { ok: ap.ok, ms: ap.ms }, cp: { ok: cp.ok, ms: cp.ms } }
      this.#watch.tell({ kind: 'sample', sample })
      await pause(STEADY_MS)
    }
  }

  #more(id: string, isSilent: boolean): Partial<ReplicaView> {
    const { state, pid } = this.supervisor.process(id).status
    const copies = this.#copies.get(id)
    const token = this.#tokens.get(id)
    const shown = state === 'running' && isSilent ? 'silent' : state
    return { state: shown, pid, ...(copies && { copies }), ...(token !== undefined && { token }) }
  }

  async #look(reports: ReadonlyMap<string, Report>, signal: AbortSignal): Promise<void> {
    for (const [id, { groups }] of reports) this.#notice(id, groups)
    await Promise.all(
      Object.entries(this.supervisor.status).map(async ([id, { state, http }]) => {
        if (state !== 'running') return
        const [ap, cp] = await Promise.all([
          copyAt(http, PLAY_KEYSPACES.ap, this.key, signal),
          copyAt(http, PLAY_KEYSPACES.cp, this.key, signal),
        ])
        if (ap !== undefined || cp !== undefined) this.#copies.set(id, { ap, cp })
      }),
    )
  }

  /** A replica that leads has a token, and visits the resource with a new one. */
  #notice(id: string, groups: Report['groups']): void {
    const own = groups.find(({ group, isHere }) => isHere && group === groupName('group', PLAY_GROUP))?.leader
    if (own === undefined || own.generation <= (this.#tokens.get(id) ?? 0)) return
    this.#tokens.set(id, own.generation)
    if (own.generation > this.#gate.highest(RESOURCE)) this.visit(id)
  }

  #play(): PlayView {
    return {
      key: this.key,
      keyspaces: PLAY_KEYSPACES,
      group: groupName('group', PLAY_GROUP),
      links: this.supervisor.links.status,
      resource: { highest: this.#gate.highest(RESOURCE), visits: this.#visits },
      steadyVia: this.#steadyVia,
    }
  }
}

/** Nothing where there is no answer. */
async function copyAt(http: string, keyspace: string, key: string, signal: AbortSignal): Promise<Copy | undefined> {
  try {
    const response = await fetch(`${http}/copy/${keyspace}/${encodeURIComponent(key)}`, { signal })
    return response.ok ? ((await response.json()) as Copy) : undefined
  } catch {
    return undefined
  }
}
