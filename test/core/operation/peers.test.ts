/** What a coordinator knows of the replicas: whom it asks, in which order, how patiently, and what it tells of them. */
import { describe, expect, test } from 'vitest'
import { Peers } from '../../../src/core/operation/peers.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { Step } from '../../../src/core/step.ts'

const HEARTBEAT = 100
const membership = membershipOf(['a', 'b', 'c', 'd'].map((id) => ({ id, zone: '' })))
const everybody = { partition: 0, replicas: [2, 0, 3, 1], zones: ['', '', '', ''], fallbacks: [] }

const LIFE = { incarnation: 11, run: 12 }

function peers(local = -1): { subject: Peers; step: Step } {
  const life = local < 0 ? undefined : LIFE
  return { subject: new Peers({ membership, local, life, options: { heartbeatMs: HEARTBEAT } }), step: new Step() }
}

/** A ping is answered. */
function ponged(subject: Peers, replica: number, times: { sentAtMs: number; nowMs: number }, step: Step): void {
  const pong = { kind: 'pong', sentAt: times.sentAtMs, clock: 0, incarnation: 100 + replica, run: 1 } as const
  subject.ponged(replica, pong, times.nowMs, step)
}

/** Members by letter, in the order in which they would be asked. */
function orderOf(subject: Peers, nowMs: number): string {
  const { order } = subject.view(everybody, nowMs)
  return order.map((position) => 'abcd'[everybody.replicas[position] as number]).join('')
}

describe('whom to ask', () => {
  test('nobody has answered: nobody but the replica in this process', () => {
    expect(orderOf(peers().subject, 0)).toBe('')
    const { subject } = peers(0)
    const view = subject.view(everybody, 0)
    expect([view.local, view.usable, [...view.order]]).toEqual([1, 0b0010, [1]])
    expect(view.names).toEqual(['a', 'b', 'c', 'd'])
  })

  test('the local replica is not on the list: the view has none', () => {
    const { subject } = peers(0)
    expect(subject.view({ partition: 0, replicas: [1, 2], zones: ['', ''], fallbacks: [] }, 0).local).toBe(-1)
  })

  test('answers of different speed: the fastest is first, and equals stay in the order of the list', () => {
    const { subject, step } = peers()
    const answer = (replica: number, ms: number): void =>
      ponged(subject, replica, { sentAtMs: 1_000 - ms, nowMs: 1_000 }, step)
    answer(0, 5)
    answer(1, 1)
    answer(2, 9)
    answer(3, 5)
    expect(orderOf(subject, 1_000)).toBe('badc')
    answer(2, 0.01)
    answer(2, 0.01)
    expect(orderOf(subject, 1_000)).toBe('badc')
    for (let i = 0; i < 40; i++) answer(2, 0.01)
    expect(orderOf(subject, 1_000)).toBe('cbad')
  })

  test('a replica that is silent for long: falls back behind those that answer', () => {
    const { subject, step } = peers()
    for (const replica of [0, 1, 2, 3]) ponged(subject, replica, { sentAtMs: 999, nowMs: 1_000 }, step)
    expect(orderOf(subject, 1_000)).toBe('cadb')
    subject.overdue(everybody, 0b0001, 500)
    expect(orderOf(subject, 1_002)).toBe('adbc')
    expect(subject.view(everybody, 1_004).slow).toBe(0b0001)
  })

  test('the local replica: costs nothing and comes first', () => {
    const { subject, step } = peers(3)
    for (const replica of [0, 1, 2]) ponged(subject, replica, { sentAtMs: 999, nowMs: 1_000 }, step)
    expect(orderOf(subject, 1_000)).toBe('dcab')
    expect(subject.latencyMs(3)).toBe(0)
  })

  test('an answer to an operation: proves as much as one to a ping', () => {
    const { subject } = peers(0)
    subject.took(1, 10, 1_000)
    expect(subject.usable(1, 1_000)).toBe(true)
    expect(subject.latencyMs(1)).toBe(10)
    // It left ten milliseconds before.
    expect(subject.usable(1, 990 + 2 * HEARTBEAT)).toBe(false)
  })
})

describe('which life of a replica answers', () => {
  const pong = { kind: 'pong', sentAt: 999, clock: 0, incarnation: 5, run: 6 } as const

  test('nobody has answered: only that of the replica in this process is known', () => {
    expect(peers().subject.view(everybody, 0).lives).toEqual([undefined, undefined, undefined, undefined])
    expect(peers(2).subject.view(everybody, 0).lives).toEqual([undefined, undefined, LIFE, undefined])
  })

  test('an answer to a ping: tells it, in views that were made before as well', () => {
    const { subject, step } = peers()
    const { lives } = subject.view(everybody, 0)
    subject.ponged(3, pong, 1_000, step)
    expect(lives).toEqual([undefined, undefined, undefined, { incarnation: 5, run: 6 }])
    expect(subject.view({ partition: 1, replicas: [3], zones: [''], fallbacks: [] }, 1_000).lives).toEqual(lives)
  })

  test.for([
    ['run', { incarnation: 5, run: 7 }],
    ['incarnation', { incarnation: 8, run: 6 }],
  ] as const)('another %s: takes the place of the one before, and the same again changes nothing', ([, next]) => {
    const { subject, step } = peers()
    const { lives } = subject.view(everybody, 0)
    subject.ponged(1, pong, 1_000, step)
    const before = lives[1]
    subject.ponged(1, pong, 1_001, step)
    expect(lives[1]).toBe(before)
    subject.ponged(1, { ...pong, ...next }, 1_002, step)
    expect(lives[1]).toEqual(next)
  })

  test('an answer to an operation, or a lost link: says nothing of it', () => {
    const { subject, step } = peers()
    subject.took(1, 10, 1_000)
    expect(subject.view(everybody, 1_000).lives[1]).toBeUndefined()
    subject.ponged(1, pong, 1_000, step)
    subject.linked(1, false, 1_001, step)
    expect(subject.view(everybody, 1_001).lives[1]).toEqual({ incarnation: 5, run: 6 })
  })
})

