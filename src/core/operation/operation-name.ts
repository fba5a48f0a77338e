/**
 * The printed identity of a write: its timestamp, its number, and its home if it has one, `k3x1…-9f2…-4m0…`.
 *
 * A retry that carries it is the same write with the same stamp: it makes no second sibling, and under `lww` it cannot
 * overtake what was written in between.
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'

export interface OperationId {
  readonly op: number
  readonly at: number
  /** The incarnation of the replica that mints its dot; 0 for a write that needs none. */
  readonly home: number
}

const NAME = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})(?:-([0-9a-z]{1,11}))?$/

export function operationName({ at, op, home }: OperationId): string {
  const name = `${at.toString(36)}-${op.toString(36)}`
  return home === 0 ? name : `${name}-${home.toString(36)}`
}

/** Throws `QUORATE_INVALID_OPTION` for anything that `operationName` would not have printed. */
export function parseOperationName(name: unknown): OperationId {
  const match = typeof name === 'string' ? NAME.exec(name) : null
  const at = match === null ? NaN : parseInt(match[1] as string, 36)
  const op = match === null ? NaN : parseInt(match[2] as string, 36)
  const home = parseInt(match?.[3] ?? '0', 36)
  if (
    !Number.isSafeInteger(home) ||
    !Number.isSafeInteger(at) ||
    !Number.isSafeInteger(op) ||
    op === 0 ||
    op >= 2 ** 52
  ) {
    throw invalid(`${JSON.stringify(name)} is not an operation: pass on the one from an error, or from operation(key)`)
  }
  return { op, at, home }
}
