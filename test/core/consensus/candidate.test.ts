/** One seat: from waiting to leading and back, told by hand what electors said. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import {
  Candidate,
  SeatAgenda,
  type Ask,
  type CandidateConfig,
  type ElectorSaid,
} from '../../../src/core/consensus/candidate.ts'
import { leaseFromMs, quorumFreeAtMs } from '../../../src/core/consensus/lease.ts'
import { Observer } from '../../../src/core/consensus/observer.ts'
import { CountQuorum } from '../../../src/core/quorum/quorum.ts'

const MAJORITY = new CountQuorum(2, 0b111)
const LEASE_MS = 1000

class Seat {
  readonly candidate: Candidate
  readonly agenda = new SeatAgenda()
  nowMs = 0

  constructor(changes: Partial<CandidateConfig> = {}) {
    const quorums = { electors: 3, electing: MAJORITY, granting: MAJORITY }
    const settings = { leaseMs: LEASE_MS, drift: 0.01, fences: false, random: new Random(1) }
    this.candidate = new Candidate({ proposer: 1, holder: 'me', ...quorums, ...settings, ...changes })
  }

  /** Lets it work at this time. Gives what it asked. */
  tick(nowMs = this.nowMs): Ask | undefined {
    this.nowMs = nowMs
    this.candidate.tick(nowMs, this.agenda)
    return this.agenda.asks.at(-1)
  }

  /** These electors answer what was asked last. */
  hear(positions: readonly number[], said: Partial<ElectorSaid> = {}, nowMs = this.nowMs): void {
    this.nowMs = nowMs
    const { attempt } = this.agenda.asks.at(-1) as Ask
    for (const position of positions) this.hearOf(attempt, position, said)
  }

  hearOf(attempt: number, position: number, said: Partial<ElectorSaid> = {}): void {
    const usual = { granted: true, generation: this.candidate.generation, led: undefined, leftMs: 0 }
    const { nowMs, agenda } = this
    this.candidate.answered(position, attempt, { ...usual, ...said }, { nowMs, agenda })
  }

  get asked(): string[] {
    return this.agenda.asks.map(({ kind, generation }) => `${kind} ${generation}`)
  }

  get told(): string[] {
    return this.agenda.events.map(({ kind, generation }) => `${kind} ${generation}`)
  }
}

function leading(changes: Partial<CandidateConfig> = {}): Seat {
  const seat = new Seat(changes)
  seat.tick()
  for (let question = 0; question < 3; question++) seat.hear([0, 1])
  return seat
}

