/**
 * Random histories of one key, played on dotted records and on the model side by side.
 *
 * Replicas mint writes whose contexts are whatever a client may hold: nothing, a read, a put, several of them joined, or
 * single dots. What they mint travels as deltas that arrive anywhere, in any order, any number of times; an operation
 * comes again to the replica that minted it, with the context of the first time or with a newer one; replicas also
 * exchange whole copies. Clocks are not in step: times come in any order.
 */
import fc from 'fast-check'
import { joinContexts, withDot, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import {
  dotOf,
  EMPTY_RECORD,
  mayHaveForgotten,
  mergeAt,
  mint,
  type Dot,
} from '../../../src/core/causality/dotted-record.ts'
import { contextOf } from '../../../src/core/causality/merge.ts'
import type { DottedRecord } from '../../../src/core/record.ts'
import { canonicalOf, dotName, type DotSet } from './dot-sets.ts'
import { mintIn, NOTHING, seenBy, siblingsIn, union, type Copy } from './history-model.ts'

const REPLICAS = 3

interface ContextMove {
  readonly context: number
  readonly pick: readonly number[]
}

export type Move =
  | ({ readonly kind: 'write'; readonly replica: number; readonly at: number } & ContextMove)
  | ({ readonly kind: 'retry'; readonly write: number } & ContextMove)
  | { readonly kind: 'deliver'; readonly replica: number; readonly message: number }
  | { readonly kind: 'exchange'; readonly replica: number; readonly with: number }
  | { readonly kind: 'keep'; readonly replica: number }

const replica = fc.nat({ max: REPLICAS - 1 })
const index = fc.nat({ max: 1_000 })
const at = fc.integer({ min: 1, max: 20 })
const pick = fc.array(index, { minLength: 3, maxLength: 3 })
const context = fc.nat({ max: 4 })

export const anyMoves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), replica, at, context, pick }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), write: index, context, pick }) },
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
  readonly home: number
  readonly dot: Dot
}

/** What a client holds. */
interface Held {
  readonly context: CausalContext
  readonly seen: DotSet
}

const NONE: Held = { context: { vector: [], cloud: [] }, seen: new Set() }

export class Play {
  readonly replicas: Pair[] = Array.from({ length: REPLICAS }, () => ({ record: EMPTY_RECORD, copy: NOTHING }))
  /** Everything that was ever sent; any of it may arrive anywhere, now or again. */
  readonly sent: Pair[] = []
  readonly writes: Write[] = []
  /** How many retries found their write among the siblings, and how many found it replaced. */
  retriesOfSiblings = 0
  retriesOfReplaced = 0
  readonly #held: Held[] = [NONE]

  move(move: Move): void {
    switch (move.kind) {
      case 'write':
        return this.#write(move.replica, move.at, this.#context(move))
      case 'retry': {
        const write = this.writes[move.write % Math.max(1, this.writes.length)]
        if (write !== undefined) this.#retry(write, this.#context(move))
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

  #write(home: number, time: number, held: Held): void {
    const op = this.writes.length + 1
    const value = Uint8Array.of(op)
    const { record, copy } = this.replicas[home] as Pair
    const delta = mint(record, home + 1, { op, at: time, value, context: held.context })
    const told = { record: delta, copy: mintIn(copy, home + 1, { op, seen: held.seen }) }
    const dot = delta.siblings[0] as Dot
    this.writes.push({ op, at: time, value, home, dot })
    this.sent.push(told)
    this.#take(home, told)
    this.#held.push(having(held, dot))
  }

  /** As `Replica` and `Put` do it: the home answers with the dot, and with all that it has. */
  #retry({ op, at: time, home, dot }: Write, held: Held): void {
    const here = this.replicas[home] as Pair
    const known = dotOf(here.record, { op, actor: home + 1 })
    if (known === undefined) {
      if (!mayHaveForgotten(here.record, time)) throw new Error(`operation ${op} is not known at home`)
      return
    }
    if (dotName(known) !== dotName(dot)) throw new Error(`operation ${op} has a second dot`)
    if (siblingsIn(here.copy).has(dotName(dot))) this.retriesOfSiblings++
    else this.retriesOfReplaced++
    this.sent.push(here)
    this.#held.push(having(held, known))
  }

  #take(where: number, told: Pair): void {
    const { record, copy } = this.replicas[where] as Pair
    this.replicas[where] = { record: mergeAt(where + 1, record, told.record), copy: union(copy, told.copy) }
  }

  #context({ context: which, pick: [first = 0, second = 0, third = 0] }: ContextMove): Held {
    const reads = this.replicas.map(({ record, copy }) => ({ context: contextOf(record), seen: seenBy(copy) }))
    const read = reads[first % REPLICAS] as Held
    const held = this.#held[second % this.#held.length] as Held
    switch (which) {
      case 0:
        return NONE
      case 1:
        return read
      case 2:
        return held
      case 3:
        return { context: joinContexts(read.context, held.context), seen: new Set([...read.seen, ...held.seen]) }
      default: {
        // Single dots, with whatever gaps they leave.
        const everything = [...new Set(reads.flatMap(({ seen }) => [...seen]))]
        const seen = new Set(everything.filter((_, i) => (first + i * second + third) % 3 === 0))
        return { context: canonicalOf(seen), seen }
      }
    }
  }
}

function having({ context: of, seen }: Held, dot: Dot): Held {
  return { context: withDot(of, dot), seen: new Set([...seen, dotName(dot)]) }
}
