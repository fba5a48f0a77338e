/**
 * What a history says of registers: keys that hold one value, which is read, written, compared and set, or deleted.
 *
 * The recorder's duty, besides what history.ts asks of all lines:
 * - Values are compared as JSON, whatever the order of an object's fields. `null` is absent: a delete leaves it behind,
 *   and a key begins with it.
 * - A `cas` has `[from, to]`. One that compared revisions says which value stood at that revision; then no value may be
 *   written twice under one key, or an equal value under another revision passes for the expected one.
 * - A failed compare is a `fail` with `"reason":"precondition"`, and with `"current"` where the answer told what was
 *   there instead. It is a promise too: at that moment the register held something else.
 * - Attempts at one operation share its identity in `op`, whichever process made them. They may take effect once.
 * - What became of an unknown operation, once that is settled: a further attempt of the same `op` that is `ok` for
 *   landed, or `fail` with `"reason":"cannot-land"` for one that has not happened and never will.
 */
import { isAbsent, isText, OPERATION, orLeftOut, type OperationLine, type Requirement } from './line-fields.ts'

/** What a register can hold: JSON, where `null` is absent. */
export type RegisterValue =
  | null
  | boolean
  | number
  | string
  | readonly RegisterValue[]
  | { readonly [field: string]: RegisterValue }

export interface InvokeReadLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'read'
  readonly value?: null
}

export interface InvokeRegisterWriteLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'write'
  readonly value: RegisterValue
}

export interface InvokeCasLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'cas'
  /** `[from, to]`. */
  readonly value: readonly [RegisterValue, RegisterValue]
}

export interface InvokeRegisterDeleteLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'delete'
  readonly value?: null
}

export interface OkReadLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'read'
  readonly value: RegisterValue
}

export interface OkRegisterWriteLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'write' | 'cas' | 'delete'
  /** That of the invoke, if any. */
  readonly value?: RegisterValue
}

export interface NotOkRegisterLine extends OperationLine {
  readonly type: 'fail' | 'info'
  readonly f: 'read' | 'write' | 'cas' | 'delete'
  readonly value?: RegisterValue
  /** `precondition`: a compare failed. `cannot-land`: no attempt of this `op` has taken effect, or ever will. */
  readonly reason?: string
  /** What a failed compare found. */
  readonly current?: RegisterValue
}

export type RegisterLine =
  | InvokeReadLine
  | InvokeRegisterWriteLine
  | InvokeCasLine
  | InvokeRegisterDeleteLine
  | OkReadLine
  | OkRegisterWriteLine
  | NotOkRegisterLine

const isThere = (value: unknown): boolean => value !== undefined
const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2
const REASON: Requirement = ['reason', orLeftOut(isText), 'a string or left out']

/** What the fields of a line must be, by type and function. */
export const REGISTER_STEPS: Readonly<Record<string, readonly Requirement[]>> = {
  'invoke read': [...OPERATION, ['value', isAbsent, 'null or left out']],
  'invoke write': [...OPERATION, ['value', isThere, 'the written value']],
  'invoke cas': [...OPERATION, ['value', isPair, '[from, to]']],
  'ok read': [...OPERATION, ['value', isThere, 'what was read, null for absent']],
  'ok write': OPERATION,
  'ok cas': [...OPERATION, ['value', (value) => isAbsent(value) || isPair(value), '[from, to] or left out']],
  'fail read': [...OPERATION, REASON],
  'fail write': [...OPERATION, REASON],
  'fail cas': [...OPERATION, REASON],
  'info read': [...OPERATION, REASON],
  'info write': [...OPERATION, REASON],
  'info cas': [...OPERATION, REASON],
}
