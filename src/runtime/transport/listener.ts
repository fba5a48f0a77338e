/**
 * Accepts links: an HTTP server that knows nothing but the upgrade to WebSocket, a waiting room, and the links.
 *
 * Strangers get no further than the waiting room. Pages in a browser are turned away whatever they can prove, since a
 * browser connects to any address for any page and names the page in `Origin`, which members do not send. The caller
 * closes the listener; until then it keeps the process alive.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Admission } from './admission.ts'
import { CLOSE } from './close-codes.ts'
import { Connection, type ConnectionHandlers } from './connection.ts'
import { ListenerHandshake } from './handshake.ts'
import { checkListen, listenError, resolveLimits } from './limits.ts'
import type { Link, Listener, ListenOptions, TransportLimits } from './transport.ts'
import { upgrader, type Upgrade } from './websocket.ts'

/**
 * Listens, once the promise is fulfilled. Rejects with `QUORATE_INVALID_OPTION` for options that cannot be, for an
 * address that cannot be listened on, and for one that others can reach when there is no secret.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  checkListen(options)
  const listener = new WebSocketListener(options)
  await listener.start()
  return listener
}

class WebSocketListener implements Listener {
  readonly host: string
  port = 0
  readonly #options: ListenOptions
  readonly #limits: TransportLimits
  readonly #server: Server
  readonly #upgrade: Upgrade
  readonly #admission: Admission
  readonly #connections = new Set<Connection>()
  readonly #links = new Set<Link>()
  #closing: Promise<void> | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: ListenOptions) {
    this.host = options.host
    this.#options = options
    this.#limits = resolveLimits(options.limits)
    this.#upgrade = upgrader(this.#limits)
    this.#admission = new Admission(this.#limits)
    this.#server = createServer((_request, response) => {
      response.writeHead(426, { connection: 'close', 'content-type': 'text/plain' })
      response.end('This port speaks the protocol of quorate over WebSocket.\n')
    })
    this.#server.on('connection', (socket) => this.#admission.enter(socket))
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('upgrade', (request, socket, head) => this.#upgraded(request, socket as Socket, head))
  }

  start(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      const refused = (error: Error): void => reject(listenError(error, this.#options))
      this.#server.once('error', refused)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', refused)
        // One connection could not be accepted, for want of file descriptors mostly; whoever dialed will try again.
        this.#server.on('error', () => {})
        this.port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const silent = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#admission.close()
    for (const connection of this.#connections) connection.close(CLOSE.goingAway, 'the replica closes')
    await silent
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve))
  }

  #upgraded(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    if (request.headers.origin !== undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n')
      return
    }
    this.#upgrade({ request, socket, head }, (ws) => {
      const { local, secret, faults } = this.#options
      const handshake = new ListenerHandshake({ local, secret })
      const handlers = this.#connectionHandlers(socket)
      const limits = this.#limits
      const connection = new Connection({ ws, socket, handshake, localId: local.id, limits, faults, handlers })
      this.#connections.add(connection)
      this.#admission.upgraded(socket, connection)
    })
  }

  #connectionHandlers(socket: Socket): ConnectionHandlers {
    const { handlers } = this.#options
    return {
      admit: () => this.#closing === undefined && this.#links.size < this.#limits.linksMax,
      up: (link) => {
        this.#admission.leave(socket)
        this.#links.add(link)
        handlers.up(link)
      },
      frame: (link, bytes) => handlers.frame(link, bytes),
      ended: (connection, end) => {
        this.#connections.delete(connection)
        this.#links.delete(connection)
        if (this.#connections.size === 0) this.#whenEmpty?.()
        if (connection.wasUp) handlers.down(connection, end)
      },
    }
  }
}
