/**
 * The votes of one replica: what it promised in which group, durably, and who waits for a promise to end.
 *
 * What is decided is said in consensus/elector.ts, and in consensus/recall.ts for a replica that may have forgotten its
 * votes: until it has asked the others it refuses to vote, and to grant renewals. The durable part of it is read from the storage with every request: so
 * the host knows when an answer speaks of something that is not on disk yet.
 * Ring: machines.
 */
import type { Ballot } from './base/ballot.ts'
import { digestOfTwo } from './base/hash.ts'
import type { ElectionRequest, PreVote, Recollection, Ruled } from './consensus/election-message.ts'
import { Elector, isFarAhead, type Ruling } from './consensus/elector.ts'
import {
  atLeast,
  ballotFloor,
  Electors,
  floorWrite,
  groupKey,
  groupOfKey,
  groupToRecord,
  readFloor,
  recordToGroup,
  type GroupRecord,
} from './consensus/group.ts'
import { electorMs } from './consensus/lease.ts'
import { Recall } from './consensus/recall.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { RecordWrite, StoredRecord } from './record.ts'
import type { Refusal } from './refusal.ts'
import type { Address, Now, Step } from './step.ts'

export interface VotesConfig {
  /** Of this replica. */
  readonly index: number
  readonly membership: Membership
  readonly options: Pick<ResolvedCore, 'clockDriftMax' | 'leaseMsMax' | 'groupsMax'>
  /** A record of the replica's own. */
  readonly read: (key: string) => StoredRecord | undefined
  /** Whether it could find out that it has forgotten something. A replica that has no others has nobody to ask. */
  readonly asksOthers: boolean
  /** Whether there is no room for further writes. */
  readonly isFull: () => boolean
  /** The keyspace in which a replica keeps what is its own. */
  readonly ownKeyspace: number
}

/** Who asked for a pre-vote last: told when a promise to another ends early. */
interface Waiter {
  readonly from: Address
  readonly id: number
  readonly proposer: number
}

/** What is known of a group beyond its record. */
interface Group {
  readonly elector: Elector
  waiters: Waiter[]
  /** Its record as it was read last, and what that says. */
  stored: StoredRecord | undefined
  record: GroupRecord | undefined
}

const WAITERS_MAX = 64
/** When a promise ends early, one of those who wait is to stand first, and each of the others that much after another. */
const STAND_BACK_MS = 100

export class Votes {
  readonly #config: VotesConfig
  readonly #electors: Electors
  /** Groups that have a record, to be counted. */
  readonly #recorded = new Set<string>()
  readonly #groups = new Map<string, Group>()
  /** When this run heard anything first: what was promised before, was promised earlier. */
  #startedAtMs: number | undefined
  /** As long as it may have forgotten votes. */
  #recall: Recall | undefined
  /** It votes above this, in whatever group. */
  #floor = 0
  #voted = 0
  /** What was last given of `floorOf`: it only rises, and every write of a keyspace with a leader looks at it. */
  readonly #floors = new Map<string, Ballot>()

