/**
 * A read of a register: one round trip when a phase-2 quorum has accepted one ballot and nobody has promised more.
 *
 * It asks a set that holds a phase-1 and a phase-2 quorum. Whatever was chosen before the read began was accepted by
 * somebody in every phase-1 quorum, so nothing later than the highest ballot b of the answers has been acknowledged; and
 * b itself is chosen once a phase-2 quorum has accepted it. If fewer have, b is proposed again as it is: to repeat an
 * accept request is always safe. Either way, as long as nobody in the phase-2 quorum has promised more than b, no
 * proposal above b had got through its first phase when they answered: what is half done and was not seen here can
 * never be chosen. That is what "settled" means, and what reads and failed compares must wait for (CASSANDRA-12126).
 *
 * Where somebody has promised more, a change is under way or was left half done. The read looks once more after a
 * while, and then takes part in a round of the key's queue, which changes nothing and settles everything.
 * Ring: decisions.
 */
import { NO_BIRTHS, type Births } from '../births.ts'
import { compareBallots, higherBallot, isSameBallot, NO_BALLOT, type Ballot } from '../base/ballot.ts'
import type { Outcome } from '../base/errors.ts'
import { visibleIn, type Attempt, type Verdict, type Visible } from '../consensus/change.ts'
import { UNWRITTEN } from '../consensus/register-state.ts'
import { CountQuorum, firstPositions, type ListQuorum, type Quorum } from '../quorum/quorum.ts'
import { choose } from '../quorum/tally.ts'
import type { RegisterState } from '../record.ts'
import type { Agenda, View } from './operation.ts'
import { NOBODY, Receipt } from './receipt.ts'
import { RegisterOperation, type RegisterPlan, type Round } from './register-operation.ts'
import type { RegisterResult } from './register-write.ts'

export interface RegisterReadPlan extends RegisterPlan {
  /** Whether one replica's answer is enough, whatever the others know. */
  readonly isStale: boolean
  /** From 0 to 1: how long it waits for a change that is under way, as a share of what the first look took. */
  readonly patience: number
}

/** What a replica told of its register. */
export interface RegisterFact {
  readonly promised: Ballot
  readonly accepted: Ballot
  /** Left out when the ballot was enough. */
  readonly state: RegisterState | undefined
}

const LOOK: Attempt = { op: 0, at: 0, isRetry: false, proposed: undefined, change: { kind: 'look' } }
/** Looks before it takes part in a round. */
const LOOKS_MAX = 2
/** The same of a read that takes any answer: each time somebody knows of another acceptor that lost its disk. */
const STALE_LOOKS_MAX = 8
const PAUSE_MS_MIN = 1

export class RegisterRead extends RegisterOperation {
  readonly kind = 'get'
  readonly attempt: Attempt = LOOK
  readonly #isStale: boolean
  readonly #patience: number
  readonly #asks: ListQuorum
  #facts: (RegisterFact | undefined)[] = []
  #looks = 1
  /** `look`: asks for ballots. `pause`: gives a change time. `repeat`: proposes what it found again. `queued`: waits for a round. */
  #stage: 'look' | 'pause' | 'repeat' | 'queued' = 'look'
  /** In `repeat`: what is proposed again. */
  ballot: Ballot = NO_BALLOT
  state: RegisterState = UNWRITTEN
  /** What was known when it began to look: answers count under these alone. */
  births: Births = NO_BIRTHS

  constructor(plan: RegisterReadPlan) {
    super(plan)
    this.#isStale = plan.isStale
    this.#patience = plan.patience
    this.#asks = plan.isStale ? new CountQuorum(1, firstPositions(plan.list.replicas.length)) : this.phases.both
  }