describe('elections', () => {
  test('a free group: is led after a pre-vote, votes and a renewal of a quorum', () => {
    const seat = new Seat()
    expect(seat.candidate.role).toBe('follower')
    seat.tick()
    seat.hear([0])
    expect(seat.candidate.role).toBe('pre-candidate')
    seat.hear([1], { generation: 6 })
    expect(seat.candidate.role).toBe('candidate')
    seat.hear([0, 1])
    expect([seat.candidate.role, seat.candidate.leads(seat.nowMs)]).toEqual(['elect', false])
    seat.hear([2, 1])
    expect([seat.candidate.role, seat.candidate.leads(seat.nowMs)]).toEqual(['leader', true])
    expect(seat.asked).toEqual(['pre-vote 0', 'vote 7', 'renew 7'])
    expect(seat.told).toEqual(['elected 7'])
    expect(seat.candidate.leader(0)).toEqual({ id: 'me', generation: 7 })
  })

  test('the same elector twice: counts once', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 0])
    expect(seat.candidate.role).toBe('pre-candidate')
  })

  test('answers to an older question: count for nothing', () => {
    const seat = new Seat()
    const first = seat.tick() as Ask
    seat.tick(10_000)
    seat.tick(20_000)
    seat.hearOf(first.attempt, 0)
    seat.hearOf(first.attempt, 1)
    expect(seat.candidate.role).toBe('pre-candidate')
  })

  test('a pre-vote that is refused by a quorum: raises no generation, and waits for the lease or half of its own', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1], { granted: false, leftMs: 200 })
    expect(seat.asked).toEqual(['pre-vote 0'])
    expect(seat.candidate.wakeAtMs).toBeGreaterThanOrEqual(200)
    expect(seat.candidate.wakeAtMs).toBeLessThan(200 + LEASE_MS / 4)
    const patient = new Seat()
    patient.tick()
    patient.hear([0, 1], { granted: false, leftMs: 900 })
    expect(patient.candidate.wakeAtMs).toBeLessThan(LEASE_MS / 2 + LEASE_MS / 4)
    expect(patient.candidate.wakeAtMs).toBeGreaterThanOrEqual(LEASE_MS / 2)
  })

  test('votes that elect nobody: the next attempts spread over up to a lease, until somebody leads', () => {
    const seat = new Seat()
    const waits: number[] = []
    for (let round = 0; round < 60; round++) {
      seat.tick(seat.candidate.wakeAtMs === -Infinity ? 0 : seat.candidate.wakeAtMs)
      seat.hear([0, 1])
      seat.hear([0, 1], { granted: false })
      expect(seat.candidate.role).toBe('follower')
      if (round >= 10) waits.push(seat.candidate.wakeAtMs - seat.nowMs)
    }
    expect(Math.max(...waits)).toBeGreaterThan(LEASE_MS / 2)
    expect(Math.max(...waits)).toBeLessThanOrEqual(LEASE_MS)
    seat.tick(seat.candidate.wakeAtMs)
    seat.hear([0, 1], { granted: false, generation: 99, led: { id: 'other', generation: 99 }, leftMs: 10 })
    expect(seat.candidate.wakeAtMs - seat.nowMs).toBeLessThanOrEqual(10 + LEASE_MS / 4)
  })

  test('a refused pre-vote that is granted later: is followed up soon', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1], { granted: false, leftMs: 900 })
    seat.hear([0], {}, 10)
    expect(seat.candidate.wakeAtMs).toBeLessThan(10 + 60)
    expect(seat.tick(seat.candidate.wakeAtMs)?.kind).toBe('pre-vote')
  })

  test('a refused pre-vote whose promise ends sooner: waits that long with a quorum of such answers, and not with one', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1], { granted: false, leftMs: 900 })
    const usualMs = seat.candidate.wakeAtMs
    seat.hear([2], { granted: false, leftMs: 900 }, 10)
    seat.hear([0], { granted: false, leftMs: 100 }, 10)
    expect(seat.candidate.wakeAtMs).toBe(usualMs)
    seat.hear([1], { granted: false, leftMs: 100 }, 20)
    expect(seat.candidate.wakeAtMs).toBeGreaterThanOrEqual(120)
    expect(seat.candidate.wakeAtMs).toBeLessThan(120 + 20)
  })

  test('votes that are refused, or do not come: are given back', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1])
    seat.hear([1, 2], { granted: false, leftMs: 500 })
    expect(seat.asked).toEqual(['pre-vote 0', 'vote 1', 'resign 1'])
    const silent = new Seat()
    silent.tick()
    silent.hear([0, 1])
    silent.tick(LEASE_MS)
    expect(silent.asked.at(-1)).toBe('resign 1')
    expect(silent.candidate.role).toBe('follower')
  })

  test('votes that it slept over: count for nothing, and are given back', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1])
    seat.hear([0])
    seat.hear([1], {}, seat.candidate.wakeAtMs)
    expect(seat.asked).toEqual(['pre-vote 0', 'vote 1', 'resign 1'])
    expect(seat.candidate.role).toBe('follower')
  })

  test('after a lost candidacy: the next generation is another one', () => {
    const seat = new Seat()
    seat.tick()
    seat.hear([0, 1])
    seat.tick(LEASE_MS)
    seat.tick(2 * LEASE_MS)
    seat.hear([0, 1], { generation: 0 })
    expect(seat.asked.at(-1)).toBe('vote 2')
  })
})

