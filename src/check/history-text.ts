/**
 * A history as text: one line of JSON each. What is read is checked, so that the judges need not.
 */
import { invalid } from '../core/base/errors.ts'
import type { History, HistoryLine } from './history.ts'
import { LEADERSHIP_TYPES } from './leadership-lines.ts'
import { isAbsent, isOneOf, isText, isTexts, OPERATION, orLeftOut, unmet } from './line-fields.ts'
import type { Fields, Requirement } from './line-fields.ts'
import { REGISTER_STEPS } from './register-lines.ts'

const SAW: Requirement = ['saw', orLeftOut(isTexts), 'an array of strings or left out']
const isNameOrAbsent = (value: unknown): boolean => isAbsent(value) || isText(value)

/** What the fields of an operation's line must be, by type and function. */
const BY_STEP: Readonly<Record<string, readonly Requirement[]>> = {
  'invoke put': [...OPERATION, ['value', isText, 'the written string'], SAW],
  'invoke delete': [
    ...OPERATION,
    ['value', isNameOrAbsent, "the delete's name, a string, and for a register null or left out"],
    SAW,
  ],
  'invoke get': [...OPERATION, ['value', isAbsent, 'null or left out'], SAW],
  'ok put': [...OPERATION, ['value', isNameOrAbsent, 'the written string or left out']],
  'ok delete': [...OPERATION, ['value', isNameOrAbsent, "the delete's name or left out"]],
  'ok get': [...OPERATION, ['value', isTexts, 'an array of strings']],
  'fail put': OPERATION,
  'fail delete': OPERATION,
  'fail get': OPERATION,
  'info put': OPERATION,
  'info delete': OPERATION,
  'info get': OPERATION,
  ...REGISTER_STEPS,
}

/** Those of a line that is no operation, by type. */
const BY_TYPE: Readonly<Record<string, readonly Requirement[]>> = {
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
  ...LEADERSHIP_TYPES,
}

const OPERATION_TYPES: readonly string[] = ['invoke', 'ok', 'fail', 'info']
const TYPES: readonly string[] = [...OPERATION_TYPES, ...Object.keys(BY_TYPE)]
const TYPE: Requirement = ['type', isOneOf(TYPES), `one of ${TYPES.join(', ')}`]
const FUNCTIONS: readonly string[] = ['put', 'get', 'delete', 'read', 'write', 'cas']
const FUNCTION: Requirement = [
  'f',
  isOneOf(FUNCTIONS),
  'put, get or delete, or for a register read, write, cas or delete',
]

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
  const wrong = unmet(fields, [TYPE])
  if (wrong !== undefined) return wrong
  const type = fields['type'] as string
  if (!OPERATION_TYPES.includes(type)) return unmet(fields, BY_TYPE[type] ?? [])
  return unmet(fields, [FUNCTION]) ?? unmet(fields, BY_STEP[`${type} ${fields['f'] as string}`] ?? [])
}
