/** The acceptor of one register, and many of them against a proposer that obeys the rules. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBallots, NO_BALLOT, type Ballot } from '../../../src/core/base/ballot.ts'
import {
  accept,
  EMPTY_REGISTER,
  isStuck,
  prepare,
  takeOver,
  type Transition,
} from '../../../src/core/consensus/acceptor.ts'
import { BallotSource } from '../../../src/core/consensus/ballot-source.ts'
import { UNWRITTEN, withChange } from '../../../src/core/consensus/register-state.ts'
import type { RegisterRecord, RegisterState } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'

const ballot = (counter: number, proposer = 1, step = 0): Ballot => ({ counter, proposer, step })
const stateOf = (op: number): RegisterState => withChange(UNWRITTEN, new Uint8Array([op]), { op, at: op })

function recordOf(transition: Transition): RegisterRecord {
  if (transition.kind === 'preempted') throw new Error('preempted')
  return transition.record
}

describe('ballots', () => {
  test('are ordered by counter, then proposer, then step', () => {
    const rising = [NO_BALLOT, ballot(1, 1), ballot(1, 1, 1), ballot(1, 2), ballot(2, 1), ballot(10, 0)]
    for (const [i, a] of rising.entries()) {
      for (const [j, b] of rising.entries()) expect(Math.sign(compareBallots(a, b))).toBe(Math.sign(i - j))
    }
  })

  test('a source: rises above whatever it saw, in whatever order it saw it', () => {
    holds(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), (seen) => {
        const source = new BallotSource(7)
        let last = source.next()
        for (const counter of seen) {
          source.observe({ counter })
          const next = source.next()
          expect(compareBallots(next, last)).toBeGreaterThan(0)
          expect(next.counter).toBeGreaterThan(counter)
          expect(next.proposer).toBe(7)
          last = next
        }
      }),
    )
  })
})

describe('acceptor', () => {
  test('a promise: keeps lower ballots out of both phases, and lets its own and higher ones in', () => {
    const record = recordOf(prepare(EMPTY_REGISTER, ballot(5)))
    expect(record).toEqual({ ...EMPTY_REGISTER, promised: ballot(5) })
    expect(prepare(record, ballot(4))).toEqual({ kind: 'preempted', promised: ballot(5) })
    const low = { ballot: ballot(4), state: stateOf(1) }
    expect(accept(record, low)).toEqual({ kind: 'preempted', promised: ballot(5) })
    const own = recordOf(accept(record, { ballot: ballot(5), state: stateOf(2) }))
    expect(own).toMatchObject({ promised: ballot(5), accepted: ballot(5), state: stateOf(2) })
    const high = recordOf(accept(own, { ballot: ballot(9), state: stateOf(3) }))
    expect(high).toMatchObject({ promised: ballot(9), accepted: ballot(9) })
    expect(prepare(high, ballot(8)).kind).toBe('preempted')
  })

  test('asked twice: nothing more happens', () => {
    const promised = recordOf(prepare(EMPTY_REGISTER, ballot(5)))
    expect(prepare(promised, ballot(5))).toEqual({ kind: 'same', record: promised })
    const accepted = recordOf(accept(promised, { ballot: ballot(5), state: stateOf(1) }))
    expect(accept(accepted, { ballot: ballot(5), state: stateOf(1) })).toEqual({ kind: 'same', record: accepted })
  })

  test('a floor: counts like a promise of the register itself, and keeps no copy of others out', () => {
    const floor = ballot(7)
    expect(prepare(EMPTY_REGISTER, ballot(6), floor)).toEqual({ kind: 'preempted', promised: floor })
    expect(accept(EMPTY_REGISTER, { ballot: ballot(6), state: stateOf(1) }, floor).kind).toBe('preempted')
    expect(prepare(EMPTY_REGISTER, ballot(7, 1, 0), floor).kind).toBe('changed')
    const first = { ballot: ballot(7, 1, 3), state: stateOf(1) }
    const accepted = recordOf(accept(EMPTY_REGISTER, first, floor))
    expect(accepted).toMatchObject({ promised: first.ballot, accepted: first.ballot })
    // A leader's steps rise, so what it asked for earlier never takes the place of what came after it.
    expect(accept(accepted, { ballot: ballot(7, 1, 2), state: stateOf(2) }, floor).kind).toBe('preempted')
    expect(accept(accepted, first, floor)).toEqual({ kind: 'same', record: accepted })
    expect(accept(accepted, first, ballot(8)).kind).toBe('preempted')
  })

  test('taking over: what is higher and not below the promise; the promise of the other stays behind', () => {
    const from = { ...EMPTY_REGISTER, promised: ballot(9), accepted: ballot(5), state: stateOf(1) }
    const taken = takeOver(EMPTY_REGISTER, from)
    expect(taken).toEqual({ kind: 'register', promised: ballot(5), accepted: ballot(5), state: stateOf(1) })
    expect(takeOver(taken, from)).toBe(taken)
    const further = recordOf(accept(taken, { ballot: ballot(6), state: stateOf(2) }))
    expect(takeOver(further, from)).toBe(further)
    expect(isStuck(further, from)).toBe(false)
    const promised = recordOf(prepare(EMPTY_REGISTER, ballot(6)))
    expect(takeOver(promised, from)).toBe(promised)
    expect(isStuck(promised, from)).toBe(true)
    expect(isStuck(EMPTY_REGISTER, from)).toBe(false)
  })
})

/** A proposer that is somewhere in its round. */
interface Round {
  readonly ballot: Ballot
  readonly op: number
  readonly promises: Map<number, RegisterRecord>
  state: RegisterState | undefined
  readonly acceptances: Set<number>
}

