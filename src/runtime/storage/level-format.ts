/**
 * How records and the replica's identity lie on disk.
 *
 * A key is one byte that names the table, seven bytes of keyspace, highest first, then the key in UTF-8: so LevelDB's
 * order of bytes is the order of `compareKeys`, keyspace by keyspace. A value is a checksum over key and record, then
 * the record as the codec writes it. The checksum is our own because LevelDB, as it is built here, does not look at
 * its block checksums when it reads; it covers the key, so that a record that turns up under another key is caught.
 */
import { crc32 } from 'node:zlib'
import type { StoredRecord } from '../../core/record.ts'
import { ByteReader, ByteWriter, Malformed } from '../codec/bytes.ts'
import { readKept, RECORD_LIMITS, writeKept } from '../codec/record-codec.ts'

/** Rises with every change that this code could not read. */
export const FORMAT = 1

const TABLE_META = 0
const TABLE_RECORDS = 1
const PREFIX_BYTES = 8
const CHECKSUM_BYTES = 4

/** No UTF-8 holds this byte: what ends with it lies above every longer key. */
const ABOVE_UTF8 = Buffer.of(0xff)

export const META_KEY: Buffer = Buffer.concat([Buffer.of(TABLE_META), Buffer.from('identity')])

/** What the directory says about itself. */
export interface Meta {
  readonly format: number
  readonly clusterId: string
  readonly replicaId: string
  readonly incarnation: number
}

/** The bytes before every key of a keyspace. */
export function keyspacePrefix(keyspace: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt8(TABLE_RECORDS, 0)
  prefix.writeUIntBE(Math.floor(keyspace / 2 ** 32), 1, 3)
  prefix.writeUInt32BE(keyspace % 2 ** 32, 4)
  return prefix
}

/** The key of a record, in bytes of its own. */
export function diskKey(prefix: Buffer, key: string): Buffer {
  return Buffer.concat([prefix, Buffer.from(key)])
}

/** Above every key of the keyspace that starts with `keyPrefix`, below all others. */
export function upperBound(prefix: Buffer, keyPrefix: string): Buffer {
  return Buffer.concat([prefix, Buffer.from(keyPrefix), ABOVE_UTF8])
}

/** The key within its keyspace. */
export function keyOf(bytes: Buffer): string {
  return bytes.toString('utf8', PREFIX_BYTES)
}

/** What `scan` counts: the key and the record, without what the disk adds to them. */
export function sizeOnDisk(key: Uint8Array, value: Uint8Array): number {
  return key.length - PREFIX_BYTES + value.length - CHECKSUM_BYTES
}

/** Turns writes into keys and values, in memory that it reuses. */
export class RecordWriter {
  readonly #writer = new ByteWriter()
  #keyBuffer = Buffer.allocUnsafeSlow(1024)
  /** The key of the last record written: valid until the next. */
  key: Buffer = this.#keyBuffer
  /** Its value: valid until the next. */
  value: Buffer = this.#keyBuffer

  write(prefix: Buffer, key: string, record: StoredRecord): void {
    const room = PREFIX_BYTES + 3 * key.length
    if (room > this.#keyBuffer.length) this.#keyBuffer = Buffer.allocUnsafeSlow(2 * room)
    this.#keyBuffer.set(prefix)
    this.key = this.#keyBuffer.subarray(0, PREFIX_BYTES + this.#keyBuffer.write(key, PREFIX_BYTES, 'utf8'))
    const writer = this.#writer
    writer.reset()
    writer.uint32(0)
    writeKept(writer, record)
    this.value = writer.view()
    seal(this.key, this.value)
  }
}

/** The record in a value. Throws `Malformed` when the bytes are not the ones that were written under this key. */
export function openRecord(key: Uint8Array, value: Buffer): StoredRecord {
  const reader = new ByteReader(openSealed(key, value))
  const record = readKept(reader, RECORD_LIMITS)
  if (!reader.done) throw new Malformed('bytes follow the record')
  return record
}

export function metaValue(meta: Meta): Buffer {
  const value = Buffer.concat([Buffer.alloc(CHECKSUM_BYTES), Buffer.from(JSON.stringify(meta))])
  seal(META_KEY, value)
  return value
}

/** Throws `Malformed` when it is damaged. Only `format` is sure to be there when that is not `FORMAT`. */
export function openMeta(value: Buffer): Meta {
  const bytes = openSealed(META_KEY, value)
  try {
    return JSON.parse(bytes.toString()) as Meta
  } catch {
    throw new Malformed('the identity is not JSON')
  }
}

/** Fills in the checksum, over the key and a value whose first bytes are left zero for it. */
function seal(key: Uint8Array, value: Buffer): void {
  value.writeUInt32LE(crc32(value, crc32(key)))
}

/** The bytes after the checksum. It is set to zero on the way, so that one pass over the value computes it anew. */
function openSealed(key: Uint8Array, value: Buffer): Buffer {
  if (value.length < CHECKSUM_BYTES) throw new Malformed('there is no room for a checksum')
  const checksum = value.readUInt32LE()
  value.writeUInt32LE(0)
  if (crc32(value, crc32(key)) !== checksum) throw new Malformed('the checksum does not fit')
  return value.subarray(CHECKSUM_BYTES)
}