  constructor(config: VotesConfig) {
    const { membership, options, asksOthers } = config
    const members = membership.members.length
    this.#config = config
    this.#electors = new Electors(membership)
    const waitMs = electorMs(options.leaseMsMax, options.clockDriftMax)
    this.#recall = asksOthers && members > 1 ? new Recall({ members, waitMs }) : undefined
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load(write: RecordWrite): boolean {
    const floor = readFloor(write)
    const group = groupOfKey(write.key)
    if (floor !== undefined) this.#recalled(floor)
    if (group !== undefined) {
      this.#recorded.add(group)
      if (write.record.kind === 'lww') this.#voted = Math.max(this.#voted, write.record.at)
    }
    return floor !== undefined || group !== undefined
  }

  /** Whether it knows all its votes, or above what it may vote. */
  get recalls(): boolean {
    return this.#recall === undefined
  }

  /** The highest generation that it voted in, or its floor. */
  get voted(): number {
    return Math.max(this.#voted, this.#floor)
  }

  /** Another member is asked what it knows, with this number. */
  asks(id: number, nowMs: number): void {
    this.runs(nowMs)
    this.#recall?.asks(id, nowMs - (this.#startedAtMs ?? nowMs))
  }

  /** And answers. */
  heard(member: number, answer: Recollection & { readonly id: number }, step: Step): void {
    const floor = this.#recall?.heard(member, answer.id, answer)
    if (floor === undefined) return
    this.#recalled(Math.max(floor, this.#floor))
    step.writes.push(floorWrite(this.#config.ownKeyspace, this.#floor))
  }

  #recalled(floor: number): void {
    this.#floor = floor
    this.#floors.clear()
    this.#recall = undefined
  }

  /** What its vote for a leader promises for every key of the keyspace. */
  floorOf(group: string): Ballot {
    let floor = this.#floors.get(group)
    if (floor === undefined) {
      floor = ballotFloor(atLeast(this.#recordOf(group), this.#floor))
      this.#floors.set(group, floor)
    }
    return floor
  }

  /** What is stored of a group, which is text: the same object is not read twice. */
  #recordOf(group: string): GroupRecord | undefined {
    const stored = this.#config.read(groupKey(group))
    const known = this.#groups.get(group)
    if (known !== undefined && known.stored === stored) return known.record
    const record = recordToGroup(stored)
    if (known !== undefined) {
      known.stored = stored
      known.record = record
    }
    return record
  }

  /** The process runs: what an earlier one promised runs out from now on at the latest. */
  runs(nowMs: number): void {
    this.#startedAtMs ??= nowMs
  }

  /** Answers, or gives the reason why not. */
  receive(request: ElectionRequest, from: Address, now: Now, step: Step): Refusal | undefined {
    const nowMs = now.monoMs
    this.runs(nowMs)
    const { group } = request
    if (!this.#electors.has(group, this.#config.index)) return { code: 'no-elector', detail: group }
    // Read in any case: a record that is damaged must not pass for none.
    const record = atLeast(this.#recordOf(group), this.#floor)
    const binds = request.kind !== 'look' && request.kind !== 'resign'
    if (binds && !this.recalls)
      return { code: 'catching-up', detail: 'it may have forgotten its votes, and asks the others' }
    switch (request.kind) {
      case 'look':
        return this.#answer(request, record, { granted: false }, { from, nowMs, step })
      case 'pre-vote':
        return this.#preVote(request, record, { from, nowMs, step })
      case 'resign':
        return this.#resign(request, record, nowMs, step)
      default:
        return this.#rule(request, record, { from, nowMs, step })
    }
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    for (const group of this.#groups.values()) {
      if (group.waiters.length > 0) group.waiters = group.waiters.filter((waiter) => waiter.from !== from)
    }
  }

  #preVote(request: PreVote, record: GroupRecord | undefined, at: At): undefined {
    // Names that nobody has voted under yet do not fill the memory.
    const isKnown = record !== undefined || this.#groups.has(request.group)
    if (!isKnown && this.#groups.size >= this.#config.options.groupsMax) {
      return this.#answer(request, record, { granted: true }, at)
    }
    const group = this.#groupOf(request.group, record)
    // Who would be voted for may be late all the same: he stands back then, and wants to hear when the other resigns.
    this.#wait(group, request, at.from)
    return this.#answer(request, record, { granted: group.elector.would(request, record, at.nowMs) }, at)
  }

  #rule(request: Asking, record: GroupRecord | undefined, at: At): Refusal | undefined {
    const { group, generation, leaseMs } = request
    const { leaseMsMax, groupsMax } = this.#config.options
    if (leaseMs > leaseMsMax) return { code: 'lease-too-long', detail: `${leaseMs} ms; leaseMsMax is ${leaseMsMax}` }
    if (isFarAhead(generation, record)) return { code: 'bad-generation', detail: `${generation} is far ahead` }
    if (!this.#recorded.has(group) && this.#recorded.size >= groupsMax) {
      return { code: 'too-many-groups', detail: `${groupsMax} are known: use one of them, or raise groupsMax` }
    }
    const { elector } = this.#groupOf(group, record)
    const ruling =
      request.kind === 'vote' ? elector.vote(request, record, at.nowMs) : elector.renew(request, record, at.nowMs)
    if (ruling.write !== undefined) {
      // The promise stands all the same: it keeps others out for a while, and nobody counts on it.
      if (this.#config.isFull()) return { code: 'storage-full', detail: '' }
      this.#recorded.add(group)
      this.#floors.delete(group)
      this.#voted = Math.max(this.#voted, generation)
      const key = groupKey(group)
      at.step.writes.push({ keyspace: this.#config.ownKeyspace, key, record: groupToRecord(ruling.write) })
      const { holder } = ruling.write
      at.step.notices.push({
        kind: 'vote',
        group,
        generation,
        holder,
        leads: ruling.write.led?.generation === generation,
      })
    }
    return this.#answer(request, ruling.write ?? record, ruling, at)
  }

  #resign(
    request: Extract<ElectionRequest, { kind: 'resign' }>,
    record: GroupRecord | undefined,
    nowMs: number,
    step: Step,
  ): undefined {
    if (record === undefined) return
    const group = this.#groupOf(request.group, record)
    if (!group.elector.resign(request, record, nowMs)) return
    const { generation, led } = record
    const waiting = group.waiters.splice(0).filter(({ proposer }) => proposer !== request.proposer)
    for (const [rank, { from, id }] of inTurn(waiting, generation).entries()) {
      const leftMs = rank * STAND_BACK_MS
      step.send(from, { kind: 'ruled', id, round: 0, granted: rank === 0, generation, led, leftMs })
    }
  }

  #answer(
    { id, round, group }: ElectionRequest,
    record: GroupRecord | undefined,
    { granted }: Ruling,
    { from, nowMs, step }: At,
  ): undefined {
    const { generation = 0, led } = record ?? {}
    const leftMs = record === undefined ? 0 : this.#groupOf(group, record).elector.leftMs(nowMs)
    const ruled: Ruled = { kind: 'ruled', id, round, granted, generation, led, leftMs }
    step.send(from, ruled)
  }

  #wait(group: Group, { id, proposer }: PreVote, from: Address): void {
    const others = group.waiters.filter((waiter) => waiter.from !== from || waiter.proposer !== proposer)
    if (others.length >= WAITERS_MAX) others.shift()
    group.waiters = [...others, { from, id, proposer }]
  }

  /** A promise that an earlier run may have made runs from the beginning of this one at the longest. */
  #groupOf(name: string, record: GroupRecord | undefined): Group {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const drift = this.#config.options.clockDriftMax
    const waitMs = record === undefined ? 0 : electorMs(record.leaseMs, drift)
    const group = {
      elector: new Elector({ drift, nowMs: this.#startedAtMs ?? 0, waitMs }),
      waiters: [],
      stored: undefined,
      record: undefined,
    }
    this.#groups.set(name, group)
    return group
  }
}

/**
 * Who is to stand first after this generation: all electors say the same of the same contenders, so that they do not meet,
 * and another each time. (Raft's leader names a successor, Ongaro 2014, section 3.10; here electors know who wants to be.)
 */
function inTurn(waiting: readonly Waiter[], generation: number): readonly Waiter[] {
  const turn = ({ proposer }: Waiter): number => digestOfTwo(proposer, generation)
  return waiting.toSorted((one, other) => turn(one) - turn(other))
}

/** Where a request came from and when, and where the answer goes. */
interface At {
  readonly from: Address
  readonly nowMs: number
  readonly step: Step
}

type Asking = Extract<ElectionRequest, { kind: 'vote' | 'renew' }>
