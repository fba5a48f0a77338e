/**
 * One round of one register: prepare at a phase-1 quorum, decide on the highest state that was accepted there, accept
 * at a phase-2 quorum. CASPaxos (Rystsov 2018) with flexible quorums (Howard, Malkhi, Spiegelman 2016).
 *
 * The leader of a keyspace goes through both phases for the first change of a key in its generation. From then on nobody
 * else proposes below the ballot that it was promised, so it knows the state, and does without the first phase.
 *
 * A round has one ballot and proposes one state. It serves every operation that waits in the key's queue when its first
 * phase ends: they are applied one after the other, and what is proposed is the state after the last of them. A round
 * that loses is over; the next one has a higher ballot and looks every operation up again.
 * Ring: decisions.
 */
import { compareBallots, higherBallot, isSameBallot, NO_BALLOT, type Ballot } from '../base/ballot.ts'
import { decide, type Attempt, type ProposedAs, type Verdict } from '../consensus/change.ts'
import { mergeErased, proposedBy, UNWRITTEN } from '../consensus/register-state.ts'
import { NO_BIRTHS, type Births } from '../births.ts'
import type { Outcome } from '../base/errors.ts'
import { firstPositions, type ListQuorum } from '../quorum/quorum.ts'
import { choose } from '../quorum/tally.ts'
import type { RegisterState } from '../record.ts'
import { Operation, type Agenda, type View } from './operation.ts'
import { NOBODY, Receipt } from './receipt.ts'
import { phasesOf, type Phases, type RegisterPlan } from './register-operation.ts'

/** An operation that rounds can serve. */
export interface Proposable {
  readonly attempt: Attempt
  /** It was looked up in a state, and decided on, and what that came to is about to be proposed with this ballot. */
  proposed(verdict: Verdict, as: ProposedAs): void
}

export interface ProposalPlan extends RegisterPlan {
  /** Drawn for this round alone. */
  readonly ballot: Ballot
  /** The operations that are to be decided, once it is known on what. */
  readonly waiting: () => readonly Proposable[]
  /** For the leader's rounds: what it knows to be chosen, or nothing for a key that it has not asked for. */
  readonly led?: { readonly known: RegisterState | undefined }
}

/** What an operation comes to if the round is won. */
export interface Decided {
  /** One of those that waited. */
  readonly operation: Proposable
  readonly verdict: Verdict
}

/**
 * `won`: what was decided is chosen. `preempted`: somebody has promised a higher ballot. `outdated`: an acceptor knows of
 * another one that lost its disk. `unreachable`: too few replicas can answer.
 */
export interface ProposalEnd {
  readonly kind: 'proposal'
  readonly end: 'won' | 'preempted' | 'outdated' | 'unreachable'
}

/** What a replica promised with: the last proposal that it accepted. */
export interface Promised {
  readonly accepted: Ballot
  readonly state: RegisterState
}

/**
 * All replicas are asked to accept at once, over links that tell when they break: who is silent has the request, and is
 * at work. He is asked again this late, for what was lost without a trace.
 */
const REPEAT_MS = 500
/** A promise is a write to the disk, so one more replica is not asked for it as soon as it would be for an answer. */
const HEDGE_MS = 50
/** With a higher ballot in its way a round that cannot be won is over soon, though not before the others can have answered. */
const PREEMPTED_MS_MIN = 10

export class Proposal extends Operation {
  readonly kind = 'proposal'
  readonly plan: ProposalPlan
  readonly ballot: Ballot
  /** What is proposed, from the second phase on. */
  state: RegisterState = UNWRITTEN
  /** The operations that this round serves, from the second phase on. */
  decided: readonly Decided[] = []
  /** The highest ballot that stood in its way. */
  preemptedBy: Ballot = NO_BALLOT
  /** What was known when the round began: its votes count under these alone. */
  births: Births = NO_BIRTHS
  readonly #phases: Phases
  #isAccepting = false
  #found: Promised = { accepted: NO_BALLOT, state: UNWRITTEN }
  /** Positions that will not have this ballot. */
  #preemptors = 0

  constructor(plan: ProposalPlan) {
    super(plan.list, plan.times)
    this.plan = plan
    this.ballot = plan.ballot
    this.#phases = phasesOf(plan.keyspace, plan.list)
  }

  override get keyspaceName(): string {
    return this.plan.keyspace.name
  }

  override get keyspaceFingerprint(): number {
    return this.plan.keyspace.fingerprint
  }

  override get quorum(): ListQuorum {
    return this.#isAccepting ? this.#phases.phase2 : this.#phases.phase1
  }

  /** Of the round. What it means to an operation is for the operation to say. */
  override outcome(): Outcome {
    return this.#isAccepting ? 'unknown' : 'none'
  }

  override get patienceMsMin(): number {
    return this.#isAccepting ? REPEAT_MS : HEDGE_MS
  }

  override waitingFor(): string {
    return this.#isAccepting ? 'too few replicas accepted it in time' : 'too few replicas gave their promise in time'
  }

  override begin(agenda: Agenda, view: View): void {
    this.births = view.births
    const known = this.plan.led?.known
    if (known === undefined) this.#stands(agenda, view)
    else this.#decide(known, agenda, view)
  }

