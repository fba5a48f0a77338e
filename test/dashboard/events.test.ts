/**
 * Events over HTTP: what happens in the store reaches every reader, and a reader that does not read costs nothing.
 */
import { connect, type Socket } from 'node:net'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { EventStreams } from '../../src/dashboard/event-streams.ts'
import { resolveHttpLimits } from '../../src/dashboard/http-limits.ts'
import type { Notice } from '../../src/core/notice.ts'
import { ask, put, serveCluster, until, type Served } from './harness.ts'

let served: Served | undefined
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await served?.close()
  served = undefined
})

/** An open stream, with everything that came so far. */
function listen(port: number): { readonly socket: Socket; readonly text: () => string } {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.on('error', () => {})
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  sockets.push(socket)
  return { socket, text: () => text }
}

function eventsIn(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Record<string, unknown>)
}

test('events: a replica that goes and comes back is told, with a time and a rising id', async () => {
  served = await serveCluster()
  const { cluster, http } = served
  const { text } = listen(http.port)
  await until(() => text().includes('retry: 1000'))
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK[^]*content-type: text\/event-stream/)
  await cluster.kill('b')
  await until(() =>
    eventsIn(text()).some(
      ({ kind, replica, state }) => kind === 'reachability' && replica === 'b' && state === 'unreachable',
    ),
  )
  await cluster.restart('b')
  await until(() => eventsIn(text()).some(({ replica, state }) => replica === 'b' && state === 'reachable'))
  for (const event of eventsIn(text())) expect(Date.parse(String(event['at']))).not.toBeNaN()
  const ids = [...text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(ids.toSorted((a, b) => a - b))
})

test('events: siblings that a read finds are told', async () => {
  served = await serveCluster()
  const { text } = listen(served.http.port)
  await until(() => text().includes('retry'))
  const url = `${served.http.url}/kv/carts/x`
  await put(url, 1)
  await put(url, 2)
  await ask(url)
  const told = (): unknown => eventsIn(text()).find(({ kind }) => kind === 'siblings')
  await until(() => told() !== undefined)
  expect(told()).toMatchObject({ keyspace: 'carts', key: 'x', count: 2 })
})

test('events: a quiet stream is kept alive by comments', async () => {
  served = await serveCluster({ heartbeatMs: 20 })
  const { text } = listen(served.http.port)
  await until(() => text().split(': still here').length > 3)
  expect(eventsIn(text())).toEqual([])
})

test('events: one reader too many is refused with 503, and there is room when another leaves', async () => {
  served = await serveCluster({ streamsMax: 2 })
  const { url, port } = served.http
  const readers = [listen(port), listen(port)]
  await until(() => readers.every(({ text }) => text().includes('retry')))
  expect(await ask(`${url}/events`)).toMatchObject({ status: 503, json: { code: 'QUORATE_OVERLOADED' } })
  expect((await ask(`${url}/status`)).status).toBe(200)
  readers[0]?.socket.destroy()
  await until(async () => (await ask(`${url}/events`, { method: 'HEAD' })).status === 200)
})

/** A reader's end as the streams see it, whose buffer drains when the test says so. */
class SlowResponse extends EventEmitter {
  writableLength = 0
  destroyed = false
  readonly written: string[] = []

  write(text: string): void {
    this.written.push(text)
    this.writableLength += text.length
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }

  end(): void {
    this.emit('close')
  }

  drain(): string {
    this.writableLength = 0
    return this.written.splice(0).join('')
  }
}

function streamsOver(heartbeatMs: number): {
  readonly streams: EventStreams
  readonly tell: (notice: Notice) => void
  readonly open: () => SlowResponse
} {
  let tell: (notice: Notice) => void = () => {}
  const source = (listener: (notice: Notice) => void): (() => void) => ((tell = listener), () => {})
  const streams = new EventStreams(resolveHttpLimits({ streamBytesMax: 1_000, heartbeatMs }), source)
  const open = (): SlowResponse => {
    const response = new SlowResponse()
    streams.open(response as unknown as ServerResponse)
    return response
  }
  return { streams, tell: (notice) => tell(notice), open }
}

const NOTICE: Notice = { kind: 'siblings', keyspace: 'carts', key: 'x'.repeat(100), count: 2 }

test('events: a reader that does not keep up loses events, not memory, and is told how many', () => {
  const { streams, tell, open } = streamsOver(60_000)
  const [slow, fast] = [open(), open()]
  for (let i = 0; i < 1_000; i++) {
    tell(NOTICE)
    fast.drain()
  }
  expect(slow.writableLength).toBeLessThan(2_000)
  const kept = eventsIn(slow.drain()).length
  tell(NOTICE)
  const [missed, next] = eventsIn(slow.drain())
  expect(missed).toMatchObject({ kind: 'missed', count: 1_000 - kept })
  expect(next).toMatchObject({ kind: 'siblings' })
  streams.close()
})

test('events: a reader that reads nothing from one heartbeat to the next is disconnected, others stay', async () => {
  const { streams, tell, open } = streamsOver(20)
  const [dead, alive] = [open(), open()]
  const reading = setInterval(() => alive.drain(), 1)
  for (let i = 0; i < 100; i++) tell(NOTICE)
  await until(() => dead.destroyed)
  clearInterval(reading)
  expect(alive.destroyed).toBe(false)
  streams.close()
})
