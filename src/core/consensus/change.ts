/**
 * What a proposer makes of a register's state: changes are applied where the state is known, between the phases of a
 * round (Rystsov, "CASPaxos: Replicated State Machines without logs", 2018, section 2.2).
 *
 * An operation is looked up in the state first: applied before, by whichever coordinator, it is not applied again.
 * Ring: decisions.
 */
import type { Ballot } from '../base/ballot.ts'
import type { RegisterState } from '../record.ts'
import { ruleOnToken } from './fence.ts'
import {
  mayBeForgotten,
  revisionBuiltOn,
  revisionOf,
  visibleRevision,
  withChange,
  withFence,
  type OperationStamp,
  type ProposedRounds,
} from './register-state.ts'

/** A value and its revision, as application code sees them. */
export interface Visible {
  readonly value: Uint8Array | null
  /** 0 when there is no value. */
  readonly revision: number
}

/** What an operation wants done. */
export type Change =
  /** Puts a value, or with `null` deletes it; with `ifRevision` only if that is what the key has now. */
  | {
      readonly kind: 'set'
      readonly value: Uint8Array | null
      readonly ifRevision: number | undefined
      /** Whether it is an attempt at an update, which is made again if the revision is another. */
      readonly isUpdate?: boolean
    }
  /**
   * Puts what the function makes of the value. It may be called several times, for states that others then replaced,
   * and an error that it throws ends the operation with that error.
   */
  | { readonly kind: 'update'; readonly change: (current: Visible) => Uint8Array }
  /** Sees to it that an operation that has ended without an answer is either known to be applied or never will be. */
  | { readonly kind: 'fence' }
  /** Only looks, at a state that is settled. `isFresh`: by a round, even where a leader knows the state. */
  | { readonly kind: 'look'; readonly isFresh?: boolean }

/** What whoever has made all changes of a register for a while remembers of them. */
export interface Memory {
  /** The revision that an operation made, if it is one of those that the state's table has dropped. */
  revisionOf(op: number): number | undefined
  /** Operations that began after this are in the table or here, if they were applied. */
  readonly completeFrom: number
}

/** A round that proposed an operation, and the revision that it was to make. */
export interface ProposedAs {
  readonly ballot: Ballot
  readonly revision: number
}

export interface Attempt extends OperationStamp {
  readonly change: Change
  /** Whether an earlier call may have proposed it, so that a table which has forgotten it cannot tell. */
  readonly isRetry: boolean
  /** The fencing token that the change carries, if any. */
  readonly token?: number | undefined
  /** What a leader remembers beyond the state's own table, of a retry. */
  readonly memory?: Memory | undefined
  /** The rounds of this call that proposed it, or something that builds on it. */
  readonly proposed: ProposedRounds | undefined
}

/** What the operation comes to once the state is chosen. */
export type Verdict =
  | { readonly kind: 'applied'; readonly now: Visible }
  | { readonly kind: 'looked'; readonly now: Visible }
  | { readonly kind: 'condition-failed'; readonly now: Visible }
  /** It was applied earlier. `value` is what a retry wrote, and not what the key has now. */
  | { readonly kind: 'repeated'; readonly revision: number }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'forgotten' }
  /** The token that it carries is lower than one that came before, or so far above that nobody has drawn it. */
  | { readonly kind: 'outdated'; readonly highest: number }
  | { readonly kind: 'threw'; readonly error: unknown }

export interface Decision {
  /** The state to be proposed; the same object if nothing changed. */
  readonly state: RegisterState
  readonly verdict: Verdict
}

export function visibleIn(state: RegisterState): Visible {
  return { value: state.value, revision: visibleRevision(state) }
}

/** What the operation makes of this state. */
export function decide(state: RegisterState, attempt: Attempt): Decision {
  const { change, op } = attempt
  if (change.kind === 'look') return { state, verdict: { kind: 'looked', now: visibleIn(state) } }
  const { memory } = attempt
  const revision = revisionOf(state, op) ?? memory?.revisionOf(op)
  if (revision === 0) return { state, verdict: { kind: 'fenced' } }
  if (revision !== undefined) return { state, verdict: { kind: 'repeated', revision } }
  const { proposed } = attempt
  const landed = proposed === undefined ? 0 : revisionBuiltOn(state, proposed)
  if (landed !== undefined && landed > 0) return { state, verdict: { kind: 'repeated', revision: landed } }
  const isLost = landed === undefined || attempt.isRetry
  const isKnown = memory !== undefined && attempt.at > memory.completeFrom
  if (isLost && !isKnown && mayBeForgotten(state, attempt.at)) return { state, verdict: { kind: 'forgotten' } }
  if (change.kind === 'fence') return { state: withFence(state, attempt), verdict: { kind: 'fenced' } }
  if (attempt.token !== undefined && ruleOnToken(attempt.token, state.token || undefined) !== 'passes') {
    return { state, verdict: { kind: 'outdated', highest: state.token } }
  }
  const now = visibleIn(state)
  if (change.kind === 'set') {
    const { value, ifRevision } = change
    if (ifRevision !== undefined && ifRevision !== now.revision) {
      return { state, verdict: { kind: 'condition-failed', now } }
    }
    return applied(state, value, attempt)
  }
  try {
    return applied(state, change.change(now), attempt)
  } catch (error) {
    return { state, verdict: { kind: 'threw', error } }
  }
}

function applied(state: RegisterState, value: Uint8Array | null, by: Attempt): Decision {
  const next = withChange(state, value, by)
  return { state: next, verdict: { kind: 'applied', now: visibleIn(next) } }
}
