/**
 * What a route gives back, and how errors become HTTP: the status says what kind of failure it was, the body is the
 * error as JSON, with its code and what became of the operation.
 */
import { invalid, QuorateError, type ErrorCode } from '../core/base/errors.ts'
import { jsonText } from './json-text.ts'

export interface Answer {
  readonly status: number
  readonly body: string
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  QUORATE_INVALID_OPTION: 400,
  QUORATE_QUORUMS_DISJOINT: 400,
  QUORATE_UNAUTHORIZED: 403,
  QUORATE_KEYSPACE_MISMATCH: 409,
  QUORATE_NOT_LEADER: 409,
  QUORATE_CONDITION_FAILED: 409,
  QUORATE_FENCED: 409,
  QUORATE_LIMIT: 413,
  QUORATE_PROTOCOL: 500,
  QUORATE_STORAGE: 500,
  QUORATE_UNAVAILABLE: 503,
  QUORATE_TIMEOUT: 503,
  QUORATE_PREEMPTED: 503,
  QUORATE_OVERLOADED: 503,
  QUORATE_ABORTED: 503,
  QUORATE_CLOSED: 503,
}

export function jsonAnswer(status: number, data: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: `${jsonText(data)}\n`, contentType: 'application/json', headers }
}

export function textAnswer(body: string): Answer {
  return { status: 200, body, contentType: 'text/plain; charset=utf-8', headers: {} }
}

/** Any error as an answer. One that nobody foresaw says no more than its message: stacks stay in the process. */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof QuorateError)) {
    const message = error instanceof Error ? error.message : String(error)
    return jsonAnswer(500, { code: 'QUORATE_PROTOCOL', message, outcome: 'unknown', retry: 'no' })
  }
  return jsonAnswer(STATUS[error.code], error, error.retry === 'safe' ? { 'retry-after': '1' } : {})
}

/** There is no such page. */
export function notThere(path: string): Answer {
  return jsonAnswer(404, invalid(`there is nothing at ${path}: see GET / for what there is`))
}

/** The page exists, and this method is not for it. */
export function wrongMethod(method: string, allowed: readonly string[]): Answer {
  const allow = allowed.join(', ')
  return jsonAnswer(405, invalid(`${method} is not for this address: use ${allow}`), { allow })
}
