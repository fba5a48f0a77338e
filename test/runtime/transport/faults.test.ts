/** Injected faults: one-way cuts and delays on real links, and their end. */
import { afterEach, describe, expect, test } from 'vitest'
import { FaultyOutlet, LinkFaults } from '../../../src/runtime/transport/faults.ts'
import { CLOSE } from '../../../src/runtime/transport/close-codes.ts'
import type { Link } from '../../../src/runtime/transport/transport.ts'
import { closeAll, startDialer, startListener, startPair, until } from './harness.ts'

afterEach(closeAll)

function say(link: Link, text: string): void {
  expect(link.send(Buffer.from(text))).toBe(true)
}

describe('cut', () => {
  test.for([
    ['of the side that dialed', { from: 'a', to: 'b' }],
    ['of the side that listens', { from: 'b', to: 'a' }],
  ] as const)(
    'one direction, %s: it is silent, the other one goes on, healing brings it back',
    async ([, direction]) => {
      const faults = new LinkFaults()
      const { listener, dialer, atListener, atDialer } = await startPair({ listener: { faults }, dialer: { faults } })
      const ends = { a: [atDialer, dialer.watcher] as const, b: [atListener, listener.watcher] as const }
      const [cutLink, openWatcher] = ends[direction.from]
      const [openLink, cutWatcher] = ends[direction.to]
      faults.cut(direction)
      say(cutLink, 'lost')
      say(openLink, 'arrives')
      expect((await openWatcher.next('frame')).toString()).toBe('arrives')
      faults.clear()
      say(cutLink, 'healed')
      expect((await cutWatcher.next('frame')).toString()).toBe('healed')
      expect(dialer.watcher.counts.down + listener.watcher.counts.down).toBe(0)
    },
  )

  test('another pair: it notices nothing', async () => {
    const faults = new LinkFaults()
    const { listener, atDialer } = await startPair({ dialer: { faults } })
    faults.cut({ from: 'a', to: 'c' })
    faults.cut({ from: 'b', to: 'a' })
    say(atDialer, 'arrives')
    expect((await listener.watcher.next('frame')).toString()).toBe('arrives')
  })

  test.for([
    ['there', { from: 'a', to: 'b' }],
    ['back', { from: 'b', to: 'a' }],
  ] as const)(
    'before dialing, on the way %s: the handshake hangs until its deadline, and succeeds once healed',
    async ([, direction]) => {
      const faults = new LinkFaults()
      faults.cut(direction)
      const listener = await startListener({ faults })
      const dialer = startDialer(listener.subject, { faults, limits: { handshakeMsMax: 40 } })
      await until(() => dialer.subject.problem !== undefined)
      expect(dialer.subject.problem?.message).toMatch(/took longer than 40 ms/)
      expect(dialer.watcher.counts.up).toBe(0)
      faults.clear()
      await dialer.watcher.next('up')
    },
  )

  test('a goodbye does not cross it either: the other side only sees the connection break', async () => {
    const faults = new LinkFaults()
    const { dialer, atListener } = await startPair({ listener: { faults } })
    faults.cut({ from: 'b', to: 'a' })
    atListener.close(CLOSE.malformed, 'nobody hears this')
    expect((await dialer.watcher.next('down')).end).toEqual({ code: 1006, reason: 'the connection broke' })
  })

  test('for long: each side takes the silence for a dead peer', async () => {
    const faults = new LinkFaults()
    const limits = { idleMsMax: 60 }
    const { listener, atListener } = await startPair({ listener: { faults, limits }, dialer: { faults } })
    faults.cut({ from: 'a', to: 'b' })
    faults.cut({ from: 'b', to: 'a' })
    const { link, end } = await listener.watcher.next('down')
    expect(link).toBe(atListener)
    expect(end.code).toBe(CLOSE.idle)
  })
})

describe('delay', () => {
  test('frames arrive late and in order, and count as buffered meanwhile', async () => {
    const faults = new LinkFaults()
    const { listener, atDialer } = await startPair({ dialer: { faults } })
    faults.delay({ from: 'a', to: 'b', ms: 60 })
    const sentAt = performance.now()
    for (const text of ['one', 'two', 'three']) say(atDialer, text)
    expect(atDialer.bufferedBytes).toBe(11)
    expect((await listener.watcher.next('frame')).toString()).toBe('one')
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(60)
    expect((await listener.watcher.next('frame')).toString()).toBe('two')
    expect((await listener.watcher.next('frame')).toString()).toBe('three')
    expect(atDialer.bufferedBytes).toBe(0)
  })

  test('held frames fill the queue: send gives false', async () => {
    const faults = new LinkFaults()
    const limits = { frameBytesMax: 1000, queueBytesMax: 2000 }
    const { atDialer } = await startPair({ dialer: { faults, limits } })
    faults.delay({ from: 'a', to: 'b', ms: 60_000 })
    const frame = new Uint8Array(1000)
    expect([1, 2, 3].map(() => atDialer.send(frame))).toEqual([true, true, false])
  })

  test('cleared: held frames come soon, and before what is sent later', async () => {
    const faults = new LinkFaults()
    const { listener, atDialer } = await startPair({ dialer: { faults } })
    faults.delay({ from: 'a', to: 'b', ms: 3_600_000 })
    say(atDialer, 'held')
    faults.clear()
    expect((await listener.watcher.next('frame')).toString()).toBe('held')
    faults.delay({ from: 'a', to: 'b', ms: 3_600_000 })
    say(atDialer, 'held again')
    faults.delay({ from: 'a', to: 'b', ms: 0 })
    say(atDialer, 'later')
    expect((await listener.watcher.next('frame')).toString()).toBe('held again')
    expect((await listener.watcher.next('frame')).toString()).toBe('later')
  })

  test('then cut: what was on its way is lost', async () => {
    const faults = new LinkFaults()
    const { listener, atDialer } = await startPair({ dialer: { faults } })
    faults.delay({ from: 'a', to: 'b', ms: 10 })
    faults.cut({ from: 'a', to: 'b' })
    say(atDialer, 'lost')
    await until(() => atDialer.bufferedBytes === 0)
    faults.clear()
    say(atDialer, 'healed')
    expect((await listener.watcher.next('frame')).toString()).toBe('healed')
  })

  test('then closed: held frames are dropped', () => {
    const faults = new LinkFaults()
    const written: Uint8Array[] = []
    const outlet = new FaultyOutlet({ faults, from: 'a', write: (frame) => written.push(frame) })
    outlet.to = 'b'
    faults.delay({ from: 'a', to: 'b', ms: 10 })
    outlet.send(new Uint8Array(5))
    expect(outlet.heldBytes).toBe(5)
    outlet.close()
    faults.clear()
    outlet.send(new Uint8Array(6))
    expect(written.map(({ length }) => length)).toEqual([6])
  })
})