  /** Whether anybody was asked to accept it, so that it may be chosen however this round ends. */
  get isAccepting(): boolean {
    return this.#isAccepting
  }

  promised(position: number, { accepted, state }: Promised, agenda: Agenda, view: View): void {
    if (this.#isAccepting) return
    this.answered |= 1 << position
    this.failed &= ~(1 << position)
    const order = compareBallots(accepted, this.#found.accepted)
    if (order > 0) this.#found = { accepted, state }
    else if (order === 0 && isSameBallot(accepted, NO_BALLOT)) {
      this.#found = { accepted, state: mergeErased(this.#found.state, state) }
    }
    this.#stands(agenda, view)
  }

  accepted(position: number, agenda: Agenda, view: View): void {
    if (!this.#isAccepting) return
    this.answered |= 1 << position
    this.failed &= ~(1 << position)
    this.#stands(agenda, view)
  }

  preempted(position: number, by: Ballot, agenda: Agenda, view: View): void {
    this.#preemptors |= 1 << position
    this.preemptedBy = higherBallot(this.preemptedBy, by)
    const tookMs = Math.max(PREEMPTED_MS_MIN, view.nowMs - this.startedAtMs)
    this.lateAtMs = Math.min(this.lateAtMs, view.nowMs + tookMs)
    this.lost(position, agenda, view)
  }

  /** An acceptor knows of births that the round does not know, and says nothing. They are known here now, or not. */
  outdated(position: number, agenda: Agenda, view: View): void {
    if (view.births !== this.births) this.#preemptors |= 1 << position
    this.lost(position, agenda, view)
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    this.failed |= 1 << position
    this.#stands(agenda, view)
  }

  override again(position: number, agenda: Agenda): void {
    if (this.#isAccepting) agenda.accept = 1 << position
    else agenda.prepare = 1 << position
  }

  /**
   * Asks everybody who may still say yes, those that are silent once more: to promise or accept twice is to do it once.
   * With a higher ballot in its way the round waits for nobody: who is silent may have stopped for good, and nothing
   * would ever end a round that cannot be won without him.
   */
  override late(agenda: Agenda, view: View): void {
    if (this.#preemptors !== 0) this.#lose(agenda)
    else this.#ask(view.usable & ~this.answered & ~this.#preemptors, agenda)
  }

  /** How an operation that this round served was served. */
  receipt(operation: { readonly startedAtMs: number }, view: View): Receipt {
    return new Receipt({
      list: this.list,
      names: view.names,
      level: 'linearizable',
      quorum: this.#phases.phase2,
      strict: true,
      sloppy: false,
      standIns: NOBODY,
      asked: this.asked,
      current: this.answered,
      counted: this.answered,
      stale: 0,
      repaired: 0,
      tookMs: this.tookMs,
      ms: view.nowMs - operation.startedAtMs,
      settled: true,
    })
  }

  /** Decides once there are promises enough, ends when they are out of reach, and asks further in between. */
  #stands(agenda: Agenda, view: View): void {
    if (this.quorum.met(this.answered)) {
      if (this.#isAccepting) this.#end('won', agenda)
      else this.#decide(this.#found.state, agenda, view)
      return
    }
    const sure = this.answered | this.possible
    if (this.quorum.met(sure)) return
    const candidates = view.order.filter((position) => !((sure | this.failed) & (1 << position)))
    const more = choose(this.quorum, candidates, sure)
    if (more !== undefined) this.#ask(more, agenda)
    else this.#lose(agenda)
  }

  #lose(agenda: Agenda): void {
    if (this.#preemptors === 0) this.#end('unreachable', agenda)
    else this.#end(isSameBallot(this.preemptedBy, NO_BALLOT) ? 'outdated' : 'preempted', agenda)
  }

  #ask(positions: number, agenda: Agenda): void {
    if (this.#isAccepting) agenda.accept |= positions
    else agenda.prepare |= positions
    this.asked |= positions
    this.failed &= ~positions
  }

  #decide(found: RegisterState, agenda: Agenda, view: View): void {
    const { led } = this.plan
    let state = found
    this.decided = this.plan.waiting().map((operation) => {
      const decision = decide(state, operation.attempt)
      state = decision.state
      operation.proposed(decision.verdict, { ballot: this.ballot, revision: state.revision })
      return { operation, verdict: decision.verdict }
    })
    // Nobody else proposes in a leader's generation: it has no need to find out what became of its proposals.
    this.state = led === undefined ? proposedBy(state, this.ballot) : state
    // A state that nothing is to change is proposed all the same, even if a quorum has accepted it: promises alone keep
    // older proposals from being chosen, and not from being found by a later round where one acceptor took them late.
    if (this.decided.length === 0 || state === led?.known) {
      this.#end('won', agenda)
      return
    }
    this.#isAccepting = true
    // Without a first phase these are the first questions: how long their answers take is measured as such.
    if (led?.known === undefined) this.round = 1
    this.asked = this.answered = this.failed = this.#preemptors = 0
    this.#ask(view.usable & firstPositions(this.list.replicas.length), agenda)
  }

  #end(end: ProposalEnd['end'], agenda: Agenda): void {
    agenda.done = { kind: 'proposal', end } satisfies ProposalEnd
  }
}
