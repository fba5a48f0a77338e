/**
 * Acceptors that lose their disks at any moment, and rounds and reads whose messages come at any later one: the rules of
 * consensus/acceptor.ts and replica-rebirth.ts alone, without clocks, so that nothing is safe because it takes long.
 *
 * A value is the list of the operations that were applied, one byte each. Whatever was acknowledged or read has to be a
 * prefix of all that is acknowledged or read by whoever begins later, or the other way round.
 */
import { compareBallots, higherBallot, isSameBallot, NO_BALLOT, type Ballot } from '../../src/core/base/ballot.ts'
import type { Random } from '../../src/core/base/random.ts'
import { joinBirths, NO_BIRTHS, type Births } from '../../src/core/births.ts'
import { accept, EMPTY_REGISTER, prepare, takeOver } from '../../src/core/consensus/acceptor.ts'
import { UNWRITTEN } from '../../src/core/consensus/register-state.ts'
import type { AcceptorTold } from '../../src/core/message.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { count } from '../../src/core/quorum/quorum.ts'
import type { RegisterRecord, RegisterState } from '../../src/core/record.ts'
import { Floor } from '../../src/core/replica-floor.ts'
import { Rebirth } from '../../src/core/replica-rebirth.ts'
import { OWN_KEYSPACE } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'

/** A rule that is left out. */
export type Omission = 'births' | 'exchange' | 'few-witnesses'

export interface Setting {
  readonly acceptors: number
  readonly phase1: number
  readonly phase2: number
  readonly omits?: Omission
}

const PROPOSERS = 3
const STEPS = 700
const KEYSPACE = 1
/** Messages that come next, in any order. */
const NEWEST = 8

/** A message; a question of a round or a read goes to an acceptor, anything else has -1. */
interface Letter {
  readonly to: number
  readonly arrive: () => void
}

interface Acceptor {
  incarnation: number
  record: RegisterRecord
  rebirth: Rebirth
  isLost: boolean
  /** By member: what it told when it kept the birth, and in which life. */
  readonly kept: Map<number, { readonly incarnation: number; readonly told: AcceptorTold }>
}

/** A round, or a read; over once it is won or lost. */
interface Attempt {
  readonly births: Births
  readonly ballot: Ballot
  /** So much was observed when it began. */
  readonly after: number
  readonly isRead: boolean
  stage: 'first' | 'second' | 'over'
  answered: number
  found: { ballot: Ballot; state: RegisterState }
  promised: Ballot
  /** Who told of which ballot. */
  readonly told: Ballot[]
}

export class RebirthModel {
  readonly problems: string[] = []
  wipes = 0
  returns = 0
  observed: readonly number[] = []
  readonly #random: Random
  readonly #setting: Setting
  readonly #acceptors: Acceptor[] = []
  readonly #mail: Letter[] = []
  /** Acceptors to which no rounds and reads come for now, as a set. */
  #cut = 0
  readonly #known: Births[] = Array.from({ length: PROPOSERS }, () => NO_BIRTHS)
  readonly #counters: number[] = Array.from({ length: PROPOSERS }, () => 0)
  #incarnations = 0
  #operations = 0

  constructor(random: Random, setting: Setting) {
    this.#random = random
    this.#setting = setting
    for (let index = 0; index < setting.acceptors; index++) this.#acceptors.push(this.#born(index))
  }

