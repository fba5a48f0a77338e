/** The dialer: refusals and their errors, dialing again, and leaving nothing behind. */
import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { Packr } from 'msgpackr'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { backoffMs, dial } from '../../../src/runtime/transport/dialer.ts'
import type { DialOptions, ListenOptions } from '../../../src/runtime/transport/transport.ts'
import { closeAll, identity, startDialer, startListener, startPair, until, Watcher } from './harness.ts'

afterEach(closeAll)

describe('refusals', () => {
  test.for<[string, Partial<ListenOptions>, Partial<DialOptions>, string, RegExp]>([
    ['a wrong secret', { secret: 'deep' }, { secret: 'shallow' }, 'QUORATE_UNAUTHORIZED', /different secrets/],
    ['no secret where one is asked for', { secret: 'deep' }, {}, 'QUORATE_UNAUTHORIZED', /other has none/],
    ['a secret where the listener has none', {}, { secret: 'deep' }, 'QUORATE_UNAUTHORIZED', /other has none/],
    ['another cluster', {}, { local: identity('a', { clusterId: 'other' }) }, 'QUORATE_UNAUTHORIZED', /cluster/],
    ['another epoch', {}, { local: identity('a', { epoch: 8 }) }, 'QUORATE_UNAUTHORIZED', /lists of replicas/],
    ['an unexpected replica', {}, { remoteId: 'c' }, 'QUORATE_UNAUTHORIZED', /is called "b"/],
  ])('%s: no link, and an error that says why', async ([, listening, dialing, code, said]) => {
    const listener = await startListener(listening)
    const dialer = startDialer(listener.subject, dialing)
    const error = await dialer.watcher.next('refused')
    expect(error.code).toBe(code)
    expect(error.message).toMatch(said)
    expect(error.message).toContain(dialer.subject.url)
    expect(dialer.subject.problem).toBe(error)
    expect(listener.watcher.counts.up + dialer.watcher.counts.up).toBe(0)
    await dialer.watcher.next('refused')
  })

  test('a listener of another version: no link, and QUORATE_PROTOCOL', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const frame = new Packr({ useRecords: false }).pack([2])
    server.on('connection', (ws) => ws.on('message', () => ws.send(frame)))
    const dialer = startDialer(server.address() as AddressInfo)
    const error = await dialer.watcher.next('refused')
    expect(error.code).toBe('QUORATE_PROTOCOL')
    expect(error.message).toMatch(/version/)
    await dialer.subject.close()
    for (const ws of server.clients) ws.terminate()
    await new Promise((resolve) => server.close(resolve))
  })

  test('what is dialed with: the mask is zero and nothing is compressed', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
    await once(server, 'listening')
    const dialer = startDialer(server.address() as AddressInfo)
    const [ws, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage]
    const [bytes] = (await once(request.socket, 'data')) as [Buffer]
    expect(request.headers['sec-websocket-extensions']).toBeUndefined()
    // A final binary frame, uncompressed; masked, with its length in one byte and the four bytes of the mask behind.
    expect(bytes[0]).toBe(0x82)
    expect(bytes.readUInt8(1) & 0x80).toBe(0x80)
    expect(bytes.readUInt8(1) & 0x7f).toBeLessThan(126)
    expect(bytes.readUInt32BE(2)).toBe(0)
    await dialer.subject.close()
    ws.terminate()
    await new Promise((resolve) => server.close(resolve))
  })

  test('a configuration that is mended: the dialer gets through without being asked', async () => {
    const listener = await startListener({ local: identity('c') })
    const dialer = startDialer(listener.subject)
    await dialer.watcher.next('refused')
    await listener.subject.close()
    await startListener({ port: listener.subject.port })
    expect((await dialer.watcher.next('up')).remote.id).toBe('b')
    expect(dialer.subject.problem).toBeUndefined()
  })
})

