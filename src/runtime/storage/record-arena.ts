/**
 * Many small byte strings in few large blocks, each under a number that stays the same when its bytes are replaced and
 * goes to another when it is removed.
 *
 * A `Buffer` for each record would cost more than the record: about a hundred bytes of object, and a block of memory
 * that lives as long as its longest-lived neighbour. Here a record costs 16 bytes beyond its own. Blocks are written
 * from front to back and not written again, so a view that a reader still holds keeps its bytes whatever happens
 * here; only bytes of which no view was ever given make room for others of the same size. When too much of the blocks is
 * garbage, the emptiest block is copied out and left to the collector.
 *
 * The caller's duty: forget a number that it has removed; keep views only while they are needed, because each keeps its
 * whole block; and drop views that are kept for longer when `moved` names their record.
 */
import type { ByteWriter } from '../codec/bytes.ts'

/** Large enough that the block itself costs nothing, small enough that copying one out is not noticed. A power of two. */
const BLOCK_BYTES = 256 * 1024

/** Larger records have a block of their own: packing them would leave holes at the ends of blocks. */
const OWN_BLOCK_BYTES = 32 * 1024

/** Before each record: its number and its size, so that a block can be walked. */
const HEADER_BYTES = 8
const SIZE_AT = 4
/** Beside the size: a view of the record was given. */
const VIEWED = 0x8000_0000
const SIZE = 0x7fff_ffff

/** The place of a record that was removed. */
const NOWHERE = -1

interface Block {
  readonly bytes: Buffer
  /** Over the same memory: its loads and stores compile to single instructions. */
  readonly view: DataView
  /** Where the next record goes. */
  used: number
  /** How much of it belongs to records that are still current, headers included. */
  live: number
}

export class RecordArena {
  readonly #moved: (record: number) => void
  readonly #blocks: (Block | undefined)[] = []
  readonly #freeBlocks: number[] = []
  /** Block number times `BLOCK_BYTES`, plus the place in the block, by record. */
  #places: Float64Array = new Float64Array(256)
  /** Numbers of records that were removed. */
  readonly #freeRecords: number[] = []
  #count = 0
  #current = -1
  #heldBytes = 0
  #liveBytes = 0

  constructor(moved: (record: number) => void) {
    this.#moved = moved
  }

  /** What all blocks take, garbage included. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Copies what was written and gives it a number: one that is free again, or else the next, counted up from 0. */
  add(written: ByteWriter): number {
    const record = this.#freeRecords.pop() ?? this.#count++
    if (record === this.#places.length) {
      const larger = new Float64Array(2 * record)
      larger.set(this.#places)
      this.#places = larger
    }
    this.#store(record, written)
    return record
  }

  /** Copies what was written in the place of a record's bytes. */
  replace(record: number, written: ByteWriter): void {
    const place = this.#places[record] as number
    const block = this.#blockAt(place)
    const start = offsetOf(place)
    // Not so for one that was viewed.
    const isAlike = block.view.getUint32(start + SIZE_AT, true) === written.length
    if (isAlike) {
      written.copyTo(block.bytes, block.view, start + HEADER_BYTES)
      return
    }
    this.#store(record, written)
    this.#release(place)
    this.#tidy()
  }

  /** Lets go of a record's bytes; its number is given again. */
  remove(record: number): void {
    this.#release(this.#places[record] as number)
    this.#places[record] = NOWHERE
    this.#freeRecords.push(record)
    this.#tidy()
  }

  /** The bytes of a record, without a copy. */
  view(record: number): Buffer {
    const place = this.#places[record] as number
    const block = this.#blockAt(place)
    const start = offsetOf(place)
    const size = sizeAt(block, start)
    block.view.setUint32(start + SIZE_AT, size | VIEWED, true)
    return block.bytes.subarray(start + HEADER_BYTES, start + HEADER_BYTES + size)
  }

  /** One byte of a record. */
  uint8At(record: number, offset: number): number {
    const place = this.#places[record] as number
    return this.#blockAt(place).view.getUint8(offsetOf(place) + HEADER_BYTES + offset)
  }

  /** A number of a record, as `ByteWriter.float64` wrote it. */
  float64At(record: number, offset: number): number {
    const place = this.#places[record] as number
    return this.#blockAt(place).view.getFloat64(offsetOf(place) + HEADER_BYTES + offset, true)
  }

  #store(record: number, written: ByteWriter): void {
    const size = HEADER_BYTES + written.length
    const number = this.#room(size)
    const block = this.#blocks[number] as Block
    const start = block.used
    block.view.setUint32(start, record, true)
    block.view.setUint32(start + SIZE_AT, written.length, true)
    written.copyTo(block.bytes, block.view, start + HEADER_BYTES)
    this.#took(block, size)
    this.#places[record] = number * BLOCK_BYTES + start
  }

