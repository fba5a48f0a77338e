/**
 * What a replica's standing needs of the replica around it, and what it is told.
 *
 * Ring: machines (types only).
 */
import type { Life } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { Keyspaces } from './replica-keyspaces.ts'
import type { Rebirth } from './replica-rebirth.ts'
import type { Votes } from './replica-votes.ts'
import type { Step } from './step.ts'

export interface StandingConfig {
  /** The index of this replica. */
  readonly index: number
  readonly membership: Membership
  readonly life: Life
  readonly options: Pick<ResolvedCore, 'heartbeatMs' | 'timeoutMs'>
  readonly keyspaces: Keyspaces
  /** They are asked for and told in the same messages. */
  readonly votes: Pick<Votes, 'recalls' | 'voted' | 'asks' | 'heard'>
  readonly rebirth: Rebirth
  readonly ownKeyspace: number
  /** A number for what is confirmed here. */
  readonly known: () => number
  /** How many exchanges have begun. */
  readonly exchanges: () => number
  /** Exchanges with these as soon as they can be reached. */
  readonly hasten: (peers: readonly number[], nowMs: number) => void
  /** Tells a peer what is confirmed here. */
  readonly teach: (peer: number, step: Step) => void
}

/** An exchange of this replica that is over. */
export interface Ended {
  readonly peer: number
  readonly sequence: number
  readonly beganAtMs: number
  readonly isDone: boolean
}
