/** The listener's door: who gets in, how many, how long they may take, and where it may stand. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Packr } from 'msgpackr'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { QuorateError } from '../../../src/core/base/errors.ts'
import { CLOSE } from '../../../src/runtime/transport/close-codes.ts'
import { DialerHandshake } from '../../../src/runtime/transport/handshake.ts'
import { isLoopback } from '../../../src/runtime/transport/limits.ts'
import type { Listener } from '../../../src/runtime/transport/transport.ts'
import {
  closeAll,
  closing,
  gone,
  identity,
  member,
  message,
  rawSocket,
  startDialer,
  startListener,
  startPair,
  stranger,
  until,
} from './harness.ts'

const plain: Socket[] = []

afterEach(async () => {
  for (const socket of plain.splice(0)) socket.destroy()
  await closeAll()
})

async function plainSocket({ port }: Listener): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  plain.push(socket)
  await once(socket, 'connect')
  return socket
}

/** What the socket brings until it is closed from the other side. */
async function remains(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await gone(socket)
  return Buffer.concat(chunks).toString()
}

describe('strangers', () => {
  test('a replayed handshake: the overheard proof is refused', async () => {
    const secret = 'deep'
    const listener = await startListener({ secret })
    const { hello, proof } = await member(listener.subject, { local: identity('a'), secret })
    const ws = await stranger(listener.subject)
    ws.send(hello)
    await message(ws)
    ws.send(proof)
    expect((await closing(ws)).code).toBe(CLOSE.secretWrong)
    expect(listener.watcher.counts.up).toBe(1)
  })

  test('another version of the protocol: refused with its own code', async () => {
    const listener = await startListener()
    const ws = await stranger(listener.subject)
    ws.send(new Packr({ useRecords: false }).pack([2, 1, 'main']))
    expect((await closing(ws)).code).toBe(CLOSE.otherVersion)
  })

  test.for([
    ['a frame that is no handshake', Buffer.from('nonsense'), CLOSE.malformed],
    ['text', 'nonsense', CLOSE.notBinary],
    ['a frame over 4 KiB', Buffer.alloc(4097), CLOSE.tooLarge],
    ['much more than a handshake', Buffer.alloc(1_000_000), CLOSE.tooLarge],
  ] as const)('%s: the socket is closed with its code', async ([, frame, code]) => {
    const listener = await startListener()
    const ws = await stranger(listener.subject)
    ws.send(frame)
    expect((await closing(ws)).code).toBe(code)
    expect(listener.watcher.counts.up).toBe(0)
  })

  test('a large frame that only begins: the socket is closed before it is all there', async () => {
    const listener = await startListener()
    const ws = await stranger(listener.subject)
    // A final binary frame, masked, of a megabyte, of which 20 kB come.
    rawSocket(ws).write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]))
    rawSocket(ws).write(Buffer.alloc(20_000))
    expect((await closing(ws)).code).toBe(CLOSE.tooLarge)
  })

  test('a refusal tells the stranger nothing about the cluster', async () => {
    const listener = await startListener({ local: identity('b', { clusterId: 'hidden' }) })
    const ws = await stranger(listener.subject)
    ws.send(new DialerHandshake({ local: identity('a') }, { remoteId: 'b' }).opening)
    const { code, reason } = await closing(ws)
    expect(code).toBe(CLOSE.otherCluster)
    expect(reason).not.toContain('hidden')
  })

  test('a page in a browser: its upgrade is refused', async () => {
    const listener = await startListener()
    const ws = new WebSocket(`ws://127.0.0.1:${listener.subject.port}`, { origin: 'http://127.0.0.1' })
    const [error] = (await once(ws, 'error')) as [Error]
    expect(error.message).toContain('403')
  })

  test('a plain HTTP request: it is told what this port is', async () => {
    const listener = await startListener()
    const response = await fetch(`http://127.0.0.1:${listener.subject.port}`)
    expect(response.status).toBe(426)
    expect(await response.text()).toContain('WebSocket')
  })

  test('bytes that are not HTTP: the socket is closed', async () => {
    const listener = await startListener()
    const socket = await plainSocket(listener.subject)
    socket.write('\0\u0001\u0002 nonsense\r\n\r\n')
    expect(await remains(socket)).toBe('')
  })
})

describe('deadline', () => {
  const limits = { handshakeMsMax: 60 }

  test('a socket that says nothing at all is closed', async () => {
    const listener = await startListener({ limits })
    expect(await remains(await plainSocket(listener.subject))).toBe('')
  })

  test('a request that comes byte by byte is closed', async () => {
    const listener = await startListener({ limits })
    const socket = await plainSocket(listener.subject)
    const request = 'GET / HTTP/1.1\r\nHost: b\r\nX: '
    let sent = 0
    const timer = setInterval(() => socket.write(request[sent++] ?? 'x'), 5)
    expect(await remains(socket)).toBe('')
    clearInterval(timer)
  })

  test('a WebSocket without a hello, and one without a proof, are told that they were too slow', async () => {
    const listener = await startListener({ limits })
    const silent = await stranger(listener.subject)
    expect((await closing(silent)).code).toBe(CLOSE.handshakeTimeout)
    const half = await stranger(listener.subject)
    half.send(new DialerHandshake({ local: identity('a') }, { remoteId: 'b' }).opening)
    await message(half)
    expect((await closing(half)).code).toBe(CLOSE.handshakeTimeout)
  })

  test('a link is not cut at the deadline of its handshake', async () => {
    const { listener, atDialer } = await startPair({ listener: { limits } })
    const silent = await stranger(listener.subject)
    await closing(silent)
    atDialer.send(new Uint8Array(1))
    await listener.watcher.next('frame')
    expect(listener.watcher.counts.down).toBe(0)
  })
})

