/**
 * Random histories of one key, played on dotted records and on the model side by side.
 *
 * Replicas mint writes whose contexts are whatever a client may hold: nothing, a read, a put, several of them joined, or
 * single dots. What they mint travels as deltas that arrive anywhere, in any order, any number of times; an operation
 * may be minted again at another replica, with the context of the first time or with a newer one; replicas also exchange
 * whole copies.
 */
import fc from 'fast-check'
import { joinContexts, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import {
  deltaOf,
  EMPTY_RECORD,
  mergeDotted,
  mint,
  siblingOf,
  wasOverwritten,
} from '../../../src/core/causality/dotted-record.ts'
import { contextOf } from '../../../src/core/causality/merge.ts'
import type { DottedRecord } from '../../../src/core/record.ts'
import { canonicalOf } from './dot-sets.ts'
import {
  mintIn,
  NOTHING,
  readingOf,
  seenBy,
  siblingsIn,
  union,
  type Copy,
  type ModelWrite,
  type Seen,
} from './history-model.ts'

const REPLICAS = 3

interface ContextMove {
  readonly context: number
  readonly pick: readonly number[]
}

export type Move =
  | ({ readonly kind: 'write'; readonly replica: number } & ContextMove)
  | { readonly kind: 'retry'; readonly replica: number; readonly write: number }
  | ({ readonly kind: 'retry later'; readonly replica: number; readonly write: number } & ContextMove)
  | { readonly kind: 'deliver'; readonly replica: number; readonly message: number }
  | { readonly kind: 'exchange'; readonly replica: number; readonly with: number }
  | { readonly kind: 'keep'; readonly replica: number }

const replica = fc.nat({ max: REPLICAS - 1 })
const index = fc.nat({ max: 1_000 })
const pick = fc.array(index, { minLength: 3, maxLength: 3 })

/** Contexts that readers and writers were given. */
const GIVEN = 3
/** Those, and single dots. */
const ANY = 4

function movesWith(contextMax: number, retries: fc.Arbitrary<Move>): fc.Arbitrary<readonly Move[]> {
  const context = fc.nat({ max: contextMax })
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), replica, context, pick }) },
      { weight: 2, arbitrary: retries },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), replica, message: index }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('exchange' as const), replica, with: replica }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep' as const), replica }) },
    ),
    { minLength: 1, maxLength: 30, size: 'max' },
  )
}

const retry = fc.record({ kind: fc.constant('retry' as const), replica, write: index })
const retryLater = fc.record({
  kind: fc.constant('retry later' as const),
  replica,
  write: index,
  context: fc.nat({ max: GIVEN }),
  pick,
})

/**
 * Contexts of any dots with retries that keep theirs, or contexts that were given out with retries that bring any. A
 * retry with another context of mere dots is not among them: nothing would tell that its writer has seen itself.
 */
export const anyMoves: fc.Arbitrary<readonly Move[]> = fc.oneof(
  movesWith(ANY, retry),
  movesWith(GIVEN, fc.oneof(retry, retryLater)),
)

/** A record and the events that it should stand for. */
export interface Pair {
  readonly record: DottedRecord
  readonly copy: Copy
}

interface Write extends ModelWrite {
  readonly at: number
  readonly value: Uint8Array
  readonly context: CausalContext
}

/** What a client holds. */
interface Held {
  readonly context: CausalContext
  readonly seen: Seen
}

const NONE: Held = { context: { vector: [], cloud: [] }, seen: { dots: new Set(), names: new Set() } }

export class Play {
  readonly replicas: Pair[] = Array.from({ length: REPLICAS }, () => ({ record: EMPTY_RECORD, copy: NOTHING }))
  /** Everything that was ever sent; any of it may arrive anywhere, now or again. */
  readonly sent: Pair[] = []
  readonly writes: Write[] = []
  /** How many operations got a second dot, and how many of them for a writer that had seen the first. */
  twins = 0
  seenTwins = 0
  readonly #held: Held[] = [NONE]

  move(move: Move): void {
    switch (move.kind) {
      case 'write': {
        const op = this.writes.length + 1
        const write = { op, at: 1_000 + op, value: Uint8Array.of(op), ...this.#context(move) }
        this.writes.push(write)
        this.#mintAt(move.replica, write)
        return
      }
      case 'retry':
      case 'retry later': {
        const write = this.writes[move.write % Math.max(1, this.writes.length)]
        if (write === undefined) return
        this.#mintAt(move.replica, move.kind === 'retry' ? write : { ...write, ...this.#later(write.op, move) })
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
    const over = wasOverwritten(record, write.op)
    const delta = known ? deltaOf(write, known, []) : over ? record : mint(record, actor, write)
    const told = { record: delta, copy: mintIn(copy, actor, write) }
    const before = this.sent.some((pair) => [...siblingsIn(pair.copy).values()].includes(write.op))
    if (known === undefined && !over && before) this.twins++
    this.sent.push(told)
    this.#take(at, told)
    this.#held.push({ context: contextOf(told.record), seen: readingOf(told.copy) })
  }

  /** As `Put` does it: a writer that has seen its own write replaces nothing when it writes it again. */
  #later(op: number, move: ContextMove): Held {
    const held = this.#context(move)
    if (!held.seen.names.has(op)) return held
    this.seenTwins++
    return NONE
  }

  #take(at: number, told: Pair): void {
    const { record, copy } = this.replicas[at] as Pair
    this.replicas[at] = { record: mergeDotted(record, told.record), copy: union(copy, told.copy) }
  }

  #context({ context, pick: [first = 0, second = 0, third = 0] }: ContextMove): Held {
    const reads = this.replicas.map(({ record, copy }) => ({ context: contextOf(record), seen: readingOf(copy) }))
    const read = reads[first % REPLICAS] as Held
    const held = this.#held[second % this.#held.length] as Held
    switch (context) {
      case 0:
        return NONE
      case 1:
        return read
      case 2:
        return held
      case 3:
        return {
          context: joinContexts(read.context, held.context),
          seen: {
            dots: new Set([...read.seen.dots, ...held.seen.dots]),
            names: new Set([...read.seen.names, ...held.seen.names]),
          },
        }
      default: {
        // Single dots, with whatever gaps they leave, and no names.
        const everything = [...new Set(this.replicas.flatMap(({ copy }) => [...seenBy(copy)]))]
        const dots = new Set(everything.filter((_, i) => (first + i * second + third) % 3 === 0))
        return { context: canonicalOf(dots), seen: { dots, names: new Set() } }
      }
    }
  }
}
