/**
 * Electors and contenders of one group in a small world of their own: random delays, losses, copies, restarts and
 * pauses, every clock at its own rate. An observer with the true time looks after each event whether two lead.
 */
import { Random } from '../../../src/core/base/random.ts'
import { Candidate, SeatAgenda, type SeatEvent } from '../../../src/core/consensus/candidate.ts'
import { Elector, type Ruling } from '../../../src/core/consensus/elector.ts'
import type { GroupRecord } from '../../../src/core/consensus/group.ts'
import { electorMs } from '../../../src/core/consensus/lease.ts'
import { CountQuorum, firstPositions, majorityOf } from '../../../src/core/quorum/quorum.ts'

export interface PlaySetting {
  readonly seed: number
  readonly electors: number
  readonly contenders: number
  readonly drift: number
  /** Clocks run between `1 - spread` and `1 + spread`. */
  readonly spread: number
  readonly lossRate: number
  /** Electors restart, contenders pause. */
  readonly isRough: boolean
  /** What is done wrongly on purpose. */
  readonly wrong?: 'vote-not-kept' | 'no-wait-after-restart'
}

export interface PlayResult {
  readonly elected: number
  readonly generations: readonly number[]
  /** Moments at which two led. */
  readonly overlaps: number
  /** Generations with two leaders. */
  readonly doubles: number
  /** Elections after which somebody who had led could still have acted, because nobody had fenced him. */
  readonly unfenced: number
}

const LEASE_MS = 1000
const END_MS = 30_000

interface Clock {
  readonly startMs: number
  readonly rate: number
}

interface Event {
  readonly atMs: number
  readonly run: () => void
}

interface Contender {
  readonly seat: Candidate
  readonly clock: Clock
  readonly holder: string
  readonly proposer: number
  pausedUntilMs: number
  wakesAtMs: number
}

type FenceEvent = Extract<SeatEvent, { kind: 'fence' }>

interface Voter {
  elector: Elector
  record: GroupRecord | undefined
  clock: Clock
}

class Play {
  readonly #setting: PlaySetting
  readonly #random: Random
  readonly #queue: Event[] = []
  readonly #voters: Voter[]
  readonly #contenders: Contender[]
  #nowMs = 0
  #overlaps = 0
  #unfenced = 0
  /** By holder: up to which generation he is fenced. */
  readonly #fences = new Map<string, number>()
  readonly #leaders: { generation: number; holder: string }[] = []

