/**
 * The waiting room of a listener: sockets that have not proved anything yet.
 *
 * It has a deadline for each and a number of seats. A newcomer to a full room takes the seat of whoever sat longest:
 * an honest handshake is done in a few round trips, so a crowd of idle sockets cannot keep members out. The caller
 * admits every socket as soon as it is accepted, before a byte of it was read, so the slow are covered from the start.
 */
import type { Socket } from 'node:net'
import { CLOSE } from './close-codes.ts'
import type { Connection } from './connection.ts'
import type { TransportLimits } from './transport.ts'

interface Seat {
  readonly deadline: NodeJS.Timeout
  /** Once the socket has become a WebSocket. */
  connection: Connection | undefined
}

export class Admission {
  readonly #limits: TransportLimits
  /** In the order in which they came. */
  readonly #seats = new Map<Socket, Seat>()

  constructor(limits: TransportLimits) {
    this.#limits = limits
  }

  enter(socket: Socket): void {
    const oldest = this.#seats.keys().next()
    if (this.#seats.size >= this.#limits.unauthenticatedMax && oldest.done !== true) {
      this.#expel(oldest.value, CLOSE.tryLater, 'too many wait for their handshake')
    }
    const { handshakeMsMax } = this.#limits
    const reason = `the handshake took longer than ${handshakeMsMax} ms`
    const deadline = setTimeout(() => this.#expel(socket, CLOSE.handshakeTimeout, reason), handshakeMsMax).unref()
    this.#seats.set(socket, { deadline, connection: undefined })
    socket.once('close', () => this.leave(socket))
  }

  /** The socket is a WebSocket now, and can be told why it has to go. */
  upgraded(socket: Socket, connection: Connection): void {
    const seat = this.#seats.get(socket)
    if (seat !== undefined) seat.connection = connection
  }

  /** It is a member's, or it is gone. */
  leave(socket: Socket): void {
    const seat = this.#seats.get(socket)
    clearTimeout(seat?.deadline)
    this.#seats.delete(socket)
  }

  /** Sends everybody away. */
  close(): void {
    for (const socket of this.#seats.keys()) this.#expel(socket, CLOSE.goingAway, 'the listener closes')
  }

  /** At once and without waiting for a goodbye: the seat is needed, or time is up. */
  #expel(socket: Socket, code: number, reason: string): void {
    const connection = this.#seats.get(socket)?.connection
    this.leave(socket)
    if (connection === undefined) socket.destroy()
    else connection.abort(code, reason)
  }
}
