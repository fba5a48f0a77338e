/**
 * What a successful call rests on: who answered what, how fast, what was stale, and what it promises.
 *
 * The coordinator hands over masks; words are made only when somebody looks, so receipts cost the hot path one object.
 * Ring: values.
 */
import type { PreferenceList } from '../placement/placement.ts'
import { count, firstPositions, type ListQuorum } from '../quorum/quorum.ts'
import type { Names } from './operation.ts'

/** One replica's part in a call. */
export interface ReplicaReceipt {
  /** `current`: it held, or stored, the result. `stale`: it held less. `silent`: no answer yet. */
  readonly state: 'current' | 'stale' | 'silent' | 'not asked'
  /** Milliseconds from the start of the call to its first answer. */
  readonly ms: number | undefined
  /** Whether the result was sent to it because it was stale. */
  readonly repaired: boolean
}

export interface ReceiptFacts {
  readonly list: PreferenceList
  readonly names: Names
  readonly level: string
  readonly quorum: ListQuorum
  readonly strict: boolean
  readonly sloppy: boolean
  /** By id: who keeps the result for which replica of the key. */
  readonly standIns: Readonly<Record<string, string>>
  readonly asked: number
  /** Positions known to hold the result. */
  readonly current: number
  /** The same, and those for whom a stand-in counted. */
  readonly counted: number
  readonly stale: number
  readonly repaired: number
  readonly tookMs: readonly number[]
  readonly ms: number
  /** Whether the result is known to be on a write quorum. */
  readonly settled: boolean
}

/** No stand-ins. */
export const NOBODY: Readonly<Record<string, never>> = {}

export class Receipt {
  readonly #facts: ReceiptFacts

  constructor(facts: ReceiptFacts) {
    this.#facts = facts
  }

  /** The level asked for, by its canonical name: `2`, `local-quorum`. */
  get level(): string {
    return this.#facts.level
  }

  /** How many replicas are known to hold the result, those that keep it for others included. */
  get reached(): number {
    return count(this.#facts.current) + Object.keys(this.#facts.standIns).length
  }

  /** Whether this call's quorum meets every quorum that the other side uses by default. */
  get strict(): boolean {
    return this.#facts.strict
  }

  /**
   * Whether the level was only reached by counting members that keep the write for replicas of the key. Reads do not ask
   * those members, so even a strict read may miss such a write until it is handed over.
   */
  get sloppy(): boolean {
    return this.#facts.sloppy
  }

  /** Who keeps the write for which replica, both by id: those that had it on disk when the call ended. */
  get standIns(): Readonly<Record<string, string>> {
    return this.#facts.standIns
  }

  /** Whether the result is known to be on a write quorum, so that no later strict read can miss it. */
  get settled(): boolean {
    return this.#facts.settled
  }

  /** Milliseconds from call to result, in the coordinator. */
  get ms(): number {
    return this.#facts.ms
  }

  /** How many of the replicas that answered could have been missing, whichever they were, with the same outcome. */
  get spare(): number {
    const { quorum, list } = this.#facts
    const answered = this.#facts.counted | this.#facts.stale
    return quorum.spare(answered & firstPositions(list.replicas.length))
  }

  /** By replica id. */
  get replicas(): Readonly<Record<string, ReplicaReceipt>> {
    const { list, names, tookMs, repaired } = this.#facts
    const replicas: Record<string, ReplicaReceipt> = {}
    list.replicas.forEach((replica, position) => {
      const ms = tookMs[position] as number
      replicas[names[replica] as string] = {
        state: this.#stateOf(1 << position),
        ms: ms < 0 ? undefined : ms,
        repaired: (repaired & (1 << position)) !== 0,
      }
    })
    return replicas
  }

  toJSON(): Record<string, unknown> {
    const { level, reached, strict, sloppy, settled, spare, ms, replicas, standIns } = this
    return { level, reached, strict, sloppy, settled, spare, ms, replicas, standIns }
  }

  #stateOf(bit: number): ReplicaReceipt['state'] {
    const { current, stale, asked } = this.#facts
    if (current & bit) return 'current'
    if (stale & bit) return 'stale'
    return asked & bit ? 'silent' : 'not asked'
  }
}
