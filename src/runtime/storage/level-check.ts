/**
 * Reading a database's files through before LevelDB opens it.
 *
 * LevelDB, as it is built here, drops log records that fail their checksum and goes on, and does not look at the
 * checksums of table blocks at all: a flipped bit can make a durable record vanish without a word, or end the process
 * by an assertion. A replica that forgot a record would answer "absent", and mint a dot a second time. So the checksums
 * are looked at here, before anything in the directory changes.
 *
 * What no checksum shows is a log that ends too early: it looks like the end that a crash leaves. A disk that loses the
 * tail of a synced file breaks its promise, and only the other replicas can tell.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Malformed } from '../codec/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'
import { fragmentsOf, readManifest } from './level-log.ts'
import { VarintReader } from './varint.ts'

/** A table ends with the places of its two indexes, padding, and a number that says that it is one. */
const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
/** After each block of a table: how it is compressed, and its checksum. */
const TRAILER_BYTES = 5

/** Throws `Malformed`, which names the file, at the first thing that is not what was written. */
export async function checkFiles(directory: string, options: { readonly tables: boolean }): Promise<void> {
  const current = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
  if (!/^MANIFEST-\d+$/.test(current)) throw new Malformed('CURRENT names no manifest')
  const live = await checkFile(directory, current, readManifest)
  if (live === undefined) throw new Malformed(`${current} is missing`)
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  if (live.log > 0 && !logs.includes(`${numbered(live.log)}.log`)) {
    throw new Malformed(`${numbered(live.log)}.log is missing`)
  }
  for (const name of logs) await checkFile(directory, name, checkLog)
  if (!options.tables) return
  for (const table of live.tables) await checkFile(directory, `${numbered(table)}.ldb`, checkTable)
}

function numbered(file: number): string {
  return String(file).padStart(6, '0')
}

/**
 * Reads a file and looks at it. A file that is not there is passed over: LevelDB finds out what it needs once it has
 * the lock, and a process that still has it may just have removed the file.
 */
async function checkFile<Found>(
  directory: string,
  name: string,
  look: (bytes: Buffer) => Found,
): Promise<Found | undefined> {
  try {
    return look(await readFile(join(directory, name)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof Malformed) throw new Malformed(`${name}: ${error.message}`)
    throw error
  }
}

function checkLog(bytes: Buffer): void {
  const fragments = fragmentsOf(bytes)
  while (fragments.next().done !== true);
}

interface Place {
  readonly offset: number
  readonly size: number
}

function checkTable(bytes: Buffer): void {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0 || bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) throw new Malformed('it has no end')
  const reader = new VarintReader(bytes, { start: footerAt })
  for (const index of [placeAt(reader), placeAt(reader)]) {
    checkBlock(bytes, index)
    for (const place of placesIn(bytes, index)) checkBlock(bytes, place)
  }
}

function placeAt(reader: VarintReader): Place {
  return { offset: reader.number(), size: reader.number() }
}

function checkBlock(bytes: Buffer, { offset, size }: Place): void {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) throw new Malformed(`the block at byte ${offset} ends outside the file`)
  if (crc32c(bytes, { start: offset, end: end + 1 }) !== unmask(bytes.readUInt32LE(end + 1))) {
    throw new Malformed(`the block at byte ${offset} fails its checksum`)
  }
}

/** The values of an index, which are places of other blocks. */
function placesIn(bytes: Buffer, { offset, size }: Place): readonly Place[] {
  const end = offset + size
  if (bytes[end] !== 0) throw new Malformed('its index is compressed, which quorate never asks for')
  const restarts = bytes.readUInt32LE(end - 4)
  const reader = new VarintReader(bytes, { start: offset, end: end - 4 * (1 + restarts) })
  const places: Place[] = []
  while (!reader.done) {
    reader.number()
    const keyBytes = reader.number()
    const valueBytes = reader.number()
    reader.bytes(keyBytes)
    places.push(placeAt(new VarintReader(reader.bytes(valueBytes))))
  }
  return places
}
