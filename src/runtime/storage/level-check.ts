/**
 * Reading a database's files through before it is trusted.
 *
 * LevelDB, as it is built here, drops log records that fail their checksum and goes on, and does not look at the
 * checksums of table blocks at all: a flipped bit can make a durable record vanish without a word. A replica that
 * forgets a record would answer "absent", and mint a dot a second time. So the checksums are looked at here, and a
 * database that fails is not opened.
 *
 * What no checksum shows is a log that ends too early: it looks like the end that a crash leaves. A disk that loses the
 * tail of a synced file breaks its promise, and only the other replicas can tell.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Malformed } from '../codec/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'

/** A log is a row of blocks of this size; each holds fragments with a checksum, a size and a type before them. */
const LOG_BLOCK_BYTES = 32 * 1024
const LOG_HEADER_BYTES = 7

/** A table ends with the places of its two index blocks, padding, and a number that says that it is one. */
const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
/** After each block of a table: how it is compressed, and its checksum. */
const TRAILER_BYTES = 5

/**
 * Checks the write-ahead logs. To be called before LevelDB opens the directory, because opening rewrites them. Throws
 * `Malformed` at the first thing that is neither whole nor the cut-off end of a last write.
 */
export async function checkLogs(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  if (names.length === 0) throw new Malformed('its write-ahead log is missing')
  for (const name of names) {
    const bytes = await readIfThere(join(directory, name))
    const at = bytes === undefined ? undefined : findLogDamage(bytes)
    if (at !== undefined) throw new Malformed(`${name} is not what was written from byte ${at} on`)
  }
}

/**
 * Checks every block of the tables that LevelDB lists in its property `leveldb.sstables`. The caller keeps an iterator
 * open meanwhile, so that the files stay. Throws `Malformed`.
 */
export async function checkTables(directory: string, sstables: string): Promise<void> {
  for (const [, number = ''] of sstables.matchAll(/^ (\d+):/gm)) {
    const name = `${number.padStart(6, '0')}.ldb`
    try {
      checkTable(await readFile(join(directory, name)))
    } catch (error) {
      if (error instanceof Malformed) throw new Malformed(`${name} is not what was written: ${error.message}`)
      throw error
    }
  }
}

/** The log of a process that is still running may be gone by now; LevelDB's lock deals with that. */
async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Where a log stops being whole; `undefined` if it is, or ends as a crash leaves it. */
function findLogDamage(bytes: Buffer): number | undefined {
  for (let at = 0; at < bytes.length;) {
    const blockEnd = at - (at % LOG_BLOCK_BYTES) + LOG_BLOCK_BYTES
    if (blockEnd - at < LOG_HEADER_BYTES) {
      at = blockEnd
      continue
    }
    const start = at + LOG_HEADER_BYTES
    if (start > bytes.length) return undefined
    const end = start + bytes.readUInt16LE(at + 4)
    if (end > Math.min(blockEnd, bytes.length)) return blockEnd > bytes.length ? undefined : at
    // Space that a file system had set aside and not yet filled.
    if (end === start && bytes[start - 1] === 0)
      return bytes.subarray(at).every((value) => value === 0) ? undefined : at
    if (crc32c(bytes, { start: start - 1, end }) !== unmask(bytes.readUInt32LE(at))) return at
    at = end
  }
  return undefined
}

interface Place {
  readonly offset: number
  readonly size: number
}

function checkTable(bytes: Buffer): void {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0 || bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) throw new Malformed('it has no end')
  const reader = new VarintReader(bytes, footerAt)
  for (const index of [reader.place(), reader.place()]) {
    checkBlock(bytes, index)
    for (const place of placesIn(bytes, index)) checkBlock(bytes, place)
  }
}

function checkBlock(bytes: Buffer, { offset, size }: Place): void {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) throw new Malformed(`the block at byte ${offset} ends outside the file`)
  if (crc32c(bytes, { start: offset, end: end + 1 }) !== unmask(bytes.readUInt32LE(end + 1))) {
    throw new Malformed(`the block at byte ${offset} fails its checksum`)
  }
}

/** The values of an index block, which are places of other blocks. */
function placesIn(bytes: Buffer, index: Place): readonly Place[] {
  const block = bytes.subarray(index.offset, index.offset + index.size)
  if (bytes[index.offset + index.size] !== 0)
    throw new Malformed('its index is compressed, which quorate never asks for')
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 * (1 + restarts)
  const reader = new VarintReader(block, 0)
  const places: Place[] = []
  while (reader.at < end) {
    reader.varint()
    const keyBytes = reader.varint()
    const valueEnd = reader.varint() + keyBytes
    const valueAt = reader.at + keyBytes
    const next = reader.at + valueEnd
    places.push(new VarintReader(block, valueAt).place())
    reader.at = next
  }
  return places
}

class VarintReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  place(): Place {
    return { offset: this.varint(), size: this.varint() }
  }

  /** Seven bits a byte, lowest first; the highest bit says that more follow. Up to 2^53 - 1. */
  varint(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined || unit > Number.MAX_SAFE_INTEGER) throw new Malformed('a number is cut off')
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }
}
