/**
 * Application values as opaque bytes, by MessagePack: plain data, dates, maps, sets, bytes and big integers.
 */
import { Packr } from 'msgpackr'
import { invalid, QuorateError } from '../core/base/errors.ts'

/**
 * No shared structures between values: each one stands alone, on whichever replica it ends up. Bytes are copied: what the
 * application does to a buffer that it got must not change the record that it was read from.
 */
const packr = new Packr({ useRecords: false, moreTypes: true, mapsAsObjects: true, copyBuffers: true })

/** Throws `QUORATE_INVALID_OPTION` for what cannot be stored, `QUORATE_LIMIT` for what is too large. */
export function encodeValue(value: unknown, sizeBytesMax: number): Uint8Array {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw invalid(`a value cannot be ${typeof value}: use null, or delete the key`)
  }
  let bytes: Uint8Array
  try {
    bytes = packr.pack(value)
  } catch (cause) {
    throw new QuorateError('QUORATE_INVALID_OPTION', `the value cannot be encoded: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (bytes.length > sizeBytesMax) {
    const message = `the value takes ${bytes.length} bytes, and ${sizeBytesMax} are allowed: split it, or raise valueBytesMax`
    throw new QuorateError('QUORATE_LIMIT', message)
  }
  return bytes
}

export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes)
}
