/** Links over real sockets: frames there and back, limits, ends, and that trouble on one link stays on that link. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CLOSE } from '../../../src/runtime/transport/close-codes.ts'
import type { Link } from '../../../src/runtime/transport/transport.ts'
import {
  closeAll,
  closing,
  identity,
  member,
  rawSocket,
  startDialer,
  startListener,
  startPair,
  until,
} from './harness.ts'

afterEach(closeAll)

function echo(link: Link, bytes: Uint8Array): void {
  link.send(Uint8Array.from(bytes))
}

describe('link', () => {
  test('frames: both directions bring them whole, in order, whatever their size', async () => {
    const { listener, dialer, atDialer } = await startPair()
    listener.watcher.onFrame = echo
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 3_000_000]
    const frames = sizes.map((size, i) => Buffer.alloc(size, i + 1))
    for (const frame of frames) expect(atDialer.send(frame)).toBe(true)
    for (const frame of frames) {
      // Their order is what is looked at.
      expect((await dialer.watcher.next('frame')).equals(frame)).toBe(true)
    }
  })

  test('identity: each side knows the other as it introduced itself', async () => {
    const local = identity('shell', { role: 'client', incarnation: 9 })
    const { atListener, atDialer, dialer } = await startPair({ dialer: { local } })
    expect(atListener.remote).toEqual(local)
    expect(atDialer.remote).toEqual(identity('b'))
    expect(dialer.subject.link).toBe(atDialer)
    expect(dialer.subject.problem).toBeUndefined()
  })

  test('one frame for several links: sending leaves its bytes as they were', async () => {
    const { listener, atDialer } = await startPair()
    const frame = Buffer.from('the same for all')
    atDialer.send(frame)
    atDialer.send(frame)
    expect((await listener.watcher.next('frame')).toString()).toBe('the same for all')
    expect((await listener.watcher.next('frame')).toString()).toBe('the same for all')
    expect(frame.toString()).toBe('the same for all')
  })

  test('send: a frame over the limit is not taken, and the link lives on', async () => {
    const { listener, atDialer } = await startPair({ dialer: { limits: { frameBytesMax: 1000 } } })
    expect(atDialer.frameBytesMax).toBe(1000)
    expect(atDialer.send(new Uint8Array(1001))).toBe(false)
    expect(atDialer.send(new Uint8Array(1000))).toBe(true)
    expect(await listener.watcher.next('frame')).toHaveLength(1000)
  })

  test('send: a reader that stops gives false at the queue limit, and true again once it reads', async () => {
    const limits = { frameBytesMax: 65_536, queueBytesMax: 262_144 }
    const listener = await startListener({ limits })
    const { ws } = await member(listener.subject)
    const link = await listener.watcher.next('up')
    ws.pause()
    const frame = new Uint8Array(65_536)
    // The system's own buffers take some megabytes before the queue begins to fill.
    await until(() => !link.send(frame))
    expect(link.bufferedBytes).toBeGreaterThan(limits.queueBytesMax - 2 * frame.length)
    expect(link.bufferedBytes).toBeLessThanOrEqual(limits.queueBytesMax + 1024)
    ws.resume()
    await until(() => link.bufferedBytes === 0)
    expect(link.send(frame)).toBe(true)
  })

  test('close: both sides are told the code and the reason, once', async () => {
    const { listener, dialer, atListener, atDialer } = await startPair()
    atListener.close(CLOSE.malformed, `a frame made no sense\n${'x'.repeat(200)}`)
    atListener.close(CLOSE.normal, 'again')
    expect(atListener.send(new Uint8Array(1))).toBe(false)
    const there = await dialer.watcher.next('down')
    expect(there.link).toBe(atDialer)
    expect(there.end.code).toBe(1002)
    expect(there.end.reason).toMatch(/^a frame made no sense\?x+$/)
    expect((await listener.watcher.next('down')).end).toMatchObject({ code: 1002 })
    expect(atDialer.send(new Uint8Array(1))).toBe(false)
    expect(listener.watcher.counts.down).toBe(1)
  })

  test('close: frames that were already here are not handed out any more', async () => {
    const { listener, atDialer } = await startPair()
    let frames = 0
    listener.watcher.onFrame = (link) => {
      frames++
      link.close(CLOSE.malformed, 'no more')
    }
    for (let i = 0; i < 10; i++) atDialer.send(Buffer.from([i]))
    await listener.watcher.next('down')
    expect(frames).toBe(1)
  })

  test('silence: a link that brings nothing is closed', async () => {
    const { listener } = await startPair({ listener: { limits: { idleMsMax: 40 } } })
    expect((await listener.watcher.next('down')).end).toEqual({ code: CLOSE.idle, reason: 'nothing came for 40 ms' })
  })

  test('silence: a link that brings something now and then stays', async () => {
    const { listener, atDialer } = await startPair({ listener: { limits: { idleMsMax: 200 } } })
    const timer = setInterval(() => atDialer.send(new Uint8Array(1)), 20)
    for (let i = 0; i < 30; i++) {
      // Each of them takes its time; together they take three times as long as silence may.
      await listener.watcher.next('frame')
    }
    clearInterval(timer)
    expect(listener.watcher.counts.down).toBe(0)
  })

  test('silence: a process that was busy itself for longer than that closes nothing', async () => {
    const { listener, atDialer } = await startPair({ listener: { limits: { idleMsMax: 100 } } })
    const timer = setInterval(() => atDialer.send(new Uint8Array(1)), 5)
    await listener.watcher.next('frame')
    const busyUntil = performance.now() + 300
    while (performance.now() < busyUntil);
    const { counts } = listener.watcher
    const seen = counts.frame
    await until(() => counts.frame > seen + 3)
    clearInterval(timer)
    expect(counts.down).toBe(0)
  })
})

describe('trouble', () => {
  test.for([
    ['an oversized frame', 1009, { frame: new Uint8Array(1001), binary: true }],
    ['text', 1003, { frame: 'text', binary: false }],
  ] as const)('%s: its link is closed with %i, another one goes on', async ([, code, { frame, binary }]) => {
    const { listener, dialer, atDialer } = await startPair({ listener: { limits: { frameBytesMax: 1000 } } })
    const bad = await member(listener.subject)
    listener.watcher.onFrame = echo
    bad.ws.send(frame, { binary })
    const [told, { end }] = await Promise.all([closing(bad.ws), listener.watcher.next('down')])
    expect(told.code).toBe(code)
    expect(end.code).toBe(code)
    atDialer.send(Buffer.from('still here'))
    expect((await dialer.watcher.next('frame')).toString()).toBe('still here')
    expect(listener.watcher.counts.down).toBe(1)
  })

  test('an oversized frame that is only announced is refused before it comes', async () => {
    const listener = await startListener()
    const { ws } = await member(listener.subject)
    // A final binary frame, masked, of two gigabytes; not one byte of it follows.
    rawSocket(ws).write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]))
    expect((await closing(ws)).code).toBe(1009)
  })

  test('a handler that throws on a frame: its link is closed with 1011, another one goes on', async () => {
    const { listener, dialer, atDialer } = await startPair()
    const other = startDialer(listener.subject, { local: identity('c') })
    const { remote } = await listener.watcher.next('up')
    expect(remote.id).toBe('c')
    const mistake = new Error('a mistake above')
    listener.watcher.onFrame = (link, bytes) => {
      if (link.remote.id === 'c') throw mistake
      echo(link, bytes)
    }
    ;(await other.watcher.next('up')).send(new Uint8Array(1))
    expect((await listener.watcher.next('down')).end).toEqual({
      code: 1011,
      reason: 'a handler failed',
      cause: mistake,
    })
    atDialer.send(Buffer.from('still here'))
    expect((await dialer.watcher.next('frame')).toString()).toBe('still here')
  })

  test('a handler that throws on a new link: the link ends with 1011', async () => {
    const mistake = new Error('a mistake above')
    const downs: unknown[] = []
    const listener = await startListener({
      handlers: {
        up: () => {
          throw mistake
        },
        down: (_link, end) => downs.push(end),
        frame: () => {},
      },
    })
    const dialer = startDialer(listener.subject)
    expect((await dialer.watcher.next('down')).end.code).toBe(1011)
    await until(() => downs.length > 0)
    expect(downs[0]).toMatchObject({ code: 1011, cause: mistake })
  })

  test('a handler that throws when a link ends: it becomes a warning, and the dialer dials again', async () => {
    const mistake = new Error('a mistake above')
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const listener = await startListener()
    const dialer = startDialer(listener.subject)
    dialer.watcher.down = () => {
      if (dialer.watcher.counts.up === 1) throw mistake
    }
    ;(await listener.watcher.next('up')).close(CLOSE.malformed, 'test')
    await dialer.watcher.next('up')
    await dialer.watcher.next('up')
    expect(warn).toHaveBeenCalledExactlyOnceWith(mistake)
    warn.mockRestore()
  })
})