  constructor(setting: PlaySetting) {
    this.#setting = setting
    this.#random = new Random(setting.seed)
    const quorum = new CountQuorum(majorityOf(setting.electors), firstPositions(setting.electors))
    this.#voters = Array.from({ length: setting.electors }, () => {
      const clock = this.#clock()
      const elector = new Elector({ drift: setting.drift, nowMs: 0, waitMs: 0 })
      return { elector, record: undefined, clock }
    })
    this.#contenders = Array.from({ length: setting.contenders }, (_, index) => {
      const holder = `h${index}`
      const proposer = index + 1
      const { electors, drift } = setting
      const shared = { electors, electing: quorum, granting: quorum, leaseMs: LEASE_MS, drift }
      const seat = new Candidate({
        ...shared,
        fences: setting.wrong === undefined,
        holder,
        proposer,
        random: this.#random.fork(),
      })
      return { seat, clock: this.#clock(), holder, proposer, pausedUntilMs: 0, wakesAtMs: Infinity }
    })
  }

  play(): PlayResult {
    for (const contender of this.#contenders) this.#after(0, () => this.#tick(contender))
    if (this.#setting.isRough) this.#after(500, () => this.#fault())
    while (this.#nowMs < END_MS) {
      let next = 0
      for (let i = 1; i < this.#queue.length; i++) {
        if ((this.#queue[i] as Event).atMs < (this.#queue[next] as Event).atMs) next = i
      }
      const [event] = this.#queue.splice(next, 1)
      if (event === undefined) break
      this.#nowMs = event.atMs
      event.run()
      this.#look()
    }
    const generations = this.#leaders.map(({ generation }) => generation)
    const doubles = generations.length - new Set(generations).size
    const { length: elected } = generations
    return { elected, generations, overlaps: this.#overlaps, doubles, unfenced: this.#unfenced }
  }

  #look(): void {
    const leading = this.#contenders.filter(({ seat, clock }) => seat.leads(this.#local(clock)))
    if (leading.length > 1) this.#overlaps++
  }

  #clock(): Clock {
    const { spread } = this.#setting
    return { startMs: this.#random.below(100_000), rate: 1 - spread + 2 * spread * this.#random.fraction() }
  }

  #local({ startMs, rate }: Clock): number {
    return startMs + this.#nowMs * rate
  }

  #after(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + ms, run })
  }

  #tick(contender: Contender): void {
    if (this.#nowMs < contender.pausedUntilMs) {
      this.#after(contender.pausedUntilMs - this.#nowMs, () => this.#tick(contender))
      return
    }
    const agenda = new SeatAgenda()
    contender.seat.tick(this.#local(contender.clock), agenda)
    this.#carryOut(contender, agenda)
  }

  #isFenced({ holder, generation }: { holder: string; generation: number }): boolean {
    return generation <= (this.#fences.get(holder) ?? 0)
  }

  /** The fence holds, whatever becomes of the one who asked for it. */
  #fenced(contender: Contender, { generation, before }: FenceEvent): void {
    this.#fences.set(before.id, before.generation)
    const agenda = new SeatAgenda()
    contender.seat.fenced(generation, this.#local(contender.clock), agenda)
    this.#carryOut(contender, agenda)
  }

  #carryOut(contender: Contender, agenda: SeatAgenda): void {
    const { seat, clock, holder, proposer } = contender
    for (const event of agenda.events) {
      if (event.kind === 'fence') this.#after(this.#random.below(300), () => this.#fenced(contender, event))
      if (event.kind !== 'elected') continue
      if (this.#leaders.some((led) => led.holder !== holder && !this.#isFenced(led))) this.#unfenced++
      this.#leaders.push({ generation: event.generation, holder })
    }
    for (const { kind, generation, acts, attempt } of agenda.asks) {
      for (let position = 0; position < this.#voters.length; position++) {
        const asked = { generation, acts, proposer, holder, leaseMs: LEASE_MS }
        this.#send(() => this.#serve(position, { kind, ...asked }, { contender, attempt }))
      }
    }
    if (seat.wakeAtMs >= contender.wakesAtMs && contender.wakesAtMs > this.#local(clock)) return
    contender.wakesAtMs = seat.wakeAtMs
    if (seat.wakeAtMs === Infinity) return
    this.#after(Math.max(0, (seat.wakeAtMs - this.#local(clock)) / clock.rate) + 0.01, () => {
      contender.wakesAtMs = Infinity
      this.#tick(contender)
    })
  }

  #send(arrive: () => void): void {
    const { lossRate, isRough } = this.#setting
    const random = this.#random
    const delay = (): number => (isRough && random.chance(0.05) ? random.below(1500) : 0.1 + random.fraction() * 20)
    if (!random.chance(lossRate)) this.#after(delay(), arrive)
    if (random.chance(lossRate / 2)) this.#after(delay() + random.below(3000), arrive)
  }

  #serve(
    position: number,
    asked: { kind: string; generation: number; acts: boolean; proposer: number; holder: string; leaseMs: number },
    back: { contender: Contender; attempt: number },
  ): void {
    const voter = this.#voters[position] as Voter
    const nowMs = this.#local(voter.clock)
    const { elector, record } = voter
    let ruling: Ruling = { granted: false }
    if (asked.kind === 'resign') {
      elector.resign(asked, record, nowMs)
      return
    }
    if (asked.kind === 'pre-vote') ruling = { granted: elector.would(asked, record, nowMs) }
    else ruling = asked.kind === 'vote' ? elector.vote(asked, record, nowMs) : elector.renew(asked, record, nowMs)
    if (ruling.write !== undefined) voter.record = ruling.write
    const { generation = 0, led } = voter.record ?? {}
    const said = { granted: ruling.granted, generation, led, leftMs: elector.leftMs(nowMs) }
    const { contender, attempt } = back
    const arrive = (): void => {
      if (this.#nowMs < contender.pausedUntilMs) {
        this.#after(contender.pausedUntilMs - this.#nowMs, arrive)
        return
      }
      const agenda = new SeatAgenda()
      contender.seat.answered(position, attempt, said, { nowMs: this.#local(contender.clock), agenda })
      this.#carryOut(contender, agenda)
    }
    this.#send(arrive)
  }

  #fault(): void {
    const random = this.#random
    if (random.chance(0.5)) {
      const contender = random.pick(this.#contenders)
      contender.pausedUntilMs = this.#nowMs + random.below(3 * LEASE_MS)
    } else {
      this.#restart(random.pick(this.#voters))
    }
    this.#after(random.below(2000), () => this.#fault())
  }

  #restart(voter: Voter): void {
    const { wrong, drift } = this.#setting
    if (wrong === 'vote-not-kept') voter.record = undefined
    voter.clock = { ...this.#clock(), startMs: this.#random.below(100_000) - this.#nowMs }
    const waitMs = wrong === 'no-wait-after-restart' ? 0 : electorMs(voter.record?.leaseMs ?? 0, drift)
    voter.elector = new Elector({ drift, nowMs: this.#local(voter.clock), waitMs })
  }
}

export function playElections(setting: PlaySetting): PlayResult {
  return new Play(setting).play()
}
