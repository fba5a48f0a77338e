/**
 * Ways to run the core wrongly, to see that the judges notice: a judge that has never found anything proves nothing.
 *
 * All of them are faults of the host or of the configuration. The core has no switch for any of them.
 */
import type { Ballot } from '../core/base/ballot.ts'
import { digestOf } from '../core/causality/merge.ts'
import { isDead } from '../core/causality/tombstone.ts'
import { BallotSource } from '../core/consensus/ballot-source.ts'
import { NO_LIFE } from '../core/life-mark.ts'
import type { Message, Request } from '../core/message.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../core/record.ts'
import type { Now } from '../core/step.ts'
import { DigestForest, placeOf, type DigestChange } from '../core/repair/digest-tree.ts'
import type { Parcel } from './network.ts'

/**
 * `half-quorums`: r + w = n, called strict all the same.
 * `disjoint-quorums`: sets of replicas that do not meet, without the proof that refuses them, called strict all the same.
 * `no-repair`: reads repair nothing, called monotonic all the same.
 * `early-acknowledgement`: answers leave before the flush, and what a replica then has lost it does not hear.
 * `one-sibling`: a merge that keeps one sibling of several.
 * `duplicate-counts`: a second copy of an answer counts as another replica's.
 * `reused-incarnation`: a replica that lost its data mints dots under its old name, and does not hear that it did.
 * `votes-while-empty`: a replica that lost its data takes part in reads at once.
 * `hint-counts-strict`: what a stand-in keeps is called strict all the same.
 * `hint-dropped-early`: a hint is dropped when its record is sent, and not when the owner has it.
 * `elector-forgets`: an elector that lost its disk does not hear that it did, and votes.
 * `vote-forgotten`: an elector's votes are gone with its process.
 * `restart-without-wait`: an elector that was restarted does not wait out the leases that it promised.
 * `lease-without-drift`: leases that allow for no difference between clocks.
 * `lease-on-wall-clock`: leases are measured on clocks that jump.
 * `lease-from-answer`: a lease counts from when its renewal was answered, and not from when it was sent.
 * `no-pre-vote`: who wants to lead raises the generation without asking whether he could be elected.
 * `stale-digest`: digests that miss what is written to three keys of four.
 * `reaps-by-timer`: a replica erases deleted records after a while, whatever the others hold.
 * `counters-restart`: a process forgets what was erased before it began, so that dots are given again.
 * `late-messages`: a record that was under way for long is taken for a fresh one.
 * `forgotten-promise`: an acceptor that has started again has forgotten what it had promised.
 * `unsettled-read`: a read of a register takes what it proposes again for accepted.
 * `counter-without-max`: a proposer's counter is set to what the latest refusal names.
 * `forgotten-operations`: registers do not remember which operations they have applied.
 * `leader-skips-recovery`: a leader takes the registers that it touches first for unwritten.
 * `lease-unchecked-on-answer`: a leader that wakes from a pause does not look at the clock.
 * `floor-ignored`: acceptors do not know of the leader whom they voted for.
 */
export type Breakage =
  | 'half-quorums'
  | 'disjoint-quorums'
  | 'no-repair'
  | 'early-acknowledgement'
  | 'one-sibling'
  | 'duplicate-counts'
  | 'reused-incarnation'
  | 'votes-while-empty'
  | 'hint-counts-strict'
  | 'hint-dropped-early'
  | 'elector-forgets'
  | 'vote-forgotten'
  | 'restart-without-wait'
  | 'lease-without-drift'
  | 'lease-on-wall-clock'
  | 'lease-from-answer'
  | 'no-pre-vote'
  | 'stale-digest'
  | 'reaps-by-timer'
  | 'counters-restart'
  | 'late-messages'
  | 'forgotten-promise'
  | 'unsettled-read'
  | 'counter-without-max'
  | 'forgotten-operations'
  | 'leader-skips-recovery'
  | 'lease-unchecked-on-answer'
  | 'floor-ignored'

