/**
 * A write: to all reachable primaries, done when a write quorum has it on disk. A delete is the write of a tombstone.
 *
 * With `lww` the coordinator stamps the record and one hop is enough. With siblings a replica of the key first mints
 * a dot for it, the local one where there is one, and its durable mint counts towards the quorum; then the write goes
 * to the others as a delta. A minter that stays silent is replaced in the end (minter.ts): the write may then have two
 * dots, which the records know for one operation (causality/dotted-record.ts).
 * Ring: decisions.
 */
import type { Outcome } from '../base/errors.ts'
import { EMPTY_CONTEXT, joinContexts, type CausalContext } from '../causality/causal-context.ts'
import { deltaOf } from '../causality/dotted-record.ts'
import { contextOf } from '../causality/merge.ts'
import { holdsOp, mergeNewest } from '../causality/newest-writes.ts'
import type { Choice, Keyspace } from './keyspace.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { count, type Quorum } from '../quorum/quorum.ts'
import { tally } from '../quorum/tally.ts'
import type { StoredRecord } from '../record.ts'
import { Minter, withHome } from './minter.ts'
import { operationName } from './operation-name.ts'
import { Operation, type Agenda, type View } from './operation.ts'
import { Receipt } from './receipt.ts'

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
  readonly write: Choice
  readonly op: number
  /** Whether this is an operation's first attempt. */
  readonly fresh: boolean
  readonly at: number
  readonly value: Uint8Array | null
  /** What the writer has seen. */
  readonly seen: CausalContext
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

export class Put extends Operation {
  readonly kind: 'put' | 'delete'
  readonly plan: PutPlan
  /** The siblings that the write replaces. */
  readonly context: CausalContext
  /** What every replica is to merge; known at once for `lww`, after the mint for siblings. */
  #record: StoredRecord | undefined
  /** The operation's number, with its home once that is known. */
  op: number
  #minter: Minter | undefined
  #mints = 0
  /** This is a retry, and a later write has replaced the first attempt: the record says more than the writer saw. */
  #superseded = false

  constructor(plan: PutPlan) {
    super(plan.list, plan.times)
    this.plan = plan
    this.context = sawItself(plan) ? EMPTY_CONTEXT : plan.seen
    this.kind = plan.value === null ? 'delete' : 'put'
    this.op = plan.op
    this.#record = undefined
    if (plan.keyspace.definition.conflicts === 'lww') {
      this.#record = { kind: 'lww', op: plan.op, at: plan.at, value: plan.value }
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
    } else {
      agenda.record = this.#record
      agenda.write = 1 << position
    }
  }

  /** A write has gone to everybody: only one that was lost on the way is worth sending again. A mint goes to one. */
  override get patienceMsMin(): number {
    return this.#record === undefined ? 0 : RESEND_MS
  }

  override get quorum(): Quorum {
    return this.plan.write.quorum
  }

  override outcome(): Outcome {
    if (count(this.answered) > 0) return 'below-level'
    return (this.asked & ~this.refusedForGood) === 0 ? 'none' : 'unknown'
  }

  override waitingFor(): string {
    return this.#record === undefined
      ? 'no replica of the key took the write in time'
      : 'too few replicas stored it in time'
  }

  override begin(agenda: Agenda, view: View): void {
    if (!this.quorum.met(view.usable)) {
      this.unavailable(agenda, view)
    } else if (this.#record === undefined) {
      this.#mintNext(agenda, view)
    } else {
      this.#writeTo(view.usable, agenda)
    }
  }

