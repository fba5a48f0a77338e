/**
 * A session with one ZooKeeper server, with the few requests that are measured. Requests are answered in order, so
 * whoever waits longest gets the next answer.
 *
 * The encoding is jute's: big-endian numbers, and a length before each frame, buffer and string.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const OPERATION = { create: 1, get: 4, set: 5 } as const
const SESSION_MS = 20_000
/** Servers end sessions that say nothing, as these do while others are measured. */
const PING_MS = 4_000
const PING = Buffer.concat([int(8), int(-2), int(11)])
const PING_NUMBER = -2
/** Everybody may do everything: one entry, all permissions, scheme and id. */
const OPEN_TO_ALL = Buffer.concat([int(1), int(31), text('world'), text('anyone')])
const ANY_VERSION = -1
/** Of an answer: the number of the request, and of the transaction. */
const ERROR_AT = 12
const HEADER_BYTES = 16

interface Waiting {
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: Error) => void
}

export class ZooKeeperSession {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #head = 0
  #rest: Buffer = Buffer.alloc(0)
  #numbers = 0
  #sending: Buffer[] = []
  #ended: Error | undefined
  #pings: NodeJS.Timeout | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#receive(bytes))
    socket.on('close', () => this.#fail(new Error('ZooKeeper closed the connection')))
    socket.on('error', (error) => this.#fail(error))
  }

  static async open(port: number): Promise<ZooKeeperSession> {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    await once(socket, 'connect')
    const session = new ZooKeeperSession(socket)
    // Protocol version, last transaction seen, timeout, session id, password.
    await session.#ask(
      Buffer.concat([int(0), Buffer.alloc(8), int(SESSION_MS), Buffer.alloc(8), int(16), Buffer.alloc(16)]),
    )
    session.#pings = setInterval(() => socket.write(PING), PING_MS)
    return session
  }

  async create(path: string, value: Buffer): Promise<void> {
    await this.#request(OPERATION.create, [text(path), int(value.length), value, OPEN_TO_ALL, int(0)])
  }

  async set(path: string, value: Buffer): Promise<void> {
    await this.#request(OPERATION.set, [text(path), int(value.length), value, int(ANY_VERSION)])
  }

  /** Bytes of the value that this server has. */
  async get(path: string): Promise<number> {
    const answer = await this.#request(OPERATION.get, [text(path), Buffer.alloc(1)])
    return answer.readInt32BE(HEADER_BYTES)
  }

  close(): void {
    clearInterval(this.#pings)
    this.#socket.destroy()
  }

  async #request(operation: number, parts: readonly Buffer[]): Promise<Buffer> {
    const answer = await this.#ask(Buffer.concat([int(++this.#numbers), int(operation), ...parts]))
    const error = answer.readInt32BE(ERROR_AT)
    if (error !== 0) throw new Error(`ZooKeeper answered with error ${error}`)
    return answer
  }

  /** One frame for each turn of the event loop. */
  #ask(body: Buffer): Promise<Buffer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    if (this.#sending.length === 0) {
      setImmediate(() => {
        this.#socket.write(Buffer.concat(this.#sending))
        this.#sending = []
      })
    }
    this.#sending.push(int(body.length), body)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #receive(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    while (this.#rest.length - at >= 4) {
      const size = this.#rest.readInt32BE(at)
      if (this.#rest.length - at - 4 < size) break
      const body = this.#rest.subarray(at + 4, at + 4 + size)
      if (size < 4 || body.readInt32BE(0) !== PING_NUMBER) this.#next()?.resolve(body)
      at += 4 + size
    }
    this.#rest = this.#rest.subarray(at)
  }

  /** The one that waits longest; what was taken is dropped now and then. */
  #next(): Waiting | undefined {
    const waiting = this.#waiting[this.#head++]
    if (this.#head > 1024) this.#waiting.splice(0, this.#head)
    if (this.#head > 1024) this.#head = 0
    return waiting
  }

  #fail(error: Error): void {
    this.#ended ??= error
    clearInterval(this.#pings)
    for (const { reject } of this.#waiting.splice(this.#head)) reject(error)
  }
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int(bytes.length), bytes])
}
