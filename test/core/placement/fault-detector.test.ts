/** The fault detector: evidence of both directions, of one, of none, and its own pauses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FaultDetector } from '../../../src/core/placement/fault-detector.ts'
import { holds } from '../../property.ts'

const HEARTBEAT = 100

function detector(): FaultDetector {
  return new FaultDetector({ replicas: 2, heartbeatMs: HEARTBEAT })
}

/** What is said of replica 0 at some moments, and whether it may be asked. */
function statesOf(subject: FaultDetector, moments: readonly number[]): string[] {
  return moments.map((nowMs) => `${subject.state(0, nowMs)}${subject.usable(0, nowMs) ? '' : ', not asked'}`)
}

describe('evidence', () => {
  test('before anything came: a replica is unreachable', () => {
    expect(statesOf(detector(), [0, 1_000_000])).toEqual(['unreachable, not asked', 'unreachable, not asked'])
  })

  test('an answer: makes it reachable, then late after one and a half heartbeats, then unreachable after two', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 1_000, nowMs: 1_010 })
    expect(statesOf(subject, [1_010, 1_149, 1_150, 1_199])).toEqual(['reachable', 'reachable', 'late', 'late'])
    // The answer itself was heard ten milliseconds after its question had left.
    expect(statesOf(subject, [1_200, 1_209, 1_210])).toEqual([
      'one-way, not asked',
      'one-way, not asked',
      'unreachable, not asked',
    ])
    expect(subject.state(1, 1_010)).toBe('unreachable')
  })

  test('an answer: counts from when its question left, so a slow link does not look fresh', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 1_000, nowMs: 1_180 })
    expect(statesOf(subject, [1_180, 1_200])).toEqual(['late', 'one-way, not asked'])
  })

  test('an older answer that comes later: takes nothing back', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 1_100, nowMs: 1_110 })
    subject.answered(0, { sentAtMs: 1_000, nowMs: 1_120 })
    expect(statesOf(subject, [1_249, 1_250])).toEqual(['reachable', 'late'])
  })

  test('being heard without answering: is one way, and does not make it usable', () => {
    const subject = detector()
    subject.heard(0, 1_000)
    expect(statesOf(subject, [1_000, 1_199, 1_200])).toEqual([
      'one-way, not asked',
      'one-way, not asked',
      'unreachable, not asked',
    ])
  })

  test('a lost link: is believed at once, and a new one has to prove itself', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 1_000, nowMs: 1_010 })
    subject.linked(0, false)
    expect(subject.usable(0, 1_010)).toBe(false)
    subject.linked(0, true)
    expect(subject.usable(0, 1_010)).toBe(false)
    subject.answered(0, { sentAtMs: 1_020, nowMs: 1_021 })
    expect(subject.usable(0, 1_021)).toBe(true)
  })

  test('an answer while the link is down: is not enough', () => {
    const subject = detector()
    subject.linked(0, false)
    subject.answered(0, { sentAtMs: 1_000, nowMs: 1_010 })
    expect(statesOf(subject, [1_010])).toEqual(['one-way, not asked'])
  })
})

