/**
 * Maelstrom's messages: JSON objects, one in a line. What they are and what the codes of errors mean is told in its
 * doc/protocol.md and doc/workloads.md.
 */
export interface Body {
  readonly type: string
  readonly msg_id?: number
  readonly in_reply_to?: number
  readonly [field: string]: unknown
}

export interface Message {
  readonly src: string
  readonly dest: string
  readonly body: Body
}

/** Codes of errors. All but `timeout` and `crash` are definite: what was asked for has not happened and never will. */
export const ERROR = {
  timeout: 0,
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformedRequest: 12,
  crash: 13,
  keyDoesNotExist: 20,
  preconditionFailed: 22,
} as const

/** What a request ends in when it does not succeed. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** A line as a message. Throws for one that is none. */
export function parseMessage(line: string): Message {
  const message = JSON.parse(line) as Partial<Message> | null
  const { src, dest, body } = message ?? {}
  if (typeof src !== 'string' || typeof dest !== 'string' || typeof body?.type !== 'string') {
    throw new Error(`this line is no message: ${line.slice(0, 200)}`)
  }
  return { src, dest, body }
}
