/**
 * One seat in one group: waits, stands, leads, steps down.
 *
 * A follower waits for the leases that electors told it of, and then a random time more. It asks a *pre-vote* first (would
 * you?), which changes nothing at anybody and needs answers from a quorum: who is heard but does not hear, or hears but
 * is not heard, never gets further, so it cannot depose anybody by raising the generation (Ongaro, "Consensus: Bridging
 * Theory and Practice", 2014, section 9.6). Then it asks for votes in a generation above all that it heard of. With a
 * quorum of votes nobody else can ever have that generation. It leads once a quorum has granted a renewal that says so, and
 * has that on disk: every later election hears who led last. Where the last leader has to be fenced first, that renewal
 * waits for it, and others keep the seat meanwhile. Each renewal that a quorum grants lengthens the lease; a leader
 * without one steps down by itself (check-quorum, the same, section 6.2).
 *
 * It leads while its lease lasts *on its clock now*, not while it believes in its role: whoever wakes from a pause asks
 * `leads` with the time of waking.
 * Ring: decisions.
 */
import type { Random } from '../base/random.ts'
import type { Quorum } from '../quorum/quorum.ts'
import { tally } from '../quorum/tally.ts'
import { GENERATION_MAX, type Contender, type Leader } from './group.ts'
import { LeaderView, type ElectorState } from './leader-view.ts'
import { holderMs, leaseFromMs, quorumFreeAtMs } from './lease.ts'

export interface CandidateConfig extends Contender {
  /** How many electors there are. */
  readonly electors: number
  /** Whose votes elect. */
  readonly electing: Quorum
  /** Whose renewals make a lease: meets every electing quorum. */
  readonly granting: Quorum
  readonly leaseMs: number
  /** By how much of its rate a clock may be off, from 0 to 1. */
  readonly drift: number
  /** Whether it leads only after `fenced`, if anybody led before. */
  readonly fences: boolean
  readonly random: Random
}

/** `elect`: it has the votes, and does not lead yet. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'elect' | 'leader' | 'retired'

/** `deposed`: so many electors voted for another that no quorum is left. */
export type LostReason = 'quorum-lost' | 'deposed' | 'resigned' | 'closed'

export type SeatEvent =
  /** To be answered with `fenced`. `before`: who led last and may still believe that he does. */
  | { readonly kind: 'fence'; readonly generation: number; readonly before: Leader }
  | { readonly kind: 'elected'; readonly generation: number; readonly before: Leader | undefined }
  | { readonly kind: 'lost'; readonly generation: number; readonly reason: LostReason }

/** What to ask of all electors. */
export interface Ask {
  readonly kind: 'pre-vote' | 'vote' | 'renew' | 'resign'
  readonly generation: number
  /** Whether it leads, or is about to. */
  readonly acts: boolean
  /** Comes back with the answers. Never used twice by one candidate. */
  readonly attempt: number
}

/** What a candidate wants done. The caller empties it. */
export class SeatAgenda {
  readonly asks: Ask[] = []
  readonly events: SeatEvent[] = []
}

/** What an elector said. */
export interface ElectorSaid extends ElectorState {
  readonly granted: boolean
}

/**
 * How long a round of an election may take at first; twice as long after each that failed, up to this share of the
 * lease: two that met try again soon, and a slow network gets the time that it needs.
 */
const ELECTION_MS = 200
const ELECTION_SHARE = 1 / 4
/** Renewals come this often, as a share of the lease. */
const RENEWAL_SHARE = 1 / 3
/** Who waits for a lease to end asks how it stands this often, as a share of it: before what it heard last is over. */
const LOOK_SHARE = 1 / 2
/** A leader steps down this much of the lease before it lapses, so that whoever works for it has been told by then. */
const MARGIN_SHARE = 1 / 20
/** Those who wait for a resignation spread over this span, and over twice as much after each vote that elected nobody. */
const HASTE_MS = 20
/** How long who has the votes tries to get his first lease, as a share of it: others are kept out meanwhile in any case. */
const ELECT_SHARE = 1 / 2
const ATTEMPTS_KEPT = 8

interface SentRenewal {
  readonly attempt: number
  readonly sentAtMs: number
  readonly acts: boolean
}

