/**
 * What was noted so far, as numbers: every notice is counted once, and the latest are kept for those who ask later.
 */
import type { Leader } from '../../core/consensus/group.ts'
import type { BrokenLink, Notice } from '../../core/notice.ts'

/** A notice with its number and time. */
export interface NotedEvent {
  /** Rises by one with each. */
  readonly number: number
  readonly at: string
  readonly notice: Notice
}

const EVENTS_MAX = 64
/** Groups whose leaders are told; others are counted all the same. */
const GROUPS_MAX = 256

export class Tallies {
  /** Failed calls by code. */
  readonly failed: Map<string, number> = new Map()
  /** Reads that sent a merged record to stale replicas, by keyspace. */
  readonly repairs: Map<string, number> = new Map()
  /** Reads that found more than one sibling, by keyspace. */
  readonly siblings: Map<string, number> = new Map()
  /** Exchanges by outcome, and records that they brought. */
  readonly exchanges: Map<string, number> = new Map()
  exchanged = 0
  /** Records that owners took from here. */
  handedOver = 0
  leaderChanges = 0
  quorumLosses = 0
  damaged = 0
  /** Links that seem to be broken now. */
  broken: readonly BrokenLink[] = []
  /** Who leads which group, as far as was told here. */
  readonly leaders: Map<string, Leader | undefined> = new Map()
  readonly #events: NotedEvent[] = []
  #number = 0

  /** The latest, oldest first. */
  get events(): readonly NotedEvent[] {
    return this.#events
  }

  add(notice: Notice): void {
    this.#count(notice)
    this.#events.push({ number: ++this.#number, at: new Date().toISOString(), notice })
    if (this.#events.length > EVENTS_MAX) this.#events.shift()
  }

  #count(notice: Notice): void {
    switch (notice.kind) {
      case 'failed':
        return plus(this.failed, notice.code)
      case 'repair':
        return plus(this.repairs, notice.keyspace)
      case 'siblings':
        return plus(this.siblings, notice.keyspace)
      case 'exchange':
        this.exchanged += notice.received
        return plus(this.exchanges, notice.outcome)
      case 'handoff':
        if (notice.state === 'ended') this.handedOver += notice.count
        return
      case 'leader':
        return this.#led(notice.group, notice.leader)
      case 'quorum':
        if (notice.state === 'lost') this.quorumLosses++
        return
      case 'partition':
        this.broken = notice.links
        return
      case 'damaged':
        this.damaged++
        return
      default:
    }
  }

  #led(group: string, leader: Leader | undefined): void {
    const known = this.leaders.get(group)
    if (leader !== undefined && leader.generation !== known?.generation) this.leaderChanges++
    if (this.leaders.has(group) || this.leaders.size < GROUPS_MAX) this.leaders.set(group, leader ?? known)
  }
}

function plus(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
