/**
 * LevelDB's log files: the write-ahead logs, and the manifest, which says which files the database is made of.
 *
 * A log is a row of blocks of 32 kB. A record lies in one fragment or is cut into several; each has a checksum, a size
 * and a type before it. What a crash leaves at the end, a fragment that is cut off, is no damage.
 */
import { Malformed } from '../codec/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'
import { VarintReader } from './varint.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7

const WHOLE = 1
const LAST = 4

interface Fragment {
  readonly type: number
  readonly payload: Buffer
}

/** All whole fragments of a log. Throws `Malformed` where something else follows than the end that a crash leaves. */
export function* fragmentsOf(log: Buffer): Generator<Fragment, void> {
  for (let at = 0; at < log.length;) {
    const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES
    const start = at + HEADER_BYTES
    if (start > blockEnd) {
      at = blockEnd
      continue
    }
    if (start > log.length) return
    const end = start + log.readUInt16LE(at + 4)
    const type = log[at + 6] as number
    if (end > log.length && blockEnd > log.length) return
    // A file system may have set space aside that nothing was written to.
    if (type === 0 && end === start && log.subarray(at).every((byte) => byte === 0)) return
    if (end > blockEnd || crc32c(log, { start: start - 1, end }) !== unmask(log.readUInt32LE(at))) {
      throw new Malformed(`it is not what was written from byte ${at} on`)
    }
    yield { type, payload: log.subarray(start, end) }
    at = end
  }
}

/** What a manifest says in the end. */
export interface LiveFiles {
  /** The numbers of the tables that hold the records. */
  readonly tables: ReadonlySet<number>
  /** The number of the oldest log that is still needed; 0 before there is one. */
  readonly log: number
}

/** Throws `Malformed`. */
export function readManifest(manifest: Buffer): LiveFiles {
  const tables = new Set<number>()
  let log = 0
  const parts: Buffer[] = []
  for (const { type, payload } of fragmentsOf(manifest)) {
    parts.push(payload)
    if (type !== WHOLE && type !== LAST) continue
    log = applyEdit(new VarintReader(Buffer.concat(parts)), tables) ?? log
    parts.length = 0
  }
  return { tables, log }
}

/** Takes in one change to the set of tables; gives the number of the log if it names one. */
function applyEdit(edit: VarintReader, tables: Set<number>): number | undefined {
  let log: number | undefined
  while (!edit.done) {
    const field = edit.number()
    switch (field) {
      case 1: // The name of the order of keys.
        edit.bytes(edit.number())
        break
      case 2:
        log = edit.number()
        break
      case 3: // The next number for a file.
      case 4: // The number of the last write.
      case 9: // The number of a log of very old versions.
        edit.number()
        break
      case 5: // Where compaction goes on: a level and a key.
        edit.number()
        edit.bytes(edit.number())
        break
      case 6: // A table that is gone from a level.
        edit.number()
        tables.delete(edit.number())
        break
      case 7: // A new table: its level, number and size, its first key and its last.
        edit.number()
        tables.add(edit.number())
        edit.number()
        edit.bytes(edit.number())
        edit.bytes(edit.number())
        break
      default:
        throw new Malformed(`it has a field ${field}, which nobody writes`)
    }
  }
  return log
}
