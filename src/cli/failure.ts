/**
 * How a command fails: one line on stderr that says what happened and what to do next, and an exit code.
 *
 * 1 is for what failed, 2 for a command line that makes no sense.
 */
import { QuorateError } from '../core/base/errors.ts'

export const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command did what it should, and what it found is no success: a key that is not there, say. */
export class Failed extends Error {
  override readonly name = 'Failed'
  readonly result: object | undefined

  /** @param result what was found, for `--json`. */
  constructor(message: string, result?: object) {
    super(message)
    this.result = result
  }
}

export interface Failure {
  readonly exitCode: number
  readonly line: string
  /** What `--json` prints. */
  readonly data: object
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) {
    const { message } = error
    return { exitCode: EXIT_USAGE, line: message, data: { error: { code: 'QUORATE_INVALID_OPTION', message } } }
  }
  if (error instanceof Failed) {
    const { message, result } = error
    return { exitCode: EXIT_FAILED, line: message, data: result ?? { error: { message } } }
  }
  if (error instanceof QuorateError) {
    const line = oneLine(`${error.code}: ${sentence(error.message)}${nextStep(error)}`)
    return { exitCode: EXIT_FAILED, line, data: { error } }
  }
  const message = oneLine(error instanceof Error ? error.message : String(error))
  const stack = process.env['QUORATE_DEBUG'] !== undefined && error instanceof Error ? `\n${error.stack ?? ''}` : ''
  const line = `unexpected: ${message} (QUORATE_DEBUG=1 shows where)${stack}`
  return { exitCode: EXIT_FAILED, line, data: { error: { message } } }
}

/** What became of a call, and what to do, where the message does not say so by itself. */
function nextStep({ code, outcome, retry, operation, required }: QuorateError): string {
  if (required === undefined) return ''
  const again =
    operation === undefined ? '' : ` Run it again with --operation ${operation}: it then applies at most once.`
  if (outcome === 'unknown') return ` It may have happened.${again}`
  if (outcome === 'below-level') return ` Some replicas have stored it, and it may spread.${again}`
  if (code === 'QUORATE_UNAVAILABLE') return ' See quorate status, or try a lower --level.'
  return retry === 'safe' ? ' Try again.' : ''
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
