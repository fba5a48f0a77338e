/**
 * Members, strangers and watchers for the transport's tests: real sockets on loopback, nothing left open.
 *
 * A test takes its dialers and listeners from here, awaits what happens instead of sleeping, and calls `closeAll` at
 * the end.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { QuorateError } from '../../../src/core/base/errors.ts'
import { dial } from '../../../src/runtime/transport/dialer.ts'
import { DialerHandshake, type HandshakeSide } from '../../../src/runtime/transport/handshake.ts'
import { listen } from '../../../src/runtime/transport/listener.ts'
import type {
  Dialer,
  DialerHandlers,
  DialOptions,
  Link,
  LinkEnd,
  LinkIdentity,
  Listener,
  ListenOptions,
} from '../../../src/runtime/transport/transport.ts'

export function identity(id: string, other: Partial<LinkIdentity> = {}): LinkIdentity {
  return { clusterId: 'main', id, role: 'node', incarnation: 1, epoch: 7, ...other }
}

interface Happenings {
  up: Link
  down: { readonly link: Link; readonly end: LinkEnd }
  frame: Buffer
  refused: QuorateError
}

/** Notes what happens, and gives each thing out once, in order. */
export class Watcher implements DialerHandlers {
  readonly counts = { up: 0, down: 0, frame: 0, refused: 0 }
  readonly #noted: { [Kind in keyof Happenings]: Happenings[Kind][] } = { up: [], down: [], frame: [], refused: [] }
  readonly #waiting: { [Kind in keyof Happenings]: ((thing: Happenings[Kind]) => void)[] } = {
    up: [],
    down: [],
    frame: [],
    refused: [],
  }
  /** Takes frames instead of the notes. */
  onFrame: ((link: Link, bytes: Uint8Array) => void) | undefined

  /** The next thing of this kind that nobody has awaited yet. */
  next<Kind extends keyof Happenings>(kind: Kind): Promise<Happenings[Kind]> {
    const noted = this.#noted[kind]
    if (noted.length > 0) return Promise.resolve(noted.shift() as Happenings[Kind])
    return new Promise((resolve) => this.#waiting[kind].push(resolve))
  }

  up(link: Link): void {
    this.#note('up', link)
  }

  down(link: Link, end: LinkEnd): void {
    this.#note('down', { link, end })
  }

  frame(link: Link, bytes: Uint8Array): void {
    if (this.onFrame === undefined) this.#note('frame', Buffer.from(bytes))
    else this.onFrame(link, bytes)
  }

  refused(error: QuorateError): void {
    this.#note('refused', error)
  }

  #note<Kind extends keyof Happenings>(kind: Kind, thing: Happenings[Kind]): void {
    this.counts[kind]++
    const waiting = this.#waiting[kind].shift()
    if (waiting === undefined) this.#noted[kind].push(thing)
    else waiting(thing)
  }
}

export interface Watched<Subject> {
  readonly subject: Subject
  readonly watcher: Watcher
}

const open: { close(): Promise<void> }[] = []
const sockets: WebSocket[] = []

/** Starts a listener, of replica b unless told otherwise. */
export async function startListener(options: Partial<ListenOptions> = {}): Promise<Watched<Listener>> {
  const watcher = new Watcher()
  const defaults = { host: '127.0.0.1', port: 0, local: identity('b'), handlers: watcher }
  const subject = await listen({ ...defaults, ...options })
  open.push(subject)
  return { subject, watcher }
}

/** Starts to dial, as replica a to replica b unless told otherwise, and quick to try again. */
export function startDialer({ port }: { readonly port: number }, options: Partial<DialOptions> = {}): Watched<Dialer> {
  const watcher = new Watcher()
  const { limits, ...others } = options
  const defaults = { url: `ws://127.0.0.1:${port}`, remoteId: 'b', local: identity('a'), handlers: watcher }
  const subject = dial({ ...defaults, ...others, limits: { backoffMsMin: 5, backoffMsMax: 20, ...limits } })
  open.push(subject)
  return { subject, watcher }
}

/** A listener and a dialer with their two ends of one link. */
export async function startPair(
  options: { readonly listener?: Partial<ListenOptions>; readonly dialer?: Partial<DialOptions> } = {},
): Promise<{ listener: Watched<Listener>; dialer: Watched<Dialer>; atListener: Link; atDialer: Link }> {
  const listener = await startListener(options.listener)
  const dialer = startDialer(listener.subject, options.dialer)
  const [atListener, atDialer] = await Promise.all([listener.watcher.next('up'), dialer.watcher.next('up')])
  return { listener, dialer, atListener, atDialer }
}

/** A WebSocket that has said nothing yet. */
export async function stranger({ port }: { readonly port: number }): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  sockets.push(ws)
  ws.on('error', () => {})
  await new Promise((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('error', reject)
  })
  return ws
}

export function message(ws: WebSocket): Promise<Buffer> {
  return new Promise((resolve) => ws.once('message', (data) => resolve(data as Buffer)))
}

export function closing(ws: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
}

/** Waits until the socket is closed, by a reset too. */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** The socket under a WebSocket, for bytes that `ws` would not send. */
export function rawSocket(ws: WebSocket): Socket {
  return Reflect.get(ws, '_socket') as Socket
}

/** A WebSocket that has shaken hands by the book, and what it said: a member that may now misbehave. */
export async function member(
  listener: { readonly port: number },
  side: HandshakeSide = { local: identity('a') },
): Promise<{ ws: WebSocket; hello: Uint8Array; proof: Uint8Array }> {
  const ws = await stranger(listener)
  const handshake = new DialerHandshake(side, { remoteId: 'b' })
  ws.send(handshake.opening)
  const answer = handshake.receive(await message(ws))
  if (answer.kind !== 'send') throw new Error(`expected a challenge, got ${JSON.stringify(answer)}`)
  ws.send(answer.frame)
  const end = handshake.receive(await message(ws))
  if (end.kind !== 'done') throw new Error(`expected a welcome, got ${JSON.stringify(end)}`)
  return { ws, hello: handshake.opening, proof: answer.frame }
}

/** Waits, turn by turn of the event loop, until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not so: ${condition.toString()}`)
    // One turn after the other is what this is for.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Closes whatever the test opened. */
export async function closeAll(): Promise<void> {
  for (const ws of sockets.splice(0)) ws.terminate()
  await Promise.all(open.splice(0).map((one) => one.close()))
}
