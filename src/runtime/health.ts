/**
 * How a store is, in numbers: what dashboards show and monitoring stores.
 */
import type { Leader } from '../core/consensus/group.ts'
import type { KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { BrokenLink } from '../core/notice.ts'
import type { CallSeries } from './telemetry/call-times.ts'
import type { Margins } from './telemetry/margins.ts'
import type { NotedEvent } from './telemetry/tallies.ts'

/** A group that this process leads, stands in, or has heard of. */
export interface GroupHealth {
  /** With its kind in front: `group:reports`, `lock:nightly`. */
  readonly group: string
  readonly leader: Leader | undefined
  /** Whether it is this process, by the clock now. */
  readonly isHere: boolean
  /** How long this process leads if no renewal gets through any more; 0 if it does not. */
  readonly leaseLeftMs: number
}

export interface KeyspaceHealth {
  readonly definition: KeyspaceDefinition
  /** Further failures that are survived, as seen from here; nothing where its quorums cannot be formed from here. */
  readonly margins: Margins | undefined
}

export interface Health {
  readonly keyspaces: readonly KeyspaceHealth[]
  readonly groups: readonly GroupHealth[]
  /** Successful calls since the start. */
  readonly calls: readonly CallSeries[]
  /** Failed calls since the start, by code. */
  readonly failed: Readonly<Record<string, number>>
  /** Reads that mended stale replicas, by keyspace. */
  readonly repairs: Readonly<Record<string, number>>
  /** Reads that found siblings, by keyspace. */
  readonly siblings: Readonly<Record<string, number>>
  /** Exchanges by outcome, of those that found something or failed. */
  readonly exchanges: Readonly<Record<string, number>>
  /** Records that exchanges brought. */
  readonly exchanged: number
  /** Records that were kept for others and that these took. */
  readonly handedOver: number
  /** Bytes that are kept for others that are away, by id. Empty where no replica is. */
  readonly hintBytes: Readonly<Record<string, number>>
  readonly leaderChanges: number
  readonly quorumLosses: number
  /** Tokens that were refused because a higher one had been seen, and calls that were refused for the like. */
  readonly fenced: number
  readonly damaged: number
  /** Links that seem to be broken. */
  readonly broken: readonly BrokenLink[]
  /** How far the calendar's clock was set since the process began; much more than it drifts says that somebody set it. */
  readonly clockStepMs: number
  readonly events: readonly NotedEvent[]
}
