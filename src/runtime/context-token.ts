/**
 * Causal contexts as text that an application can keep, send in a header, and hand back.
 */
import { Malformed, ByteReader, ByteWriter } from './codec/bytes.ts'
import { RECORD_LIMITS, readContext, writeContext } from './codec/record-codec.ts'
import type { CausalContext } from '../core/causality/causal-context.ts'
import { invalid } from '../core/base/errors.ts'
import { hashString } from '../core/base/hash.ts'

const writer = new ByteWriter(256)
const VERSION = 1
const TOKEN_CHARS_MAX = 65_536

/** Where a context belongs. It travels with the token: dots mean nothing for another key. */
export interface Place {
  readonly keyspace: string
  readonly key: string
}

export function contextToken(context: CausalContext, place: Place): string {
  writer.reset()
  writer.uint8(VERSION)
  writer.uint32(placeHash(place))
  writeContext(writer, context)
  return writer.view().toString('base64url')
}

/** Throws `QUORATE_INVALID_OPTION` for text that no entry or put of this key gave out. */
export function parseContextToken(token: unknown, place: Place): CausalContext {
  if (typeof token !== 'string' || token.length > TOKEN_CHARS_MAX || !/^[A-Za-z0-9_-]+$/.test(token)) {
    throw invalid(`the context is not one: ${ADVICE}`)
  }
  try {
    const reader = new ByteReader(Buffer.from(token, 'base64url'))
    if (reader.uint8() !== VERSION) throw new Malformed('it is of another version')
    if (reader.uint32() !== placeHash(place)) throw new Malformed('it is of another key')
    const context = readContext(reader, RECORD_LIMITS)
    if (!reader.done) throw new Malformed('something follows it')
    return context
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw invalid(`the context is not one (${error.message}): ${ADVICE}`)
  }
}

const ADVICE = 'pass on `context` from an entry or from a put of the same key, unchanged'

function placeHash({ keyspace, key }: Place): number {
  return hashString(`${keyspace}/${key}`)
}
