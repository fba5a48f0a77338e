/**
 * One elector's part in the elections of one group: to whom it gives its vote, and whom it keeps out.
 *
 * Two things make sure that nobody acts beside a leader. The *vote* is durable, and at most one contender gets it in a
 * generation, so a generation has at most one leader, ever (Ongaro and Ousterhout, "Raft", 2014, section 5.2). The *promise*
 * is volatile: while the lease that it granted runs, an elector votes for nobody else; one that was restarted has
 * forgotten until when, and waits as long as its longest promise could last.
 *
 * A renewal of a higher generation than its own it grants at once, whatever it promised to another: that leader has the
 * votes of a quorum already, each of which was given when the promise made there had run out.
 * Ring: decisions.
 */
import { GENERATION_AHEAD_MAX, type Contender, type GroupRecord } from './group.ts'
import { electorMs } from './lease.ts'

/** What is asked for: a vote in this generation, or the renewal of its lease. */
export interface Candidacy extends Contender {
  readonly generation: number
  readonly leaseMs: number
}

export interface Renewal extends Candidacy {
  /** Whether he is about to lead, or leads: nobody is left from before whom he has to fence first. */
  readonly acts: boolean
}

/** What an elector does about it. */
export interface Ruling {
  readonly granted: boolean
  /** To be durable before the answer leaves. */
  readonly write?: GroupRecord
}

const NO: Ruling = { granted: false }

export class Elector {
  readonly #drift: number
  /** Until when the lease runs that was promised to the one whom the record names. */
  #untilMs: number
  /** The generation that its holder gave up. */
  #resigned = 0

  /** @param settings `waitMs`: how long it has to wait from now on because it forgot a promise; 0 otherwise. */
  constructor(settings: { readonly drift: number; readonly nowMs: number; readonly waitMs: number }) {
    this.#drift = settings.drift
    this.#untilMs = settings.waitMs > 0 ? settings.nowMs + settings.waitMs : -Infinity
  }

  /** How long it keeps everybody out but the one whom it promised it. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }

  /** Whether it would vote for this contender. The answer binds nobody. */
  would({ proposer }: Pick<Contender, 'proposer'>, record: GroupRecord | undefined, nowMs: number): boolean {
    // Who asks for votes does not lead: his own old lease keeps nobody safe.
    return record === undefined || proposer === record.proposer || nowMs >= this.#untilMs
  }

  vote(asked: Candidacy, record: GroupRecord | undefined, nowMs: number): Ruling {
    const before = record?.generation ?? 0
    const isAgain = asked.generation === before && asked.proposer === record?.proposer
    if (asked.generation < before || (asked.generation === before && !isAgain)) return NO
    if (asked.generation <= this.#resigned || !this.would(asked, record, nowMs)) return NO
    this.#promise(asked, nowMs)
    if (isAgain && asked.leaseMs <= record.leaseMs) return { granted: true }
    return { granted: true, write: this.#voted(asked, record) }
  }

  renew(asked: Renewal, record: GroupRecord | undefined, nowMs: number): Ruling {
    const before = record?.generation ?? 0
    const isOurs = asked.generation === before && asked.proposer === record?.proposer
    if (asked.generation < before || (asked.generation === before && !isOurs)) return NO
    if (asked.generation <= this.#resigned) return NO
    this.#promise(asked, nowMs)
    const { generation, holder, acts } = asked
    const isKnown = !acts || record?.led?.generation === generation
    if (isOurs && isKnown && asked.leaseMs <= record.leaseMs) return { granted: true }
    const voted = this.#voted(asked, record)
    return { granted: true, write: isKnown ? voted : { ...voted, led: { id: holder, generation } } }
  }

  /** The one who has the vote gives it back. Whether that ended a promise. */
  resign(
    { generation, proposer }: Pick<Candidacy, 'generation' | 'proposer'>,
    record: GroupRecord | undefined,
    nowMs: number,
  ): boolean {
    if (generation !== record?.generation || proposer !== record.proposer || generation <= this.#resigned) return false
    this.#resigned = generation
    const wasPromised = nowMs < this.#untilMs
    this.#untilMs = -Infinity
    return wasPromised
  }

  #promise({ leaseMs }: Candidacy, nowMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, nowMs + electorMs(leaseMs, this.#drift))
  }

  /** Within a generation the longest lease counts; with a new one all older promises are over. */
  #voted({ generation, proposer, holder, leaseMs }: Candidacy, record: GroupRecord | undefined): GroupRecord {
    const longestMs = record?.generation === generation ? Math.max(leaseMs, record.leaseMs) : leaseMs
    return { generation, proposer, holder, leaseMs: longestMs, led: record?.led }
  }
}

/** Whether a generation lies beyond any that can have come about since this elector last voted. */
export function isFarAhead(generation: number, record: GroupRecord | undefined): boolean {
  return generation > (record?.generation ?? 0) + GENERATION_AHEAD_MAX
}