describe('leading', () => {
  test('a lease: lasts from when the renewal left, less the drift and a margin', () => {
    const seat = leading()
    expect(seat.candidate.leftMs(0)).toBeCloseTo(940)
    expect([939, 941].map((nowMs) => seat.candidate.leads(nowMs))).toEqual([true, false])
  })

  test('renewals: lengthen it from when they left, and only with a quorum', () => {
    const seat = leading()
    expect(seat.tick(400)?.kind).toBe('renew')
    seat.hear([0], {}, 600)
    expect(seat.candidate.leads(1000)).toBe(false)
    seat.hear([2], {}, 700)
    expect([1339, 1341].map((nowMs) => seat.candidate.leads(nowMs))).toEqual([true, false])
  })

  test('no quorum for a lease: it steps down by itself, and gives back what it has', () => {
    const seat = leading()
    seat.tick(400)
    seat.tick(941)
    expect(seat.told).toEqual(['elected 1', 'lost 1'])
    expect(seat.asked.at(-1)).toBe('resign 1')
    expect(seat.agenda.events.at(-1)).toMatchObject({ reason: 'quorum-lost' })
  })

  test('waking up after the lease: an answer that waited does not bring it back', () => {
    const seat = leading()
    seat.tick(400)
    seat.hear([0, 1], {}, 2000)
    expect(seat.candidate.leads(2000)).toBe(false)
    expect(seat.told).toEqual(['elected 1', 'lost 1'])
  })

  test('one elector that voted for another: changes nothing; two of three depose it', () => {
    const seat = leading()
    seat.tick(400)
    seat.hear([2], { granted: false, generation: 2 })
    expect(seat.candidate.leads(400)).toBe(true)
    seat.hear([1], { granted: false, generation: 2 })
    expect(seat.agenda.events.at(-1)).toMatchObject({ kind: 'lost', reason: 'deposed' })
  })

  test('resigning: tells it, stands back for a lease, and stands again', () => {
    const seat = leading()
    seat.candidate.resign(10, seat.agenda)
    expect(seat.candidate.leads(10)).toBe(false)
    expect(seat.agenda.events.at(-1)).toMatchObject({ kind: 'lost', reason: 'resigned' })
    expect([seat.asked.at(-1), seat.candidate.wakeAtMs]).toEqual(['resign 1', 10 + LEASE_MS])
  })

  test('retiring: is for good', () => {
    const seat = leading()
    seat.candidate.retire(10, seat.agenda)
    seat.tick(10_000)
    seat.hear([0, 1])
    expect([seat.candidate.role, seat.candidate.wakeAtMs]).toEqual(['retired', Infinity])
    expect(seat.agenda.events.at(-1)).toMatchObject({ kind: 'lost', reason: 'closed' })
  })
})

describe('fencing who led before', () => {
  const led = { id: 'old', generation: 3 }

  function elect(): Seat {
    const seat = new Seat({ fences: true })
    seat.tick()
    seat.hear([0, 1], { generation: 3, led })
    seat.hear([0, 1], { led })
    seat.hear([0, 1], { led })
    return seat
  }

  test('somebody led before: it does not lead until he is fenced and a quorum has that written down', () => {
    const seat = elect()
    expect(seat.agenda.events).toEqual([{ kind: 'fence', generation: 4, before: led }])
    expect(seat.candidate.leads(0)).toBe(false)
    seat.candidate.fenced(4, 0, seat.agenda)
    expect(seat.candidate.leads(0)).toBe(false)
    expect(seat.agenda.asks.at(-1)).toMatchObject({ kind: 'renew', acts: true })
    seat.hear([1, 2])
    expect(seat.candidate.leads(0)).toBe(true)
    expect(seat.told).toEqual(['fence 4', 'elected 4'])
  })

  test('a fence of an older generation: does not count', () => {
    const seat = elect()
    seat.candidate.fenced(3, 0, seat.agenda)
    expect(seat.agenda.asks.at(-1)).toMatchObject({ kind: 'renew', acts: false })
  })

  test('while it is under way: the seat is kept, and lost with the quorum', () => {
    const seat = elect()
    expect(seat.tick(400)).toMatchObject({ kind: 'renew', acts: false })
    seat.tick(941)
    expect(seat.candidate.role).toBe('follower')
    expect(seat.told).toEqual(['fence 4'])
  })

  test('nobody led before, or this seat itself: nobody has to be fenced', () => {
    expect(leading({ fences: true }).told).toEqual(['elected 1'])
    const seat = leading({ fences: true })
    seat.tick(941)
    seat.tick(941 + LEASE_MS)
    const mine = { led: { id: 'me', generation: 1 } }
    for (let question = 0; question < 3; question++) seat.hear([0, 1], mine)
    expect(seat.told).toEqual(['elected 1', 'lost 1', 'elected 2'])
  })
})

