/**
 * One page of a scan: replicas walk their keys, and the pages are merged in key order.
 *
 * Every key of the page has been answered for by a read quorum of its own replicas, so a scan at a strict level shows
 * every write that was acknowledged before it began. It does not repair, and two scans are not monotonic.
 * Ring: decisions.
 */
import type { Outcome } from '../base/errors.ts'
import { compareKeys } from '../base/key-order.ts'
import { mergeRecords } from '../causality/merge.ts'
import type { Choice, Keyspace } from './keyspace.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { choose } from '../quorum/tally.ts'
import type { Quorum } from '../quorum/quorum.ts'
import type { RecordWrite, StoredRecord } from '../record.ts'
import type { Level } from '../quorum/level.ts'
import { Operation, type Agenda, type View } from './operation.ts'

export interface ScanResult {
  readonly kind: 'scan'
  /** In key order, tombstones included. */
  readonly entries: readonly { readonly key: string; readonly record: StoredRecord }[]
  /** Go on after this key; nothing follows when it is `undefined`. */
  readonly next: string | undefined
}

export interface ScanPlan {
  readonly keyspace: Keyspace
  /** All members, as if they were one preference list. */
  readonly list: PreferenceList
  readonly level: Level | undefined
  readonly prefix: string
  readonly after: string
  readonly limit: number
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

/** A set of members that holds a read quorum of every preference list. */
class CoverQuorum implements Quorum {
  readonly text: string
  readonly #parts: readonly { readonly list: PreferenceList; readonly choice: Choice }[]

  constructor(keyspace: Keyspace, level: Level | undefined) {
    this.#parts = keyspace.coveringLists().map((list) => ({ list, choice: keyspace.readChoice(list, level) }))
    this.text = `${this.#parts[0]?.choice.quorum.text ?? ''} for every key`
  }

  get required(): number {
    return Math.max(...this.#parts.map(({ choice }) => choice.quorum.required))
  }

  met(members: number): boolean {
    return this.#parts.every(({ list, choice }) => choice.quorum.met(positionsOf(list, members)))
  }
}

/** A mask over members as a mask over one list's positions. */
function positionsOf(list: PreferenceList, members: number): number {
  let positions = 0
  for (let i = 0; i < list.replicas.length; i++) if (members & (1 << (list.replicas[i] as number))) positions |= 1 << i
  return positions
}

interface Page {
  readonly entries: readonly RecordWrite[]
  readonly done: boolean
}

export class Scan extends Operation {
  readonly kind = 'scan'
  readonly plan: ScanPlan
  readonly quorum: Quorum
  readonly #pages = new Map<number, Page>()

  constructor(plan: ScanPlan) {
    super(plan.list, plan.times)
    this.plan = plan
    this.quorum = new CoverQuorum(plan.keyspace, plan.level)
  }

  override get keyspaceName(): string {
    return this.plan.keyspace.name
  }

  override get keyspaceFingerprint(): number {
    return this.plan.keyspace.fingerprint
  }

  override again(position: number, agenda: Agenda): void {
    agenda.scan = 1 << position
  }

  override outcome(): Outcome {
    return 'none'
  }

  override waitingFor(): string {
    return 'too few replicas answered in time'
  }

  override begin(agenda: Agenda, view: View): void {
    if (this.quorum.met(view.usable)) this.#ask(agenda, view)
    else this.unavailable(agenda, view)
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    this.failed |= 1 << position
    if (!(this.answered & (1 << position))) this.#ask(agenda, view)
  }

  override late(agenda: Agenda, view: View): void {
    agenda.scan = view.usable & ~this.answered
    this.asked |= agenda.scan
    this.failed &= ~agenda.scan
  }

  paged(position: number, page: Page, agenda: Agenda): void {
    this.answered |= 1 << position
    this.#pages.set(position, page)
    if (this.quorum.met(this.answered)) agenda.done = this.#merge()
  }

  #ask(agenda: Agenda, view: View): void {
    const sure = this.answered | this.possible
    const candidates = view.order.filter((position) => !((sure | this.failed) & (1 << position)))
    const more = choose(this.quorum, candidates, sure)
    if (more === undefined) {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can be reached' }, view.names)
      return
    }
    agenda.scan = more
    this.asked |= more
  }

  /** Keys up to where the shortest page ends are known from every page; what follows comes with the next call. */
  #merge(): ScanResult {
    let bound: string | undefined
    for (const { entries, done } of this.#pages.values()) {
      const last = entries.at(-1)?.key
      if (!done && last !== undefined && (bound === undefined || compareKeys(last, bound) < 0)) bound = last
    }
    const merged = new Map<string, StoredRecord>()
    for (const [position, { entries }] of this.#pages) {
      for (const { key, record } of entries) {
        if (bound !== undefined && compareKeys(key, bound) > 0) break
        if (!this.plan.keyspace.listOf(key).replicas.includes(position)) continue
        merged.set(key, mergeRecords(merged.get(key), record) as StoredRecord)
      }
    }
    const sorted = [...merged].toSorted((a, b) => compareKeys(a[0], b[0])).map(([key, record]) => ({ key, record }))
    const entries = sorted.slice(0, this.plan.limit)
    const next = entries.length < sorted.length ? entries.at(-1)?.key : bound
    return { kind: 'scan', entries, next }
  }
}
