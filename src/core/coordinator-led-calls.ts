/**
 * Operations as their leader has them: those of other processes, of which he knows what was sent and where the answer
 * goes, and those of his own.
 *
 * Ring: machines.
 */
import type { Attempt, Memory, Verdict } from './consensus/change.ts'
import type { Leader } from './consensus/group.ts'
import type { Submit, SubmitResult, Told } from './consensus/submit-message.ts'
import type { LedCall } from './coordinator-lead.ts'
import { LeaderRound, type LedOperation } from './operation/led-operation.ts'
import type { Agenda, Operation, View } from './operation/operation.ts'
import type { Proposal } from './operation/proposal.ts'
import type { Address, Now, Step } from './step.ts'

export interface RemoteHost {
  /** Who leads, as far as is known here. */
  leader(nowMs: number): Leader | undefined
  /** It was answered. */
  ended(): void
}

export class RemoteCall implements LedCall {
  readonly isOver = false
  readonly attempt: Attempt & { isRetry: boolean; memory?: Memory | undefined }
  readonly #request: Submit
  readonly #from: Address
  readonly #host: RemoteHost
  #mayLand = false

  constructor(request: Submit, from: Address, host: RemoteHost) {
    this.#request = request
    this.#from = from
    this.#host = host
    const { op, at, isRetry, token, wish: change } = request
    this.attempt = { op, at, isRetry, token: token === 0 ? undefined : token, change, proposed: undefined }
  }

  get key(): string {
    return this.#request.key
  }

  get isRetry(): boolean {
    return this.attempt.isRetry
  }

  set isRetry(isRetry: boolean) {
    this.attempt.isRetry = isRetry
  }

  proposed({ kind }: Verdict): void {
    this.#mayLand ||= kind === 'applied' || kind === 'repeated' || kind === 'forgotten'
  }

  told(verdict: Verdict, round: Proposal | undefined, _now: Now, step: Step): void {
    this.#answer({ kind: 'told', told: verdict as Told, by: round?.isAccepting === true ? round.answered : 0 }, step)
  }

  failed(why: 'not-leader' | 'unavailable', now: Now, step: Step): void {
    const mayLand = this.#mayLand
    if (why === 'unavailable') this.#answer({ kind: why, mayLand }, step)
    else this.#answer({ kind: why, isOver: true, mayLand, leader: this.#host.leader(now.monoMs) }, step)
  }

  #answer(result: SubmitResult, step: Step): void {
    this.#host.ended()
    const { id, round } = this.#request
    step.send(this.#from, { kind: 'submitted', id, round, result })
  }
}

export interface OwnHost {
  conclude(operation: Operation, decide: (agenda: Agenda, view: View) => void, now: Now, step: Step): void
  /** It is no leader any more: the operation looks for another. */
  wait(operation: LedOperation, now: Now, step: Step): void
}

export const UNAVAILABLE = { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer the leader' } as const

/** An operation of this process, of which it is the leader. */
export class OwnCall implements LedCall {
  readonly #operation: LedOperation
  readonly #host: OwnHost

  constructor(operation: LedOperation, host: OwnHost) {
    this.#operation = operation
    this.#host = host
  }

  get key(): string {
    return this.#operation.key
  }

  get isOver(): boolean {
    return this.#operation.isOver
  }

  get isRetry(): boolean {
    return this.#operation.isRetry
  }

  set isRetry(isRetry: boolean) {
    this.#operation.isRetry = isRetry
  }

  get attempt(): LedOperation['attempt'] {
    return this.#operation.attempt
  }

  proposed(...[verdict, as]: Parameters<LedOperation['proposed']>): void {
    this.#operation.proposed(verdict, as)
  }

  told(verdict: Verdict, round: Proposal | undefined, now: Now, step: Step): void {
    const operation = this.#operation
    if (operation.isOver) return
    const served = (view: View): Proposal | LeaderRound => round ?? new LeaderRound(operation, 0, view.local)
    const conclude = (agenda: Agenda, view: View): void => operation.conclude(verdict, served(view), agenda, view)
    this.#host.conclude(operation, conclude, now, step)
  }

  failed(why: 'not-leader' | 'unavailable', now: Now, step: Step): void {
    const operation = this.#operation
    if (operation.isOver) return
    if (why === 'not-leader') return this.#host.wait(operation, now, step)
    this.#host.conclude(operation, (agenda, { names }) => operation.fail(agenda, UNAVAILABLE, names), now, step)
  }
}
