import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, unmask } from '../../../src/runtime/storage/crc32c.ts'
import { holds } from '../../property.ts'

/** Bit by bit, from the definition. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  it.each([
    ['the check value of the catalogue', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros, from RFC 3720', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones, from RFC 3720', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 rising bytes, from RFC 3720', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['nothing', Buffer.alloc(0), 0],
  ])('%s: is as published', (_, bytes, crc) => {
    expect(crc32c(bytes, { start: 0, end: bytes.length })).toBe(crc)
  })

  it('any part of any bytes: is what the definition gives', () => {
    const cut = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100))
    holds(
      fc.property(cut, ([bytes, a, b]) => {
        const start = Math.min(a, b, bytes.length)
        const end = Math.min(Math.max(a, b), bytes.length)
        expect(crc32c(bytes, { start, end })).toBe(slowly(bytes.subarray(start, end)))
      }),
    )
  })

  it('unmask: undoes what LevelDB does to a checksum it stores', () => {
    holds(
      fc.property(fc.nat(0xffffffff), (crc) => {
        const stored = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
        expect(unmask(stored)).toBe(crc)
      }),
    )
  })
})
