/**
 * A proxy in front of one replica that delays every WebSocket message by a random time of its own, in both directions.
 *
 * Messages may overtake each other, as the model of independent legs has it; the first few, in which both sides name
 * themselves, pass at once and in order. It notes what it really did: a timer is late by up to a millisecond or two.
 */
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import type { AddressInfo } from 'node:net'

export interface Delays {
  /** Milliseconds for the next message to the replica, and from it. */
  readonly there: () => number
  readonly back: () => number
}

/** Messages of the handshake in each direction. */
const HANDSHAKE = 2
const KEPT_MAX = 200_000

export class DelayingProxy {
  /** How long messages really took, in milliseconds. */
  readonly there: number[] = []
  readonly back: number[] = []
  /** Nothing is delayed before this is true. */
  delays = false
  /** Drops what comes, in both directions. */
  isCut = false
  readonly #server: WebSocketServer
  readonly #sockets = new Set<WebSocket>()
  readonly #timers = new Set<NodeJS.Timeout>()

  private constructor(server: WebSocketServer, url: string, delays: Delays) {
    this.#server = server
    server.on('connection', (inner, request) => {
      const outer = new WebSocket(new URL(request.url ?? '/', url), protocolsOf(request.headers), {
        perMessageDeflate: false,
      })
      const waiting: (() => void)[] = []
      outer.on('open', () => waiting.splice(0).forEach((send) => send()))
      this.#join({ from: inner, to: outer, ms: delays.there, kept: this.there, waiting })
      this.#join({ from: outer, to: inner, ms: delays.back, kept: this.back, waiting: [] })
    })
  }

  static async to(url: string, delays: Delays): Promise<DelayingProxy> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    await new Promise((resolve) => server.once('listening', resolve))
    return new DelayingProxy(server, url, delays)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(way: {
    readonly from: WebSocket
    readonly to: WebSocket
    readonly ms: () => number
    readonly kept: number[]
    readonly waiting: (() => void)[]
  }): void {
    const { from, to, ms, kept, waiting } = way
    let seen = 0
    this.#sockets.add(from)
    from.on('error', () => to.terminate())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.close()
    })
    from.on('message', (data: RawData, isBinary: boolean) => {
      const send = (): void => {
        if (to.readyState === WebSocket.OPEN) to.send(data, { binary: isBinary })
        else if (to.readyState === WebSocket.CONNECTING) waiting.push(send)
      }
      if (this.isCut) return
      if (++seen <= HANDSHAKE || !this.delays) {
        send()
        return
      }
      const arrivedAt = performance.now()
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        if (kept.length < KEPT_MAX) kept.push(performance.now() - arrivedAt)
        send()
      }, ms())
      this.#timers.add(timer)
    })
  }
}

function protocolsOf(headers: Readonly<Record<string, string | readonly string[] | undefined>>): string[] {
  const given = headers['sec-websocket-protocol']
  return typeof given === 'string' ? given.split(',').map((text) => text.trim()) : []
}
