/**
 * Copies of records whose values are views into something larger.
 *
 * A value that arrives in a frame of a hundred kilobytes would keep all of it. A `Buffer` of its own costs a
 * microsecond and four hundred bytes; Node's shared pool would let one record keep eight kilobytes. So small values
 * are copied into blocks of one kilobyte, which is about what a record's objects take anyway.
 */
import type { Sibling, StoredRecord, Version } from '../../core/record.ts'

const BLOCK_BYTES = 1024
/** Larger values have memory of their own. */
const SHARED_BYTES_MAX = 256

export class RecordCopier {
  #block = Buffer.alloc(0)
  #used = 0

  /** The same record with values that share no memory with the original's. */
  copy(record: StoredRecord): StoredRecord {
    if (record.kind === 'lww') return record.value === null ? record : this.#copyVersion(record, record.value)
    if (record.kind === 'register') {
      const { state } = record
      return state.value === null ? record : { ...record, state: { ...state, value: this.#copyBytes(state.value) } }
    }
    return { ...record, siblings: record.siblings.map((sibling) => this.#copySibling(sibling)) }
  }

  #copySibling(sibling: Sibling): Sibling {
    return sibling.value === null ? sibling : this.#copyVersion(sibling, sibling.value)
  }

  #copyVersion<V extends Version>(version: V, value: Uint8Array): V {
    return { ...version, value: this.#copyBytes(value) }
  }

  #copyBytes(value: Uint8Array): Uint8Array {
    const size = value.length
    if (size > SHARED_BYTES_MAX) {
      const own = Buffer.allocUnsafeSlow(size)
      own.set(value)
      return own
    }
    if (this.#used + size > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
      this.#used = 0
    }
    const copy = this.#block.subarray(this.#used, this.#used + size)
    copy.set(value)
    this.#used += size
    return copy
  }
}