  /** A replica gave the write a dot and has it on disk. Only the first dot is used. */
  minted(position: number, dot: Dot, agenda: Agenda, view: View): void {
    if (this.#record !== undefined) return
    this.answered |= 1 << position
    const { op } = this
    const { at, value } = this.plan
    this.#record = dot.record ?? deltaOf({ op, at, value, context: this.context }, dot, dot.overwritten)
    this.#superseded = dot.record !== undefined
    this.#writeTo(view.usable & ~this.answered, agenda)
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
    if (this.#record === undefined) this.#mintNext(agenda, view)
    else this.#stands(agenda, view)
  }

  /** Asks the silent again, and replicas that have come back: a merge twice is a merge once. */
  override late(agenda: Agenda, view: View): void {
    if (this.#record === undefined) this.#mintNext(agenda, view)
    else this.#writeTo(view.usable & ~this.answered, agenda)
  }

  protected override identity(): { operation: string } {
    return { operation: operationName({ at: this.plan.at, op: this.op }) }
  }

  /** A replica has forgotten too much to take a retry, and no other may do what it would not. */
  tooLate(agenda: Agenda, view: View): void {
    const why = 'so many writes came after the first attempt that nobody can tell whether it happened; read the key'
    this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why }, view.names)
  }

  /** Whether somebody may have been asked to mint this write before. */
  get retried(): boolean {
    return !this.plan.fresh || this.#mints > 1
  }

  #mintNext(agenda: Agenda, view: View): void {
    const next = this.#minterFor(view).next(this.list.replicas.length, view, this.#refused())
    if (next === undefined) {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'no replica of the key can take the write' }, view.names)
      return
    }
    agenda.mint = 1 << next
    this.#mints++
    this.asked |= agenda.mint
    this.failed &= ~agenda.mint
  }

  #minterFor(view: View): Minter {
    if (this.#minter !== undefined) return this.#minter
    const { fresh, op } = this.plan
    const positions = this.list.replicas.length
    this.#minter = fresh ? Minter.fresh(positions, view) : Minter.again(positions, op)
    if (fresh) this.op = withHome(op, this.#minter.home)
    return this.#minter
  }

  #writeTo(positions: number, agenda: Agenda): void {
    agenda.record = this.#record
    agenda.write = positions
    this.asked |= positions
    this.failed &= ~positions
  }

  #stands(agenda: Agenda, view: View): void {
    const possible = this.possible
    const state = tally(this.quorum, { answered: this.answered, possible: possible | (view.usable & ~this.failed) })
    if (state === 'won') this.#finish(agenda, view)
    else if (state === 'lost') {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas took the write' }, view.names)
    }
  }

  /** What the writer has seen, and this write: by name where its dot is not known, since it was overwritten already. */
  #seenNow(): CausalContext {
    const { seen, at } = this.plan
    if (this.#superseded) return { ...seen, writes: mergeNewest(seen.writes ?? [], [at, this.op]) }
    const written = contextOf(this.#record)
    return this.context === seen ? written : joinContexts(seen, written)
  }

  #refused(): number {
    let refused = 0
    if (this.refusals !== undefined) for (const position of this.refusals.keys()) refused |= 1 << position
    return refused
  }

  #finish(agenda: Agenda, view: View): void {
    const { keyspace, list, write } = this.plan
    const receipt = new Receipt({
      list,
      names: view.names,
      level: write.level,
      quorum: write.quorum,
      strict: write.strict,
      asked: this.asked,
      current: this.answered,
      stale: 0,
      repaired: 0,
      tookMs: this.tookMs,
      ms: view.nowMs - this.startedAtMs,
      settled: keyspace.writeChoice(list, undefined).quorum.met(this.answered),
    })
    agenda.done = { kind: 'put', context: this.#seenNow(), receipt } satisfies PutResult
  }
}

/**
 * Whether the writer has seen this very write: a retry, after the first attempt was read or overwritten. A second dot
 * must then replace nothing, or it would take away what overwrote the first.
 */
function sawItself({ seen, op }: PutPlan): boolean {
  return seen.writes !== undefined && holdsOp(seen.writes, op)
}

/** The dot that a replica minted, and the `at, op` pairs of what it replaced. */
export interface Dot {
  readonly actor: number
  readonly counter: number
  readonly overwritten: readonly number[]
  /** Instead of a dot: a record in which the write has been overwritten already. */
  readonly record: StoredRecord | undefined
}
