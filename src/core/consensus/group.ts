/**
 * Groups: who may lead what, and what an elector of a group must never forget.
 *
 * A group is a name. Its electors are replicas on the preference list of that name, as many as `electorCount` says, and
 * all members for the leader of a keyspace, whose keys are on all of them: every process computes the same ones, so any
 * two quorums of them meet whoever asks. What an elector remembers is its *vote*:
 * the highest generation that it has promised, and to whom; and who is known to have led last, for those who have to
 * fence him. It is kept among the replica's own records.
 * Ring: values.
 */
import { NO_BALLOT, type Ballot } from '../base/ballot.ts'
import type { Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import type { LwwRecord, RecordWrite, StoredRecord } from '../record.ts'

/** Somebody who led: the id of his process, and the generation, which is also his fencing token. */
export interface Leader {
  readonly id: string
  readonly generation: number
}

/** Who asks for votes. */
export interface Contender {
  /** Drawn for one seat of one run of a process: no other contender ever has the same. */
  readonly proposer: number
  /** The id of his process, for people. */
  readonly holder: string
}

/** What an elector keeps of a group. */
export interface GroupRecord extends Contender {
  /** The highest generation that this elector voted in: to nobody else in the same, to nobody in a lower one. */
  readonly generation: number
  /** The longest lease that was promised in this generation: a restarted elector waits it out. */
  readonly leaseMs: number
  /** Who led last, as far as this elector has granted a lease to him. */
  readonly led: Leader | undefined
}

/** Generations and tokens are whole numbers from 1 to this. */
export const GENERATION_MAX: number = 2 ** 52
/** A vote for a generation that lies further ahead than this is a mistake, or meant to use the numbers up. */
export const GENERATION_AHEAD_MAX: number = 2 ** 32
const ELECTORS_MAX = 5

/** What kinds of group there are; their names do not meet. */
export type GroupKind = 'group' | 'lock' | 'keyspace'

const KEYSPACES = 'keyspace:'

/** The group as messages and records name it. */
export function groupName(kind: GroupKind, name: string): string {
  return `${kind}:${name}`
}

/** An even number of electors tolerates no more failures than one fewer does. */
export function electorCount(members: number): number {
  const most = Math.min(members, ELECTORS_MAX)
  return most - ((most + 1) % 2)
}

/** The electors of groups in one cluster. */
export class Electors {
  readonly #some: Placement
  readonly #everybody: Placement

  constructor(membership: Membership) {
    const { length } = membership.members
    this.#some = new Placement(membership, electorCount(length))
    this.#everybody = new Placement(membership, length)
  }

  listOf(group: string): PreferenceList {
    return (group.startsWith(KEYSPACES) ? this.#everybody : this.#some).listOf(group)
  }

  /** Whether a replica has a vote in the group. */
  has(group: string, replica: number): boolean {
    return this.listOf(group).replicas.includes(replica)
  }
}

/** No keyspace has a name that begins like this. */
const KEY_PREFIX = '/group/'
/** Under which it keeps the floor of all groups: it is there once the replica has not forgotten any votes. */
const FLOOR_KEY = '/votes'

/** Under what key of its own an elector keeps a group. */
export function groupKey(group: string): string {
  return KEY_PREFIX + group
}

/** The group that one of the replica's own keys is about. */
export function groupOfKey(key: string): string | undefined {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined
}

/** The generation stands where a register has its stamp, the proposer where it has its operation. */
export function groupToRecord({ generation, proposer, holder, leaseMs, led }: GroupRecord): LwwRecord {
  const rest = [holder, leaseMs, ...(led === undefined ? [] : [led.generation, led.id])]
  return { kind: 'lww', at: generation, op: proposer, value: new TextEncoder().encode(JSON.stringify(rest)) }
}

/** Undoes `groupToRecord`. */
export function recordToGroup(record: StoredRecord | undefined): GroupRecord | undefined {
  if (record?.kind !== 'lww' || record.value === null) return undefined
  const text = new TextDecoder().decode(record.value)
  const [holder, leaseMs, generation, id] = JSON.parse(text) as [string, number, number | undefined, string | undefined]
  const led = generation === undefined || id === undefined ? undefined : { id, generation }
  return { generation: record.at, proposer: record.op, holder, leaseMs, led }
}

/** A replica's own record of the generation above which it votes. */
export function floorWrite(keyspace: number, floor: number): RecordWrite {
  return { keyspace, key: FLOOR_KEY, record: { kind: 'lww', at: floor, op: 1, value: null } }
}

export function readFloor({ key, record }: RecordWrite): number | undefined {
  return key === FLOOR_KEY && record.kind === 'lww' ? record.at : undefined
}

/** What a vote promises for every key of the keyspace whose leader it elects: nothing below this is accepted. */
export function ballotFloor(record: GroupRecord | undefined): Ballot {
  return record === undefined ? NO_BALLOT : { counter: record.generation, proposer: record.proposer, step: 0 }
}

/** What an elector keeps of a group, raised to the floor: it has voted for nobody there. */
export function atLeast(record: GroupRecord | undefined, floor: number): GroupRecord | undefined {
  if ((record?.generation ?? 0) >= floor) return record
  return { leaseMs: 0, led: undefined, ...record, generation: floor, proposer: 0, holder: '' }
}
