/**
 * What machines tell observers: facts for events, metrics and logs, never needed for correctness.
 *
 * Ring: values (types only).
 */
import type { Leader } from './consensus/group.ts'

export type Notice =
  /** A replica's reachability changed, as this coordinator sees it. */
  | {
      readonly kind: 'reachability'
      readonly replica: string
      readonly state: Reachability
      readonly before: Reachability
    }
  /** A read found copies that differ and sent the merged record to the stale ones. */
  | { readonly kind: 'repair'; readonly keyspace: string; readonly key: string; readonly replicas: readonly string[] }
  /** An operation ended in an error. */
  | { readonly kind: 'failed'; readonly operation: string; readonly code: string; readonly keyspace: string }
  /** A read found more than one sibling. */
  | { readonly kind: 'siblings'; readonly keyspace: string; readonly key: string; readonly count: number }
  /**
   * What the replica here kept for another one is handed over. `count`: at the start, how many hints were found so far;
   * at the end, how many records the owner took.
   */
  | { readonly kind: 'handoff'; readonly owner: string; readonly state: 'started' | 'ended'; readonly count: number }
  /** A replica refused this process in the handshake, or was refused by it. */
  | { readonly kind: 'refused'; readonly replica: string; readonly reason: string }
  /** An exchange that this replica began is over: one that found differences, did not end well, or was asked for. */
  | ({ readonly kind: 'exchange'; readonly replica: string } & ExchangeSummary)
  /** Another leads a group, or nobody is known to, as this process was told. */
  | {
      readonly kind: 'leader'
      readonly group: string
      readonly leader: Leader | undefined
      readonly before: Leader | undefined
    }
  /** This process leads a group, and renewals do not get through: so long it leads without one. */
  | { readonly kind: 'lease'; readonly group: string; readonly generation: number; readonly leftMs: number }
  /** An elector in this process gave its vote, or learnt that the one who has it leads. */
  | {
      readonly kind: 'vote'
      readonly group: string
      readonly generation: number
      readonly holder: string
      readonly leads: boolean
    }
  /** This process reaches a majority of the members, or does not any more. */
  | {
      readonly kind: 'quorum'
      readonly state: 'lost' | 'regained'
      readonly reached: number
      readonly members: number
    }
  /** Links that were there seem to be broken: a partition is suspected. None: not any more. */
  | { readonly kind: 'partition'; readonly links: readonly BrokenLink[] }
  /**
   * A record at the replica here cannot be read from its disk. It is not served, and counts as absent when replicas
   * compare; a quorum of the others still has it.
   */
  | { readonly kind: 'damaged'; readonly keyspace: string; readonly key: string }
  /**
   * The replica here may have forgotten writes, and takes no part in reads until exchanges have brought them back; or
   * it has them again. `keyspace` is the one that it concerns; without it, all of them: its data began anew.
   */
  | { readonly kind: 'standing'; readonly standing: Standing; readonly keyspace?: string; readonly why: string }
  /** The data here is an older copy of what this replica has had: it stops. */
  | { readonly kind: 'older-copy'; readonly replica: string; readonly why: string }
  /** That copy is under another name now, and the replica has begun anew with no data. */
  | { readonly kind: 'set-aside'; readonly replica: string; readonly directory: string | undefined }
  /** A keyspace was registered at a replica. */
  | { readonly kind: 'keyspace'; readonly name: string; readonly confirmed: boolean }

/** Whether a replica takes part in reads. */
export type Standing = 'serving' | 'catching-up'

/**
 * A link to a replica, as seen from this process. `there`: what this process sends does not arrive, or is not answered,
 * and the replica is heard all the same. `both`: nothing is heard either.
 */
export interface BrokenLink {
  readonly replica: string
  readonly broken: 'there' | 'both'
}

/** What became of an exchange with another replica. */
export interface ExchangeSummary {
  /**
   * `done`: both hold the same. `unreachable`, `silent`: the other did not answer. `declined`: it would not, such as while
   * it reads what it has stored. `bad-answer`: what it said makes no sense. `failed`: the storage here did not give what
   * was asked for.
   */
  readonly outcome: 'done' | 'unreachable' | 'silent' | 'declined' | 'bad-answer' | 'failed'
  readonly rounds: number
  /** Of both directions. */
  readonly bytes: number
  /** Places at which the two differed. */
  readonly differing: number
  /** Records that were sent, and got. */
  readonly offered: number
  readonly received: number
}

/**
 * `reachable`: answers within its usual time. `late`: answers are overdue. `unreachable`: nothing came for longer than
 * the limit, or the link is down. `one-way`: its messages arrive here and none of ours are answered.
 */
export type Reachability = 'reachable' | 'late' | 'unreachable' | 'one-way'
