/**
 * A read: the cheapest quorum answers, one with the record and the others with digests; copies that differ are
 * fetched, merged, and repaired before, after, or not at all.
 *
 * Digest reads and blocking repair are Cassandra's; where ours departs: repair ends when the returned value is on a
 * *write quorum*, counting replicas that already hold it, so that strict reads are monotonic even after a write that
 * stopped half-way; and a repair that cannot be finished fails only if no write quorum is known to hold the value.
 * Ring: decisions.
 */
import type { Outcome } from '../base/errors.ts'
import { covers, type CausalContext } from '../causality/causal-context.ts'
import { contextOf, digestOf, mergeRecords } from '../causality/merge.ts'
import type { Choice, Keyspace } from './keyspace.ts'
import type { Repair } from '../options.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { choose, tally } from '../quorum/tally.ts'
import { firstPositions, type Quorum } from '../quorum/quorum.ts'
import type { StoredRecord } from '../record.ts'
import { Operation, unknownFor, type Agenda, type View } from './operation.ts'
import { NOBODY, Receipt } from './receipt.ts'

export interface GetResult {
  readonly kind: 'get'
  readonly record: StoredRecord | undefined
  readonly receipt: Receipt
}

export interface GetPlan {
  readonly keyspace: Keyspace
  readonly key: string
  readonly list: PreferenceList
  readonly read: Choice
  readonly repair: Repair
  /** The positions to ask if all of them can be reached, as a strategy drew them; 0 for the quorum that is nearest. */
  readonly preferred: number
  /** The result must have seen this, or the read goes on: how a session reads its writes. */
  readonly atLeast: CausalContext | undefined
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

export class Get extends Operation {
  readonly kind = 'get'
  readonly plan: GetPlan
  readonly #writeQuorum: Quorum
  /** By position, once it answered: the digest, and the record if it came. */
  readonly #digests: number[]
  readonly #records: (StoredRecord | undefined)[]
  /** Positions whose record, or absence, is known. */
  #full = 0
  /** The first full answer as it came: of equal states, nothing needs merging. */
  #merged: StoredRecord | undefined = undefined
  #mergedDigest = 0
  /** Positions known to hold the merged record, and those known to hold less. */
  #holders = 0
  #stale = 0
  #repaired = 0
  #repairing = false
  #hedged = false

  constructor(plan: GetPlan) {
    super(plan.list, plan.times)
    this.plan = plan
    this.#writeQuorum = plan.keyspace.writeChoice(plan.list, undefined).quorum
    this.#digests = unknownFor(plan.list)
    this.#records = []
  }

  override get keyspaceName(): string {
    return this.plan.keyspace.name
  }

  override get keyspaceFingerprint(): number {
    return this.plan.keyspace.fingerprint
  }

  override again(position: number, agenda: Agenda): void {
    if (this.#repairing) {
      agenda.record = this.#merged
      agenda.write = 1 << position
    } else {
      agenda.full = 1 << position
    }
  }

  override get quorum(): Quorum {
    return this.#repairing ? this.#writeQuorum : this.plan.read.quorum
  }

  override outcome(): Outcome {
    return 'none'
  }

