/**
 * What a history looks like: JSON lines that a simulator, a test on real processes or anybody else writes down while a
 * store works, so that the judges of this folder, or judges from outside, can say whether it kept its promises.
 *
 * The recorder's duty, on which every verdict rests:
 * - `time` is in nanoseconds on one clock that all observers share. Lines of equal time happened in the order in which
 *   they stand.
 * - A process does one operation at a time. An operation that was never completed counts as `info`.
 * - A written value is unique under its key, and so is the name of a delete, which stands in `value`. A retry of one
 *   operation writes the same value again with the same `saw`; when it carries the operation's identity, `op` says so.
 * - `saw` names all that the context handed in covers: what the read before it showed, and for a session all that the
 *   session has read or has written with success. What those writes saw themselves may be left out, and so may deletes.
 * - `fail` is for what certainly did not happen. `info` may have happened, or may happen at any later time.
 * - `strict` says that the quorum met every other strict quorum of the key, with no fallback counted. It may stand on
 *   the invoke, or on the completion, which then decides.
 */
import { invalid } from '../core/base/errors.ts'

/** What an operation on an AP key does. */
export type ApFunction = 'put' | 'get' | 'delete'

/** Read your writes, monotonic reads, monotonic writes, writes follow reads. */
export type Guarantee = 'ryw' | 'mr' | 'mw' | 'wfr'

interface OperationLine {
  readonly process: number
  readonly key: string
  /** Nanoseconds. */
  readonly time: number
  readonly session?: string
  /** Which coordinator ran it. */
  readonly node?: string
  readonly level?: string | number
  readonly strict?: boolean
  /** The identity that retries of one operation share. */
  readonly op?: string | number
}

export interface InvokeWriteLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'put' | 'delete'
  readonly value: string
  readonly saw?: readonly string[]
}

export interface InvokeGetLine extends OperationLine {
  readonly type: 'invoke'
  readonly f: 'get'
  readonly value?: null
  readonly saw?: readonly string[]
}

export interface OkWriteLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'put' | 'delete'
  readonly value?: string | null
}

export interface OkGetLine extends OperationLine {
  readonly type: 'ok'
  readonly f: 'get'
  /** The siblings; for `lww` at most one. */
  readonly value: readonly string[]
}

/** `fail`: certainly did not happen. `info`: nobody knows. */
export interface NotOkLine extends OperationLine {
  readonly type: 'fail' | 'info'
  readonly f: ApFunction
  readonly value?: string | readonly string[] | null
}

/** What a session was promised. */
export interface SessionLine {
  readonly type: 'session'
  readonly session: string
  readonly guarantees: readonly Guarantee[]
}

/** What one replica holds for a key at the end, after healing. */
export interface FinalLine {
  readonly type: 'final'
  readonly replica: string
  readonly key: string
  readonly value: readonly string[]
}

export type HistoryLine =
  | InvokeWriteLine
  | InvokeGetLine
  | OkWriteLine
  | OkGetLine
  | NotOkLine
  | SessionLine
  | FinalLine

export type History = readonly HistoryLine[]

type Fields = Readonly<Record<string, unknown>>

/** One requirement on a field: its name, whether a value meets it, and how to say so. */
type Requirement = readonly [name: string, meets: (value: unknown) => boolean, must: string]

const isText = (value: unknown): boolean => typeof value === 'string'
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isTextOrNumber = (value: unknown): boolean => isText(value) || typeof value === 'number'
const isAbsent = (value: unknown): boolean => value === undefined || value === null
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0
const isOneOf = (names: readonly string[]) => (value: unknown) => names.includes(value as string)
const orLeftOut = (meets: (value: unknown) => boolean) => (value: unknown) => value === undefined || meets(value)

const OPERATION: readonly Requirement[] = [
  ['f', isOneOf(['put', 'get', 'delete']), 'put, get or delete'],
  ['process', isCount, 'a whole number from 0'],
  ['key', isText, 'a string'],
  ['time', isTime, 'nanoseconds from 0'],
  ['session', orLeftOut(isText), 'a string or left out'],
  ['node', orLeftOut(isText), 'a string or left out'],
  ['level', orLeftOut(isTextOrNumber), 'a string, a number or left out'],
  ['strict', orLeftOut((value) => typeof value === 'boolean'), 'true, false or left out'],
  ['op', orLeftOut(isTextOrNumber), 'a string, a number or left out'],
]

const SAW: Requirement = ['saw', orLeftOut(isTexts), 'an array of strings or left out']

/** What `value` and `saw` must be, by type and function. */
const BY_STEP: Readonly<Record<string, readonly Requirement[]>> = {
  'invoke put': [['value', isText, 'the written string'], SAW],
  'invoke delete': [['value', isText, "the delete's name, a string"], SAW],
  'invoke get': [['value', isAbsent, 'null or left out'], SAW],
  'ok put': [['value', (value) => isAbsent(value) || isText(value), 'the written string or left out']],
  'ok delete': [['value', (value) => isAbsent(value) || isText(value), "the delete's name or left out"]],
  'ok get': [['value', isTexts, 'an array of strings']],
}

const BY_TYPE: Readonly<Record<string, readonly Requirement[]>> = {
  invoke: OPERATION,
  ok: OPERATION,
  fail: OPERATION,
  info: OPERATION,
  session: [
    ['session', isText, 'a string'],
    [
      'guarantees',
      (value) => Array.isArray(value) && value.every(isOneOf(['ryw', 'mr', 'mw', 'wfr'])),
      'an array of ryw, mr, mw, wfr',
    ],
  ],
  final: [
    ['replica', isText, 'a string'],
    ['key', isText, 'a string'],
    ['value', isTexts, 'an array of strings'],
  ],
}

const TYPES: readonly string[] = Object.keys(BY_TYPE)

/**
 * The lines of a history file. Empty lines are skipped, and fields that are not known here are kept.
 *
 * Throws `QUORATE_INVALID_OPTION` with the line's number and what is wrong with it.
 */
export function parseHistory(text: string): HistoryLine[] {
  const lines: HistoryLine[] = []
  for (const [at, row] of text.split('\n').entries()) {
    if (row.trim() !== '') lines.push(parseLine(row, at + 1))
  }
  return lines
}

/** The text of a history file: one line of JSON each, with a newline after the last. */
export function printHistory(history: History): string {
  return history.map((line) => `${JSON.stringify(line)}\n`).join('')
}

function parseLine(row: string, number: number): HistoryLine {
  let line: unknown
  try {
    line = JSON.parse(row)
  } catch (error) {
    throw invalid(`history line ${number} is not JSON: ${(error as Error).message}`)
  }
  const problem = problemOf(line)
  if (problem !== undefined) throw invalid(`history line ${number}: ${problem}`)
  return line as HistoryLine
}

function problemOf(line: unknown): string | undefined {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'it must be a JSON object'
  const fields = line as Fields
  const type = fields['type'] as string
  if (!TYPES.includes(type)) return broken(fields, ['type', isText, `one of ${TYPES.join(', ')}`])
  const step = `${type} ${fields['f'] as string}`
  const requirements = [...(BY_TYPE[type] ?? []), ...(Object.hasOwn(BY_STEP, step) ? (BY_STEP[step] ?? []) : [])]
  const unmet = requirements.find(([name, meets]) => !meets(fields[name]))
  return unmet === undefined ? undefined : broken(fields, unmet)
}

function broken(fields: Fields, [name, , must]: Requirement): string {
  const found = fields[name] === undefined ? 'and is missing' : `not ${JSON.stringify(fields[name])}`
  return `"${name}" must be ${must}, ${found}`
}
