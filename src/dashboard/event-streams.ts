/**
 * What happens, as server-sent events for any number of readers within a bound.
 *
 * Every event is a JSON object with `kind` and `at`, in the default event type. The source is listened to only while there
 * are readers. A reader that does not keep up loses
 * events rather than memory: they are counted, and told as `{"kind":"missed","count":…}` once it reads again. One that
 * reads nothing from one heartbeat to the next is disconnected; browsers come back by themselves.
 */
import type { ServerResponse } from 'node:http'
import { QuorateError } from '../core/base/errors.ts'
import type { HttpLimits } from './http-limits.ts'

interface Reader {
  readonly response: ServerResponse
  missed: number
  /** Its buffer was full at the last heartbeat. */
  stalled: boolean
}

/** Calls back with each event until the function that it gives is called. */
type Source = (tell: (event: object) => void) => () => void

export class EventStreams {
  readonly #limits: HttpLimits
  readonly #source: Source
  readonly #readers = new Set<Reader>()
  #leave: (() => void) | undefined
  readonly #heartbeat: NodeJS.Timeout
  #id = 0

  constructor(limits: HttpLimits, source: Source) {
    this.#limits = limits
    this.#source = source
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

  /** Takes over a response until either side ends it. Begins with what happened before. */
  open(response: ServerResponse, before: readonly object[] = []): void {
    const reader = { response, missed: 0, stalled: false }
    this.#readers.add(reader)
    response.once('close', () => {
      this.#readers.delete(reader)
      if (this.#readers.size === 0) this.#stop()
    })
    response.write('retry: 1000\n: events of this coordinator and its replica\n\n')
    for (const event of before) response.write(this.#textOf(event))
    this.#leave ??= this.#source((event) => this.#tell(event))
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#stop()
    for (const { response } of this.#readers) response.end()
  }

  #stop(): void {
    this.#leave?.()
    this.#leave = undefined
  }

  #textOf(event: object): string {
    return `id: ${++this.#id}\ndata: ${JSON.stringify({ at: new Date().toISOString(), ...event })}\n\n`
  }

  #tell(event: object): void {
    const text = this.#textOf(event)
    for (const reader of this.#readers) {
      if (this.#full(reader)) {
        reader.missed++
        continue
      }
      this.#tellMissed(reader)
      reader.response.write(text)
    }
  }

  #tellMissed(reader: Reader): void {
    if (reader.missed === 0) return
    const at = new Date().toISOString()
    reader.response.write(`data: ${JSON.stringify({ at, kind: 'missed', count: reader.missed })}\n\n`)
    reader.missed = 0
  }

  #beat(): void {
    for (const reader of this.#readers) {
      if (!this.#full(reader)) {
        reader.stalled = false
        this.#tellMissed(reader)
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
