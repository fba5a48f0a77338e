/**
 * A call on a key of a keyspace with a leader: it goes to whoever leads, and to his successor if he is gone.
 *
 * It looks for a leader, is sent there, or is served here if this process leads; without an answer it is sent again, with
 * the same identity, so that it is applied at most once. What was sent and has no answer may land; what a leader says it
 * did not do, it never will.
 * Ring: decisions.
 */
import type { ErrorCode, ErrorDetail, Outcome } from '../base/errors.ts'
import type { Attempt, Change, Memory, ProposedAs, Verdict, Visible } from '../consensus/change.ts'
import type { Leader } from '../consensus/group.ts'
import type { Told, Wish } from '../consensus/submit-message.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { CountQuorum, firstPositions, type ListQuorum } from '../quorum/quorum.ts'
import { operationName } from './operation-name.ts'
import { unknownFor, type Agenda, type Names, type View } from './operation.ts'
import { NOBODY, Receipt } from './receipt.ts'
import type { Round } from './register-operation.ts'
import { RegisterWrite, type RegisterWritePlan } from './register-write.ts'

export interface LedPlan extends RegisterWritePlan {
  /** Nobody waits for its result. */
  readonly isOwn: boolean
}

/** A leader is asked again when so long nothing came: on a link that works, he has it. */
const PATIENCE_MS = 1_000
const ROUNDS = 256
/** Of hybrid time. */
const STAMPS_PER_MS = 4_096

export class LedOperation extends RegisterWrite {
  readonly isOwn: boolean
  /** `seek`: it waits for somebody who leads. */
  stage: 'seek' | 'sent' | 'here' = 'seek'
  /** The generation of the leader that it was sent to last. */
  sentIn = 0
  /** It is not sent again before this. */
  notBeforeMs = 0
  /** Who leads, as was last known. */
  leader: Leader | undefined = undefined
  /** Whether quorums can be reached from here, with which a leader could be elected. */
  reaches = true
  readonly #isLook: boolean
  /** As it is sent now. Nothing that was sent before its time `at` can have been applied. */
  readonly #now: { -readonly [Field in keyof Attempt]: Attempt[Field] }
  readonly #change: Change
  readonly #bornAt: number
  readonly #wasRetry: boolean
  #position = -1
  /** Times that it was sent, or proposed here, and may land. */
  #unanswered = 0
  #mayLandHere = false
  /** Of an update: the state from which its value is made, and the value. */
  #seen: Visible | undefined
  #made: Uint8Array | undefined
  /** Whether attempts with different values may land. */
  #isAmbiguous = false

  constructor(plan: LedPlan) {
    super(plan)
    this.isOwn = plan.isOwn
    const { change, op, at, isRetry, token } = plan
    this.#change = change
    this.#bornAt = at
    this.#wasRetry = isRetry
    this.#now = { change, op, at, isRetry, token, proposed: undefined }
    this.#isLook = plan.change.kind === 'look'
  }

  get key(): string {
    return this.plan.key
  }

  override get attempt(): Attempt & { memory?: Memory | undefined } {
    return this.#now
  }

  get isRetry(): boolean {
    return this.#now.isRetry
  }

  set isRetry(isRetry: boolean) {
    this.#now.isRetry = isRetry
  }

  override get patienceMsMin(): number {
    return PATIENCE_MS
  }

