/**
 * How the `ws` package is set up, on both sides: plain binary messages and nothing else.
 *
 * Compression is off, since it costs more than the network it saves and lets a small frame grow large. `ws` turns
 * Nagle's delay off by itself. Its pings stay unanswered: the layer above has its own, which faults can stop. The
 * caller owns the sockets that it gets from here and listens to their errors.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { CLOSE } from './close-codes.ts'
import type { TransportLimits } from './transport.ts'

/** How long a closed connection may linger for the other side's goodbye. */
const CLOSE_MS = 1000

/** `closeTimeout` is an option of `ws` that its types do not know. */
interface SharedOptions {
  readonly perMessageDeflate: false
  readonly autoPong: false
  readonly maxPayload: number
  readonly skipUTF8Validation: true
  readonly closeTimeout: number
}

function sharedOptions({ frameBytesMax }: TransportLimits): SharedOptions {
  return {
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: frameBytesMax,
    // Text is refused whatever it says.
    skipUTF8Validation: true,
    closeTimeout: CLOSE_MS,
  }
}

/**
 * Starts to connect. Masking guards old web proxies against pages in browsers; between members it only costs time, so
 * the mask stays zero and `ws` then leaves the bytes alone, which also lets several links share one frame.
 */
export function openWebSocket(url: string, limits: TransportLimits): WebSocket {
  return new WebSocket(url, { ...sharedOptions(limits), followRedirects: false, generateMask: () => {} })
}

/** Turns a request to upgrade into a WebSocket, or closes it. */
export type Upgrade = (
  request: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  done: (ws: WebSocket) => void,
) => void

export function upgrader(limits: TransportLimits): Upgrade {
  const server = new WebSocketServer({ ...sharedOptions(limits), noServer: true, clientTracking: false })
  return ({ request, socket, head }, done) => server.handleUpgrade(request, socket, head, done)
}

/** The close code for what `ws` found wrong with the bytes that came. */
export function closeCodeOf(error: Error & { readonly code?: unknown }): number {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return CLOSE.tooLarge
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return CLOSE.policy
    case 'WS_ERR_INVALID_UTF8':
      return CLOSE.notText
    default:
      return typeof error.code === 'string' && error.code.startsWith('WS_ERR_') ? CLOSE.malformed : CLOSE.broken
  }
}
