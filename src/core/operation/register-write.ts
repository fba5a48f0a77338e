/**
 * A change of a register, or the settling of one: it does nothing by itself but wait for the rounds of its key.
 *
 * Ring: decisions.
 */
import { QuorateError, type ErrorDetail } from '../base/errors.ts'
import type { Attempt, Change, ProposedAs, Verdict, Visible } from '../consensus/change.ts'
import { withRound } from '../consensus/register-state.ts'
import { operationName } from './operation-name.ts'
import type { Agenda, View } from './operation.ts'
import { RegisterOperation, type RegisterPlan, type Round } from './register-operation.ts'
import type { Receipt } from './receipt.ts'

export interface RegisterResult {
  readonly kind: 'register'
  /** `null` for no value; `undefined` for a repeated write, of which only the revision is remembered. */
  readonly value: Uint8Array | null | undefined
  readonly revision: number
  readonly receipt: Receipt
}

/**
 * What is known of an operation now, for good. `landed`: it was applied, as this revision. `cannot-land`: it was not,
 * and never will be. `superseded`: so many changes came after it that nobody can tell whether it was; it will not any
 * more.
 */
export interface SettleResult {
  readonly kind: 'settled'
  readonly outcome: 'landed' | 'superseded' | 'cannot-land'
  readonly revision: number | undefined
}

export interface RegisterWritePlan extends RegisterPlan {
  readonly change: Change
  readonly op: number
  readonly at: number
  /** The fencing token that the change carries. */
  readonly token?: number | undefined
  /** Whether the operation's identity was known before this call. */
  readonly isRetry: boolean
}

export class RegisterWrite extends RegisterOperation {
  readonly kind: 'get' | 'put' | 'delete' | 'update' | 'settle'
  readonly #attempt: Omit<Attempt, 'proposed'>
  #proposed: Attempt['proposed']
  /** Whether a round found that nobody can tell whether it was applied. */
  #isUnsure = false
  #value: Uint8Array | null | undefined

  constructor(plan: RegisterWritePlan) {
    super(plan)
    const { change, op, at, isRetry, token } = plan
    this.#attempt = { change, op, at, isRetry, token }
    this.kind = kindOf(change)
  }

  override get attempt(): Attempt {
    const attempt = { ...this.#attempt, proposed: this.#proposed }
    return this.#isUnsure ? { ...attempt, isRetry: true } : attempt
  }

  override get patienceMsMin(): number {
    return Infinity
  }

  override waitingFor(): string {
    return this.proposal?.waitingFor() ?? 'it waited for other operations on the same key'
  }

  override begin(agenda: Agenda, view: View): void {
    const { phase1, phase2 } = this.phases
    if (phase1.met(view.usable) && phase2.met(view.usable)) agenda.queue = true
    else this.unavailable(agenda, view)
  }

  /** It asks nobody by itself. */
  override lost(_position: number, _agenda: Agenda, _view: View): void {}
  override again(_position: number, _agenda: Agenda): void {}
  override late(_agenda: Agenda, _view: View): void {}

  override proposed(verdict: Verdict, as: ProposedAs | undefined): void {
    super.proposed(verdict, as)
    if (verdict.kind === 'applied') this.#value = verdict.now.value
    if (as === undefined) return
    if (verdict.kind === 'applied') this.#proposed = withRound(as.ballot, as.revision, this.#proposed)
    else if (verdict.kind === 'repeated') this.#proposed = withRound(as.ballot, verdict.revision, this.#proposed)
    else if (verdict.kind === 'forgotten') this.#isUnsure = true
  }

  override conclude(verdict: Verdict, round: Round, agenda: Agenda, view: View): void {
    if (this.#attempt.change.kind === 'fence') {
      agenda.done = settled(verdict)
      return
    }
    switch (verdict.kind) {
      case 'applied':
      case 'looked':
        agenda.done = this.#result(verdict.now, round, view)
        return
      case 'repeated': {
        const { change } = this.#attempt
        const isDelete = change.kind === 'set' && change.value === null
        const now = { value: this.#value, revision: isDelete ? 0 : verdict.revision }
        agenda.done = this.#result(now, round, view)
        return
      }
      case 'condition-failed':
        agenda.done = this.#conditionFailed(verdict.now)
        return
      case 'threw':
        agenda.done = verdict.error instanceof Error ? verdict.error : new Error(String(verdict.error))
        return
      case 'fenced':
        agenda.done = new QuorateError('QUORATE_FENCED', `${this.#what} was settled as never applied`, {
          ...this.identity(),
        })
        return
      case 'outdated':
        agenda.done = this.#outdated(verdict.highest)
        return
      case 'forgotten':
        this.fail(agenda, TOO_LATE, view.names)
    }
  }

  protected override identity(): Pick<ErrorDetail, 'operation' | 'leader'> {
    const { op, at } = this.#attempt
    return { operation: operationName({ op, at, home: 0 }) }
  }

  get #what(): string {
    return `${this.kind} in ${this.keyspaceName}`
  }

  #result(now: Omit<Visible, 'value'> & Pick<RegisterResult, 'value'>, round: Round, view: View): RegisterResult {
    return { kind: 'register', ...now, receipt: round.receipt(this, view) }
  }

  #outdated(highest: number): QuorateError {
    const { token = 0 } = this.#attempt
    const isAhead = token > highest
    const relation = isAhead ? 'lies further above' : 'is lower than'
    const why = `the fencing token ${token} ${relation} ${highest}, which a change of the key has carried`
    const explained = isAhead ? `${why}, than any that can have been given since` : why
    const code = isAhead ? 'QUORATE_LIMIT' : 'QUORATE_FENCED'
    return new QuorateError(code, `${this.#what}: ${explained}; nothing was changed`, this.identity())
  }

  #conditionFailed(current: Visible): QuorateError {
    const { change } = this.#attempt
    const wanted = change.kind === 'set' ? change.ifRevision : undefined
    const is = current.revision === 0 ? 'the key does not exist' : `the key has revision ${current.revision}`
    const message = `${this.#what}: ${is}, and not the revision ${wanted} that was asked for; nothing was changed`
    return new QuorateError('QUORATE_CONDITION_FAILED', message, { current, ...this.identity() })
  }
}

const TOO_LATE = {
  code: 'QUORATE_UNAVAILABLE',
  why: 'so many changes came after the first attempt that nobody can tell whether it happened; read the key',
} as const

function kindOf(change: Change): RegisterWrite['kind'] {
  if (change.kind === 'fence') return 'settle'
  if (change.kind === 'look') return change.isFresh === true ? 'settle' : 'get'
  if (change.kind === 'set') return change.value === null ? 'delete' : 'put'
  return 'update'
}

function settled(verdict: Verdict): SettleResult {
  if (verdict.kind === 'repeated') return { kind: 'settled', outcome: 'landed', revision: verdict.revision }
  const outcome = verdict.kind === 'forgotten' ? 'superseded' : 'cannot-land'
  return { kind: 'settled', outcome, revision: undefined }
}
