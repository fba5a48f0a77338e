/**
 * The state that a register agrees on: the value, its revision, and the operations that were applied last.
 *
 * The table of operations is part of what is agreed on, so whichever coordinator proposes next knows which operations
 * have taken effect. It holds the last 16; of a register that changes often up to 128 of those that began within ten
 * seconds of the newest, so that a retry after a timeout still finds its operation there. A coordinator whose round was
 * preempted does not depend on it: the state names the last proposal of each proposer that it builds on.
 * Ring: values.
 */
import type { Ballot } from '../base/ballot.ts'
import type { RegisterState } from '../record.ts'

/** A register that nobody has written. */
export const UNWRITTEN: RegisterState = {
  value: null,
  revision: 0,
  operations: [],
  forgottenAt: 0,
  proposers: [],
  token: 0,
}

/** Operations that are always remembered, and the most that are. */
export const REMEMBERED_MIN = 16
export const REMEMBERED_MAX = 128
/** Ten seconds of hybrid time: longer than most calls take. */
export const REMEMBERED_STAMPS: number = 10_000 * 4_096

/** Proposers that a state remembers. */
export const PROPOSERS_MAX = 16
/** Stands for all that are not named: nobody proposes under this identity. */
const OTHERS = 0

/**
 * The state of a register that may have been deleted and erased: no revision is given twice, whoever has a write from
 * before cannot tell what became of it, and the state cannot tell whose proposals it builds on.
 * @param forgottenAt the highest `at` of an operation that may be among the erased
 */
export function erasedState(revision: number, forgottenAt: number): RegisterState {
  return { ...UNWRITTEN, revision, forgottenAt, proposers: [OTHERS, 0] }
}

/** What registers were erased by some acceptors or by others: the state for a proposer that found no proposal. */
export function mergeErased(a: RegisterState, b: RegisterState): RegisterState {
  if (a.revision === 0 && a.forgottenAt === 0) return b
  return erasedState(Math.max(a.revision, b.revision), Math.max(a.forgottenAt, b.forgottenAt))
}

/** The identity of an operation. */
export interface OperationStamp {
  readonly op: number
  /** Hybrid time when it began. */
  readonly at: number
}

/** The revision that application code sees: 0 for a key that is not there. */
export function visibleRevision({ value, revision }: RegisterState): number {
  return value === null ? 0 : revision
}

/** What became of an operation: the revision that it made, 0 if it was fenced, `undefined` if it is not in the table. */
export function revisionOf({ operations }: RegisterState, op: number): number | undefined {
  for (let i = 0; i < operations.length; i += 3) if (operations[i] === op) return operations[i + 2]
  return undefined
}

/** No operation began later that was applied last, or is forgotten; 0 for none. */
export function newestOf({ operations, forgottenAt }: RegisterState): number {
  return Math.max(operations[1] ?? 0, forgottenAt)
}

/** Whether an operation that is not in the table may have been, and is forgotten. */
export function mayBeForgotten({ forgottenAt }: RegisterState, at: number): boolean {
  return at <= forgottenAt
}

/** The state as this ballot proposes it. */
export function proposedBy(state: RegisterState, { proposer, counter }: Ballot): RegisterState {
  const { proposers } = state
  const next = [proposer, counter]
  for (let i = 0; i < proposers.length && next.length < 2 * PROPOSERS_MAX; i += 2) {
    if (proposers[i] !== proposer) next.push(proposers[i] as number, proposers[i + 1] as number)
  }
  return { ...state, proposers: next }
}

/** Rounds of one proposer that proposed an operation, or a state in which it was found. */
export interface ProposedRounds {
  readonly proposer: number
  /** Counters, each with the revision that the operation made or was to make; the oldest first. */
  readonly rounds: readonly number[]
  /** The counter of the first one, which the list may have dropped. */
  readonly since: number
}

/** So many are kept of one call. */
const ROUNDS_MAX = 16

/** With another round. */
export function withRound(
  { proposer, counter }: Ballot,
  revision: number,
  before: ProposedRounds | undefined,
): ProposedRounds {
  const rounds = [...(before?.rounds ?? []), counter, revision].slice(-2 * ROUNDS_MAX)
  return { proposer, rounds, since: before?.since ?? counter }
}

/**
 * The revision that an operation made if the state builds on one of its rounds, and 0 if it does not: the state names
 * the last round of each proposer that it builds on, and in each of those an operation that waits is looked up.
 * `undefined` if so many others have proposed since that it cannot be told, or so many rounds were lost.
 */
export function revisionBuiltOn(
  { proposers }: RegisterState,
  { proposer, rounds, since }: ProposedRounds,
): number | undefined {
  for (let i = 0; i < proposers.length; i += 2) {
    if (proposers[i] !== proposer) continue
    const last = proposers[i + 1] as number
    for (let at = 0; at < rounds.length; at += 2) if (rounds[at] === last) return rounds[at + 1]
    return last >= since && last < (rounds[0] as number) ? undefined : 0
  }
  const namesAll = proposers.length < 2 * PROPOSERS_MAX && proposers.at(-2) !== OTHERS
  return namesAll ? 0 : undefined
}

/** The state after a change by this operation, which may carry a fencing token. */
export function withChange(
  state: RegisterState,
  value: Uint8Array | null,
  by: OperationStamp & { readonly token?: number | undefined },
): RegisterState {
  const revision = state.revision + 1
  const token = by.token ?? state.token
  return { value, revision, proposers: state.proposers, token, ...remembering(state, { ...by, revision }) }
}

/** The state in which this operation can never be applied any more. Nothing else of it changes. */
export function withFence(state: RegisterState, against: OperationStamp): RegisterState {
  return { ...state, ...remembering(state, { ...against, revision: 0 }) }
}

type Memory = Pick<RegisterState, 'operations' | 'forgottenAt'>

function remembering(before: Memory, { op, at, revision }: OperationStamp & { readonly revision: number }): Memory {
  const operations = [op, at, revision, ...before.operations]
  let { forgottenAt } = before
  let length = operations.length
  while (length > 3 * REMEMBERED_MIN) {
    const oldestAt = operations[length - 2] as number
    if (length <= 3 * REMEMBERED_MAX && oldestAt > at - REMEMBERED_STAMPS) break
    forgottenAt = Math.max(forgottenAt, oldestAt)
    length -= 3
  }
  operations.length = length
  return { operations, forgottenAt }
}