export const BREAKAGES: readonly Breakage[] = [
  'half-quorums',
  'disjoint-quorums',
  'no-repair',
  'early-acknowledgement',
  'one-sibling',
  'duplicate-counts',
  'reused-incarnation',
  'votes-while-empty',
  'hint-counts-strict',
  'hint-dropped-early',
  'elector-forgets',
  'vote-forgotten',
  'restart-without-wait',
  'lease-without-drift',
  'lease-on-wall-clock',
  'lease-from-answer',
  'no-pre-vote',
  'stale-digest',
  'reaps-by-timer',
  'counters-restart',
  'late-messages',
  'forgotten-promise',
  'unsettled-read',
  'counter-without-max',
  'forgotten-operations',
  'leader-skips-recovery',
  'lease-unchecked-on-answer',
  'floor-ignored',
]

/** Those that show in runs with leaders and locks alone. */
export const ELECTION_BREAKAGES: readonly Breakage[] = [
  'elector-forgets',
  'vote-forgotten',
  'restart-without-wait',
  'lease-without-drift',
  'lease-on-wall-clock',
  'lease-from-answer',
  'no-pre-vote',
]

/** What a replica stages in place of what the machine wrote. An erasure stays one. */
export function brokenWrite(write: RecordChange, breakage: Breakage | undefined): RecordChange {
  const { record } = write
  if (breakage === 'one-sibling' && record?.kind === 'dotted' && record.siblings.length > 1) {
    return { ...write, record: { ...record, siblings: record.siblings.slice(-1) } }
  }
  if (breakage === 'forgotten-operations' && record?.kind === 'register') {
    return { ...write, record: { ...record, state: { ...record.state, operations: [], forgottenAt: 0 } } }
  }
  return write
}

/** What is left of a record where acceptors forget what they promised. */
export function withoutPromise(record: StoredRecord): StoredRecord {
  return record.kind === 'register' ? { ...record, promised: record.accepted } : record
}

/** Ballots of a counter that goes back. */
export class ForgetfulBallots extends BallotSource {
  override observe({ counter }: Pick<Ballot, 'counter'>): void {
    this.counter = counter
  }
}

/** Those that other replicas would notice, and that it would mend by beginning anew. */
const FORGETFUL: ReadonlySet<Breakage> = new Set(['votes-while-empty', 'reused-incarnation', 'early-acknowledgement'])

/** What a replica hears that does not want to know whether it lost anything. */
export function forgetful(breakage: Breakage | undefined, message: Message): Message {
  if (breakage === 'elector-forgets' && message.kind === 'acquainted') {
    return { ...message, before: NO_LIFE, hadAnother: false }
  }
  if (breakage === undefined || !FORGETFUL.has(breakage)) return message
  if (message.kind === 'acquainted') return { ...message, before: NO_LIFE, hadAnother: false, remembers: true }
  return message.kind === 'open' ? { ...message, confirmed: false } : message
}

/** Which of the replicas an answer is taken to come from. */
export function brokenSource({ from, isCopy }: Parcel, replicas: number): number {
  return isCopy ? (from.host + 1) % replicas : from.host
}

/** What a process finds of its replica's own records. */
export function withoutFloors(own: readonly RecordWrite[]): readonly RecordWrite[] {
  return own.filter(({ key }) => !key.startsWith('/erased/'))
}

/** A message as if it had left just now, in place of what it says. */
export function hurried(message: Request, clock: number): Request {
  return message.kind === 'write' ? { ...message, asOf: clock } : message
}

/** Erases deleted records that have not changed for so long. */
export class TimerReaper {
  readonly #sinceMs = new Map<string, number>()
  readonly #ageMs: number

  constructor(ageMs: number) {
    this.#ageMs = ageMs
  }

  /** What goes now. */
  ripe(records: readonly RecordWrite[], { monoMs: nowMs, wallMs }: Now): readonly RecordChange[] {
    return records.flatMap(({ keyspace, key, record }) => {
      const name = `${key} ${digestOf(record)}`
      const sinceMs = this.#sinceMs.get(name) ?? nowMs
      this.#sinceMs.set(name, sinceMs)
      return isDead(record, wallMs) && nowMs - sinceMs >= this.#ageMs ? [{ keyspace, key, record: undefined }] : []
    })
  }
}

/** Digests that miss some keys, the same everywhere. */
export class ForgetfulForest extends DigestForest {
  override update(change: DigestChange): void {
    if (placeOf(change).position % 4 === 0) super.update(change)
  }
}