export class Candidate {
  readonly #config: CandidateConfig
  #role: Role = 'follower'
  #generation = 0
  /** The highest generation heard of. */
  #highest = 0
  #attempt = 0
  /** Rounds that failed, one after the other; of these, those in which votes were asked for: others asked as well. */
  #failures = 0
  #contests = 0
  #preVote = 0
  #vote = 0
  #yes = 0
  #no = 0
  /** Whether nobody has to be fenced any more; whether the caller was asked to. */
  #acts = false
  #isFencing = false
  readonly #freeAtMs: number[]
  #renewals: SentRenewal[] = []
  /** By position: when the newest renewal left that was granted, and the newest of those that say that it leads. */
  readonly #grantedAtMs: number[]
  readonly #actsAtMs: number[]
  /** Electors that voted in a higher generation. */
  #gone = 0
  readonly #view = new LeaderView()
  /** Who led before this candidacy, as those said who voted for it. */
  #before: Leader | undefined
  /** When this seat led last. */
  #ledIn = 0
  #dueAtMs = -Infinity
  #renewAtMs = Infinity
  #leadsUntilMs = -Infinity

  constructor(config: CandidateConfig) {
    this.#config = config
    this.#freeAtMs = Array.from({ length: config.electors }, () => -Infinity)
    this.#grantedAtMs = [...this.#freeAtMs]
    this.#actsAtMs = [...this.#freeAtMs]
  }

  get role(): Role {
    return this.#role
  }

  /** Of the latest candidacy. */
  get generation(): number {
    return this.#generation
  }

