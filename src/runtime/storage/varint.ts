/**
 * LevelDB's numbers and strings: seven bits a byte, lowest first, where the highest bit says that more follow.
 *
 * For files whose checksums are looked at first: a reader that runs off the end throws `Malformed`.
 */
import { Malformed } from '../codec/bytes.ts'

export class VarintReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(
    bytes: Buffer,
    { start = 0, end = bytes.length }: { readonly start?: number; readonly end?: number } = {},
  ) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** A number up to 2^53 - 1; larger ones come out inexact, and those of more than 56 bits not at all. */
  number(): number {
    let value = 0
    for (let unit = 1; unit < 2 ** 56; unit *= 128) {
      const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined
      if (byte === undefined) break
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
    throw new Malformed('a number does not end')
  }

  /** That many bytes, as a view. */
  bytes(size: number): Buffer {
    const start = this.#at
    if (start + size > this.#end) throw new Malformed('a field does not end')
    this.#at += size
    return this.#bytes.subarray(start, this.#at)
  }
}
