/**
 * The checksum that LevelDB writes after its blocks: CRC-32C (Castagnoli), which `node:zlib` does not have.
 *
 * Eight bytes at a step with eight tables ("slicing-by-8", Kounavis and Berry, 2005): close to a gigabyte a second.
 */

const POLYNOMIAL = 0x82f63b78
const STEP = 8

/** Table `s` gives the effect of a byte that `s` more bytes follow in the same step. */
const TABLES: readonly Int32Array[] = makeTables()
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

/** Of the bytes from `start` up to, not including, `end`. */
export function crc32c(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): number {
  let crc = -1
  let at = start
  for (; at + STEP <= end; at += STEP) {
    crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    crc =
      byte(T7, crc & 0xff) ^
      byte(T6, (crc >>> 8) & 0xff) ^
      byte(T5, (crc >>> 16) & 0xff) ^
      byte(T4, crc >>> 24) ^
      byte(T3, byte(bytes, at + 4)) ^
      byte(T2, byte(bytes, at + 5)) ^
      byte(T1, byte(bytes, at + 6)) ^
      byte(T0, byte(bytes, at + 7))
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ byte(T0, (crc ^ byte(bytes, at)) & 0xff)
  return (crc ^ -1) >>> 0
}

/** LevelDB stores checksums rotated, so that checksums of bytes that hold checksums do not go bad. */
export function unmask(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

function byte(bytes: Uint8Array | Int32Array, at: number): number {
  return bytes[at] as number
}

function makeTables(): readonly Int32Array[] {
  const tables = Array.from({ length: STEP }, () => new Int32Array(256))
  const first = tables[0] as Int32Array
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL)
    first[i] = crc
  }
  for (let s = 1; s < STEP; s++) {
    for (let i = 0; i < 256; i++) {
      const before = byte(tables[s - 1] as Int32Array, i)
      ;(tables[s] as Int32Array)[i] = (before >>> 8) ^ byte(first, before & 0xff)
    }
  }
  return tables
}
