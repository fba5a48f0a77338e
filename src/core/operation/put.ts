/**
 * A write: to all reachable primaries, done when a write quorum has it on disk. A delete is the write of a tombstone.
 *
 * With `lww` the coordinator stamps the record and one hop is enough. With siblings a replica of the key first mints
 * a dot for it (home.ts), the local one where there is one, and its durable mint counts towards the quorum; then the
 * write goes to the others as a delta.
 *
 * In a sloppy keyspace a fallback keeps the write for each replica that cannot be reached (stand-ins.ts). Where the
 * replicas of the key can still be expected to make the quorum, they are waited for: only when they cannot, or when
 * answers are overdue, do stand-ins count.
 * Ring: decisions.
 */
import type { ErrorCode, Outcome, ReplicaSaid } from '../base/errors.ts'
import { joinContexts, withDot, type CausalContext } from '../causality/causal-context.ts'
import { deltaOf, type Dot } from '../causality/dotted-record.ts'
import { contextOf } from '../causality/merge.ts'
import type { Life, Minted } from '../message.ts'
import type { Choice, Keyspace } from './keyspace.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { count, firstPositions, type Quorum } from '../quorum/quorum.ts'
import { tally, type Tally } from '../quorum/tally.ts'
import type { StoredRecord } from '../record.ts'
import { chooseHome, homeAt } from './home.ts'
import { operationName } from './operation-name.ts'
import type { RefusalCode } from '../refusal.ts'
import { Operation, type Agenda, type Names, type View } from './operation.ts'
import { NOBODY, Receipt } from './receipt.ts'
import { StandIns } from './stand-ins.ts'

const RESEND_MS = 500

export interface PutResult {
  readonly kind: 'put'
  /** What the writer has seen now: what it had seen, and this write. */
  readonly context: CausalContext
  readonly receipt: Receipt
}

export interface PutPlan {
  readonly keyspace: Keyspace
  readonly key: string
  readonly list: PreferenceList
  /** All members, the key's replicas first, if others may stand in for these. */
  readonly reach: PreferenceList | undefined
  readonly write: Choice
  readonly op: number
  readonly at: number
  /** Who writes (author.ts). */
  readonly by: string
  /** Who mints it, if that is known: its identity was given out before. Never 0 for a sibling. */
  readonly home: number | undefined
  readonly value: Uint8Array | null
  /** What the writer has seen. */
  readonly seen: CausalContext
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

export class Put extends Operation {
  readonly kind: 'put' | 'delete'
  readonly plan: PutPlan
  /** What every replica is to merge; known at once for `lww`, after the mint for siblings. */
  #record: StoredRecord | undefined
  #dot: Dot | undefined
  /** Who mints it; 0 for `lww`, and for a new write that has not chosen yet. */
  #home: number
  /** The life of the home that is asked. */
  life: Life | undefined
  #asks = 0
  #position = -1
  readonly #standIns: StandIns | undefined
  /** Whether answers were overdue, so that stand-ins do where replicas of the key are silent. */
  #isOverdue = false

  constructor(plan: PutPlan) {
    super(plan.reach ?? plan.list, plan.times)
    this.plan = plan
    this.#standIns = plan.reach && new StandIns(plan.reach, plan.list.replicas.length)
    this.kind = plan.value === null ? 'delete' : 'put'
    this.#home = plan.home ?? 0
    this.#record = undefined
    if (plan.keyspace.definition.conflicts === 'lww') {
      this.#record = { kind: 'lww', op: plan.op, at: plan.at, by: plan.by, value: plan.value }
    }
  }

  override get keyspaceName(): string {
    return this.plan.keyspace.name
  }

  override get keyspaceFingerprint(): number {
    return this.plan.keyspace.fingerprint
  }

  override again(position: number, agenda: Agenda): void {
    if (this.#record === undefined) {
      agenda.mint = 1 << position
      this.#asks++
    } else {
      agenda.record = this.#record
      if (this.ownerAt(position) === undefined) agenda.write = 1 << position
      else agenda.keep = 1 << position
    }
  }

  /** The index of the replica that the member at this position stands in for, if it does. */
  ownerAt(position: number): number | undefined {
    return this.#standIns?.ownerAt(position)
  }

  /**
   * A write has gone to everybody: only one that was lost on the way is worth sending again. A mint goes to one, and
   * stand-ins have still to be asked.
   */
  override get patienceMsMin(): number {
    const asksFurther = this.plan.write.sloppy && !this.#isOverdue
    return this.#record === undefined || asksFurther ? 0 : RESEND_MS
  }

  override get quorum(): Quorum {
    return this.plan.write.quorum
  }

  override outcome(): Outcome {
    if (count(this.answered) > 0) return 'below-level'
    return !this.#isRetry && (this.asked & ~this.refusedForGood) === 0 ? 'none' : 'unknown'
  }