type Action =
  | { readonly kind: 'begin'; readonly proposer: number }
  | { readonly kind: 'prepare' | 'accept'; readonly round: number; readonly at: number }
  | { readonly kind: 'heal'; readonly from: number; readonly to: number }

const ACCEPTORS = 5

/** Any order of phases at any acceptors, each maybe twice or late, and copies that travel between acceptors. */
class Play {
  readonly acceptors: RegisterRecord[] = Array.from({ length: ACCEPTORS }, () => EMPTY_REGISTER)
  readonly rounds: Round[] = []
  /** What was accepted by a phase-2 quorum at some time. */
  readonly chosen = new Map<Round, true>()
  readonly #accepted = new Map<Round, Set<number>>()
  readonly #sources = [new BallotSource(1), new BallotSource(2), new BallotSource(3)]
  readonly #phase1: number
  readonly #heals: (record: RegisterRecord, from: RegisterRecord) => RegisterRecord

  constructor(phase1: number, heals: (record: RegisterRecord, from: RegisterRecord) => RegisterRecord = takeOver) {
    this.#phase1 = phase1
    this.#heals = heals
  }

  act(action: Action): void {
    if (action.kind === 'begin') {
      const source = this.#sources[action.proposer] as BallotSource
      const op = this.rounds.length + 1
      this.rounds.push({
        ballot: source.next(),
        op,
        promises: new Map(),
        state: undefined,
        acceptances: new Set(),
      })
    } else if (action.kind === 'heal') {
      const before = this.acceptors[action.to] as RegisterRecord
      this.#store(action.to, this.#heals(before, this.acceptors[action.from] as RegisterRecord))
    } else if (this.rounds.length > 0) {
      const round = this.rounds[action.round % this.rounds.length] as Round
      if (action.kind === 'prepare') this.#prepare(round, action.at)
      else if (round.state !== undefined) this.#accept(round, round.state, action.at)
    }
  }

  #prepare(round: Round, at: number): void {
    const transition = prepare(this.acceptors[at] as RegisterRecord, round.ballot)
    if (transition.kind === 'preempted') {
      for (const source of this.#sources) source.observe(transition.promised)
      return
    }
    this.#store(at, transition.record)
    if (round.state !== undefined) return
    round.promises.set(at, transition.record)
    if (round.promises.size < this.#phase1) return
    let found = EMPTY_REGISTER
    for (const record of round.promises.values()) {
      if (compareBallots(record.accepted, found.accepted) > 0) found = record
    }
    round.state = withChange(found.state, new Uint8Array([round.op]), { op: round.op, at: round.op })
  }

  #accept(round: Round, state: RegisterState, at: number): void {
    const transition = accept(this.acceptors[at] as RegisterRecord, { ballot: round.ballot, state })
    if (transition.kind !== 'preempted') this.#store(at, transition.record)
  }

  #store(at: number, record: RegisterRecord): void {
    this.acceptors[at] = record
    const round = this.rounds.find((other) => compareBallots(other.ballot, record.accepted) === 0)
    if (round === undefined) return
    const holders = this.#accepted.get(round) ?? new Set()
    this.#accepted.set(round, holders.add(at))
    if (holders.size >= ACCEPTORS + 1 - this.#phase1) this.chosen.set(round, true)
  }

  /** Whether each chosen state builds on the chosen one before it. */
  get isChain(): boolean {
    const rounds = [...this.chosen.keys()].toSorted((a, b) => compareBallots(a.ballot, b.ballot))
    return rounds.every((round, i) => {
      const before = rounds[i - 1]
      return before === undefined || round.state?.operations.includes(before.op) === true
    })
  }
}

const at = fc.integer({ min: 0, max: ACCEPTORS - 1 })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('begin' as const), proposer: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('prepare' as const, 'accept' as const),
      round: fc.integer({ min: 0, max: 5 }),
      at,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heal' as const), from: at, to: at }) },
)
const plays = fc.tuple(fc.constantFrom(1, 2, 3, 4, 5), fc.array(action, { minLength: 30, maxLength: 150, size: 'max' }))

describe('acceptors and proposers', () => {
  test('in any order of messages and copies, with any quorums that meet: what is chosen builds on what was chosen', () => {
    let chosen = 0
    holds(
      fc.property(plays, ([phase1, actions]) => {
        const play = new Play(phase1)
        for (const one of actions) play.act(one)
        chosen += play.chosen.size
        expect(play.isChain).toBe(true)
      }),
      { numRuns: 4_000 },
    )
    expect(chosen).toBeGreaterThan(1_500)
  })

  test('vacuity: an acceptor that takes copies over in spite of its promise breaks the chain', () => {
    const anyway = (record: RegisterRecord, from: RegisterRecord): RegisterRecord => {
      return compareBallots(from.accepted, record.accepted) > 0
        ? { ...record, accepted: from.accepted, state: from.state }
        : record
    }
    const broken = fc.property(plays, ([phase1, actions]) => {
      const play = new Play(phase1, anyway)
      for (const one of actions) play.act(one)
      return play.isChain
    })
    expect(fc.check(broken, { seed: 20_071_014, numRuns: 20_000 }).failed).toBe(true)
  })
})