describe('a pause of this process', () => {
  /** Checked every heartbeat and answering until `untilMs`; replica 1 fell silent after 1,000. */
  function running(untilMs: number): FaultDetector {
    const subject = detector()
    subject.answered(1, { sentAtMs: 700, nowMs: 701 })
    for (let nowMs = 1_000; nowMs <= untilMs; nowMs += HEARTBEAT) {
      subject.check(nowMs)
      subject.answered(0, { sentAtMs: nowMs, nowMs: nowMs + 1 })
    }
    return subject
  }

  test('is not blamed on those that were reachable: only half a heartbeat of it counts', () => {
    const subject = running(2_000)
    expect(subject.usable(0, 9_000)).toBe(false)
    subject.check(9_000)
    expect(statesOf(subject, [9_000, 9_099, 9_100, 9_149])).toEqual(['reachable', 'reachable', 'late', 'late'])
    expect(subject.usable(0, 9_150)).toBe(false)
  })

  test('is not blamed on those that were heard only, either', () => {
    const subject = running(2_000)
    subject.heard(1, 2_000)
    subject.check(9_000)
    expect([9_000, 9_149, 9_150].map((nowMs) => subject.state(1, nowMs))).toEqual(['one-way', 'one-way', 'unreachable'])
  })

  test.for([
    [HEARTBEAT, false],
    [HEARTBEAT + 1, true],
  ] as const)('of %d ms: is one (%s)', ([gapMs, isPause]) => {
    const subject = running(2_000)
    subject.check(2_000 + gapMs)
    // Without a pause, 2,000 and two heartbeats is where it is given up.
    expect(subject.usable(0, 2_000 + 2 * HEARTBEAT)).toBe(isPause)
  })

  test('after which they answer: takes nothing from what the answer proves', () => {
    const subject = running(2_000)
    subject.check(9_000)
    subject.answered(0, { sentAtMs: 9_001, nowMs: 9_002 })
    expect(statesOf(subject, [9_150, 9_151, 9_200])).toEqual(['reachable', 'late', 'late'])
  })

  test('makes nobody reachable who was not', () => {
    const subject = running(2_000)
    expect(subject.usable(1, 2_000)).toBe(false)
    subject.check(9_000)
    expect(subject.usable(1, 9_000)).toBe(false)
    expect(subject.state(1, 9_000)).toBe('unreachable')
  })

  test('that no answer follows: the grace is given once, not at every check', () => {
    const subject = running(2_000)
    for (const nowMs of [9_000, 9_100, 9_150]) subject.check(nowMs)
    expect(subject.usable(0, 9_150)).toBe(false)
  })

  test('checks in time: give no grace, so a silent replica is given up', () => {
    const subject = running(2_000)
    for (let nowMs = 2_100; nowMs <= 2_300; nowMs += HEARTBEAT) subject.check(nowMs)
    expect(subject.usable(0, 2_199)).toBe(true)
    expect(subject.usable(0, 2_200)).toBe(false)
  })

  test('the first check: is no pause, however late it comes', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 0, nowMs: 1 })
    subject.check(1_000_000)
    expect(subject.usable(0, 1_000_000)).toBe(false)
  })
})

describe('latency', () => {
  test('no answer: 0; one answer: its time; more: move it an eighth of the way', () => {
    const subject = detector()
    expect(subject.latencyMs(0)).toBe(0)
    subject.answered(0, { sentAtMs: 0, nowMs: 8 })
    expect(subject.latencyMs(0)).toBe(8)
    subject.answered(0, { sentAtMs: 100, nowMs: 116 })
    expect(subject.latencyMs(0)).toBe(9)
    expect(subject.latencyMs(1)).toBe(0)
  })

  test('silence: counts as an answer that took as long, and never as a faster one', () => {
    const subject = detector()
    subject.answered(0, { sentAtMs: 0, nowMs: 8 })
    subject.overdue(0, 88)
    expect(subject.latencyMs(0)).toBe(18)
    subject.overdue(0, 10)
    expect(subject.latencyMs(0)).toBe(18)
    subject.overdue(1, 80)
    expect(subject.latencyMs(1)).toBe(10)
    expect(subject.usable(1, 0)).toBe(false)
  })

  test('any answers: stays between the shortest and the longest', () => {
    holds(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1 }), (times) => {
        const subject = detector()
        for (const ms of times) subject.answered(0, { sentAtMs: 5_000, nowMs: 5_000 + ms })
        expect(subject.latencyMs(0)).toBeGreaterThanOrEqual(Math.min(...times) - 1e-9)
        expect(subject.latencyMs(0)).toBeLessThanOrEqual(Math.max(...times) + 1e-9)
      }),
    )
  })
})
