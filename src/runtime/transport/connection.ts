/**
 * One WebSocket from its first frame to its end: handshake, then a link.
 *
 * Used alike by the side that dialed and the side that listened; only the handshake differs. Whatever happens on this
 * socket stays here: errors become an end with a reason, an exception of a handler ends this link alone. The caller
 * keeps the deadline of the handshake, because it began before there was a WebSocket.
 */
import type { Socket } from 'node:net'
import { WebSocket, type RawData } from 'ws'
import { invariant } from '../../core/base/invariant.ts'
import { CLOSE, printable, refusalFor, remoteRefusal, type HandshakeRefusal } from './close-codes.ts'
import { FaultyOutlet, type LinkFaults } from './faults.ts'
import { HANDSHAKE_BYTES_MAX } from './handshake-frame.ts'
import type { Handshake } from './handshake.ts'
import type { Link, LinkEnd, LinkIdentity, TransportLimits } from './transport.ts'
import { closeCodeOf } from './websocket.ts'

export interface ConnectionHandlers {
  /** Asked when the other side has proved itself; false closes with 1013. */
  admit(): boolean
  up(link: Link): void
  frame(link: Link, bytes: Uint8Array): void
  /**
   * Called once, when the socket is gone; `refusal` when one side refused the other in the handshake. What it throws
   * becomes a warning of the process, so it does its own work before it calls the layer above.
   */
  ended(connection: Connection, end: LinkEnd, refusal: HandshakeRefusal | undefined): void
}

export interface ConnectionOptions {
  readonly ws: WebSocket
  /** The socket under `ws`. */
  readonly socket: Socket
  readonly handshake: Handshake
  readonly localId: string
  readonly limits: TransportLimits
  readonly faults: LinkFaults | undefined
  readonly handlers: ConnectionHandlers
}

/** What a stranger may send in all: two frames and their headers. `ws` itself knows only the limit of members. */
const STRANGER_BYTES_MAX = 2 * HANDSHAKE_BYTES_MAX + 64

/** Silence is counted in looks, not in time: a process that was paused looks once, however long it was away. */
const IDLE_LOOKS = 4

