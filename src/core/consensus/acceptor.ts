/**
 * The acceptor of one register: what it promises, what it accepts, and what it takes over from other acceptors.
 *
 * Pure transitions. The caller's duty: the record that a transition gives is durable before the answer leaves, and a
 * record that was promised or accepted is never forgotten (an acceptor that lost its disk must not answer until it has
 * caught up). `floor` is a promise that was made for many registers at once, to the leader of their keyspace: it counts
 * like a promise of each of them where proposers ask. `NO_BALLOT` where there is none.
 * Ring: decisions.
 */
import { compareBallots, higherBallot, isSameBallot, NO_BALLOT, type Ballot } from '../base/ballot.ts'
import type { RegisterRecord, RegisterState } from '../record.ts'
import { UNWRITTEN } from './register-state.ts'

/** What an acceptor holds of a register that it has not heard of. */
export const EMPTY_REGISTER: RegisterRecord = {
  kind: 'register',
  promised: NO_BALLOT,
  accepted: NO_BALLOT,
  state: UNWRITTEN,
}

/** What a request comes to: another record, the same one (it was carried out before), or a refusal. */
export type Transition =
  | { readonly kind: 'changed' | 'same'; readonly record: RegisterRecord }
  /** Somebody with a higher ballot was here. */
  | { readonly kind: 'preempted'; readonly promised: Ballot }

/** A proposal as an acceptor gets it. */
export interface Proposed {
  readonly ballot: Ballot
  readonly state: RegisterState
}

/** What it has promised, all told. */
function promisedBy({ promised }: RegisterRecord, floor: Ballot = NO_BALLOT): Ballot {
  return higherBallot(promised, floor)
}

/** Phase 1: promises to accept nothing below the ballot. Asked twice, it promises twice: that is once. */
export function prepare(record: RegisterRecord, ballot: Ballot, floor: Ballot = NO_BALLOT): Transition {
  const promised = promisedBy(record, floor)
  if (compareBallots(ballot, promised) < 0) return { kind: 'preempted', promised }
  if (isSameBallot(ballot, record.promised)) return { kind: 'same', record }
  return { kind: 'changed', record: { ...record, promised: ballot } }
}

/** Phase 2: accepts the proposal unless something higher was promised. To accept is also to promise. */
export function accept(record: RegisterRecord, { ballot, state }: Proposed, floor: Ballot = NO_BALLOT): Transition {
  const promised = promisedBy(record, floor)
  if (compareBallots(ballot, promised) < 0) return { kind: 'preempted', promised }
  if (isSameBallot(ballot, record.accepted)) return { kind: 'same', record }
  return { kind: 'changed', record: { kind: 'register', promised: ballot, accepted: ballot, state } }
}

/**
 * Takes over what another acceptor has accepted: how registers heal without a coordinator.
 *
 * That somebody accepted (b, s) proves that b's proposer proposed s and nothing else at b, so handing it on is the same
 * as delivering the proposer's own accept request late and once more, and such requests may always come late or twice.
 * It is therefore taken under the very rule of `accept`: not below what was promised here. An acceptor that took it
 * over in spite of a higher promise could make b chosen behind the back of the proposer of that promise, who has
 * already been told that nothing of the kind was accepted here; two values would then be chosen. Such an acceptor stays
 * behind until the next round of this register, which reads may have to start; `isStuck` tells.
 *
 * The floor of a leader does not count here. It keeps proposers out who ask by themselves, so that an old leader is told
 * of the new one; but the new one was told nothing of this register when it got that promise. It asks for each register
 * once more before it does anything with it, and that promise stands in the record.
 *
 * Nothing is ever taken for *chosen* because it was handed on, and the sender's promise does not travel: it was given
 * to others, and this acceptor has given its own.
 */
export function takeOver(record: RegisterRecord, from: RegisterRecord): RegisterRecord {
  if (compareBallots(from.accepted, record.accepted) <= 0) return record
  const taken = accept(record, { ballot: from.accepted, state: from.state })
  return taken.kind === 'preempted' ? record : taken.record
}

/** Whether this acceptor cannot take over what the other one has accepted, because it has promised more. */
export function isStuck(record: RegisterRecord, from: RegisterRecord): boolean {
  const isBehind = compareBallots(record.accepted, from.accepted) < 0
  return isBehind && compareBallots(from.accepted, record.promised) < 0
}
