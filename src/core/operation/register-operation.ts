/**
 * An operation on one register of a CP keyspace, as long as it waits for a round in its key's queue.
 *
 * Operations on one key share rounds (proposal.ts): each is told what it came to, and ends by itself when its time is
 * over or its caller leaves. One that has ended is never proposed again, so that what was settled since stays settled.
 * Ring: decisions.
 */
import type { ErrorCode, Outcome } from '../base/errors.ts'
import type { Attempt, ProposedAs, Verdict } from '../consensus/change.ts'
import type { PreferenceList } from '../placement/placement.ts'
import type { ListQuorum, Quorum } from '../quorum/quorum.ts'
import type { Keyspace } from './keyspace.ts'
import { Operation, type Agenda, type Names, type View } from './operation.ts'
import type { Receipt } from './receipt.ts'

export interface RegisterPlan {
  readonly keyspace: Keyspace
  readonly key: string
  readonly list: PreferenceList
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

/** Who must answer in which phase, for the registers on one preference list. */
export interface Phases {
  readonly phase1: ListQuorum
  readonly phase2: ListQuorum
  /** Sets that hold a quorum of either phase. */
  readonly both: ListQuorum
}

/** By preference list, each of which belongs to one keyspace. */
const KNOWN = new WeakMap<PreferenceList, Phases>()

export function phasesOf(keyspace: Keyspace, list: PreferenceList): Phases {
  let phases = KNOWN.get(list)
  if (phases === undefined) {
    const phase1 = keyspace.readChoice(list, undefined).quorum
    const phase2 = keyspace.writeChoice(list, undefined).quorum
    phases = { phase1, phase2, both: phase1.text === phase2.text ? phase1 : new BothPhases(phase1, phase2) }
    KNOWN.set(list, phases)
  }
  return phases
}

/** Sets that hold a quorum of either phase. */
export class BothPhases implements ListQuorum {
  readonly required: number
  readonly members: number
  readonly text: string
  readonly #phase1: ListQuorum
  readonly #phase2: ListQuorum

  constructor(phase1: ListQuorum, phase2: ListQuorum) {
    this.#phase1 = phase1
    this.#phase2 = phase2
    this.required = Math.max(phase1.required, phase2.required)
    this.members = phase1.members | phase2.members
    this.text = `${phase1.text}, and ${phase2.text}`
  }

  met(replicas: number): boolean {
    return this.#phase1.met(replicas) && this.#phase2.met(replicas)
  }

  spare(replicas: number): number {
    return Math.min(this.#phase1.spare(replicas), this.#phase2.spare(replicas))
  }
}

/** The round that an operation takes part in, as far as the operation looks at it. */
export interface Round extends Pick<Operation, 'quorum' | 'asked' | 'answered' | 'failed' | 'refusals' | 'waitingFor'> {
  /** How the operation was served. */
  receipt(operation: { readonly startedAtMs: number }, view: View): Receipt
}

export abstract class RegisterOperation extends Operation {
  readonly plan: RegisterPlan
  readonly phases: Phases
  /** The round that it takes part in. */
  proposal: Round | undefined = undefined
  /** Whether the last round gave way to somebody else's. */
  isPreempted = false
  isOver = false
  /** Whether it has ever waited for a round: most reads do not. */
  isQueued = false
  #mayLand = false

  constructor(plan: RegisterPlan) {
    super(plan.list, plan.times)
    this.plan = plan
    this.phases = phasesOf(plan.keyspace, plan.list)
  }

  /** What a round is to do for it. */
  abstract readonly attempt: Attempt

  /** The state that holds this verdict is chosen. */
  abstract conclude(verdict: Verdict, round: Round, agenda: Agenda, view: View): void

  override get keyspaceName(): string {
    return this.plan.keyspace.name
  }

  override get keyspaceFingerprint(): number {
    return this.plan.keyspace.fingerprint
  }

  override get quorum(): Quorum {
    return this.proposal?.quorum ?? this.phases.phase1
  }

  override outcome(): Outcome {
    return this.#mayLand || this.attempt.isRetry ? 'unknown' : 'none'
  }

  /**
   * A round looked the operation up in a state that it is about to build on. Once that round is won, what earlier ones
   * proposed is either in that state or can never be chosen. As long as it is not, somebody who has seen the earlier
   * proposal alone may propose it again above this one: what may land goes on to.
   */
  proposed(verdict: Verdict, _as: ProposedAs | undefined): void {
    this.#mayLand ||= verdict.kind === 'applied' || verdict.kind === 'repeated' || verdict.kind === 'forgotten'
  }

  override fail(agenda: Agenda, reason: { readonly code: ErrorCode; readonly why: string }, names: Names): void {
    const { proposal } = this
    if (proposal !== undefined) {
      const { asked, answered, failed, refusals } = proposal
      Object.assign(this, { asked, answered, failed, refusals })
    }
    const lostRace = reason.code === 'QUORATE_TIMEOUT' && this.isPreempted
    super.fail(agenda, lostRace ? PREEMPTED : reason, names)
  }
}

const PREEMPTED = {
  code: 'QUORATE_PREEMPTED',
  why: 'others kept changing the same key, and this operation was never first in time',
} as const