describe('crowds', () => {
  test('a flood of idle sockets: the oldest lose their seats, a link goes on, a newcomer gets in', async () => {
    const { listener, dialer, atDialer } = await startPair({ listener: { limits: { unauthenticatedMax: 8 } } })
    listener.watcher.onFrame = (link, bytes) => link.send(Uint8Array.from(bytes))
    const flood = await Promise.all(Array.from({ length: 200 }, () => plainSocket(listener.subject)))
    const closed = (): number => flood.filter((socket) => socket.closed || socket.readableEnded).length
    for (const socket of flood) socket.resume()
    await until(() => closed() >= 192)
    atDialer.send(Buffer.from('still here'))
    expect((await dialer.watcher.next('frame')).toString()).toBe('still here')
    const newcomer = startDialer(listener.subject, { local: identity('c') })
    await newcomer.watcher.next('up')
    expect(closed()).toBeLessThan(200)
  })

  test('a full waiting room: the WebSocket that sat longest is told to try later', async () => {
    const listener = await startListener({ limits: { unauthenticatedMax: 2 } })
    const first = await stranger(listener.subject)
    const told = closing(first)
    await stranger(listener.subject)
    await stranger(listener.subject)
    expect((await told).code).toBe(CLOSE.tryLater)
  })

  test('the limit of links: one more is told to try later, and gets in when another has left', async () => {
    const { listener, dialer } = await startPair({ listener: { limits: { linksMax: 1 } } })
    const other = startDialer(listener.subject, { local: identity('c') })
    await until(() => other.subject.problem !== undefined)
    expect(other.subject.problem).toMatchObject({ code: 'QUORATE_UNAVAILABLE' })
    expect(other.subject.problem?.message).toContain('there are too many links')
    expect(listener.watcher.counts.up).toBe(1)
    await dialer.subject.close()
    await other.watcher.next('up')
  })
})

describe('address', () => {
  async function refusal(options: Parameters<typeof startListener>[0]): Promise<QuorateError> {
    const error = await startListener(options).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
    return error as QuorateError
  }

  test('a port in use: the error names the address and what to do', async () => {
    const { subject } = await startListener()
    const { message: said } = await refusal({ port: subject.port })
    expect(said).toContain(`127.0.0.1:${subject.port}`)
    expect(said).toMatch(/in use.*choose another port/)
  })

  test('an address of another machine: the error says so', async () => {
    expect((await refusal({ host: '192.0.2.1', secret: 'deep' })).message).toMatch(/no such address/)
  })

  test.for(['0.0.0.0', '::', '192.168.1.5', 'replica.example'])('%s without a secret: refused', async (host) => {
    expect((await refusal({ host })).message).toMatch(/secret/)
  })

  test('0.0.0.0 with a secret: accepted, and the secret is asked for', async () => {
    const { subject, watcher } = await startListener({ host: '0.0.0.0', secret: 'deep' })
    const dialer = startDialer(subject)
    expect(await dialer.watcher.next('refused')).toMatchObject({ code: 'QUORATE_UNAUTHORIZED' })
    expect(watcher.counts.up).toBe(0)
  })

  test.for([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['LOCALHOST', true],
    ['128.0.0.1', false],
    ['127.example', false],
    ['localhost.example', false],
    ['::', false],
  ] as const)('%s is loopback: %s', ([host, expected]) => {
    expect(isLoopback(host)).toBe(expected)
  })

  test.for([
    ['an empty host', { host: '' }, /host/],
    ['a port out of range', { port: 65_536 }, /port/],
    ['a broken port', { port: 1.5 }, /port/],
    ['an empty secret', { secret: '' }, /`secret` is empty/],
    ['an empty id', { local: identity('') }, /`id`/],
    ['an incarnation that is no number', { local: identity('b', { incarnation: Number.NaN }) }, /`incarnation`/],
    ['a limit of zero', { limits: { linksMax: 0 } }, /`linksMax`/],
    ['a queue smaller than a frame', { limits: { frameBytesMax: 1000, queueBytesMax: 999 } }, /`queueBytesMax`/],
    ['a back-off the wrong way round', { limits: { backoffMsMin: 2, backoffMsMax: 1 } }, /`backoffMsMax`/],
  ] as const)('%s: refused', async ([, options, said]) => {
    expect((await refusal(options)).message).toMatch(said)
  })
})