  override waitingFor(): string {
    return this.#record === undefined
      ? 'the replica that was to give it its dot did not answer in time'
      : 'too few replicas stored it in time'
  }

  override begin(agenda: Agenda, view: View): void {
    if (!this.quorum.met(this.#reachable(view))) {
      this.unavailable(agenda, view)
    } else if (this.#record === undefined) {
      this.#mint(agenda, view)
    } else {
      this.#writeToAll(agenda, view)
    }
  }

  /** Positions that could take the write, as the quorum counts them. */
  #reachable({ usable }: View): number {
    const standIns = this.#standIns
    if (standIns === undefined || !this.plan.write.sloppy) return usable
    const have = usable & standIns.primaries
    return have | standIns.coverable(standIns.primaries & ~usable, usable, { quorum: this.quorum, have })
  }

  /** The home gave the write a dot and has it on disk. */
  minted(position: number, answer: Minted, agenda: Agenda, view: View): void {
    if (this.#record !== undefined) return
    this.answered |= 1 << position
    const { op, at, by, value, seen: context } = this.plan
    this.#dot = answer
    this.#record = answer.record ?? deltaOf({ op, at, by, value, context }, answer)
    this.#writeToAll(agenda, view)
    this.#stands(agenda, view)
  }

  /** A replica has the write on disk. */
  written(position: number, agenda: Agenda, view: View): void {
    if (this.#record === undefined) return
    this.answered |= 1 << position
    this.failed &= ~(1 << position)
    this.#stands(agenda, view)
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    this.failed |= 1 << position
    if (this.#record === undefined) return
    this.#standIn(agenda, view)
    this.#stands(agenda, view)
  }

  override refused(position: number, code: RefusalCode, agenda: Agenda, view: View): void {
    if (this.#record !== undefined) this.lost(position, agenda, view)
    else this.#homeRefused(position, code, agenda, view)
  }

  /** Asks the silent again, and replicas that have come back: a merge twice is a merge once. */
  override late(agenda: Agenda, view: View): void {
    if (this.#record === undefined) {
      this.#mint(agenda, view)
    } else if (this.#standIns === undefined || this.#isOverdue || !this.plan.write.sloppy) {
      this.#writeToAll(agenda, view)
    } else {
      this.#isOverdue = true
      this.#standIn(agenda, view)
      this.#stands(agenda, view)
    }
  }

  /** Members that were not asked to stand in have no part in it. */
  override said(names: Names): Record<string, ReplicaSaid> {
    const said = super.said(names)
    const { reach, list } = this.plan
    const others = reach?.replicas.slice(list.replicas.length) ?? []
    for (const index of others) if (said[names[index] as string] === 'not asked') delete said[names[index] as string]
    return said
  }

  /** A sibling without a home was sent to nobody, or refused by everybody: there is nothing to retry. */
  protected override identity(): { operation?: string } {
    const { at, op } = this.plan
    if (this.#home === 0 && this.plan.keyspace.definition.conflicts === 'siblings') return {}
    return { operation: operationName({ at, op, home: this.#home }) }
  }

  /** Whether the home may have been asked to mint this write before. */
  get askedBefore(): boolean {
    return this.#isRetry || this.#asks > 1
  }

  get #isRetry(): boolean {
    return this.plan.home !== undefined
  }

  /** Asks the home. One that cannot be reached is waited for, if it was asked before; nobody may take its place. */
  #mint(agenda: Agenda, view: View): void {
    const { list } = this.plan
    const position = this.#home === 0 ? chooseHome(list, view, this.refusedForGood) : homeAt(this.#home, list, view)
    const life = position < 0 ? undefined : view.lives[list.replicas[position] as number]
    if (life === undefined || !(view.usable & (1 << position))) {
      const isGone = position < 0 && list.replicas.every((replica) => view.lives[replica] !== undefined)
      if (this.#asks > 0 && !isGone) return
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: this.#whyNobody(isGone) }, view.names)
      return
    }
    this.#position = position
    this.#home = life.incarnation
    this.life = life
    this.#asks++
    agenda.mint = 1 << position
    this.asked |= agenda.mint
    this.failed &= ~agenda.mint
  }

  #whyNobody(isGone: boolean): string {
    if (this.#home !== 0 && isGone) return 'the replica that was asked first has lost its data, and only it could tell'
    return this.#isRetry
      ? 'only the replica that was asked first can tell whether it happened, and that one cannot be reached'
      : 'no replica of the key can take the write'
  }

  /**
   * A new write that was asked of one replica, once, and refused, did not happen: another may be its home. Not so when
   * that replica has started again since, or cannot tell: the first copy of the request may have been taken.
   */
  #homeRefused(position: number, code: RefusalCode, agenda: Agenda, view: View): void {
    if (position !== this.#position) return
    this.failed |= 1 << position
    if (code === 'other-life') {
      this.#asks++
      return
    }
    const isCertain = !this.askedBefore && code !== 'too-late'
    if (isCertain) this.refusedForGood |= 1 << position
    if (isCertain && code !== 'too-many-siblings') {
      this.#home = 0
      this.#asks = 0
      this.#mint(agenda, view)
      return
    }
    this.fail(agenda, refusalOf(code), view.names)
  }

  /** To each replica of the key that has not answered, or to a stand-in, and to silent stand-ins again. */
  #writeToAll(agenda: Agenda, view: View): void {
    const { usable } = view
    agenda.record = this.#record
    agenda.write = this.#openPrimaries & usable
    agenda.keep = this.#standIns === undefined ? 0 : this.asked & usable & ~this.answered & ~this.#standIns.primaries
    const sent = agenda.write | agenda.keep
    this.asked |= sent
    this.failed &= ~sent
    this.#standIn(agenda, view)
  }

  get #openPrimaries(): number {
    return firstPositions(this.plan.list.replicas.length) & ~this.answered
  }

  /**
   * Finds members that keep the write for primaries that cannot be reached, or that have been silent for too long, and
   * for whom nobody does yet.
   */
  #standIn(agenda: Agenda, { usable }: View): void {
    const standIns = this.#standIns
    if (standIns === undefined) return
    const primaries = this.#isOverdue ? this.#openPrimaries : this.#openPrimaries & ~usable
    const sure = (this.asked & ~this.failed) | this.answered
    const needy = primaries & ~standIns.cover(sure & ~standIns.primaries)
    const have = standIns.cover(sure) & ~needy
    const assigned = standIns.assign(needy, usable & ~this.failed, { quorum: this.quorum, have })
    agenda.record = this.#record
    agenda.keep |= assigned
    this.asked |= assigned
  }

  /** Primaries that have the write, and with a level that takes stand-ins also those for whom somebody keeps it. */
  protected override get counted(): number {
    if (this.#standIns === undefined) return this.answered
    return this.plan.write.sloppy ? this.#standIns.cover(this.answered) : this.answered & this.#standIns.primaries
  }

  #stands(agenda: Agenda, view: View): void {
    const possible = this.possible | (view.usable & ~this.failed)
    const state = tally(this.quorum, { answered: this.answered, possible })
    if (state === 'won') this.#finish(agenda, view, false)
    else if (state === 'lost' || this.#isOverdue) this.#standsSloppily(agenda, view, state)
  }

  /** Primaries alone will not do, or took too long. */
  #standsSloppily(agenda: Agenda, view: View, strictly: Tally): void {
    const standIns = this.#standIns
    const isSloppy = standIns !== undefined && this.plan.write.sloppy
    const possible = isSloppy ? standIns.cover(this.possible) | (view.usable & ~this.failed) : 0
    const state = isSloppy ? tally(this.quorum, { answered: this.counted, possible }) : strictly
    if (state === 'won') this.#finish(agenda, view, true)
    else if (state === 'lost') {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas took the write' }, view.names)
    }
  }

  /** What the writer has seen, and this write. */
  #seenNow(): CausalContext {
    const { seen } = this.plan
    return this.#dot === undefined ? joinContexts(seen, contextOf(this.#record)) : withDot(seen, this.#dot)
  }

  #finish(agenda: Agenda, view: View, sloppy: boolean): void {
    const { keyspace, list, write } = this.plan
    const standIns = this.#standIns?.names(this.answered, view.names) ?? NOBODY
    const receipt = new Receipt({
      list,
      names: view.names,
      level: write.level,
      quorum: write.quorum,
      strict: write.strict && !sloppy,
      sloppy,
      standIns,
      asked: this.asked,
      current: this.answered & firstPositions(list.replicas.length),
      counted: this.counted,
      stale: 0,
      repaired: 0,
      tookMs: this.tookMs,
      ms: view.nowMs - this.startedAtMs,
      settled: keyspace.writeChoice(list, undefined).quorum.met(this.answered),
    })
    agenda.done = { kind: 'put', context: this.#seenNow(), receipt } satisfies PutResult
  }
}

function refusalOf(code: RefusalCode): { readonly code: ErrorCode; readonly why: string } {
  if (code === 'too-many-siblings') {
    const why =
      'the key has as many siblings as siblingsMax and siblingBytesMax allow, and this write has not seen them; nothing ' +
      'was written: read the key, and write with its context'
    return { code: 'QUORATE_LIMIT', why }
  }
  if (code === 'too-late') {
    const why = 'so many writes came after the first attempt that nobody can tell whether it happened; read the key'
    return { code: 'QUORATE_UNAVAILABLE', why }
  }
  return { code: 'QUORATE_UNAVAILABLE', why: 'the replica that has to tell refused' }
}