describe('lease arithmetic', () => {
  test('of several renewals: the newest that a quorum granted counts', () => {
    expect(leaseFromMs([5, 3, 1], MAJORITY)).toBe(3)
    expect(leaseFromMs([5, -Infinity, -Infinity], MAJORITY)).toBe(-Infinity)
  })

  test('a quorum is free: when the second of three is', () => {
    expect(quorumFreeAtMs([50, 30, 10], MAJORITY)).toBe(30)
    expect(quorumFreeAtMs([50, -Infinity, -Infinity], MAJORITY)).toBe(-Infinity)
  })
})

describe('looking on', () => {
  const NOTHING = { generation: 0, led: undefined, leftMs: 0 }

  test('an observer: asks each elector again a while after it answered, or was asked in vain', () => {
    const observer = new Observer({ electors: 2, everyMs: 100 })
    expect(observer.due(0)).toBe(0b11)
    observer.heard(0, NOTHING, 30)
    expect([observer.wakeAtMs, observer.due(99), observer.due(100), observer.due(130)]).toEqual([100, 0, 0b10, 0b01])
  })

  test('an observer in a hurry: asks who has answered again soon, and waits for who has not', () => {
    const observer = new Observer({ electors: 2, everyMs: 100 })
    observer.due(0)
    observer.heard(0, NOTHING, 10)
    observer.hasten(20)
    expect([observer.wakeAtMs, observer.due(30)]).toEqual([30, 0b01])
    // It was in a hurry for that look alone.
    observer.heard(0, NOTHING, 40)
    expect([observer.due(60), observer.due(100), observer.due(140)]).toEqual([0, 0b10, 0b01])
  })

  test('an observer: what an elector told somebody else in this process need not be asked for', () => {
    const observer = new Observer({ electors: 1, everyMs: 100 })
    observer.due(0)
    observer.heard(0, NOTHING, 10)
    observer.heard(0, NOTHING, 90)
    expect([observer.due(110), observer.due(190)]).toEqual([0, 1])
  })

  test('an observer: tells each change once, the highest generation that is promised, and when nobody leads', () => {
    const observer = new Observer({ electors: 2, everyMs: 100 })
    const old = { id: 'old', generation: 1 }
    const young = { id: 'young', generation: 2 }
    observer.heard(0, { generation: 1, led: old, leftMs: 500 }, 0)
    expect(observer.change(0)).toEqual({ kind: 'leader', leader: old, before: undefined })
    expect(observer.change(0)).toBeUndefined()
    observer.heard(1, { generation: 2, led: young, leftMs: 300 }, 100)
    expect(observer.change(100)).toEqual({ kind: 'leader', leader: young, before: old })
    observer.heard(1, { generation: 3, led: young, leftMs: 300 }, 200)
    expect(observer.leader(200)).toEqual(old)
    expect(observer.leader(500)).toBeUndefined()
    expect(observer.change(500)).toEqual({ kind: 'leader', leader: undefined, before: young })
  })
})
