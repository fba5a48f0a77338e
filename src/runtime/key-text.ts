/**
 * Keys as applications hand them in: what every keyspace refuses before anything is sent.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'

/** What a text may take. */
export interface KeyLimits {
  readonly keyBytesMax: number
}

/** Throws `QUORATE_INVALID_OPTION` for what is no key, and `QUORATE_LIMIT` for one that is too long. */
export function checkKey(key: unknown, limits: KeyLimits): void {
  if (typeof key !== 'string' || key === '') throw invalid('a key is a string that is not empty')
  checkText('the key', key, limits)
}

/** The same for a part of a key, which may be empty; `what` is named in the message. */
export function checkText(what: string, text: unknown, { keyBytesMax }: KeyLimits): void {
  if (typeof text !== 'string') throw invalid(`${what} is ${String(text)}: use a string`)
  if (text.length * 3 > keyBytesMax && Buffer.byteLength(text) > keyBytesMax) {
    const message = `${what} takes more than ${keyBytesMax} bytes: raise keyBytesMax, or hash the keys`
    throw new QuorateError('QUORATE_LIMIT', message)
  }
  if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    throw invalid(`${what} must be well-formed Unicode: this one has half of a surrogate pair`)
  }
}
