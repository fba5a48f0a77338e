/**
 * What happens in the store, as server-sent events for any number of readers within a bound.
 *
 * Every event is a JSON object with `kind` and `at`, in the default event type. A reader that does not keep up loses
 * events rather than memory: they are counted, and told as `{"kind":"missed","count":…}` once it reads again. One that
 * reads nothing from one heartbeat to the next is disconnected; browsers come back by themselves.
 */
import type { ServerResponse } from 'node:http'
import { QuorateError } from '../core/base/errors.ts'
import type { Store } from '../runtime/store.ts'
import type { HttpLimits } from './http-limits.ts'

interface Reader {
  readonly response: ServerResponse
  missed: number
  /** Its buffer was full at the last heartbeat. */
  stalled: boolean
}

export class EventStreams {
  readonly #limits: HttpLimits
  readonly #readers = new Set<Reader>()
  readonly #unobserve: () => void
  readonly #heartbeat: NodeJS.Timeout
  #id = 0

  constructor(store: Store, limits: HttpLimits) {
    this.#limits = limits
    this.#unobserve = store.observe((notice) => this.#tell(notice))
    this.#heartbeat = setInterval(() => this.#beat(), limits.heartbeatMs)
    this.#heartbeat.unref()
  }

  /** Throws `QUORATE_OVERLOADED` when there are enough readers. */
  checkRoom(): void {
    const { streamsMax } = this.#limits
    if (this.#readers.size < streamsMax) return
    const message = `${streamsMax} event streams are open already: close one`
    throw new QuorateError('QUORATE_OVERLOADED', message, { retry: 'safe' })
  }

  /** Takes over a response until either side ends it. */
  open(response: ServerResponse): void {
    const reader = { response, missed: 0, stalled: false }
    this.#readers.add(reader)
    response.once('close', () => this.#readers.delete(reader))
    response.write('retry: 1000\n: events of this coordinator and its replica\n\n')
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#unobserve()
    for (const { response } of this.#readers) response.end()
  }

  #tell(notice: object): void {
    if (this.#readers.size === 0) return
    const at = new Date().toISOString()
    const event = `id: ${++this.#id}\ndata: ${JSON.stringify({ at, ...notice })}\n\n`
    for (const reader of this.#readers) {
      if (this.#full(reader)) {
        reader.missed++
        continue
      }
      this.#tellMissed(reader, at)
      reader.response.write(event)
    }
  }

  #tellMissed(reader: Reader, at: string): void {
    if (reader.missed === 0) return
    reader.response.write(`data: ${JSON.stringify({ at, kind: 'missed', count: reader.missed })}\n\n`)
    reader.missed = 0
  }

  #beat(): void {
    for (const reader of this.#readers) {
      if (!this.#full(reader)) {
        reader.stalled = false
        this.#tellMissed(reader, new Date().toISOString())
        reader.response.write(': still here\n\n')
      } else if (reader.stalled) {
        reader.response.destroy()
      } else {
        reader.stalled = true
      }
    }
  }

  #full({ response }: Reader): boolean {
    return response.writableLength > this.#limits.streamBytesMax
  }
}
