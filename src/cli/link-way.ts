/**
 * One direction between two replica processes, as a network has it: open, slow, or cut.
 *
 * A cut loses nothing and tells nobody: bytes, and the news that a connection ended, are held back until it is mended, as
 * TCP would send them again. What is held is bounded by not reading on, so the sender's buffers fill as they would.
 */
import type { Socket } from 'node:net'

/** Of one connection, before its sender is read no further. */
const HELD_BYTES_MAX = 1 << 20

export interface Condition {
  readonly isCut: boolean
  /** What every byte takes longer; 0 for none. */
  readonly delayMs: number
}

export const OPEN: Condition = { isCut: false, delayMs: 0 }

export class Way {
  readonly from: string
  readonly to: string
  /** Bytes that came through since the start. */
  passedBytes = 0
  #condition: Condition = OPEN
  readonly #streams = new Set<Stream>()

  constructor({ from, to }: { readonly from: string; readonly to: string }) {
    this.from = from
    this.to = to
  }

  get condition(): Condition {
    return this.#condition
  }

  set condition(condition: Condition) {
    this.#condition = condition
    for (const stream of this.#streams) stream.flow()
  }

  /** Bytes that wait, for the cut to be mended or for their time. */
  get heldBytes(): number {
    let bytes = 0
    for (const stream of this.#streams) bytes += stream.heldBytes
    return bytes
  }

  /** Carries what one socket receives over to another, until it ends. */
  carry(sender: Socket, receiver: Socket): void {
    const stream = new Stream(this, { sender, receiver, done: () => this.#streams.delete(stream) })
    this.#streams.add(stream)
  }
}

interface Ends {
  readonly sender: Socket
  readonly receiver: Socket
  readonly done: () => void
}

class Stream {
  heldBytes = 0
  readonly #way: Way
  readonly #ends: Ends
  readonly #held: { readonly bytes: Buffer; readonly dueAtMs: number }[] = []
  #timer: NodeJS.Timeout | undefined
  /** The sender said all that it will. */
  #isOver = false

  constructor(way: Way, ends: Ends) {
    const { sender, receiver } = ends
    this.#way = way
    this.#ends = ends
    sender.on('data', (bytes: Buffer) => this.#hold(bytes))
    sender.on('error', () => {})
    sender.once('close', () => {
      this.#isOver = true
      this.flow()
    })
    receiver.on('drain', () => this.flow())
    receiver.once('close', () => this.#end())
  }

  /** Lets through what may pass now. */
  readonly flow = (): void => {
    clearTimeout(this.#timer)
    const { sender, receiver } = this.#ends
    if (this.#way.condition.isCut) return
    for (let next = this.#held[0]; next !== undefined && !receiver.writableNeedDrain; next = this.#held[0]) {
      const waitMs = next.dueAtMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(this.flow, Math.ceil(waitMs))
        return
      }
      this.#held.shift()
      this.heldBytes -= next.bytes.length
      this.#way.passedBytes += next.bytes.length
      receiver.write(next.bytes)
    }
    if (this.#held.length > 0) return
    if (this.#isOver) receiver.destroySoon()
    else if (sender.isPaused()) sender.resume()
  }

  #hold(bytes: Buffer): void {
    const { delayMs } = this.#way.condition
    this.#held.push({ bytes, dueAtMs: delayMs === 0 ? 0 : performance.now() + delayMs })
    this.heldBytes += bytes.length
    if (this.heldBytes > HELD_BYTES_MAX) this.#ends.sender.pause()
    this.flow()
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
    this.heldBytes = 0
    this.#ends.done()
  }
}