  #took(block: Block, size: number): void {
    block.used += size
    block.live += size
    this.#liveBytes += size
  }

  /** The number of a block with this much room at its end. */
  #room(size: number): number {
    if (size > OWN_BLOCK_BYTES) return this.#open(size)
    const current = this.#blocks[this.#current]
    if (current === undefined || current.used + size > BLOCK_BYTES) this.#current = this.#open(BLOCK_BYTES)
    return this.#current
  }

  #open(sizeBytes: number): number {
    const number = this.#freeBlocks.pop() ?? this.#blocks.length
    const bytes = Buffer.allocUnsafeSlow(sizeBytes)
    this.#blocks[number] = { bytes, view: new DataView(bytes.buffer), used: 0, live: 0 }
    this.#heldBytes += sizeBytes
    return number
  }

  #blockAt(place: number): Block {
    return this.#blocks[Math.floor(place / BLOCK_BYTES)] as Block
  }

  /** The record at this place is no longer current. */
  #release(place: number): void {
    const number = Math.floor(place / BLOCK_BYTES)
    const block = this.#blocks[number] as Block
    const size = HEADER_BYTES + sizeAt(block, offsetOf(place))
    block.live -= size
    this.#liveBytes -= size
    if (block.live === 0 && number !== this.#current) this.#drop(number, block)
  }

  /** Empties a block when there is too much garbage. */
  #tidy(): void {
    if (this.#heldBytes - this.#liveBytes > this.#liveBytes / 2 + 2 * BLOCK_BYTES) this.#empty(this.#emptiest())
  }

  #drop(number: number, block: Block): void {
    this.#blocks[number] = undefined
    this.#freeBlocks.push(number)
    this.#heldBytes -= block.bytes.length
  }

  /** The packed block, other than the one being filled, with the least in it. */
  #emptiest(): number {
    let emptiest = -1
    let least = BLOCK_BYTES
    for (let i = 0; i < this.#blocks.length; i++) {
      const block = this.#blocks[i]
      if (block === undefined || i === this.#current || block.bytes.length !== BLOCK_BYTES) continue
      if (block.live < least) {
        emptiest = i
        least = block.live
      }
    }
    return emptiest
  }

  /** Copies a block's current records to where there is room, and lets go of the block. */
  #empty(number: number): void {
    const block = this.#blocks[number]
    if (block === undefined) return
    for (let at = 0; at < block.used;) {
      const record = block.view.getUint32(at, true)
      const size = HEADER_BYTES + sizeAt(block, at)
      if (this.#places[record] === number * BLOCK_BYTES + at) this.#move(record, block.bytes.subarray(at, at + size))
      at += size
    }
    this.#liveBytes -= block.live
    this.#drop(number, block)
  }

  /** Copies a record with its header, which a block of its own never has to be asked for. */
  #move(record: number, bytes: Buffer): void {
    const number = this.#room(bytes.length)
    const block = this.#blocks[number] as Block
    block.bytes.set(bytes, block.used)
    this.#places[record] = number * BLOCK_BYTES + block.used
    this.#took(block, bytes.length)
    this.#moved(record)
  }
}

/** Where in its block a place is: what a remainder gives as well, at the cost of a division of doubles. */
function offsetOf(place: number): number {
  return place & (BLOCK_BYTES - 1)
}

/** The size of the record whose header is here. */
function sizeAt({ view }: Block, start: number): number {
  return view.getUint32(start + SIZE_AT, true) & SIZE
}
