/**
 * Keeps one link to one replica: dials, shakes hands, and dials again when the link ends.
 *
 * The wait between attempts grows from 50 ms to 2 s and is drawn at random below that bound ("full jitter", Brooker
 * 2015), so that a replica that comes back is not met by everybody at once. The caller owns one dialer for each replica
 * and closes it; until then it keeps the process alive, as an open link would.
 */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { QuorateError, type ErrorCode } from '../../core/base/errors.ts'
import { CLOSE, type HandshakeRefusal } from './close-codes.ts'
import { Connection, type ConnectionHandlers } from './connection.ts'
import { DialerHandshake } from './handshake.ts'
import { checkDial, resolveLimits } from './limits.ts'
import type { Dialer, DialOptions, Link, LinkEnd, TransportLimits } from './transport.ts'
import { openWebSocket } from './websocket.ts'

/** Starts to dial, and never gives up. Throws `QUORATE_INVALID_OPTION` for options that cannot be. */
export function dial(options: DialOptions): Dialer {
  checkDial(options)
  return new WebSocketDialer(options)
}

/**
 * How long to wait after a number of failures in a row, where `fraction` is drawn from 0 to 1. A refusal is not a
 * matter of load, so the wait after one is long and never close to zero.
 */
export function backoffMs(
  failed: { readonly failures: number; readonly refused: boolean; readonly fraction: number },
  limits: Pick<TransportLimits, 'backoffMsMin' | 'backoffMsMax'>,
): number {
  const { backoffMsMin, backoffMsMax } = limits
  if (failed.refused) return ((1 + failed.fraction) / 2) * backoffMsMax
  return failed.fraction * Math.min(backoffMsMax, backoffMsMin * 2 ** Math.max(0, failed.failures - 1))
}

class WebSocketDialer implements Dialer {
  readonly remoteId: string
  readonly url: string
  readonly #options: DialOptions
  readonly #limits: TransportLimits
  #ws: WebSocket | undefined
  #connection: Connection | undefined
  #link: Link | undefined
  #problem: QuorateError | undefined
  #failures = 0
  #upAt = 0
  #deadline: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false
  readonly #whenGone: (() => void)[] = []

  constructor(options: DialOptions) {
    this.#options = options
    this.#limits = resolveLimits(options.limits)
    this.remoteId = options.remoteId
    this.url = options.url
    this.#dial()
  }

  get link(): Link | undefined {
    return this.#link
  }

  get problem(): QuorateError | undefined {
    return this.#problem
  }

  close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    if (this.#ws === undefined) return Promise.resolve()
    const gone = new Promise<void>((resolve) => this.#whenGone.push(resolve))
    if (this.#connection === undefined) this.#ws.terminate()
    else this.#connection.close(CLOSE.normal, 'this side is done')
    return gone
  }

  #dial(): void {
    const ws = openWebSocket(this.url, this.#limits)
    this.#ws = ws
    let socket: Socket | undefined
    let cause: NodeJS.ErrnoException | undefined
    const { handshakeMsMax } = this.#limits
    const tooLate = (): void => {
      const reason = `the handshake took longer than ${handshakeMsMax} ms`
      cause ??= new Error(reason)
      if (this.#connection === undefined) ws.terminate()
      else this.#connection.abort(CLOSE.handshakeTimeout, reason)
    }
    this.#deadline = setTimeout(tooLate, handshakeMsMax).unref()
    const unreached = (): void => this.#unreached(cause)
    ws.on('error', (error) => (cause ??= error))
    ws.once('close', unreached)
    ws.once('upgrade', (response) => (socket = response.socket))
    ws.once('open', () => {
      // From here on the connection tells its own end.
      ws.off('close', unreached)
      this.#shakeHands(ws, socket as Socket)
    })
  }

  #shakeHands(ws: WebSocket, socket: Socket): void {
    const { local, secret, faults, remoteId } = this.#options
    const handshake = new DialerHandshake({ local, secret }, { remoteId })
    const handlers = this.#connectionHandlers()
    const limits = this.#limits
    this.#connection = new Connection({ ws, socket, handshake, localId: local.id, limits, faults, handlers })
  }

  #connectionHandlers(): ConnectionHandlers {
    const { handlers } = this.#options
    return {
      admit: () => true,
      up: (link) => {
        clearTimeout(this.#deadline)
        this.#link = link
        this.#problem = undefined
        this.#upAt = performance.now()
        handlers.up(link)
      },
      frame: (link, bytes) => handlers.frame(link, bytes),
      ended: (connection, end, refusal) => this.#ended(connection, end, refusal),
    }
  }

  /** There was no WebSocket at all. */
  #unreached(cause: NodeJS.ErrnoException | undefined): void {
    // Where several addresses of one name were tried, the error that collects them has a code but no message.
    const said = cause?.message || cause?.code || 'no answer'
    this.#problem = this.#error('QUORATE_UNAVAILABLE', `cannot be reached: ${said}`, cause)
    this.#dialAgain({ refused: false })
  }

  #ended(connection: Connection, end: LinkEnd, refusal: HandshakeRefusal | undefined): void {
    this.#link = undefined
    this.#connection = undefined
    // A link that dies young is a failure like another: it must not be renewed at once, again and again.
    if (connection.wasUp && performance.now() - this.#upAt >= this.#limits.backoffMsMax) this.#failures = 0
    const problem =
      refusal === undefined
        ? this.#error('QUORATE_UNAVAILABLE', `is not linked: ${end.reason}`, end.cause)
        : this.#error(refusal.errorCode, `and this side do not go together: ${refusal.reason}`, undefined)
    this.#problem = problem
    this.#dialAgain({ refused: refusal !== undefined })
    if (connection.wasUp) this.#options.handlers.down(connection, end)
    else if (refusal !== undefined) this.#options.handlers.refused(problem)
  }

  #dialAgain({ refused }: { readonly refused: boolean }): void {
    clearTimeout(this.#deadline)
    this.#ws = undefined
    for (const resolve of this.#whenGone.splice(0)) resolve()
    if (this.#closed) return
    this.#failures++
    const waitMs = backoffMs({ failures: this.#failures, refused, fraction: Math.random() }, this.#limits)
    this.#retry = setTimeout(() => this.#dial(), waitMs)
  }

  #error(code: ErrorCode, said: string, cause: unknown): QuorateError {
    return new QuorateError(code, `Replica ${this.remoteId} at ${this.url} ${said}.`, { cause })
  }
}
