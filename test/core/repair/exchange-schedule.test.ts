/** Turns: who is exchanged with when. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { ExchangeSchedule } from '../../../src/core/repair/exchange-schedule.ts'

const PERIOD = 10_000
const PEERS = [1, 2, 3]
const anybody = (): boolean => true

class Bench {
  readonly gone = new Set<number>()
  readonly schedule: ExchangeSchedule
  /** Turns as they were taken: when, and whose. */
  readonly turns: { readonly atMs: number; readonly peer: number }[] = []

  constructor(periodMs = PERIOD) {
    this.schedule = new ExchangeSchedule({
      peers: PEERS,
      periodMs,
      random: new Random(5),
      usable: (peer) => !this.gone.has(peer),
    })
  }

  /** Takes every turn until then, by the wakes that the schedule asks for and not otherwise. */
  run(fromMs: number, toMs: number, end: { readonly declined: boolean } = { declined: false }): void {
    for (let nowMs = fromMs; nowMs <= toMs;) {
      const peer = this.schedule.next(nowMs, anybody)
      if (peer === undefined) {
        nowMs = this.schedule.wakeAfter(nowMs)
        continue
      }
      this.schedule.began(peer)
      this.turns.push({ atMs: nowMs, peer })
      this.schedule.ended(peer, { ...end, nowMs })
    }
  }

  of(peer: number): readonly number[] {
    return this.turns.filter((turn) => turn.peer === peer).map(({ atMs }) => atMs)
  }
}

describe('turns', () => {
  test('peers that can be reached: each has one soon after the start, and then once in a period less up to a quarter', () => {
    const bench = new Bench()
    bench.run(0, 20 * PERIOD)
    for (const peer of PEERS) {
      const times = bench.of(peer)
      expect(times[0]).toBeLessThanOrEqual(500)
      const gaps = times.slice(1).map((atMs, i) => atMs - (times[i] as number))
      expect(gaps.length).toBeGreaterThanOrEqual(20)
      for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(0.75 * PERIOD)
      for (const gap of gaps) expect(gap).toBeLessThanOrEqual(PERIOD)
      expect(new Set(gaps).size).toBeGreaterThan(10)
    }
  })

  test('a peer that cannot be reached: has none, and one within half a second when it is back', () => {
    const bench = new Bench()
    bench.gone.add(2)
    bench.run(0, 5 * PERIOD)
    expect(bench.of(2)).toEqual([])
    expect(bench.of(1).length).toBeGreaterThan(4)
    bench.gone.clear()
    const backAt = 5 * PERIOD + 1
    bench.run(backAt, backAt + 500)
    expect(bench.of(2)).toHaveLength(1)
    expect(bench.of(2)[0]).toBeGreaterThanOrEqual(backAt)
  })

  test('a peer that declines: is asked again after a second', () => {
    const bench = new Bench()
    bench.run(0, PERIOD, { declined: true })
    const [first, second] = bench.of(1)
    expect((second as number) - (first as number)).toBe(1_000)
  })

  test('who may not have a turn: is passed over, and has it later', () => {
    const { schedule } = new Bench()
    schedule.next(0, anybody)
    expect(schedule.next(600, () => false)).toBeUndefined()
    expect(schedule.next(600, (peer) => peer === 3)).toBe(3)
  })
})

describe('no period', () => {
  test('nobody has a turn, and nothing wakes', () => {
    const bench = new Bench(0)
    bench.run(0, PERIOD)
    expect([bench.turns, bench.schedule.wakeAfter(0)]).toEqual([[], Infinity])
  })

  test('on demand: each has one turn, also one that cannot be reached', () => {
    const { schedule, gone } = new Bench(0)
    gone.add(2)
    schedule.demand([1, 2])
    const turns: (readonly [number, boolean])[] = []
    for (let peer = schedule.next(0, anybody); peer !== undefined; peer = schedule.next(0, anybody)) {
      turns.push([peer, schedule.began(peer)])
      schedule.ended(peer, { declined: false, nowMs: 0 })
    }
    expect(turns).toEqual([
      [1, true],
      [2, true],
    ])
  })

  test('a demand that nobody waits for any more: is forgotten', () => {
    const { schedule } = new Bench(0)
    schedule.demand(PEERS)
    schedule.relax()
    expect(schedule.next(0, anybody)).toBeUndefined()
  })
})
