/**
 * Elections that are run wrongly, for breakage.ts: electors that forget, leases that count from the wrong moment or on the
 * wrong clock.
 */
import { Candidate } from '../core/consensus/candidate.ts'
import type { CoordinatorConfig } from '../core/coordinator.ts'
import type { Breakage } from './breakage.ts'
import { groupName, groupOfKey, groupToRecord, recordToGroup } from '../core/consensus/group.ts'
import type { RecordChange, RecordWrite } from '../core/record.ts'
import type { Records } from '../core/records.ts'
import type { Now } from '../core/step.ts'
import { NodeClock } from './clocks.ts'

/** Counts a lease from the moment at which the answer came. */
class LateCandidate extends Candidate {
  protected override countedFromMs({ nowMs }: { readonly nowMs: number }): number {
    return nowMs
  }
}

/** Believes in its role, whatever the clock says, until somebody tells it otherwise. */
class SureCandidate extends Candidate {
  override leads(): boolean {
    return this.role === 'leader'
  }
}

/** What stands in elections, where that is broken. */
export function brokenCandidate(breakage: Breakage | undefined): Pick<CoordinatorConfig, 'candidate'> {
  if (breakage === 'lease-from-answer') return { candidate: (config) => new LateCandidate(config) }
  if (breakage === 'lease-unchecked-on-answer') return { candidate: (config) => new SureCandidate(config) }
  return {}
}

/** A pre-vote that nobody gave. */
export const WOULD = { kind: 'ruled', round: 0, granted: true, generation: 0, led: undefined, leftMs: 0 } as const

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

/** Records in which the votes for leaders of keyspaces are not found while acceptors look for them. */
export function withoutVotes(disk: Records, looks: () => boolean): Records {
  return {
    read: (keyspace, key) => {
      const isVote = groupOfKey(key)?.startsWith(groupName('keyspace', '')) === true
      return isVote && looks() ? undefined : disk.read(keyspace, key)
    },
    full: false,
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