  override outcome(): Outcome {
    if (this.#isLook) return 'none'
    return this.#unanswered > 0 || this.#mayLandHere || this.#wasRetry ? 'unknown' : 'none'
  }

  override waitingFor(): string {
    if (this.stage === 'seek') return 'nobody was found who leads the keyspace'
    return this.stage === 'sent' ? 'the leader has not answered in time' : super.waitingFor()
  }

  override begin(agenda: Agenda): void {
    agenda.queue = true
  }

  /** The link to the leader is gone. */
  override lost(position: number, agenda: Agenda): void {
    if (this.stage === 'sent' && position === this.#position) this.#again(agenda)
  }

  override again(position: number, agenda: Agenda): void {
    this.lost(position, agenda)
  }

  override late(agenda: Agenda): void {
    if (this.stage === 'sent') this.#again(agenda)
  }

  override proposed(verdict: Verdict, as: ProposedAs | undefined): void {
    super.proposed(verdict, as)
    this.#mayLandHere ||= verdict.kind === 'applied' || verdict.kind === 'repeated' || verdict.kind === 'forgotten'
  }

  /** It goes to this leader now. Gives what it asks for. */
  sends(position: number, { generation }: Leader): Wish {
    this.stage = 'sent'
    this.round = (this.round + 1) % ROUNDS
    this.asked |= 1 << position
    this.sentIn = generation
    this.#position = position
    const wish = this.#wish()
    if (wish.kind !== 'look') this.#unanswered++
    return wish
  }

  /** The leader did not do it, and will not. */
  undone(): void {
    if (this.#unanswered > 0) this.#unanswered--
    this.seeks()
  }

  /** There was no answer. */
  seeks(): void {
    if (this.#mayLandHere) this.#unanswered++
    this.#mayLandHere = false
    this.stage = 'seek'
    this.isRetry = this.#wasRetry || this.#unanswered > 0
  }

  /** The leader's answer. What it says holds whatever else was sent: nothing that is still under way can land after it. */
  told(told: Told, by: number, at: { readonly agenda: Agenda; readonly view: View }): void {
    const { agenda, view } = at
    this.#mayLandHere = false
    if (this.#isUpdate && (told.kind === 'looked' || told.kind === 'condition-failed')) {
      if (told.kind === 'condition-failed') this.undone()
      this.#make(told.now, by, at)
      return
    }
    const verdict: Verdict = told.kind === 'applied' ? { ...told, now: { ...told.now, value: this.#value } } : told
    this.#unanswered = 0
    if (this.#isAmbiguous) super.proposed({ kind: 'applied', now: { value: null, revision: 0 } }, undefined)
    this.conclude(verdict, new LeaderRound(this, by, this.#position), agenda, view)
  }

  override fail(agenda: Agenda, reason: { readonly code: ErrorCode; readonly why: string }, names: Names): void {
    const isLeaderless = reason.code === 'QUORATE_TIMEOUT' && this.stage === 'seek'
    const code = this.reaches ? 'QUORATE_NOT_LEADER' : 'QUORATE_UNAVAILABLE'
    super.fail(agenda, isLeaderless ? { ...reason, code } : reason, names)
  }

  protected override identity(): Pick<ErrorDetail, 'operation' | 'leader'> {
    if (this.#isLook) return { leader: this.leader }
    const { op, at } = this.#now
    return { operation: operationName({ op, at, home: 0 }), leader: this.leader }
  }

  get #isUpdate(): boolean {
    return this.#change.kind === 'update'
  }

  get #value(): Uint8Array | null {
    return this.#change.kind === 'set' ? this.#change.value : (this.#made ?? null)
  }

  #again(agenda: Agenda): void {
    agenda.queue = true
  }

  #wish(): Wish {
    const change = this.#change
    switch (change.kind) {
      case 'look':
        return { kind: 'look', isFresh: change.isFresh === true }
      case 'fence':
        return { kind: 'fence' }
      case 'set':
        super.proposed({ kind: 'applied', now: { value: change.value, revision: 0 } }, undefined)
        return { kind: 'set', value: change.value, ifRevision: change.ifRevision, isUpdate: change.isUpdate === true }
      case 'update': {
        if (this.#seen === undefined || this.#made === undefined) return { kind: 'look', isFresh: false }
        super.proposed({ kind: 'applied', now: { value: this.#made, revision: 0 } }, undefined)
        return { kind: 'set', value: this.#made, ifRevision: this.#seen.revision, isUpdate: true }
      }
    }
  }

  /** The value that an update makes of what the leader told. */
  #make(now: Visible, by: number, { agenda, view }: { readonly agenda: Agenda; readonly view: View }): void {
    const change = this.#change
    if (change.kind !== 'update') return
    try {
      const made = change.change(now)
      if (this.#unanswered > 0 && this.#made !== undefined) this.#isAmbiguous = true
      // While many change the key, an operation that began long ago would count as forgotten.
      const isNew = this.#unanswered === 0 && !this.#wasRetry
      if (isNew) this.#now.at = this.#bornAt + Math.floor((view.nowMs - this.startedAtMs) * STAMPS_PER_MS)
      this.#seen = now
      this.#made = made
      this.#again(agenda)
    } catch (error) {
      this.conclude({ kind: 'threw', error }, new LeaderRound(this, by, this.#position), agenda, view)
    }
  }
}

const ALONE = { level: 'linearizable', strict: true, sloppy: false, settled: true, standIns: NOBODY } as const

/** By preference list, each of which belongs to one keyspace of one process. */
const LEASE_RECEIPTS = new WeakMap<PreferenceList, Receipt>()

/** Of a read that the leader in this process answers at once, under its lease: always the same. */
export function leaseReceipt(view: View, list: PreferenceList): Receipt {
  let receipt = LEASE_RECEIPTS.get(list)
  if (receipt === undefined) LEASE_RECEIPTS.set(list, (receipt = newLeaseReceipt(view, list)))
  return receipt
}

function newLeaseReceipt({ names, local }: View, list: PreferenceList): Receipt {
  const here = 1 << local
  const quorum = new CountQuorum(1, firstPositions(list.replicas.length), 'the leader')
  const served = { asked: here, current: here, counted: here, stale: 0, repaired: 0 }
  return new Receipt({ ...ALONE, ...served, list, names, quorum, tookMs: unknownFor(list), ms: 0 })
}

/** How a leader served an operation: with those who accepted it, or alone, under its lease. */
export class LeaderRound implements Round {
  readonly quorum: ListQuorum
  readonly asked: number
  readonly answered: number
  readonly failed = 0
  readonly refusals: undefined
  readonly #operation: LedOperation

  constructor(operation: LedOperation, by: number, leader: number) {
    this.#operation = operation
    this.asked = this.answered = by === 0 && leader >= 0 ? 1 << leader : by
    const everybody = firstPositions(operation.list.replicas.length)
    this.quorum = by === 0 ? new CountQuorum(1, everybody, 'the leader') : operation.phases.phase2
  }

  waitingFor(): string {
    return this.#operation.waitingFor()
  }

  receipt(operation: { readonly startedAtMs: number }, view: View): Receipt {
    const { list, tookMs } = this.#operation
    return new Receipt({
      list,
      names: view.names,
      ...ALONE,
      quorum: this.quorum,
      asked: this.asked,
      current: this.answered,
      counted: this.answered,
      stale: 0,
      repaired: 0,
      tookMs,
      ms: view.nowMs - operation.startedAtMs,
    })
  }
}
