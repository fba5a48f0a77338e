/** Nonsense over real sockets, before and after the handshake: every such socket is closed and everybody else served. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { closeAll, closing, gone, identity, member, rawSocket, startPair, stranger } from './harness.ts'

const SEED = 20_071_014

afterEach(closeAll)

function noise(random: Random, sizeMax: number): Buffer {
  return Buffer.from(Array.from({ length: 1 + random.below(sizeMax) }, () => random.below(256)))
}

/** Sends bytes down a plain socket, and waits until it is closed from the other side. */
async function drown(socket: Socket, bytes: Buffer): Promise<void> {
  const closed = gone(socket.resume())
  socket.end(bytes)
  await closed
}

/** A plain socket on which the upgrade has been asked for by hand and granted. */
async function upgraded(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(
    'GET / HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}

test(`strangers: random frames and random bytes (seed ${SEED}) close their own sockets only`, async () => {
  const random = new Random(SEED)
  const { listener, dialer, atDialer } = await startPair()
  listener.watcher.onFrame = (link, bytes) => link.send(Uint8Array.from(bytes))
  const { port } = listener.subject
  for (let round = 0; round < 100; round++) {
    // Rounds one after the other keep the number of open sockets small.
    const [ws, late] = await Promise.all([stranger({ port }), upgraded(port)])
    const early = connect(port, '127.0.0.1').on('error', () => {})
    for (let i = 0; i < 20; i++) ws.send(noise(random, 200))
    const ends = [drown(early, noise(random, 2000)), drown(late, noise(random, 2000))]
    const [{ code }] = await Promise.all([closing(ws), ...ends])
    expect(code).toBe(1002)
  }
  atDialer.send(Buffer.from('still here'))
  expect((await dialer.watcher.next('frame')).toString()).toBe('still here')
  expect(listener.watcher.counts).toMatchObject({ up: 1, down: 0 })
})

test(`members: random frames (seed ${SEED}) are handed up as they are, whatever they contain`, async () => {
  const random = new Random(SEED)
  const { listener, atDialer } = await startPair()
  const frames = Array.from({ length: 3000 }, () => noise(random, 300))
  for (const frame of frames) expect(atDialer.send(frame)).toBe(true)
  for (const frame of frames) {
    // Their order is what is looked at.
    expect((await listener.watcher.next('frame')).equals(frame)).toBe(true)
  }
})

test(`members: random bytes under the frames (seed ${SEED}) end their own links only`, async () => {
  const random = new Random(SEED)
  const { listener, dialer, atDialer } = await startPair()
  listener.watcher.onFrame = (link, bytes) => link.send(Uint8Array.from(bytes))
  for (let round = 0; round < 100; round++) {
    const { ws } = await member(listener.subject, { local: identity(`c${round}`) })
    rawSocket(ws).end(noise(random, 2000))
    const { link } = await listener.watcher.next('down')
    expect(link.remote.id).toBe(`c${round}`)
  }
  atDialer.send(Buffer.from('still here'))
  expect((await dialer.watcher.next('frame')).toString()).toBe('still here')
})
