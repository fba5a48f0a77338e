/**
 * Elections that are run wrongly, for breakage.ts: electors that forget, leases that count from the wrong moment or on the
 * wrong clock.
 */
import { Candidate } from '../core/consensus/candidate.ts'
import { groupOfKey, groupToRecord, recordToGroup } from '../core/consensus/group.ts'
import type { RecordChange, RecordWrite } from '../core/record.ts'
import type { Now } from '../core/step.ts'
import { NodeClock } from './clocks.ts'

/** Counts a lease from the moment at which the answer came. */
export class LateCandidate extends Candidate {
  protected override countedFromMs({ nowMs }: { readonly nowMs: number }): number {
    return nowMs
  }
}

/** Spans are measured on the wall clock, jumps and all. */
export class WallClock extends NodeClock {
  override at(trueUs: number): Now {
    const { wallMs } = super.at(trueUs)
    return { monoMs: wallMs, wallMs }
  }

  override whenUs(wallMs: number): number {
    return super.whenWallUs(wallMs)
  }
}

/** What becomes of an elector's records when its process ends: nothing is left, or not how long it has to wait. */
export function brokenVotes(
  own: readonly RecordWrite[],
  breakage: 'vote-forgotten' | 'restart-without-wait',
): readonly RecordChange[] {
  return own.flatMap(({ keyspace, key, record }): RecordChange[] => {
    if (groupOfKey(key) === undefined) return []
    if (breakage === 'vote-forgotten') return [{ keyspace, key, record: undefined }]
    const group = recordToGroup(record)
    return group === undefined ? [] : [{ keyspace, key, record: groupToRecord({ ...group, leaseMs: 0 }) }]
  })
}
