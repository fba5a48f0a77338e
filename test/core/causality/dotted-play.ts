/**
 * Random histories of one key, played on dotted records and on the model side by side.
 *
 * Replicas mint writes whose contexts are whatever a client may hold: nothing, a read, a put, several of them joined, or
 * single dots. What they mint travels as deltas that arrive anywhere, in any order, any number of times; an operation
 * may be minted again at another replica; replicas also exchange whole copies.
 */
import fc from 'fast-check'
import { EMPTY_CONTEXT, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import {
  deltaOf,
  EMPTY_RECORD,
  mergeDotted,
  mint,
  siblingOf,
  wasOverwritten,
} from '../../../src/core/causality/dotted-record.ts'
import type { DottedRecord } from '../../../src/core/record.ts'
import { canonicalOf, dotsOf, type DotSet } from './dot-sets.ts'
import { mintIn, NOTHING, seenBy, siblingsIn, union, type Copy } from './history-model.ts'

export const REPLICAS = 3

export type Move =
  | { readonly kind: 'write'; readonly replica: number; readonly context: number; readonly pick: readonly number[] }
  | { readonly kind: 'retry'; readonly replica: number; readonly write: number }
  | { readonly kind: 'deliver'; readonly replica: number; readonly message: number }
  | { readonly kind: 'exchange'; readonly replica: number; readonly with: number }
  | { readonly kind: 'keep'; readonly replica: number }

const replica = fc.nat({ max: REPLICAS - 1 })
const index = fc.nat({ max: 1_000 })

export const anyMoves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        replica,
        context: fc.nat({ max: 4 }),
        pick: fc.array(index, { minLength: 2, maxLength: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), replica, write: index }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), replica, message: index }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('exchange' as const), replica, with: replica }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep' as const), replica }) },
  ),
  { minLength: 1, maxLength: 30, size: 'max' },
)

/** A record and the events that it should stand for. */
export interface Pair {
  readonly record: DottedRecord
  readonly copy: Copy
}

interface Write {
  readonly op: number
  readonly at: number
  readonly value: Uint8Array
  readonly context: CausalContext
  readonly seen: DotSet
}

export class Play {
  readonly replicas: Pair[] = Array.from({ length: REPLICAS }, () => ({ record: EMPTY_RECORD, copy: NOTHING }))
  /** Everything that was ever sent; any of it may arrive anywhere, now or again. */
  readonly sent: Pair[] = []
  readonly writes: Write[] = []
  /** How many operations got a second dot. */
  twins = 0
  /** Contexts that clients hold. */
  readonly #held: DotSet[] = [new Set()]

  move(move: Move): void {
    switch (move.kind) {
      case 'write': {
        const seen = this.#context(move)
        const op = this.writes.length + 1
        const context = canonicalOf(seen)
        const write = { op, at: 1_000 + op, value: Uint8Array.of(op), context, seen }
        this.writes.push(write)
        this.#mintAt(move.replica, write)
        return
      }
      case 'retry': {
        const write = this.writes[move.write % Math.max(1, this.writes.length)]
        if (write !== undefined) this.#mintAt(move.replica, write)
        return
      }
      case 'deliver': {
        const message = this.sent[move.message % Math.max(1, this.sent.length)]
        if (message !== undefined) this.#take(move.replica, message)
        return
      }
      case 'exchange': {
        const { [move.replica]: one, [move.with]: other } = this.replicas
        this.#take(move.replica, other as Pair)
        this.#take(move.with, one as Pair)
        return
      }
      case 'keep':
        this.sent.push(this.replicas[move.replica] as Pair)
    }
  }

  /** As `Replica` and `Put` do it: one dot for an operation that is here, none for one that was overwritten. */
  #mintAt(at: number, write: Write): void {
    const actor = at + 1
    const { record, copy } = this.replicas[at] as Pair
    const known = siblingOf(record, write.op)
    const delta = known
      ? deltaOf(write, known, [])
      : wasOverwritten(record, write.op)
        ? record
        : mint(record, actor, write)
    const told = { record: delta, copy: mintIn(copy, actor, write) }
    const dots = new Set(this.sent.flatMap((pair) => [...siblingsIn(pair.copy)].filter(([, op]) => op === write.op)))
    if (known === undefined && dots.size > 0) this.twins++
    this.sent.push(told)
    this.#take(at, told)
    this.#held.push(dotsOf(told.record.context))
  }

  #take(at: number, told: Pair): void {
    const { record, copy } = this.replicas[at] as Pair
    this.replicas[at] = { record: mergeDotted(record, told.record), copy: union(copy, told.copy) }
  }

  #context({ context, pick }: { readonly context: number; readonly pick: readonly number[] }): DotSet {
    const reads = this.replicas.map(({ copy }) => seenBy(copy))
    const [first = 0, second = 0, third = 0] = pick
    const everything = [...new Set(reads.flatMap((dots) => [...dots]))]
    switch (context) {
      case 0:
        return dotsOf(EMPTY_CONTEXT)
      case 1:
        return reads[first % REPLICAS] as DotSet
      case 2:
        return this.#held[first % this.#held.length] as DotSet
      case 3:
        return new Set([...(reads[first % REPLICAS] as DotSet), ...(this.#held[second % this.#held.length] as DotSet)])
      default:
        // Single dots, with whatever gaps they leave.
        return new Set(everything.filter((_, i) => (first + i * second + third) % 3 === 0))
    }
  }
}