describe('who is slow', () => {
  test.for([
    ['as fast as each other', [5, 5, 5, 5], ''],
    ['four times the fastest and a little more', [10, 44, 45, 46], 'd'],
    ['a few milliseconds more than almost nothing', [0.1, 5, 5.3, 5.5], 'd'],
    ['all slow alike', [900, 1_000, 1_100, 1_200], ''],
  ] as const)('%s: %j', ([, times, slow]) => {
    const { subject, step } = peers()
    for (const [replica, ms] of times.entries()) ponged(subject, replica, { sentAtMs: 2_000 - ms, nowMs: 2_000 }, step)
    const mask = subject.view(everybody, 2_000).slow
    const names = everybody.replicas.filter((_, position) => mask & (1 << position)).map((replica) => 'abcd'[replica])
    expect(new Set(names)).toEqual(new Set(slow))
  })

  test('nobody can be reached: nobody is slow', () => expect(peers().subject.view(everybody, 0).slow).toBe(0))
})

describe('patience', () => {
  test('without experience: the least', () => expect(peers().subject.patienceMs()).toBe(10))

  test('steady answers: about their time, once the deviation has settled', () => {
    const { subject } = peers()
    for (let i = 0; i < 500; i++) subject.took(1, 50, 1_000)
    expect(subject.patienceMs()).toBeCloseTo(50, 0)
  })

  test('answers that scatter: more than their mean', () => {
    const { subject } = peers()
    for (let i = 0; i < 500; i++) subject.took(1, i % 2 === 0 ? 20 : 80, 1_000)
    expect(subject.patienceMs()).toBeGreaterThan(120)
  })

  test('very slow answers: a second and no more; the local replica teaches nothing', () => {
    const { subject } = peers(0)
    for (let i = 0; i < 500; i++) subject.took(0, 500, 1_000)
    expect(subject.patienceMs()).toBe(10)
    for (let i = 0; i < 500; i++) subject.took(1, 60_000, 100_000)
    expect(subject.patienceMs()).toBe(1_000)
  })
})

describe('what observers are told', () => {
  test('each change once, with what was before', () => {
    const { subject, step } = peers()
    const told = (): string[] =>
      step.notices
        .splice(0)
        .flatMap((notice) =>
          notice.kind === 'reachability' ? [`${notice.replica} ${notice.before} -> ${notice.state}`] : [],
        )
    ponged(subject, 1, { sentAtMs: 1_000, nowMs: 1_001 }, step)
    ponged(subject, 1, { sentAtMs: 1_001, nowMs: 1_002 }, step)
    expect(told()).toEqual(['b unreachable -> reachable'])
    subject.pingDue(1_100, step)
    expect(told()).toEqual([])
    subject.pingDue(1_160, step)
    expect(told()).toEqual(['b reachable -> late'])
    subject.heard(1, 1_200)
    subject.pingDue(1_210, step)
    expect(told()).toEqual(['b late -> one-way'])
    subject.linked(1, false, 1_220, step)
    for (let nowMs = 1_260; nowMs <= 1_440; nowMs += 60) subject.pingDue(nowMs, step)
    expect(told()).toEqual(['b one-way -> unreachable'])
    subject.linked(1, true, 1_441, step)
    ponged(subject, 1, { sentAtMs: 1_442, nowMs: 1_443 }, step)
    expect(told()).toEqual(['b unreachable -> reachable'])
    subject.linked(1, false, 1_444, step)
    expect(told()).toEqual(['b reachable -> one-way'])
  })

  test('the local replica: is reachable from the first look on, whatever time it is', () => {
    const { subject, step } = peers(2)
    expect(subject.state(2, 0)).toBe('reachable')
    subject.pingDue(0, step)
    expect(step.notices).toEqual([{ kind: 'reachability', replica: 'c', state: 'reachable', before: 'unreachable' }])
  })
})

describe('pings', () => {
  test('are due at once, then twice in each heartbeat, and at once for a new link', () => {
    const { subject, step } = peers()
    const interval = HEARTBEAT / 2
    expect(subject.pingDue(0, step)).toBe(true)
    expect(subject.wakeAtMs).toBe(interval)
    expect(subject.pingDue(interval - 1, step)).toBe(false)
    expect(subject.pingDue(interval, step)).toBe(true)
    subject.linked(1, true, interval + 1, step)
    expect(subject.pingDue(interval + 1, step)).toBe(true)
    subject.linked(1, false, interval + 2, step)
    expect(subject.pingDue(interval + 2, step)).toBe(false)
  })
})
