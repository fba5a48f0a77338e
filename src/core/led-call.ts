/**
 * An operation of another process, as its leader has it: what was sent, and where the answer goes.
 *
 * Ring: machines.
 */
import type { Attempt, Change, Verdict } from './consensus/change.ts'
import type { Leader } from './consensus/group.ts'
import type { Submit, SubmitResult, Told } from './consensus/submit-message.ts'
import type { LedCall } from './coordinator-lead.ts'
import type { Proposal } from './operation/proposal.ts'
import type { Address, Now, Step } from './step.ts'

export interface RemoteHost {
  /** Who leads, as far as is known here. */
  leader(): Leader | undefined
  /** It was answered. */
  ended(): void
}

export class RemoteCall implements LedCall {
  readonly isOver = false
  isRetry: boolean
  readonly #request: Submit
  readonly #from: Address
  readonly #host: RemoteHost
  readonly #change: Change
  #mayLand = false

  constructor(request: Submit, from: Address, host: RemoteHost) {
    this.#request = request
    this.#from = from
    this.#host = host
    this.#change = request.wish
    this.isRetry = request.isRetry
  }

  get key(): string {
    return this.#request.key
  }

  get attempt(): Attempt {
    const { op, at, token } = this.#request
    const carried = token === 0 ? undefined : token
    return { op, at, isRetry: this.isRetry, token: carried, change: this.#change, proposed: undefined }
  }

  proposed({ kind }: Verdict): void {
    this.#mayLand = kind === 'applied' || kind === 'repeated' || kind === 'forgotten'
  }

  told(verdict: Verdict, round: Proposal | undefined, _now: Now, step: Step): void {
    this.#answer({ kind: 'told', told: verdict as Told, by: round?.isAccepting === true ? round.answered : 0 }, step)
  }

  failed(why: 'not-leader' | 'unavailable', _now: Now, step: Step): void {
    const mayLand = this.#mayLand
    if (why === 'unavailable') this.#answer({ kind: why, mayLand }, step)
    else this.#answer({ kind: why, isOver: true, mayLand, leader: this.#host.leader() }, step)
  }

  #answer(result: SubmitResult, step: Step): void {
    this.#host.ended()
    const { id, round } = this.#request
    step.send(this.#from, { kind: 'submitted', id, round, result })
  }
}
