/**
 * A network for quorate whose frames travel as Maelstrom's messages, so that Maelstrom can delay, lose and cut them.
 *
 * Each node has two links with each other one, as it has over WebSockets: one that it dialed, for its requests, and one
 * that the other dialed. Both are always up: nothing here can tell a cut from a slow network, and the nodes find out by
 * their own pings. Who sent a frame is what Maelstrom says.
 */
import type { Body } from './messages.ts'
import type {
  Dialer,
  DialOptions,
  Link,
  LinkHandlers,
  Listener,
  ListenOptions,
  Network,
} from '../../src/runtime/transport/transport.ts'

/** Frames of the link that the sender dialed, and of the one that the receiver dialed. */
const REQUESTS = 'quorate-requests'
const ANSWERS = 'quorate-answers'
type FrameType = typeof REQUESTS | typeof ANSWERS

const FRAME_BYTES_MAX = 16 * 1024 * 1024

export interface MessageNetworkOptions {
  /** The other nodes. */
  readonly peers: readonly string[]
  readonly send: (dest: string, body: Body) => void
  /** Told of frames that make no sense. */
  readonly log: (text: string) => void
}

export class MessageNetwork implements Network {
  readonly #options: MessageNetworkOptions
  /** By the type of the frames that arrive on it, and the node at its other end. */
  readonly #links = new Map<string, { readonly link: Link; readonly handlers: LinkHandlers }>()

  constructor(options: MessageNetworkOptions) {
    this.#options = options
  }

  listen({ host, port, local, handlers }: ListenOptions): Promise<Listener> {
    for (const peer of this.#options.peers) this.#open({ peer, sends: ANSWERS, hears: REQUESTS, local, handlers })
    return Promise.resolve({ host, port, close: () => Promise.resolve() })
  }

  dial({ url, remoteId, local, handlers }: DialOptions): Dialer {
    const link = this.#open({ peer: remoteId, sends: REQUESTS, hears: ANSWERS, local, handlers })
    return { remoteId, url, link, problem: undefined, close: () => Promise.resolve() }
  }

  /** Takes a message from another node; false if it carries no frame. */
  receive(src: string, { type, frame }: Body): boolean {
    if (type !== REQUESTS && type !== ANSWERS) return false
    const known = this.#links.get(nameOf(type, src))
    if (known === undefined || typeof frame !== 'string') {
      this.#options.log(`a frame from ${src} was dropped: nobody here expects one`)
      return true
    }
    known.handlers.frame(known.link, Buffer.from(frame, 'base64'))
    return true
  }

  #open(end: {
    readonly peer: string
    readonly sends: FrameType
    readonly hears: FrameType
    readonly local: ListenOptions['local']
    readonly handlers: LinkHandlers
  }): Link {
    const { peer, sends, hears, local, handlers } = end
    const { send, log } = this.#options
    const link: Link = {
      remote: { ...local, id: peer },
      bufferedBytes: 0,
      frameBytesMax: FRAME_BYTES_MAX,
      send: (frame) => {
        if (frame.length > FRAME_BYTES_MAX) return false
        send(peer, { type: sends, frame: Buffer.from(frame).toString('base64') })
        return true
      },
      close: (code, reason) => log(`a frame from ${peer} was refused (${code}): ${reason}`),
    }
    this.#links.set(nameOf(hears, peer), { link, handlers })
    handlers.up(link)
    return link
  }
}

function nameOf(type: FrameType, peer: string): string {
  return `${type} ${peer}`
}
