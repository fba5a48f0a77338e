/**
 * Bytes out and bytes in: a buffer that grows as fields are written, and a reader that trusts nothing.
 *
 * Numbers have fixed widths, so writing is a store and reading is a load and a bounds check. The reader throws
 * `Malformed` at the first field that is not there or not allowed; the caller closes the connection or refuses the
 * record, and nothing of the rest is looked at.
 */
import { isUtf8 } from 'node:buffer'
import { Names } from './names.ts'

const names = new Names()

/** Texts up to this length are looked at byte by byte. */
const SHORT = 64
const ASCII_MAX = 0x7f

/** What was read is not what quorate writes. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** Reused between frames: `reset` keeps the memory. */
export class ByteWriter {
  #buffer: Buffer
  /** Over the same memory: its stores compile to single instructions, a buffer's methods do not. */
  #view: DataView
  length = 0

  constructor(sizeBytes = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(sizeBytes)
    this.#view = viewOf(this.#buffer)
  }

  uint8(value: number): void {
    this.#room(1)
    this.#buffer[this.length++] = value
  }

  uint16(value: number): void {
    this.#room(2)
    this.#view.setUint16(this.length, value, true)
    this.length += 2
  }

  uint32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** A double: also how whole numbers up to 2^53 - 1 travel. */
  float64(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  /** Overwrites a double that stands at this offset. */
  float64At(offset: number, value: number): void {
    this.#view.setFloat64(offset, value, true)
  }

  /** UTF-8 of at most 65,535 bytes, with its length before it. */
  text(value: string): void {
    const { length } = value
    this.#room(2 + 3 * length)
    const start = this.length + 2
    const written = this.#writeAscii(value, start) ? length : this.#buffer.write(value, start, 'utf8')
    this.#view.setUint16(this.length, written, true)
    this.length = start + written
  }

  /** A short text of ASCII, such as most keys are, at this offset: a call out of JavaScript takes several times as long. */
  #writeAscii(value: string, start: number): boolean {
    if (value.length > SHORT) return false
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > ASCII_MAX) return false
      this.#buffer[start + i] = code
    }
    return true
  }

  /** Printable ASCII of 1 to 255 characters, with its length before it. */
  name(value: string): void {
    const { length } = value
    this.#room(1 + length)
    this.#buffer[this.length++] = length
    for (let i = 0; i < length; i++) this.#buffer[this.length++] = value.charCodeAt(i)
  }

  bytes(value: Uint8Array): void {
    this.#room(4 + value.length)
    this.#view.setUint32(this.length, value.length, true)
    this.#buffer.set(value, this.length + 4)
    this.length += 4 + value.length
  }

  numbers(values: readonly number[]): void {
    this.uint16(values.length)
    this.#room(8 * values.length)
    for (let i = 0; i < values.length; i++) this.#view.setFloat64(this.length + 8 * i, values[i] as number, true)
    this.length += 8 * values.length
  }

  /** Copies what another writer has written since `from`. */
  rawOf(other: ByteWriter, from: number): void {
    const size = other.length - from
    this.#room(size)
    copy(other.#buffer, other.#view, from, { bytes: this.#buffer, view: this.#view, at: this.length, size })
    this.length += size
  }

  /** Copies all that was written to a place in other memory, which has room for it. */
  copyTo(bytes: Uint8Array, view: DataView, at: number): void {
    copy(this.#buffer, this.#view, 0, { bytes, view, at, size: this.length })
  }

  /** What was written since `from`, without a copy: valid until the next write. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.length)
  }

  /** What was written, to keep; the writer starts over in new memory when its own is handed out. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.length))
    this.length = 0
    return taken
  }

  reset(): void {
    this.length = 0
  }

  #room(sizeBytes: number): void {
    if (this.length + sizeBytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.length + sizeBytes))
    larger.set(this.#buffer.subarray(0, this.length))
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}

/** Walks over received bytes; `bytes` gives views into them. */
export class ByteReader {
  readonly #buffer: Buffer
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = viewOf(this.#buffer)
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length
  }

  uint8(): number {
    return this.#buffer[this.#take(1)] as number
  }

  /** 0 or 1. Throws `Malformed` for anything else. */
  flag(): boolean {
    const flag = this.uint8()
    if (flag > 1) throw new Malformed('a flag is neither 0 nor 1')
    return flag === 1
  }

  /** The next byte, which stays the next; `undefined` at the end. */
  peek(): number | undefined {
    return this.#buffer[this.#at]
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  /** A whole number from 0 to 2^53 - 1 that travelled as a double. */
  whole(): number {
    const value = this.float64()
    if (!Number.isSafeInteger(value) || value < 0) throw new Malformed('a number is not whole')
    return value
  }

  /** Well-formed UTF-8 of at most `sizeBytesMax` bytes. */
  text(sizeBytesMax: number): string {
    const size = this.uint16()
    if (size > sizeBytesMax) throw new Malformed(`a text of ${size} bytes is over the limit of ${sizeBytesMax}`)
    const start = this.#take(size)
    if (size <= SHORT && this.#isAscii(start, start + size)) return this.#buffer.toString('latin1', start, start + size)
    const text = this.#buffer.toString('utf8', start, start + size)
    if (text.includes('\ufffd') && !isUtf8(this.#buffer.subarray(start, start + size))) {
      throw new Malformed('a text is not UTF-8')
    }
    return text
  }

  #isAscii(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if ((this.#buffer[i] as number) > ASCII_MAX) return false
    return true
  }

  /** Printable ASCII of 1 to `sizeBytesMax` characters. */
  name(sizeBytesMax: number): string {
    const size = this.uint8()
    if (size < 1 || size > sizeBytesMax) throw new Malformed(`a name of ${size} characters is not allowed`)
    const start = this.#take(size)
    const name = names.read(this.#buffer, start, start + size)
    if (name === undefined) throw new Malformed('a name is not printable')
    return name
  }

  /** A view of at most `sizeBytesMax` bytes; it keeps the whole frame alive as long as it lives. */
  bytes(sizeBytesMax: number): Uint8Array {
    const size = this.uint32()
    if (size > sizeBytesMax) throw new Malformed(`${size} bytes are over the limit of ${sizeBytesMax}`)
    const start = this.#take(size)
    return this.#buffer.subarray(start, start + size)
  }

  /** Whole numbers: at most `countMax`, and as many as `group` divides. */
  numbers(countMax: number, group: number): number[] {
    const count = this.uint16()
    if (count > countMax || count % group !== 0) throw new Malformed(`a list of ${count} numbers is not allowed`)
    const numbers: number[] = []
    for (let i = 0; i < count; i++) numbers.push(this.whole())
    return numbers
  }

  #take(sizeBytes: number): number {
    const start = this.#at
    if (start + sizeBytes > this.#buffer.length) throw new Malformed('it ends in the middle of a field')
    this.#at = start + sizeBytes
    return start
  }
}

/** Up to here four bytes at a time are faster than a view of them and one copy. */
const FEW_BYTES = 512

/** Both ends are given with a view over the same memory. */
function copy(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  to: { readonly bytes: Uint8Array; readonly view: DataView; readonly at: number; readonly size: number },
): void {
  const { at, size } = to
  if (size > FEW_BYTES) {
    to.bytes.set(bytes.subarray(from, from + size), at)
    return
  }
  let done = 0
  for (; done + 4 <= size; done += 4) to.view.setUint32(at + done, view.getUint32(from + done, true), true)
  for (; done < size; done++) to.bytes[at + done] = bytes[from + done] as number
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