describe('dialing again', () => {
  test('a listener that restarts: the link ends and a new one comes up', async () => {
    const { listener, dialer, atDialer } = await startPair()
    await listener.subject.close()
    expect((await dialer.watcher.next('down')).end.code).toBe(1001)
    await until(() => dialer.subject.problem?.message.includes('ECONNREFUSED') === true)
    expect(dialer.subject.problem).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none' })
    expect(dialer.subject.link).toBeUndefined()
    const again = await startListener({ port: listener.subject.port, local: identity('b', { incarnation: 2 }) })
    const link = await dialer.watcher.next('up')
    expect(link).not.toBe(atDialer)
    expect(link.remote.incarnation).toBe(2)
    link.send(new Uint8Array(3))
    expect(await again.watcher.next('frame')).toHaveLength(3)
  })

  test('a listener that never answers: the attempt ends at the deadline and the next one follows', async () => {
    const server = createServer((socket) => socket.resume().on('error', () => {}))
    let connections = 0
    server.on('connection', () => connections++)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const dialer = startDialer(server.address() as AddressInfo, { limits: { handshakeMsMax: 30 } })
    await until(() => connections >= 2)
    expect(dialer.subject.problem?.message).toMatch(/took longer than 30 ms/)
    await dialer.subject.close()
    server.close()
  })

  test('a name that is not known: the problem says so', async () => {
    const dialer = startDialer({ port: 1 }, { url: 'ws://no-such-host.invalid:1' })
    await until(() => dialer.subject.problem !== undefined)
    expect(dialer.subject.problem?.message).toMatch(/no-such-host\.invalid/)
  })

  test('waiting: it doubles with each failure up to the limit, and is drawn at random below', () => {
    const limits = { backoffMsMin: 50, backoffMsMax: 2000 }
    const wait = (failures: number, fraction: number): number =>
      backoffMs({ failures, refused: false, fraction }, limits)
    expect([1, 2, 3, 6, 7, 1000].map((failures) => wait(failures, 1))).toEqual([50, 100, 200, 1600, 2000, 2000])
    expect(wait(3, 0)).toBe(0)
    expect(wait(3, 0.5)).toBe(100)
  })

  test('waiting: after a refusal it is long, whatever is drawn', () => {
    const limits = { backoffMsMin: 50, backoffMsMax: 2000 }
    expect(backoffMs({ failures: 1, refused: true, fraction: 0 }, limits)).toBe(1000)
    expect(backoffMs({ failures: 1, refused: true, fraction: 1 }, limits)).toBe(2000)
  })
})

describe('options', () => {
  test.for([
    ['an address that is none', { url: 'b:7101' }],
    ['an address of another protocol', { url: 'http://127.0.0.1:1' }],
    ['an address with a fragment', { url: 'ws://127.0.0.1:1/#b' }],
    ['an empty secret', { secret: '' }],
    ['an id that is too long', { local: identity('a'.repeat(257)) }],
    ['a limit that is no number', { limits: { handshakeMsMax: Number.NaN } }],
  ] as const)('%s: refused at once', ([, options]) => {
    const given = { url: 'ws://127.0.0.1:1', remoteId: 'b', local: identity('a'), handlers: new Watcher(), ...options }
    expect(() => dial(given)).toThrow(expect.objectContaining({ code: 'QUORATE_INVALID_OPTION' }) as Error)
  })
})

describe('closing', () => {
  test('a closed dialer: the other side is told, and nobody dials again', async () => {
    const { listener, dialer } = await startPair()
    await dialer.subject.close()
    expect(dialer.watcher.counts.down).toBe(1)
    expect((await listener.watcher.next('down')).end.code).toBe(1000)
    await dialer.subject.close()
    expect(dialer.subject.link).toBeUndefined()
  })

  test('a closed listener: every link is down when the promise is fulfilled', async () => {
    const { listener } = await startPair()
    const first = listener.subject.close()
    expect(listener.subject.close()).toBe(first)
    await first
    expect(listener.watcher.counts.down).toBe(1)
  })

  test('everything closed, in whatever state it was: no socket and no timer is left', async () => {
    const timers = new Set<number>()
    const hook = createHook({
      init: (id, type) => {
        if (type === 'Timeout') timers.add(id)
      },
      destroy: (id) => timers.delete(id),
    }).enable()
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
    const before = sockets()
    const { listener, dialer } = await startPair()
    const closed = await startListener()
    await closed.subject.close()
    const waiting = startDialer(closed.subject)
    await until(() => waiting.subject.problem !== undefined)
    const dialing = startDialer(listener.subject, { local: identity('c') })
    const slow = { backoffMsMin: 60_000, backoffMsMax: 60_000 }
    const refused = startDialer(listener.subject, { remoteId: 'c', limits: slow })
    await refused.watcher.next('refused')
    expect(sockets()).toBeGreaterThan(before)
    expect(timers.size).toBeGreaterThan(0)
    await Promise.all([dialer, waiting, dialing, refused, listener].map(({ subject }) => subject.close()))
    await until(() => sockets() === before && timers.size === 0)
    hook.disable()
  })
})
