/**
 * What leaves a process: one frame per link and event-loop turn.
 *
 * Messages of a turn are packed behind each other and go out together in the loop's check phase. Nothing else gains as
 * much: a frame costs a system call and a callback on either side, a message in it some hundred nanoseconds.
 */
import type { Message } from '../core/message.ts'
import { ByteWriter } from './codec/bytes.ts'
import { AS_OF_AT, writeFrameHead, writeMessage } from './codec/message-codec.ts'
import type { Link } from './transport/transport.ts'

/** A frame leaves when it is this large, so that the other side begins while this one goes on with its turn. */
const FRAME_BYTES = 32_768

/** The messages for one link. Without a link, or with a full one, they are dropped: silence is what the core expects. */
export class Outbox {
  link: Link | undefined
  /** Messages that could not be sent. */
  dropped = 0
  readonly #writer = new ByteWriter()
  readonly #epoch: number
  #messages = 0

  constructor(epoch: number, link?: Link) {
    this.#epoch = epoch
    this.link = link
  }

  get waiting(): boolean {
    return this.#messages > 0
  }

  add(message: Message): void {
    this.#begin()
    writeMessage(this.#writer, message)
    if (this.#writer.length >= FRAME_BYTES) this.flush()
  }

  /** Adds a message that is packed alike to the one that was just added to `other`, without packing it again. */
  addAsIn(other: Outbox, message: Message): void {
    // What filled the other frame has left with it.
    if (other.#lastStart >= other.#writer.length) {
      this.add(message)
      return
    }
    this.#begin()
    this.#writer.rawOf(other.#writer, other.#lastStart)
    if (message.kind === 'write') this.#writer.float64At(this.#lastStart + AS_OF_AT, message.asOf)
    if (this.#writer.length >= FRAME_BYTES) this.flush()
  }

  flush(): void {
    if (this.#messages === 0) return
    const sent = this.link?.send(this.#writer.take()) ?? false
    if (!sent) this.dropped += this.#messages
    this.#writer.reset()
    this.#messages = 0
    this.#lastStart = 0
  }

  #lastStart = 0

  #begin(): void {
    if (this.#messages === 0) writeFrameHead(this.#writer, this.#epoch)
    this.#lastStart = this.#writer.length
    this.#messages++
  }
}