export class Connection implements Link {
  readonly frameBytesMax: number
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #handshake: Handshake
  readonly #limits: TransportLimits
  readonly #handlers: ConnectionHandlers
  readonly #outlet: FaultyOutlet | undefined
  #state: 'handshake' | 'up' | 'closing' = 'handshake'
  #remote: LinkIdentity | undefined
  #end: LinkEnd | undefined
  #refusal: HandshakeRefusal | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor({ ws, socket, handshake, localId, limits, faults, handlers }: ConnectionOptions) {
    this.#ws = ws
    this.#socket = socket
    this.#handshake = handshake
    this.#limits = limits
    this.#handlers = handlers
    this.frameBytesMax = limits.frameBytesMax
    const write = (frame: Uint8Array): void => ws.send(frame)
    this.#outlet = faults && new FaultyOutlet({ faults, from: localId, write })
    ws.on('message', this.#receive)
    ws.on('error', (error) => this.#failed(error))
    ws.on('close', (code, reason) => this.#closed(code, reason))
    this.#boundStranger()
    if (handshake.opening !== undefined) this.#transmit(handshake.opening)
  }

  /** Whether it has been a link. */
  get wasUp(): boolean {
    return this.#remote !== undefined
  }

  get remote(): LinkIdentity {
    invariant(this.#remote !== undefined, 'a link is handed out only after its handshake')
    return this.#remote
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount + (this.#outlet?.heldBytes ?? 0)
  }

  send(frame: Uint8Array): boolean {
    if (this.#state !== 'up' || this.#ws.readyState !== WebSocket.OPEN) return false
    if (frame.length > this.frameBytesMax) return false
    if (this.bufferedBytes + frame.length > this.#limits.queueBytesMax) return false
    this.#transmit(frame)
    return true
  }

  close(code: number, reason: string): void {
    this.#finish({ code, reason })
  }

  /** Ends it without a goodbye; `reason` is for this side alone. */
  abort(code: number, reason: string): void {
    this.#finish({ code, reason })
    this.#ws.terminate()
  }

  readonly #receive = (data: RawData, isBinary: boolean): void => {
    if (this.#state === 'closing') return
    if (!isBinary) {
      this.close(CLOSE.notBinary, 'only binary frames are understood')
      return
    }
    // `ws` gives binary messages as buffers unless it is told otherwise.
    const bytes = data as Buffer
    if (this.#state === 'handshake') this.#advance(bytes)
    else this.#deliver(bytes)
  }

  /** Whatever the layer above throws ends this link and no other. */
  #deliver(bytes: Buffer): void {
    try {
      this.#handlers.frame(this, bytes)
    } catch (cause) {
      this.#handlerFailed(cause)
    }
  }

  #advance(bytes: Buffer): void {
    if (bytes.length > HANDSHAKE_BYTES_MAX) {
      this.close(CLOSE.tooLarge, `a frame of the handshake has at most ${HANDSHAKE_BYTES_MAX} bytes`)
      return
    }
    const step = this.#handshake.receive(bytes)
    if (step.kind === 'refused') {
      this.#refusal = step.refusal
      const { closeCode, reason } = step.refusal
      this.#finish({ code: closeCode, reason }, refusalFor(closeCode).reason)
    } else if (step.kind === 'send') {
      this.#transmit(step.frame)
    } else if (this.#handlers.admit()) {
      if (step.frame !== undefined) this.#transmit(step.frame)
      this.#begin(step.remote)
    } else {
      this.close(CLOSE.tryLater, 'there are too many links')
    }
  }

  #begin(remote: LinkIdentity): void {
    this.#remote = remote
    this.#state = 'up'
    this.#watchSilence()
    try {
      this.#handlers.up(this)
    } catch (cause) {
      this.#handlerFailed(cause)
    }
  }

  #transmit(frame: Uint8Array): void {
    if (this.#outlet === undefined) {
      this.#ws.send(frame)
      return
    }
    this.#outlet.to = this.#remote?.id ?? this.#handshake.remoteId
    this.#outlet.send(frame)
  }

  #handlerFailed(cause: unknown): void {
    this.#finish({ code: CLOSE.internal, reason: 'a handler failed', cause })
  }

  /** Ends the link, for the reason that comes first. `said` is what the other side is told, where it may know less. */
  #finish(end: LinkEnd, said: string = end.reason): void {
    if (this.#state === 'closing') return
    // A goodbye must not cross a cut either.
    if (this.#outlet?.isCut === true) this.#ws.terminate()
    else this.#ws.close(end.code, Buffer.from(said).subarray(0, 123))
    this.#state = 'closing'
    this.#end = end
    this.#release()
  }

  /** `ws` found something wrong, has told the other side with a close frame, and closes. */
  #failed(error: Error): void {
    this.#end ??= { code: closeCodeOf(error), reason: error.message, cause: error }
    this.#state = 'closing'
    this.#release()
  }

  #release(): void {
    clearInterval(this.#idleTimer)
    this.#outlet?.close()
  }

  #closed(code: number, reason: Buffer): void {
    if (this.#end === undefined && !this.wasUp) this.#refusal = remoteRefusal(code)
    this.#end ??= { code, reason: printable(reason) || 'the connection broke' }
    this.#state = 'closing'
    this.#release()
    try {
      this.#handlers.ended(this, this.#end, this.#refusal)
    } catch (error) {
      // Nothing is left to end, and nobody else may suffer for it.
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }

  /** Stops reading from a stranger who sends more than a handshake, before `ws` has buffered it. */
  #boundStranger(): void {
    let bytes = 0
    const count = (chunk: Buffer): void => {
      if (this.wasUp) {
        this.#socket.off('data', count)
        return
      }
      bytes += chunk.length
      if (bytes <= STRANGER_BYTES_MAX) return
      this.close(CLOSE.tooLarge, 'a handshake is smaller')
      this.#ws.pause()
    }
    this.#socket.on('data', count)
  }

  #watchSilence(): void {
    let bytesRead = this.#socket.bytesRead
    let quiet = 0
    const look = (): void => {
      quiet = this.#socket.bytesRead === bytesRead ? quiet + 1 : 0
      bytesRead = this.#socket.bytesRead
      if (quiet >= IDLE_LOOKS) this.close(CLOSE.idle, `nothing came for ${this.#limits.idleMsMax} ms`)
    }
    this.#idleTimer = setInterval(look, this.#limits.idleMsMax / IDLE_LOOKS).unref()
  }
}
