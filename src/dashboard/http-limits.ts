/**
 * Every bound of the HTTP side, with its default.
 *
 * Together they bound its memory, whatever clients do: bodies on their way in, answers on their way out to somebody who
 * does not read, and event streams that nobody drains.
 */
import { invalid } from '../core/base/errors.ts'

export interface HttpLimits {
  /** Connections at once; more are closed at once. 256 by default. */
  readonly connectionsMax: number
  /** Bytes of one request's body. 4 MiB by default. The value in it is bounded by the store's `valueBytesMax` as well. */
  readonly bodyBytesMax: number
  /** Bytes of all bodies that are being received; beyond it requests are refused with 503. 64 MiB by default. */
  readonly bodiesBytesMax: number
  /** A scan ends its page when it is this large. 8 MiB by default. */
  readonly answerBytesMax: number
  /** Open event streams. 32 by default. */
  readonly streamsMax: number
  /** What may wait for the reader of one event stream; beyond it events are left out and counted. 256 KiB by default. */
  readonly streamBytesMax: number
  /** Between two comments that keep an event stream alive. 15,000 ms by default. */
  readonly heartbeatMs: number
  /** For a request's head; its body may take three times as long. 10,000 ms by default. */
  readonly headMsMax: number
  /** The largest `timeoutMs` that a request may ask for. 60,000 ms by default. */
  readonly timeoutMsMax: number
}

const DEFAULTS: HttpLimits = {
  connectionsMax: 256,
  bodyBytesMax: 4 * 2 ** 20,
  bodiesBytesMax: 64 * 2 ** 20,
  answerBytesMax: 8 * 2 ** 20,
  streamsMax: 32,
  streamBytesMax: 256 * 2 ** 10,
  heartbeatMs: 15_000,
  headMsMax: 10_000,
  timeoutMsMax: 60_000,
}

/** Timers count in signed 32 bits, and three times `headMsMax` is one. */
const WHOLE_MAX = Math.floor((2 ** 31 - 1) / 4)

/** The limits in full. Throws `QUORATE_INVALID_OPTION` for one that cannot be. */
export function resolveHttpLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  const limits = { ...DEFAULTS, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw invalid(`${name} is not a limit of the HTTP side: use ${Object.keys(DEFAULTS).join(', ')}`)
    }
    if (!Number.isInteger(value) || value < 1 || value > WHOLE_MAX) {
      throw invalid(`${name} is ${String(value)}: use a whole number from 1 to ${WHOLE_MAX}`)
    }
  }
  return limits
}
