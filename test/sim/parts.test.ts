/** The simulator's parts, each by itself: the queue of events, the network, the disk, the clocks, the shapes of cuts. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import type { Message } from '../../src/core/message.ts'
import type { RecordChange, RecordWrite } from '../../src/core/record.ts'
import { NodeClock } from '../../src/sim/clocks.ts'
import { drawOneWay, drawPartial, drawPartition } from '../../src/sim/cut-shapes.ts'
import { delayMs, exponential, pareto } from '../../src/sim/delays.ts'
import { SimDisk } from '../../src/sim/disk.ts'
import { Network, type NetworkConditions, type Parcel } from '../../src/sim/network.ts'
import { Simulator } from '../../src/sim/simulator.ts'

describe('simulator', () => {
  test('events run by time, and by order of scheduling within an instant', () => {
    const simulator = new Simulator()
    const seen: string[] = []
    const random = new Random(1)
    const delays = Array.from({ length: 200 }, () => random.below(50))
    for (const [i, delay] of delays.entries()) simulator.after(delay, () => seen.push(`${delay}.${i}`))
    simulator.runFor(50)
    const expected = delays.map((delay, i) => ({ delay, i })).toSorted((a, b) => a.delay - b.delay || a.i - b.i)
    expect(seen).toEqual(expected.map(({ delay, i }) => `${delay}.${i}`))
    expect(simulator.nowUs).toBe(50_000)
  })

  test('an event may schedule others, also at once; later ones wait for the next run', () => {
    const simulator = new Simulator()
    const seen: string[] = []
    simulator.after(1, () => {
      seen.push('first')
      simulator.after(0, () => seen.push('at once'))
      simulator.after(10, () => seen.push('later'))
    })
    simulator.runFor(5)
    expect(seen).toEqual(['first', 'at once'])
    simulator.runFor(6)
    expect(seen).toEqual(['first', 'at once', 'later'])
  })
})

describe('delays', () => {
  test('exponential and pareto have the means and tails that they should', () => {
    const random = new Random(7)
    const draw = (shape: (from: Random) => number): number[] => Array.from({ length: 50_000 }, () => shape(random))
    const times = draw(exponential)
    expect(times.reduce((sum, time) => sum + time, 0) / times.length).toBeCloseTo(1, 1)
    expect(times.filter((time) => time > 3).length / times.length).toBeCloseTo(0.0498, 2)
    const tails = draw(pareto)
    expect(tails.filter((tail) => tail > 10).length / tails.length).toBeCloseTo(0.01, 2)
    expect(Math.max(...draw((from) => delayMs(from, 3000)))).toBe(5000)
  })
})

const CALM: NetworkConditions = {
  lossRate: 0,
  duplicateRate: 0,
  replayRate: 0,
  inOrder: true,
  nearMs: 5,
  farMs: 50,
}

/** Two hosts and what the second received. */
function twoHosts(conditions: Partial<NetworkConditions>) {
  const simulator = new Simulator()
  const parts = { simulator, random: new Random(3), zones: ['', ''], freezes: false }
  const network = new Network({ ...parts, conditions: { ...CALM, ...conditions } })
  const received: Parcel[] = []
  network.join({ receive: () => undefined })
  network.join({ receive: (parcel) => received.push(parcel) })
  const send = (sentAt: number): void => {
    const message: Message = { kind: 'ping', sentAt }
    network.send({ message, from: { host: 0, life: 0 }, to: { host: 1, life: -1 } })
  }
  const numbers = (): number[] => received.map(({ message }) => (message.kind === 'ping' ? message.sentAt : -1))
  return { simulator, network, send, received, numbers }
}

describe('network', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i)

  test('in order: everything arrives as it was sent', () => {
    const { simulator, send, numbers } = twoHosts({})
    for (const i of hundred) send(i)
    simulator.runFor(10_000)
    expect(numbers()).toEqual(hundred)
  })

  test('out of order: everything arrives, some of it overtaken', () => {
    const { simulator, send, numbers } = twoHosts({ inOrder: false })
    for (const i of hundred) send(i)
    simulator.runFor(10_000)
    expect(numbers()).not.toEqual(hundred)
    expect(numbers().toSorted((a, b) => a - b)).toEqual(hundred)
  })

  test('loss and duplication: some never arrive, some twice and marked as copies', () => {
    const { simulator, network, send, received, numbers } = twoHosts({ lossRate: 0.3, duplicateRate: 0.3 })
    for (const i of hundred) send(i)
    simulator.runFor(10_000)
    expect(new Set(numbers()).size).toBeLessThan(100)
    expect(received.filter(({ isCopy }) => isCopy).length).toBe(network.stats.copies)
    expect(network.stats.copies).toBeGreaterThan(10)
    network.calm()
    for (const i of hundred) send(i)
    simulator.runFor(10_000)
    expect(numbers().slice(-100)).toEqual(hundred)
  })

  test('replay: copies arrive seconds later', () => {
    const { simulator, send, numbers } = twoHosts({ replayRate: 1 })
    send(1)
    simulator.runFor(900)
    expect(numbers()).toEqual([1])
    simulator.runFor(15_000)
    expect(numbers()).toEqual([1, 1])
  })

  test('a cut loses what is sent and what is under way; one that holds gives it back at the end', () => {
    const link = { from: 0, to: 1 }
    const lost = twoHosts({})
    lost.send(1)
    lost.network.cut(link, false)
    lost.simulator.runFor(100)
    lost.network.mend(link, false)
    lost.simulator.runFor(100)
    expect(lost.numbers()).toEqual([])

    const held = twoHosts({})
    held.network.cut(link, true)
    held.network.cut(link, false)
    held.send(1)
    held.simulator.runFor(100)
    held.network.mend(link, false)
    expect(held.network.isCut(link)).toBe(true)
    held.simulator.runFor(100)
    expect(held.numbers()).toEqual([])
    held.network.mend(link, true)
    held.simulator.runFor(100)
    expect(held.numbers()).toEqual([1])
  })
})