  override waitingFor(): string {
    if (this.#repairing) return 'the value read did not reach a write quorum in time'
    const enough = this.plan.read.quorum.met(this.answered)
    return enough ? 'no replica had what the session has seen' : 'too few replicas answered in time'
  }

  override begin(agenda: Agenda, view: View): void {
    const { preferred, read } = this.plan
    const isDrawn = preferred !== 0 && (preferred & ~view.usable) === 0
    const chosen = isDrawn ? preferred : choose(read.quorum, view.order)
    if (chosen === undefined) {
      this.unavailable(agenda, view)
      return
    }
    const first = view.order.find((position) => chosen & (1 << position)) as number
    agenda.full = 1 << first
    agenda.digest = chosen & ~agenda.full
    this.asked = chosen
  }

  /** A replica told its digest, and its record if `full`. */
  received(position: number, answer: ReadFact, agenda: Agenda, view: View): void {
    const bit = 1 << position
    this.answered |= bit
    this.failed &= ~bit
    const before = this.#full & bit ? this.#records[position] : undefined
    if (answer.full) {
      this.#records[position] = before === undefined ? answer.record : mergeRecords(before, answer.record)
      this.#digests[position] = before === undefined ? answer.digest : digestOf(this.#records[position])
      this.#full |= bit
    } else if (!(this.#full & bit)) {
      this.#digests[position] = answer.digest
    }
    if (this.#repairing) this.#repairStands(agenda, view, answer.digest === this.#mergedDigest ? bit : 0)
    else this.#decide(agenda, view)
  }

  /** A replica stored the merged record. */
  written(position: number, agenda: Agenda, view: View): void {
    if (!this.#repairing) return
    this.#repaired |= 1 << position
    this.#repairStands(agenda, view, 1 << position)
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    this.failed |= 1 << position
    if (this.#repairing) this.#repairFurther(agenda, view)
    else if (!(this.answered & (1 << position)) || !this.#consistent()) this.#askFurther(agenda, view)
  }

  override late(agenda: Agenda, view: View): void {
    if (this.#repairing) {
      agenda.record = this.#merged
      agenda.write = view.usable & ~this.#holders
      this.asked |= agenda.write
      return
    }
    agenda.full = this.plan.atLeast === undefined ? this.#hedge(view) : view.usable
    this.asked |= agenda.full
    this.failed &= ~agenda.full
  }

  /**
   * Whom to ask when answers are overdue: those that owe one, and the nearest others that make a quorum without them.
   * Where there are none, and the second time, everybody who counts.
   */
  #hedge(view: View): number {
    const known = this.#full | this.#holders
    const others = view.order.filter((position) => !((this.asked | known) & (1 << position)))
    const { quorum } = this.plan.read
    const another = this.#hedged ? undefined : choose(quorum, others, known)
    this.#hedged = true
    const silent = view.usable & quorum.members & ~known
    return another === undefined ? silent : (silent & this.asked) | another
  }

  /** Enough consistent answers: merge, then return or repair. Otherwise ask for what is missing. */
  #decide(agenda: Agenda, view: View): void {
    const { read, atLeast } = this.plan
    if (!read.quorum.met(this.answered)) {
      if (tally(read.quorum, this) === 'lost') this.#askFurther(agenda, view)
      return
    }
    this.#merge()
    if (!this.#consistent()) {
      const unknown = this.answered & ~this.#full & ~this.#holders
      agenda.full = unknown & view.usable
      this.asked |= agenda.full
      if (unknown & (this.failed | ~view.usable)) this.#askFurther(agenda, view)
      return
    }
    if (atLeast !== undefined && !covers(contextOf(this.#merged), atLeast) && !this.#isErased()) {
      const fresh = view.usable & ~this.asked
      agenda.full = fresh
      this.asked |= fresh
      return
    }
    this.#settle(agenda, view)
  }

  /**
   * Whether what the session has seen was deleted and erased: then no replica of the key keeps anything of it, and each
   * one has said so: one that answered with a digest alone may have it. Where stand-ins may keep it still, nobody can tell.
   */
  #isErased(): boolean {
    const { keyspace, list } = this.plan
    return !keyspace.isSloppy && this.#merged === undefined && this.#holders === firstPositions(list.replicas.length)
  }

  /** Whether replicas whose state is known, in full or by an equal digest, make up the quorum. */
  #consistent(): boolean {
    return this.#full !== 0 && this.plan.read.quorum.met(this.#full | this.#holders)
  }

  #merge(): void {
    let merged: StoredRecord | undefined
    let digest = -1
    for (let position = 0; position < this.#digests.length; position++) {
      if (!(this.#full & (1 << position))) continue
      const known = this.#digests[position] as number
      if (digest === -1) {
        merged = this.#records[position]
        digest = known
      } else if (known !== digest) {
        merged = mergeRecords(merged, this.#records[position])
        digest = digestOf(merged)
      }
    }
    this.#merged = merged
    this.#mergedDigest = digest
    this.#holders = 0
    this.#stale = 0
    for (let position = 0; position < this.#digests.length; position++) {
      const bit = 1 << position
      if (!(this.answered & bit)) continue
      if (this.#digests[position] === digest) this.#holders |= bit
      else if (this.#full & bit) this.#stale |= bit
    }
  }

  /** The value is known; what of stale replicas? */
  #settle(agenda: Agenda, view: View): void {
    const { repair } = this.plan
    const settled = this.#merged === undefined || this.#writeQuorum.met(this.#holders)
    const reachable = this.#stale & view.usable
    if (repair !== 'off' && this.#merged !== undefined && reachable !== 0) {
      agenda.record = this.#merged
      agenda.write = reachable
      this.#repaired = reachable
    }
    if (settled || repair !== 'blocking') {
      this.#finish(agenda, view, settled)
      return
    }
    this.#repairing = true
    this.#repaired = 0
    this.round++
    this.answered = this.#holders
    this.failed &= ~view.usable
    this.asked = this.#holders | agenda.write
    this.#repairFurther(agenda, view)
  }

  /** What was told stays true when its teller is lost. A digest may turn out to be that of the record yet to come. */
  get #known(): number {
    return this.#full === 0 ? this.answered : this.#full | this.#holders
  }

  /** Sends the merged record to as many more replicas as a write quorum takes. */
  #repairFurther(agenda: Agenda, view: View): void {
    const sure = this.#holders | this.possible
    if (this.#writeQuorum.met(sure)) return
    const candidates = view.order.filter((position) => !((sure | this.failed) & (1 << position)))
    const more = choose(this.#writeQuorum, candidates, sure)
    if (more === undefined) {
      const why = 'the value read is not on a write quorum, and too few replicas can be reached to put it there'
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why }, view.names)
      return
    }
    agenda.record = this.#merged
    agenda.write |= more
    this.asked |= more
  }

  #repairStands(agenda: Agenda, view: View, holder: number): void {
    this.#holders |= holder
    this.answered = this.#holders
    if (this.#writeQuorum.met(this.#holders)) this.#finish(agenda, view, true)
  }

  /** Replaces what was lost by other replicas, or gives up when the rest holds no quorum. */
  #askFurther(agenda: Agenda, view: View): void {
    const { quorum } = this.plan.read
    const sure = this.#known | this.possible
    const candidates = view.order.filter((position) => !((sure | this.failed) & (1 << position)))
    const more = choose(quorum, candidates, sure)
    if (more === undefined) {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer' }, view.names)
      return
    }
    agenda.full |= more
    this.asked |= more
  }

  #finish(agenda: Agenda, view: View, settled: boolean): void {
    const { list, read } = this.plan
    const receipt = new Receipt({
      list,
      names: view.names,
      level: read.level,
      quorum: read.quorum,
      strict: read.strict,
      sloppy: false,
      standIns: NOBODY,
      asked: this.asked,
      current: this.#holders,
      counted: this.#holders,
      stale: this.#stale,
      repaired: this.#repaired,
      tookMs: this.tookMs,
      ms: view.nowMs - this.startedAtMs,
      settled,
    })
    agenda.done = { kind: 'get', record: this.#merged, receipt } satisfies GetResult
  }
}

/** What a replica told of the key. */
export interface ReadFact {
  readonly digest: number
  readonly record: StoredRecord | undefined
  /** Whether `record` says it all: it was sent, or there is none. */
  readonly full: boolean
}