  play(): void {
    for (let step = 0; step < STEPS; step++) this.#next()
    this.#cut = 0
    while (this.#mail.length > 0) this.#deliver()
  }

  #next(): void {
    const choice = this.#random.fraction()
    if (choice < 0.04) this.#begin(this.#random.below(PROPOSERS), this.#random.chance(0.4))
    else if (choice < 0.05) this.#wipe()
    else if (choice < 0.15) this.#ask(this.#random.below(this.#acceptors.length))
    else if (choice < 0.17) this.#copy()
    else if (choice < 0.2) this.#cut = this.#random.below(1 << this.#acceptors.length)
    else if (choice < 0.205 && this.#mail.length > 0) this.#mail.splice(this.#random.below(this.#mail.length), 1)
    else this.#deliver()
  }

  #deliver(): void {
    if (this.#mail.length === 0) return
    // Most come soon; some stay behind for long.
    const { length } = this.#mail
    const newest = this.#random.chance(0.95) ? Math.min(length, NEWEST) : length
    const at = length - 1 - this.#random.below(newest)
    const { to, arrive } = this.#mail[at] as Letter
    if (to >= 0 && this.#cut & (1 << to)) return
    // Some come twice.
    if (!this.#random.chance(0.05)) this.#mail.splice(at, 1)
    arrive()
  }

  #send(to: number, arrive: () => void): void {
    this.#mail.push({ to, arrive })
  }

  #born(index: number): Acceptor {
    const ids = Array.from({ length: this.#setting.acceptors }, (_, member) => ({ id: `${member}`, zone: '' }))
    const floor = new Floor(OWN_KEYSPACE)
    const incarnation = ++this.#incarnations
    const rebirth = new Rebirth({
      index,
      life: { incarnation, run: incarnation },
      membership: membershipOf(ids),
      floor,
      ownKeyspace: OWN_KEYSPACE,
    })
    return { incarnation, record: EMPTY_REGISTER, rebirth, isLost: false, kept: new Map() }
  }

  /** As many at once as leave quorums. */
  #wipe(): void {
    const { acceptors, phase1, phase2 } = this.#setting
    const index = this.#random.below(acceptors)
    const others = this.#acceptors.filter((acceptor, other) => other !== index && acceptor.isLost).length
    if (others >= acceptors - Math.max(phase1, phase2)) return
    const born = this.#born(index)
    born.isLost = true
    born.rebirth.begin(1, new Step())
    this.#acceptors[index] = born
    this.wipes++
  }

  /** One that is lost asks one of the others to be its witness. */
  #ask(index: number): void {
    const asker = this.#acceptors[index] as Acceptor
    if (!asker.isLost) return
    const member = (index + 1 + this.#random.below(this.#acceptors.length - 1)) % this.#acceptors.length
    const { incarnation } = asker
    const { birth } = asker.rebirth
    this.#send(-1, () => this.#asked(index, { incarnation, birth }, member))
  }

  #asked(index: number, announced: { readonly incarnation: number; readonly birth: number }, member: number): void {
    const peer = this.#acceptors[member] as Acceptor
    const kept = peer.rebirth.note(index, announced, new Step())
    const told = peer.rebirth.tell({ abstains: peer.isLost ? [KEYSPACE] : [], kept, lives: [] })
    const { incarnation } = peer
    this.#send(-1, () => {
      const asker = this.#acceptors[index] as Acceptor
      if (asker.incarnation !== announced.incarnation || asker.rebirth.birth !== announced.birth) return
      const above = asker.rebirth.missed(told)
      if (above > 0) {
        asker.rebirth.begin(above, new Step())
        asker.kept.clear()
        asker.isLost = true
      } else if (told.kept === asker.rebirth.birth && told.abstains.length === 0)
        this.#kept(index, member, { incarnation, told })
    })
  }

  /** The other one has kept the birth: an exchange begins. */
  #kept(index: number, member: number, kept: { readonly incarnation: number; readonly told: AcceptorTold }): void {
    const { omits } = this.#setting
    const asker = this.#acceptors[index] as Acceptor
    const { incarnation } = asker
    const { birth } = asker.rebirth
    this.#send(-1, () => {
      const peer = this.#acceptors[member] as Acceptor
      if (peer.isLost || peer.incarnation !== kept.incarnation) return
      const copy = peer.record
      this.#send(-1, () => {
        const back = this.#acceptors[index] as Acceptor
        if (back.incarnation !== incarnation || back.rebirth.birth !== birth) return
        if (omits !== 'exchange') back.record = takeOver(back.record, copy)
        back.rebirth.witnessed(member, kept.told, new Step())
        if (!back.isLost || !this.#isWitnessed(back.rebirth.witnessesOf(KEYSPACE))) return
        back.isLost = false
        this.returns++
      })
    })
  }

  #isWitnessed(members: number): boolean {
    const { acceptors, phase1, phase2, omits } = this.#setting
    const witnesses = count(members)
    if (omits === 'few-witnesses') return witnesses > 0
    return 2 * witnesses > acceptors - 1 && acceptors - witnesses < Math.min(phase1, phase2)
  }

  /** An exchange between two that vote. */
  #copy(): void {
    const [from, to] = [this.#random.below(this.#acceptors.length), this.#random.below(this.#acceptors.length)]
    const { record } = this.#acceptors[from] as Acceptor
    this.#send(-1, () => {
      const acceptor = this.#acceptors[to] as Acceptor
      acceptor.record = takeOver(acceptor.record, record)
    })
  }

  #begin(proposer: number, isRead: boolean): void {
    const births = this.#known[proposer] as Births
    const counter = (this.#counters[proposer] as number) + 1 + this.#random.below(3)
    this.#counters[proposer] = counter
    const attempt: Attempt = {
      births,
      ballot: { counter, proposer: proposer + 1, step: 0 },
      after: this.observed.length,
      isRead,
      stage: 'first',
      answered: 0,
      found: { ballot: NO_BALLOT, state: UNWRITTEN },
      promised: NO_BALLOT,
      told: [],
    }
    for (let index = 0; index < this.#acceptors.length; index++) this.#send(index, () => this.#first(index, attempt))
  }

  /** What an acceptor would answer to a round that knows these births; nothing where it does not. */
  #voter(index: number, { births, ballot }: Attempt): Acceptor | undefined {
    const acceptor = this.#acceptors[index] as Acceptor
    if (acceptor.isLost) return undefined
    const isOutdated = acceptor.rebirth.isOutdated(births)
    if (!isOutdated || this.#setting.omits === 'births') return acceptor
    const news = acceptor.rebirth.births
    const proposer = ballot.proposer - 1
    this.#send(-1, () => (this.#known[proposer] = joinBirths(this.#known[proposer] as Births, news)))
    return undefined
  }

  #first(index: number, attempt: Attempt): void {
    const acceptor = this.#voter(index, attempt)
    if (acceptor === undefined) return
    if (attempt.isRead) {
      const { accepted, state } = acceptor.record
      const promised = acceptor.rebirth.promisedOf(acceptor.record)
      this.#send(-1, () => this.#told(index, { accepted, state, promised }, attempt))
      return
    }
    acceptor.rebirth.promise(attempt.ballot, new Step())
    const after = prepare(acceptor.record, attempt.ballot, acceptor.rebirth.floor)
    if (after.kind === 'preempted') return this.#preempted(after.promised, attempt)
    acceptor.record = after.record
    const { accepted, state } = after.record
    this.#send(-1, () => this.#promised(index, { accepted, state }, attempt))
  }

  #preempted({ counter }: Ballot, { ballot }: Attempt): void {
    const proposer = ballot.proposer - 1
    this.#send(-1, () => (this.#counters[proposer] = Math.max(this.#counters[proposer] as number, counter)))
  }

  #promised(
    index: number,
    { accepted, state }: { readonly accepted: Ballot; readonly state: RegisterState },
    attempt: Attempt,
  ): void {
    if (attempt.stage !== 'first') return
    attempt.answered |= 1 << index
    if (compareBallots(accepted, attempt.found.ballot) > 0) attempt.found = { ballot: accepted, state }
    if (count(attempt.answered) < this.#setting.phase1) return
    const before = attempt.found.state
    const value = Uint8Array.of(...(before.value ?? []), ++this.#operations % 256)
    this.#second(attempt, { ballot: attempt.ballot, state: { ...before, value, revision: before.revision + 1 } }, 0)
  }

  /** Of a read. What has been promised above what was accepted ends it: the store would begin a round. */
  #told(
    index: number,
    fact: { readonly accepted: Ballot; readonly state: RegisterState; readonly promised: Ballot },
    attempt: Attempt,
  ): void {
    if (attempt.stage !== 'first') return
    const { phase1, phase2 } = this.#setting
    attempt.answered |= 1 << index
    attempt.told[index] = fact.accepted
    attempt.promised = higherBallot(attempt.promised, fact.promised)
    if (compareBallots(fact.accepted, attempt.found.ballot) > 0) {
      attempt.found = { ballot: fact.accepted, state: fact.state }
    }
    if (count(attempt.answered) < Math.max(phase1, phase2)) return
    if (compareBallots(attempt.promised, attempt.found.ballot) > 0) attempt.stage = 'over'
    else if (isSameBallot(attempt.found.ballot, NO_BALLOT)) this.#observe(UNWRITTEN, attempt)
    else {
      let holders = 0
      for (const [at, ballot] of attempt.told.entries()) {
        if (ballot !== undefined && isSameBallot(ballot, attempt.found.ballot)) holders |= 1 << at
      }
      this.#second(attempt, attempt.found, holders)
    }
  }

  #second(
    attempt: Attempt,
    proposed: { readonly ballot: Ballot; readonly state: RegisterState },
    holders: number,
  ): void {
    attempt.stage = 'second'
    attempt.answered = holders
    this.#counted(attempt, proposed.state)
    for (let index = 0; index < this.#acceptors.length; index++) {
      if (holders & (1 << index)) continue
      this.#send(index, () => {
        const acceptor = this.#voter(index, attempt)
        if (acceptor === undefined) return
        acceptor.rebirth.promise(proposed.ballot, new Step())
        const after = accept(acceptor.record, proposed, acceptor.rebirth.floor)
        if (after.kind === 'preempted') return this.#preempted(after.promised, attempt)
        acceptor.record = after.record
        this.#send(-1, () => {
          attempt.answered |= 1 << index
          this.#counted(attempt, proposed.state)
        })
      })
    }
  }

  #counted(attempt: Attempt, state: RegisterState): void {
    if (attempt.stage === 'second' && count(attempt.answered) >= this.#setting.phase2) this.#observe(state, attempt)
  }

  #observe({ value }: RegisterState, attempt: Attempt): void {
    attempt.stage = 'over'
    const state = [...(value ?? [])]
    const common = Math.min(state.length, this.observed.length)
    if (state.length < attempt.after) this.problems.push(`${state.length} are fewer than ${attempt.after}`)
    for (let at = 0; at < common; at++) {
      if (state[at] === this.observed[at]) continue
      this.problems.push(`[${state.join(' ')}] and [${this.observed.join(' ')}]`)
      break
    }
    if (state.length > this.observed.length) this.observed = state
  }
}