function write(key: string, at: number): RecordWrite {
  return { keyspace: 9, key, record: { kind: 'lww', op: 1, at, value: null } }
}

function erasure(key: string): RecordChange {
  return { keyspace: 9, key, record: undefined }
}

/** A disk on which one record is durable. */
function diskWith(key: string, seed = 1): SimDisk {
  const disk = new SimDisk(new Random(seed))
  disk.stage(write(key, 1))
  disk.beginFlush()
  disk.endFlush()
  return disk
}

describe('disk', () => {
  test('a staged write is visible, and gone after a crash', () => {
    const disk = new SimDisk(new Random(1))
    disk.stage(write('k', 1))
    expect(disk.read(9, 'k')).toMatchObject({ at: 1 })
    expect(disk.touchedStaged).toBe(true)
    disk.crash()
    expect(disk.read(9, 'k')).toBeUndefined()
  })

  test('a flushed write survives a crash, and reading it touches nothing staged', () => {
    const disk = new SimDisk(new Random(1))
    disk.stage(write('k', 1))
    expect(disk.beginFlush()).toBe(true)
    disk.stage(write('k', 2))
    disk.endFlush()
    expect(disk.durable).toBe(1)
    expect(disk.read(9, 'k')).toMatchObject({ at: 2 })
    disk.crash()
    disk.touchedStaged = false
    expect(disk.read(9, 'k')).toMatchObject({ at: 1 })
    expect(disk.touchedStaged).toBe(false)
  })

  test('a crash during a flush keeps a prefix of the batch, of every length', () => {
    const kept = new Set<number>()
    for (let seed = 0; seed < 60; seed++) {
      const disk = new SimDisk(new Random(seed))
      for (let i = 0; i < 4; i++) disk.stage(write(`k${i}`, 1))
      disk.beginFlush()
      disk.crash()
      const there = [0, 1, 2, 3].map((i) => disk.read(9, `k${i}`) !== undefined)
      expect(there).toEqual(there.toSorted((a, b) => Number(b) - Number(a)))
      kept.add(there.filter(Boolean).length)
    }
    expect(kept).toEqual(new Set([0, 1, 2, 3, 4]))
  })

  test('a staged erasure is visible, and undone by a crash', () => {
    const disk = diskWith('k')
    disk.stage(erasure('k'))
    expect(disk.staged - disk.durable).toBe(1)
    expect(disk.read(9, 'k')).toBeUndefined()
    expect(disk.touchedStaged).toBe(true)
    disk.crash()
    disk.touchedStaged = false
    expect(disk.read(9, 'k')).toMatchObject({ at: 1 })
    expect(disk.touchedStaged).toBe(false)
  })

  test('a flushed erasure survives a crash, and reading it touches nothing staged', () => {
    const disk = diskWith('k')
    disk.stage(erasure('k'))
    disk.beginFlush()
    disk.endFlush()
    for (const crash of [false, true]) {
      if (crash) disk.crash()
      expect(disk.read(9, 'k')).toBeUndefined()
      expect(disk.touchedStaged).toBe(false)
    }
  })

  test('an erasure behind a write that is being flushed: what is read depends on both', () => {
    const disk = new SimDisk(new Random(1))
    disk.stage(write('k', 1))
    disk.beginFlush()
    disk.stage(erasure('k'))
    expect(disk.read(9, 'k')).toBeUndefined()
    expect(disk.touchedStaged).toBe(true)
    disk.endFlush()
    disk.touchedStaged = false
    expect(disk.read(9, 'k')).toBeUndefined()
    expect(disk.touchedStaged).toBe(true)
    disk.crash()
    expect(disk.read(9, 'k')).toMatchObject({ at: 1 })
  })

  test('a write behind an erasure that is being flushed: stays visible, and goes with a crash', () => {
    const disk = diskWith('k')
    disk.stage(erasure('k'))
    disk.beginFlush()
    disk.stage(write('k', 2))
    disk.endFlush()
    expect(disk.read(9, 'k')).toMatchObject({ at: 2 })
    expect(disk.touchedStaged).toBe(true)
    disk.crash()
    expect(disk.read(9, 'k')).toBeUndefined()
  })

  test('a crash during a flush of erasures and writes keeps a prefix of them, in order', () => {
    const kept = new Set<number | undefined>()
    for (let seed = 0; seed < 60; seed++) {
      const disk = diskWith('k', seed)
      for (const change of [erasure('k'), write('k', 2), erasure('k'), write('k', 3)]) disk.stage(change)
      disk.beginFlush()
      disk.stage(write('k', 4))
      disk.crash()
      kept.add((disk.read(9, 'k') as { at: number } | undefined)?.at)
      expect(disk.touchedStaged).toBe(false)
    }
    expect(kept).toEqual(new Set([1, undefined, 2, 3]))
  })

  test('a wiped disk is empty and has another incarnation', () => {
    const disk = new SimDisk(new Random(1))
    const { incarnation } = disk
    disk.stage(write('k', 1))
    disk.beginFlush()
    disk.endFlush()
    disk.wipe()
    expect(disk.read(9, 'k')).toBeUndefined()
    expect(disk.incarnation).not.toBe(incarnation)
  })

  test('a scan gives pages in key order', () => {
    const disk = new SimDisk(new Random(1))
    for (const key of ['b', 'a', 'ab', 'c']) disk.stage(write(key, 1))
    const request = { kind: 'scan', id: 1, round: 0, keyspace: 9, prefix: '', after: 'a', limit: 2 } as const
    const page = disk.scan(request)
    expect(page.entries.map(({ key }) => key)).toEqual(['ab', 'b'])
    expect(page.done).toBe(false)
    expect(disk.scan({ ...request, prefix: 'a' })).toMatchObject({ entries: [{ key: 'ab' }], done: true })
  })

  test('a scan passes over what is erased, and has then told of it', () => {
    const disk = new SimDisk(new Random(1))
    for (const key of ['a', 'b', 'c', 'd']) disk.stage(write(key, 1))
    disk.beginFlush()
    disk.endFlush()
    for (const key of ['b', 'd']) disk.stage(erasure(key))
    const request = { kind: 'scan', id: 1, round: 0, keyspace: 9, prefix: '', after: '', limit: 2 } as const
    expect(disk.scan({ ...request, limit: 1 })).toMatchObject({ entries: [{ key: 'a' }], done: false })
    expect(disk.touchedStaged).toBe(true)
    expect(disk.scan(request)).toMatchObject({ entries: [{ key: 'a' }, { key: 'c' }], done: true })
  })
})

