/**
 * The state that a register agrees on: the value, its revision, and the operations that were applied last.
 *
 * The table of operations is part of what is agreed on, so whichever coordinator proposes next knows which operations
 * have taken effect. It holds the last 16; under contention up to 128 of those that began within ten seconds of the
 * newest, since an operation that was preempted after it had been accepted somewhere has to find itself there when it
 * tries again, however many others were faster.
 * Ring: values.
 */
import type { RegisterState } from '../record.ts'

/** A register that nobody has written. */
export const UNWRITTEN: RegisterState = { value: null, revision: 0, operations: [], forgottenAt: 0 }

/** Operations that are always remembered, and the most that are. */
export const REMEMBERED_MIN = 16
export const REMEMBERED_MAX = 128
/** Ten seconds of hybrid time: longer than calls take. */
export const REMEMBERED_STAMPS: number = 10_000 * 4_096

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

/** When the operation began that was applied last; 0 for none. */
export function newestOf({ operations }: RegisterState): number {
  return operations[1] ?? 0
}

/** Whether an operation that is not in the table may have been, and is forgotten. */
export function mayBeForgotten({ forgottenAt }: RegisterState, at: number): boolean {
  return at <= forgottenAt
}

/**
 * Whether the operation that made this revision is in the table, if that revision is one of this state's: operations are
 * forgotten in the order in which they were applied.
 */
export function remembersRevision({ operations, revision, forgottenAt }: RegisterState, made: number): boolean {
  if (revision < made || forgottenAt === 0) return true
  for (let i = 2; i < operations.length; i += 3) {
    const other = operations[i] as number
    if (other > 0 && other <= made) return true
  }
  return false
}

/** The state after a change by this operation. */
export function withChange(state: RegisterState, value: Uint8Array | null, by: OperationStamp): RegisterState {
  const revision = state.revision + 1
  return { value, revision, ...remembering(state, { ...by, revision }) }
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
