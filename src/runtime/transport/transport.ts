/**
 * What the runtime needs of a transport: links that carry opaque binary frames between coordinators and replicas.
 *
 * Every coordinator dials every replica that is not in its own process; requests go down that link and answers come
 * back on it. A link exists only after both sides have proved who they are. Frames of one link arrive in order, whole
 * and at most once, and when a link ends whatever was on its way may be lost. What the frames mean is the caller's
 * affair: a frame that makes no sense is answered with `link.close(1002, reason)`.
 */
import type { QuorateError } from '../../core/base/errors.ts'
import type { LinkFaults } from './faults.ts'

/** Who stands at one end of a link. */
export interface LinkIdentity {
  readonly clusterId: string
  /** A replica's id for a node; any name of its own for a client. At most 256 characters. */
  readonly id: string
  readonly role: 'node' | 'client'
  /** Which life of this id: a node that lost its data has a new one. A whole number. */
  readonly incarnation: number
  /** The fingerprint of the membership: both sides must have the same. A whole number. */
  readonly epoch: number
}

/** Why a link ended. `code` is a WebSocket close code: those of `CLOSE`, or 1006 when the connection just broke. */
export interface LinkEnd {
  readonly code: number
  readonly reason: string
  /** The exception of a handler, or the error of the socket, where there was one. */
  readonly cause?: unknown
}

export interface Link {
  /** The other side, as proved by the handshake. */
  readonly remote: LinkIdentity
  /** Bytes that were sent but have not left the process. */
  readonly bufferedBytes: number
  /** The largest frame that `send` takes. */
  readonly frameBytesMax: number
  /**
   * Sends a frame, or returns false: the buffer is full, the frame is too large, or the link is down. Nothing of a
   * refused frame is sent, so the caller may report it as certainly not sent. The link keeps the bytes until they are
   * written and never copies them: the caller must not change them afterwards, but may give them to other links too.
   */
  send(frame: Uint8Array): boolean
  /**
   * Ends the link with a code that a WebSocket may close with: 1000 to 1014 but for 1004 to 1006, or 3000 to 4999. No
   * frame is handed out any more, and `down` is called once the socket is closed, never from here.
   */
  close(code: number, reason: string): void
}

/** An exception in `up` or `frame` closes that link with 1011 and is told to `down`; no other link notices. */
export interface LinkHandlers {
  up(link: Link): void
  /** Called once for each link that was up. */
  down(link: Link, end: LinkEnd): void
  /** `bytes` is a view that keeps up to 64 KiB of its neighbours in memory: copy what is kept. */
  frame(link: Link, bytes: Uint8Array): void
}

export interface DialerHandlers extends LinkHandlers {
  /**
   * One side refused the other in the handshake; `QUORATE_UNAUTHORIZED` or `QUORATE_PROTOCOL`. The dialer goes on
   * trying, slowly, since a configuration can be mended, so this may be called every second or two.
   */
  refused(error: QuorateError): void
}

interface TransportOptions {
  readonly local: LinkIdentity
  /**
   * What members know and others do not. None by default, and then listening is for loopback only.
   *
   * It never travels; what does is a keyed hash, and whoever can pose as a replica may try guesses on it at leisure:
   * use at least 16 random characters. It proves who connects but hides nothing that is sent: on a network that others
   * can read or rewrite, put TLS around it.
   */
  readonly secret?: string | undefined
  /** Faults to inject into whatever is sent from here. */
  readonly faults?: LinkFaults | undefined
  readonly limits?: Partial<TransportLimits> | undefined
}

export interface DialOptions extends TransportOptions {
  /** `ws://host:port`, or `wss://` where a TLS proxy stands before the replica. */
  readonly url: string
  /** The replica that is expected there; another one is refused. */
  readonly remoteId: string
  readonly handlers: DialerHandlers
}

/** Keeps one link to one replica alive until it is closed. */
export interface Dialer {
  readonly remoteId: string
  readonly url: string
  /** The link, while it is up. */
  readonly link: Link | undefined
  /** Why there is no link, once the first attempt has failed. */
  readonly problem: QuorateError | undefined
  /** Ends the link and all attempts, and waits until the socket is gone. Closing twice is fine. */
  close(): Promise<void>
}

export interface ListenOptions extends TransportOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly handlers: LinkHandlers
}

export interface Listener {
  readonly host: string
  /** The port that is listened on, also where 0 was asked for. */
  readonly port: number
  /** Ends all links with 1001, and waits until every socket is gone. Closing twice is fine. */
  close(): Promise<void>
}

/**
 * How links come about: over WebSockets, unless the process lives in a network of another kind. Such a network may let
 * frames arrive late, out of order, twice or not at all, since the machines take any of it; it must not change them, and
 * must not say that they come from somebody who did not send them.
 */
export interface Network {
  listen(options: ListenOptions): Promise<Listener>
  dial(options: DialOptions): Dialer
}

/** Every bound of the transport. */
export interface TransportLimits {
  /** The largest frame. 16 MiB by default. A larger one from outside closes its link with 1009 before it is buffered. */
  readonly frameBytesMax: number
  /** How much may wait to be sent on one link; beyond it `send` returns false. 16 MiB by default. */
  readonly queueBytesMax: number
  /** How long connecting and the handshake may take together, on either side. 3,000 ms by default. */
  readonly handshakeMsMax: number
  /**
   * How long a link that is up may bring nothing at all. 10,000 ms by default.
   *
   * The layer above pings several times a second, so silence means a dead peer or a half-open connection. A process
   * that was paused itself does not count its own pause.
   */
  readonly idleMsMax: number
  /** Sockets at a listener that have not proved anything; beyond it the oldest is closed with 1013. 64 by default. */
  readonly unauthenticatedMax: number
  /** Links at a listener; beyond it new ones are closed with 1013. 1,024 by default. */
  readonly linksMax: number
  /** The first wait before dialing again is drawn from 0 to this. 50 ms by default; doubled with each failure. */
  readonly backoffMsMin: number
  /** No wait before dialing again is longer. 2,000 ms by default. */
  readonly backoffMsMax: number
}