describe('clocks', () => {
  test('the wall clock can be set, the monotonic clock only changes its rate', () => {
    const clock = new NodeClock(100)
    const before = { ...clock.at(1_000_000) }
    clock.set(-3000, 1_000_000)
    expect(clock.at(1_000_000).monoMs).toBe(before.monoMs)
    expect(clock.offsetMs(1_000_000)).toBeCloseTo(-3000)
    clock.setRate(1.2, 1_000_000)
    expect(clock.at(2_000_000).monoMs).toBeCloseTo(before.monoMs + 1200)
    expect(clock.whenUs(before.monoMs + 1200)).toBe(2_000_000)
    expect(clock.offsetMsMax).toBeCloseTo(3000)
  })
})

describe('cuts', () => {
  const hosts = { replicas: 5, all: 7 }
  const some = <T>(draw: (seed: number) => T): T[] => Array.from({ length: 80 }, (_, seed) => draw(seed))

  test('partitions cut both directions between groups, and come in all shapes', () => {
    const cuts = some((seed) => drawPartition(new Random(seed), hosts))
    expect(new Set(cuts.map(({ shape }) => shape))).toEqual(new Set(['isolated', 'total', 'minority', 'random']))
    for (const { links } of cuts) {
      for (const { from, to } of links) expect(links).toContainEqual({ from: to, to: from })
    }
  })

  test('one-way cuts never cut a link in both directions', () => {
    for (const { links } of some((seed) => drawOneWay(new Random(seed), hosts))) {
      for (const { from, to } of links) expect(links).not.toContainEqual({ from: to, to: from })
    }
  })

  test('bridges, rings and single links leave every replica somebody to talk to', () => {
    const cuts = some((seed) => drawPartial(new Random(seed), hosts))
    expect(new Set(cuts.map(({ shape }) => shape))).toEqual(new Set(['bridge', 'ring', 'single link']))
    for (const { links } of cuts) {
      for (let host = 0; host < hosts.replicas; host++) {
        const deafTo = new Set(links.filter(({ to }) => to === host).map(({ from }) => from))
        expect(deafTo.size).toBeLessThan(hosts.replicas - 1)
      }
    }
  })
})
