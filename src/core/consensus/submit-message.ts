/**
 * What others send the leader of a keyspace, and what it answers.
 *
 * A request names the generation whose leader is meant: whoever gets it and leads in another, or in none, does nothing.
 * Ring: values (types only).
 */
import type { Verdict, Visible } from './change.ts'
import type { Leader } from './group.ts'
import type { OperationStamp } from './register-state.ts'

/** What is wanted of the key. */
export type Wish =
  /** `isFresh`: by a round, whatever is known already. */
  | { readonly kind: 'look'; readonly isFresh: boolean }
  /** `isUpdate`: the value was made from that revision, and will be made again from another one. */
  | {
      readonly kind: 'set'
      readonly value: Uint8Array | null
      readonly ifRevision: number | undefined
      readonly isUpdate: boolean
    }
  | { readonly kind: 'fence' }

export interface Submit extends OperationStamp {
  readonly kind: 'submit'
  readonly id: number
  readonly round: number
  readonly keyspace: number
  readonly key: string
  readonly generation: number
  /** A whole number that the sender never uses twice, each higher than the last: a copy of the request is passed over. */
  readonly serial: number
  /** Whether the operation may have been sent before, to whomever. */
  readonly isRetry: boolean
  /** The fencing token that the change carries; 0 for none. */
  readonly token: number
  readonly wish: Wish
}

/** `applied` without the value, which the sender knows. */
export type Told =
  | { readonly kind: 'applied'; readonly now: Pick<Visible, 'revision'> }
  | Exclude<Verdict, { readonly kind: 'applied' | 'threw' }>

export type SubmitResult =
  /** `by`: positions that hold what is told; none for what was read under the lease. */
  | { readonly kind: 'told'; readonly told: Told; readonly by: number }
  /**
   * `isOver`: it will never lead in that generation again. `mayLand`: the change was on its way to the replicas.
   * `leader`: who leads, as far as it knows.
   */
  | {
      readonly kind: 'not-leader'
      readonly isOver: boolean
      readonly mayLand: boolean
      readonly leader: Leader | undefined
    }
  /** Too few replicas can answer the leader. */
  | { readonly kind: 'unavailable'; readonly mayLand: boolean }
  | { readonly kind: 'overloaded' }

export interface Submitted {
  readonly kind: 'submitted'
  readonly id: number
  readonly round: number
  readonly result: SubmitResult
}
