/**
 * What machines tell observers: facts for events, metrics and logs, never needed for correctness.
 *
 * Ring: values (types only).
 */

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
  /** A keyspace was registered at a replica. */
  | { readonly kind: 'keyspace'; readonly name: string; readonly confirmed: boolean }

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