  override get quorum(): Quorum {
    if (this.#stage === 'queued') return super.quorum
    return this.#stage === 'repeat' ? this.phases.phase2 : this.#asks
  }

  /** In a queue it waits for others. */
  override get patienceMsMin(): number {
    return this.#stage === 'queued' ? Infinity : 0
  }

  override outcome(): Outcome {
    return 'none'
  }

  override waitingFor(): string {
    if (this.#stage === 'queued') return this.proposal?.waitingFor() ?? 'it waited for other operations on the same key'
    return this.#stage === 'repeat'
      ? 'the value read did not reach a quorum in time'
      : 'too few replicas answered in time'
  }

  override begin(agenda: Agenda, view: View): void {
    this.births = view.births
    const chosen = choose(this.#asks, view.order)
    if (chosen === undefined) this.unavailable(agenda, view)
    else this.#ask(chosen, agenda, view)
  }

  /** A replica told what it has promised and accepted. */
  told(position: number, fact: RegisterFact, agenda: Agenda, view: View): void {
    if (this.#stage !== 'look') return
    this.answered |= 1 << position
    this.failed &= ~(1 << position)
    this.#facts[position] = fact
    this.#decide(agenda, view)
  }

  /** A replica accepted what is proposed again. */
  accepted(position: number, agenda: Agenda, view: View): void {
    if (this.#stage !== 'repeat') return
    this.answered |= 1 << position
    if (this.phases.phase2.met(this.answered)) this.#finish(visibleIn(this.state), this.answered, agenda, view)
  }

  /** A replica has promised more than what is proposed again. */
  preempted(agenda: Agenda): void {
    if (this.#stage === 'repeat') this.#queue(agenda)
  }

  /** An acceptor knows of births that this read does not know, and says nothing. */
  outdated(position: number, agenda: Agenda, view: View): void {
    if (view.births === this.births) return this.lost(position, agenda, view)
    const isLooking = this.#stage === 'look' && this.#looks < (this.#isStale ? STALE_LOOKS_MAX : LOOKS_MAX)
    if (isLooking) this.#lookAgain(agenda, view)
    else if (this.#isStale) this.unavailable(agenda, view)
    else if (this.#stage === 'look' || this.#stage === 'repeat') this.#queue(agenda)
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    if (this.#stage === 'queued' || this.#stage === 'pause') return
    this.failed |= 1 << position
    if (this.#stage === 'look') this.#forget(position)
    if (this.answered & (1 << position)) return
    const sure = this.answered | this.possible
    if (this.quorum.met(sure)) return
    const candidates = view.order.filter((other) => !((sure | this.failed) & (1 << other)))
    const more = choose(this.quorum, candidates, sure)
    if (more === undefined) {
      this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer' }, view.names)
    } else if (this.#stage === 'repeat') this.#repeatTo(more, agenda)
    else this.#askFull(more, agenda)
  }

  /** A ballot whose state cannot be had any more: the answers of others must do. */
  #forget(position: number): void {
    const fact = this.#facts[position]
    if (fact === undefined || fact.state !== undefined || isSameBallot(fact.accepted, NO_BALLOT)) return
    this.#facts[position] = undefined
    this.answered &= ~(1 << position)
  }

  override again(position: number, agenda: Agenda): void {
    if (this.#stage === 'repeat') agenda.accept = 1 << position
    else agenda.full = 1 << position
  }

  override late(agenda: Agenda, view: View): void {
    if (this.#stage === 'look') this.#askFull(view.usable, agenda)
    else if (this.#stage === 'repeat') this.#repeatTo(view.usable & ~this.answered, agenda)
    else if (this.#stage === 'pause') this.#lookAgain(agenda, view)
  }

  override conclude(verdict: Verdict, round: Round, agenda: Agenda, view: View): void {
    if (verdict.kind !== 'looked') return
    const receipt = round.receipt(this, view)
    agenda.done = { kind: 'register', ...verdict.now, receipt } satisfies RegisterResult
  }

  #ask(chosen: number, agenda: Agenda, view: View): void {
    const first = view.order.find((position) => chosen & (1 << position)) as number
    agenda.full = 1 << first
    agenda.digest = chosen & ~agenda.full
    this.asked = chosen
  }

  #askFull(positions: number, agenda: Agenda): void {
    agenda.full |= positions
    this.asked |= positions
    this.failed &= ~positions
  }

  #decide(agenda: Agenda, view: View): void {
    if (!this.#asks.met(this.answered)) return
    let highest = NO_BALLOT
    let promised = NO_BALLOT
    for (const fact of this.#facts) {
      if (fact === undefined) continue
      highest = higherBallot(highest, fact.accepted)
      promised = higherBallot(promised, fact.promised)
    }
    let holders = 0
    let state = isSameBallot(highest, NO_BALLOT) ? UNWRITTEN : undefined
    for (const [position, fact] of this.#facts.entries()) {
      if (fact === undefined || !isSameBallot(fact.accepted, highest)) continue
      holders |= 1 << position
      state ??= fact.state
    }
    if (state === undefined) {
      // Whoever has it may be gone by the time it is asked: every holder is.
      this.#askFull(holders & view.usable, agenda)
    } else if (this.#isStale) this.#finish(visibleIn(state), holders, agenda, view)
    else if (compareBallots(promised, highest) > 0) this.#pause(agenda, view)
    else if (this.phases.phase2.met(holders)) this.#finish(visibleIn(state), holders, agenda, view)
    else this.#repeat({ ballot: highest, state, holders }, agenda, view)
  }

  #pause(agenda: Agenda, view: View): void {
    if (this.#looks >= LOOKS_MAX) {
      this.#queue(agenda)
      return
    }
    this.#stage = 'pause'
    this.lateAtMs = view.nowMs + PAUSE_MS_MIN + this.#patience * (view.nowMs - this.startedAtMs)
  }

  #lookAgain(agenda: Agenda, view: View): void {
    this.#stage = 'look'
    this.#looks++
    this.births = view.births
    this.#newRound()
    this.#facts = []
    const chosen = choose(this.#asks, view.order)
    if (chosen !== undefined) this.#ask(chosen, agenda, view)
    else this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer' }, view.names)
  }

  #repeat(
    found: { readonly ballot: Ballot; readonly state: RegisterState; readonly holders: number },
    agenda: Agenda,
    view: View,
  ): void {
    this.#stage = 'repeat'
    this.#newRound()
    this.ballot = found.ballot
    this.state = found.state
    this.answered = this.asked = found.holders
    const candidates = view.order.filter((position) => !(found.holders & (1 << position)))
    const more = choose(this.phases.phase2, candidates, found.holders)
    if (more !== undefined) this.#repeatTo(more, agenda)
    else this.fail(agenda, { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer' }, view.names)
  }

  #repeatTo(positions: number, agenda: Agenda): void {
    agenda.accept |= positions
    this.asked |= positions
    this.failed &= ~positions
  }

  #newRound(): void {
    this.round++
    this.asked = this.answered = this.failed = 0
  }

  #queue(agenda: Agenda): void {
    this.#stage = 'queued'
    this.#newRound()
    this.lateAtMs = Infinity
    agenda.queue = true
  }

  #finish(now: Visible, holders: number, agenda: Agenda, view: View): void {
    const receipt = new Receipt({
      list: this.list,
      names: view.names,
      level: this.#isStale ? 'stale' : 'linearizable',
      quorum: this.#asks,
      strict: !this.#isStale,
      sloppy: false,
      standIns: NOBODY,
      asked: this.asked,
      current: holders,
      counted: holders,
      stale: this.answered & ~holders,
      repaired: 0,
      tookMs: this.tookMs,
      ms: view.nowMs - this.startedAtMs,
      settled: !this.#isStale,
    })
    const { value, revision } = now
    agenda.done = { kind: 'register', value, revision, receipt } satisfies RegisterResult
  }
}
