/**
 * The limit that everything is measured against: the frames and bytes of our puts, doing no work.
 *
 * Three echo processes stand where replicas would. Requests of one event-loop turn leave in one frame for each of them,
 * the same bytes for all, over the same kind of WebSocket as ours; an operation is one promise, fulfilled when two of
 * three have answered. Nothing is packed, parsed, looked up, timed or stored: a store can come near and not beyond,
 * unless it sends less.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { Child } from './child.ts'
import { NUMBER_AT, type EchoLink } from './echo-link.ts'
import type { FrameSizes } from './frame-sizes.ts'
import type { Operation } from './load.ts'

const SERVERS = 3
/** Operations under way, those among them that only the last server has not answered. */
const WAITING_MAX = 65_536
/** Requests in one frame. */
const FRAME_MAX = 8192

interface Limit {
  readonly operation: Operation
}

/** The echo processes. Links of several sizes may be open at once. */
export class EchoServers {
  readonly #children: readonly Child[]
  readonly #ports: readonly number[]
  readonly #sockets: WebSocket[] = []

  private constructor(children: readonly Child[], ports: readonly number[]) {
    this.#children = children
    this.#ports = ports
  }

  static async start(): Promise<EchoServers> {
    const children = Array.from({ length: SERVERS }, (_, index) => new Child('echo-process', `echo ${index}`))
    const ports = (await Promise.all(children.map((child) => child.ask('start')))) as number[]
    return new EchoServers(children, ports)
  }

  /** The limit: an operation costs a promise, and answers are counted by the length of frames. */
  async limit(sizes: FrameSizes): Promise<Limit> {
    const link = { ...sizes, addressed: false }
    return new PlainLimit(await this.#dial(link), link)
  }

  /** The same with the least that a protocol needs: each message carries a number, which finds its operation again. */
  async addressedLimit(sizes: FrameSizes): Promise<Limit> {
    const link = { ...sizes, addressed: true }
    return new AddressedLimit(await this.#dial(link), link)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await Promise.all(this.#children.map((child) => child.stop()))
  }

  async #dial(link: EchoLink): Promise<readonly WebSocket[]> {
    const query = encodeURIComponent(JSON.stringify(link))
    // As in our transport: a mask of zeros costs nothing and lets the links share a frame.
    const options = { perMessageDeflate: false, skipUTF8Validation: true, generateMask: () => {} }
    const sockets = this.#ports.map((port) => new WebSocket(`ws://127.0.0.1:${port}/?${query}`, options))
    await Promise.all(sockets.map((socket) => once(socket, 'open')))
    this.#sockets.push(...sockets)
    return sockets
  }
}

class PlainLimit implements Limit {
  readonly #sockets: readonly WebSocket[]
  readonly #link: EchoLink
  readonly #block: Buffer
  readonly #quorum = new CountedQuorum()
  readonly #waiting: (() => void)[] = []
  #started = 0
  #ended = 0
  #requests = 0

  constructor(sockets: readonly WebSocket[], link: EchoLink) {
    const { headBytes, requestBytes, answerBytes } = link
    this.#sockets = sockets
    this.#link = link
    this.#block = Buffer.alloc(headBytes + FRAME_MAX * requestBytes)
    sockets.forEach((socket, server) => {
      socket.on('message', (data: Buffer) => this.#answered(server, (data.length - headBytes) / answerBytes))
    })
  }

  readonly operation = (): Promise<void> =>
    new Promise((resolve) => {
      this.#waiting[this.#started++ % WAITING_MAX] = resolve
      if (this.#requests++ === 0) setImmediate(this.#flush)
    })

  readonly #flush = (): void => {
    const { headBytes, requestBytes } = this.#link
    const frame = this.#block.subarray(0, headBytes + this.#requests * requestBytes)
    this.#requests = 0
    for (const socket of this.#sockets) socket.send(frame)
  }

  #answered(server: number, answers: number): void {
    const done = this.#quorum.add(server, answers)
    while (this.#ended < done) this.#waiting[this.#ended++ % WAITING_MAX]?.()
  }
}

/** Links keep order, so counting the answers of each says which operations two of three have answered. */
export class CountedQuorum {
  #first = 0
  #second = 0
  #third = 0

  /** How many operations, from the first on, have two answers now. */
  add(server: number, answers: number): number {
    if (server === 0) this.#first += answers
    else if (server === 1) this.#second += answers
    else this.#third += answers
    const low = Math.min(this.#first, this.#second)
    const high = Math.max(this.#first, this.#second)
    return Math.max(low, Math.min(high, this.#third))
  }
}

class AddressedLimit implements Limit {
  readonly #sockets: readonly WebSocket[]
  readonly #link: EchoLink
  readonly #block: Buffer
  readonly #request: Buffer
  readonly #waiting: (() => void)[] = []
  readonly #numbers = new Float64Array(WAITING_MAX)
  readonly #answers = new Uint8Array(WAITING_MAX)
  #started = 0
  #end: number

  constructor(sockets: readonly WebSocket[], link: EchoLink) {
    const { headBytes, requestBytes } = link
    this.#sockets = sockets
    this.#link = link
    this.#block = Buffer.alloc(headBytes + FRAME_MAX * requestBytes)
    this.#request = Buffer.alloc(requestBytes)
    this.#end = headBytes
    for (const socket of sockets) socket.on('message', (data: Buffer) => this.#answered(data))
  }

  readonly operation = (): Promise<void> =>
    new Promise((resolve) => {
      const number = ++this.#started
      const slot = number % WAITING_MAX
      this.#waiting[slot] = resolve
      this.#numbers[slot] = number
      this.#answers[slot] = 0
      if (this.#end === this.#link.headBytes) setImmediate(this.#flush)
      this.#block.set(this.#request, this.#end)
      this.#block.writeDoubleLE(number, this.#end + NUMBER_AT)
      this.#end += this.#link.requestBytes
    })

  readonly #flush = (): void => {
    const frame = Buffer.from(this.#block.subarray(0, this.#end))
    this.#end = this.#link.headBytes
    for (const socket of this.#sockets) socket.send(frame)
  }

  #answered(data: Buffer): void {
    const { headBytes, answerBytes } = this.#link
    for (let at = headBytes; at < data.length; at += answerBytes) {
      const number = data.readDoubleLE(at + NUMBER_AT)
      const slot = number % WAITING_MAX
      if (this.#numbers[slot] !== number) continue
      const answers = (this.#answers[slot] as number) + 1
      this.#answers[slot] = answers
      if (answers === 2) this.#waiting[slot]?.()
    }
  }
}