  /** When it wants `tick`. */
  get wakeAtMs(): number {
    if (this.#hasVotes) return Math.min(this.#renewAtMs, this.#leadsUntilMs)
    return this.#role === 'retired' ? Infinity : this.#dueAtMs
  }

  /** Whether it leads now. Nobody else does while it does. */
  leads(nowMs: number): boolean {
    return this.#role === 'leader' && nowMs < this.#leadsUntilMs
  }

  /** How long it leads if no renewal gets through any more; 0 if it does not. */
  leftMs(nowMs: number): number {
    return this.#role === 'leader' ? Math.max(0, this.#leadsUntilMs - nowMs) : 0
  }

  /** Who leads, as far as is known here. */
  leader(nowMs: number): Leader | undefined {
    if (this.leads(nowMs)) return { id: this.#config.holder, generation: this.#generation }
    return this.#view.leader(nowMs)
  }

  tick(nowMs: number, agenda: SeatAgenda): void {
    switch (this.#role) {
      case 'elect':
      case 'leader':
        if (nowMs >= this.#leadsUntilMs) this.#lose('quorum-lost', nowMs, agenda)
        else if (nowMs >= this.#renewAtMs) this.#renew(nowMs, agenda)
        return
      case 'follower':
        if (nowMs >= this.#dueAtMs) this.#askPreVote(nowMs, agenda)
        return
      case 'pre-candidate':
        if (nowMs >= this.#dueAtMs) this.#missed(nowMs)
        return
      case 'candidate':
        if (nowMs >= this.#dueAtMs) this.#giveUp(nowMs, agenda)
        return
      case 'retired':
    }
  }

  /** An elector answered that attempt, perhaps once more because it changed its mind. Old answers change nothing. */
  answered(position: number, attempt: number, said: ElectorSaid, at: { nowMs: number; agenda: SeatAgenda }): void {
    const { nowMs, agenda } = at
    if (this.#role === 'retired') return
    if (this.#hasVotes && nowMs >= this.#leadsUntilMs) this.#lose('quorum-lost', nowMs, agenda)
    // A vote that is slept over does not count: its elector may have lost its disk, and have waited until it could not.
    if (this.#role === 'candidate' && nowMs >= this.#dueAtMs) this.#giveUp(nowMs, agenda)
    this.#heard(position, said, nowMs)
    if (attempt === this.#preVote) this.#preVoted(position, said, nowMs, agenda)
    else if (attempt === this.#vote) this.#voted(position, said, nowMs, agenda)
    const renewal = this.#renewals.find((known) => known.attempt === attempt)
    if (renewal !== undefined) this.#renewed(position, said, renewal, at)
  }

  /** The one who led before cannot do anything any more: it may lead in this generation. */
  fenced(generation: number, nowMs: number, agenda: SeatAgenda): void {
    if (this.#role !== 'elect' || generation !== this.#generation || this.#acts || nowMs >= this.#leadsUntilMs) return
    this.#acts = true
    this.#renew(nowMs, agenda)
  }

  /** Gives up what it has, and stands again when others had the time to. */
  resign(nowMs: number, agenda: SeatAgenda): void {
    if (this.#role === 'retired') return
    this.#lose('resigned', nowMs, agenda)
    this.#dueAtMs = nowMs + this.#config.leaseMs
  }

  /** Gives up what it has, for good. */
  retire(nowMs: number, agenda: SeatAgenda): void {
    if (this.#role !== 'retired') this.#lose('closed', nowMs, agenda)
    this.#role = 'retired'
  }

  /** From when on a lease counts that was asked for and is granted now. */
  protected countedFromMs({ sentAtMs }: { readonly sentAtMs: number; readonly nowMs: number }): number {
    return sentAtMs
  }

  get #hasVotes(): boolean {
    return this.#role === 'leader' || this.#role === 'elect'
  }

  get #electionMs(): number {
    return Math.min(ELECTION_MS * 2 ** this.#failures, this.#config.leaseMs * ELECTION_SHARE)
  }

  /**
   * A random wait. Contenders keep meeting unless they spread over several times as long as a vote takes, which grows
   * with how many they are and how far away: so each vote that elected nobody doubles the span, up to the lease.
   */
  #spreadMs(spanMs: number): number {
    const { leaseMs, random } = this.#config
    return random.fraction() * Math.max(spanMs, Math.min(HASTE_MS * 2 ** this.#contests, leaseMs))
  }

  #heard(position: number, said: ElectorSaid, nowMs: number): void {
    const { granted, generation, leftMs } = said
    if (generation > this.#highest && generation < GENERATION_MAX) this.#highest = generation
    // Whom it promised something, it keeps nobody out from.
    this.#freeAtMs[position] = granted ? nowMs : nowMs + leftMs
    this.#view.heard(position, said, nowMs)
  }

  #ask(kind: Ask['kind'], agenda: SeatAgenda): number {
    const attempt = ++this.#attempt
    agenda.asks.push({ kind, generation: this.#generation, acts: this.#acts, attempt })
    return attempt
  }

  #askPreVote(nowMs: number, agenda: SeatAgenda): void {
    this.#role = 'pre-candidate'
    this.#yes = this.#no = 0
    this.#dueAtMs = nowMs + this.#electionMs
    this.#preVote = this.#ask('pre-vote', agenda)
  }

  #preVoted(position: number, { granted }: ElectorSaid, nowMs: number, agenda: SeatAgenda): void {
    const bit = 1 << position
    if (this.#role === 'follower') {
      const isLate = (this.#no & bit) === 0
      if (!granted) this.#no |= bit
      if (!granted && isLate) return
      // It was refused, and the lease has ended before its time: it may stand now, or behind others who wait.
      const freeAtMs = granted ? nowMs : Math.max(nowMs, quorumFreeAtMs(this.#freeAtMs, this.#config.electing))
      this.#dueAtMs = Math.min(this.#dueAtMs, freeAtMs + this.#spreadMs(HASTE_MS))
      return
    }
    if (this.#role !== 'pre-candidate') return
    // The second answer of an elector counts, if there is one.
    this.#yes = granted ? this.#yes | bit : this.#yes & ~bit
    this.#no = granted ? this.#no & ~bit : this.#no | bit
    const standing = this.#tally()
    if (standing === 'won') this.#askVotes(nowMs, agenda)
    else if (standing === 'lost') {
      if (this.#view.leader(nowMs) !== undefined) this.#failures = this.#contests = 0
      this.#follow(nowMs)
    }
  }

  #askVotes(nowMs: number, agenda: SeatAgenda): void {
    this.#role = 'candidate'
    this.#generation = this.#highest + 1
    this.#highest = this.#generation
    this.#yes = this.#no = this.#gone = 0
    this.#renewals = []
    this.#grantedAtMs.fill(-Infinity)
    this.#actsAtMs.fill(-Infinity)
    this.#dueAtMs = nowMs + this.#electionMs
    this.#vote = this.#ask('vote', agenda)
  }

  #voted(position: number, { granted }: ElectorSaid, nowMs: number, agenda: SeatAgenda): void {
    if (this.#role !== 'candidate') return
    if (granted) this.#yes |= 1 << position
    else this.#no |= 1 << position
    const standing = this.#tally()
    if (standing === 'lost') return this.#giveUp(nowMs, agenda)
    if (standing !== 'won') return
    this.#role = 'elect'
    const { last } = this.#view
    this.#before = last?.generation === this.#ledIn ? undefined : last
    this.#acts = !this.#config.fences || this.#before === undefined
    this.#isFencing = false
    this.#leadsUntilMs = nowMs + Math.max(this.#electionMs, this.#config.leaseMs * ELECT_SHARE)
    this.#renew(nowMs, agenda)
  }

  #tally(): 'won' | 'pending' | 'lost' {
    const all = (1 << this.#config.electors) - 1
    return tally(this.#config.electing, { answered: this.#yes, possible: all & ~this.#no })
  }

  #renew(nowMs: number, agenda: SeatAgenda): void {
    this.#renewAtMs = nowMs + this.#config.leaseMs * RENEWAL_SHARE
    this.#renewals.push({ attempt: this.#ask('renew', agenda), sentAtMs: nowMs, acts: this.#acts })
    if (this.#renewals.length > ATTEMPTS_KEPT) this.#renewals.shift()
  }

  #renewed(
    position: number,
    { granted, generation }: ElectorSaid,
    { sentAtMs, acts }: SentRenewal,
    { nowMs, agenda }: { nowMs: number; agenda: SeatAgenda },
  ): void {
    if (!this.#hasVotes) return
    if (granted) {
      const fromMs = this.countedFromMs({ sentAtMs, nowMs })
      this.#grantedAtMs[position] = Math.max(this.#grantedAtMs[position] as number, fromMs)
      if (acts) this.#actsAtMs[position] = Math.max(this.#actsAtMs[position] as number, fromMs)
      this.#lengthen(nowMs, agenda)
      return
    }
    if (generation <= this.#generation) return
    this.#gone |= 1 << position
    const { granting, electors } = this.#config
    if (!granting.met(((1 << electors) - 1) & ~this.#gone)) this.#lose('deposed', nowMs, agenda)
  }

  /** What the renewals that were granted by now come to. */
  #lengthen(nowMs: number, agenda: SeatAgenda): void {
    const untilMs = this.#lastsUntilMs(this.#grantedAtMs)
    this.#leadsUntilMs = Math.max(this.#leadsUntilMs, untilMs)
    if (this.#role !== 'elect') return
    if (this.#acts && nowMs < this.#lastsUntilMs(this.#actsAtMs)) {
      this.#role = 'leader'
      this.#failures = this.#contests = 0
      this.#ledIn = this.#generation
      this.#leadsUntilMs = untilMs
      agenda.events.push({ kind: 'elected', generation: this.#generation, before: this.#before })
    } else if (!this.#acts && !this.#isFencing && this.#before !== undefined && nowMs < untilMs) {
      this.#isFencing = true
      agenda.events.push({ kind: 'fence', generation: this.#generation, before: this.#before })
    }
  }

  #lastsUntilMs(grantedAtMs: readonly number[]): number {
    const { granting, leaseMs, drift } = this.#config
    return leaseFromMs(grantedAtMs, granting) + holderMs(leaseMs, drift) - leaseMs * MARGIN_SHARE
  }

  /** A round came to nothing: the next one has more time. */
  #missed(nowMs: number): void {
    this.#failures++
    this.#follow(nowMs)
  }

  #giveUp(nowMs: number, agenda: SeatAgenda): void {
    this.#ask('resign', agenda)
    if (this.#role !== 'leader') this.#contests++
    this.#missed(nowMs)
  }

  #lose(reason: LostReason, nowMs: number, agenda: SeatAgenda): void {
    const wasLeader = this.#role === 'leader'
    if (this.#hasVotes || this.#role === 'candidate') this.#giveUp(nowMs, agenda)
    else this.#follow(nowMs)
    if (wasLeader) agenda.events.push({ kind: 'lost', generation: this.#generation, reason })
  }

  /** Waits until a quorum is free as far as is known, but not so long that nothing new is heard; then a random time. */
  #follow(nowMs: number): void {
    const { electing, leaseMs } = this.#config
    this.#role = 'follower'
    this.#leadsUntilMs = -Infinity
    this.#acts = false
    const freeAtMs = quorumFreeAtMs(this.#freeAtMs, electing)
    const fromMs = Math.max(nowMs, Math.min(freeAtMs, nowMs + leaseMs * LOOK_SHARE))
    this.#dueAtMs = fromMs + this.#spreadMs(this.#electionMs)
  }
}
