/**
 * Ways to run the core wrongly, to see that the judges notice: a judge that has never found anything proves nothing.
 *
 * All of them are faults of the host or of the configuration. The core has no switch for any of them.
 */
import type { Ballot } from '../core/base/ballot.ts'
import { BallotSource } from '../core/consensus/ballot-source.ts'
import type { RecordChange, StoredRecord } from '../core/record.ts'
import { DigestForest, placeOf, type DigestChange } from '../core/repair/digest-tree.ts'
import type { Parcel } from './network.ts'

/**
 * `half-quorums`: r + w = n, called strict all the same.
 * `disjoint-quorums`: sets of replicas that do not meet, without the proof that refuses them, called strict all the same.
 * `no-repair`: reads repair nothing, called monotonic all the same.
 * `early-acknowledgement`: answers leave before the flush.
 * `one-sibling`: a merge that keeps one sibling of several.
 * `duplicate-counts`: a second copy of an answer counts as another replica's.
 * `reused-incarnation`: a replica that lost its data mints dots under its old name.
 * `hint-counts-strict`: what a stand-in keeps is called strict all the same.
 * `hint-dropped-early`: a hint is dropped when its record is sent, and not when the owner has it.
 * `stale-digest`: digests that miss what is written to three keys of four.
 * `forgotten-promise`: an acceptor that has started again has forgotten what it had promised.
 * `wiped-acceptor`: one that has lost its disk votes at once.
 * `unsettled-read`: a read of a register takes what it proposes again for accepted.
 * `counter-without-max`: a proposer's counter is set to what the latest refusal names.
 * `forgotten-operations`: registers do not remember which operations they have applied.
 */
export type Breakage =
  | 'half-quorums'
  | 'disjoint-quorums'
  | 'no-repair'
  | 'early-acknowledgement'
  | 'one-sibling'
  | 'duplicate-counts'
  | 'reused-incarnation'
  | 'hint-counts-strict'
  | 'hint-dropped-early'
  | 'stale-digest'
  | 'forgotten-promise'
  | 'wiped-acceptor'
  | 'unsettled-read'
  | 'counter-without-max'
  | 'forgotten-operations'

export const BREAKAGES: readonly Breakage[] = [
  'half-quorums',
  'disjoint-quorums',
  'no-repair',
  'early-acknowledgement',
  'one-sibling',
  'duplicate-counts',
  'reused-incarnation',
  'hint-counts-strict',
  'hint-dropped-early',
  'stale-digest',
  'forgotten-promise',
  'wiped-acceptor',
  'unsettled-read',
  'counter-without-max',
  'forgotten-operations',
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

/** Which of the replicas an answer is taken to come from. */
export function brokenSource({ from, isCopy }: Parcel, replicas: number): number {
  return isCopy ? (from.host + 1) % replicas : from.host
}

/** Digests that miss some keys, the same everywhere. */
export class ForgetfulForest extends DigestForest {
  override update(change: DigestChange): void {
    if (placeOf(change).position % 4 === 0) super.update(change)
  }
}
