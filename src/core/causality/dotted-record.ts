/**
 * Siblings kept apart by causality: minting a dot for a write, and merging what two replicas hold.
 *
 * Dotted version vectors after Almeida, Baquero, Gonçalves, Preguiça, Fonte, "Scalable and Accurate Causality Tracking
 * for Eventually Consistent Stores" (DAIS 2014), in the join-semilattice form of a multi-value register (delta state
 * CRDTs, 2018): a write that one side knows of and the other has overwritten is gone; a write that only one side knows
 * of stays. Merging is commutative, associative and idempotent, so copies, delays and repetition do no harm.
 *
 * One addition: an operation that was sent to a second replica because the first did not answer may get two dots.
 * Readers see such twins as one sibling; a reader's context names the writes that it has seen, so who overwrites one
 * twin overwrites both; and a record remembers the operations that it saw overwritten last, so a twin that comes late
 * does not rise.
 * Ring: values.
 */
import { Digest } from '../base/hash.ts'
import type { DottedRecord, Sibling } from '../record.ts'
import { holdsOp, mergeNewest, newestFirst, OVERWRITTEN_MAX, withoutOp } from './newest-writes.ts'
import { EMPTY_CONTEXT, hasDot, highestSeen, joinContexts, withDot, type CausalContext } from './causal-context.ts'

/** What a key holds before its first write. */
export const EMPTY_RECORD: DottedRecord = {
  kind: 'dotted',
  context: EMPTY_CONTEXT,
  siblings: [],
  overwritten: [],
}

/** A write before it has a dot. */
export interface UnmintedWrite {
  readonly op: number
  readonly at: number
  readonly value: Uint8Array | null
  /** What the writer had seen: these siblings are replaced, all others stay. */
  readonly context: CausalContext
}

/** The dot of an operation that this record has already taken in, if its write is still a sibling. */
export function siblingOf(record: DottedRecord, op: number): Sibling | undefined {
  for (const sibling of record.siblings) if (sibling.op === op) return sibling
  return undefined
}

/** Whether the record saw this operation's write overwritten, as far back as it remembers. */
export function wasOverwritten(record: DottedRecord, op: number): boolean {
  return holdsOp(record.overwritten, op)
}

/** Whether the record may have forgotten an operation of this time, because it saw so many newer ones overwritten. */
export function mayHaveForgotten({ overwritten }: DottedRecord, at: number): boolean {
  return overwritten.length >= 2 * OVERWRITTEN_MAX && at <= (overwritten.at(-2) as number)
}

/** Further than any replica can lag behind: ten thousand writes to one key in each second for three years. */
const LAG_MAX = 2 ** 40

/**
 * Whether a writer can have seen this. A context that names writes far beyond the record's is made up, and minting
 * after it would soon leave the whole numbers behind.
 */
export function isPlausible(record: DottedRecord, { vector, cloud }: CausalContext): boolean {
  return isNear(record, vector) && isNear(record, cloud)
}

function isNear({ context }: DottedRecord, pairs: readonly number[]): boolean {
  for (let i = 0; i < pairs.length; i += 2) {
    const counter = pairs[i + 1] as number
    if (counter > LAG_MAX && counter > highestSeen(context, pairs[i] as number) + LAG_MAX) return false
  }
  return true
}

/**
 * A new write as a delta: a record that holds the write and the context it follows, and nothing else. Merging the
 * delta into any replica's record is the write. The caller's duty: only the replica that owns `actor` mints for it,
 * and the merged record is durable before the dot leaves the process, so that no dot is ever given twice.
 */
export function mint(record: DottedRecord, actor: number, write: UnmintedWrite): DottedRecord {
  const before = Math.max(highestSeen(record.context, actor), highestSeen(write.context, actor))
  const dot = { actor, counter: before + 1 }
  return deltaOf(write, dot, overwrittenBy(record, write.context))
}

/** The delta of a write whose dot is known. */
export function deltaOf(
  write: UnmintedWrite,
  dot: { readonly actor: number; readonly counter: number },
  overwritten: readonly number[],
): DottedRecord {
  const sibling: Sibling = { actor: dot.actor, counter: dot.counter, op: write.op, at: write.at, value: write.value }
  const seen = mergeNewest(write.context.writes ?? [], overwritten)
  const context = withDot(write.context, dot)
  return { kind: 'dotted', context, siblings: [sibling], overwritten: withoutOp(seen, write.op) }
}

/** The `at, op` pairs of the siblings that a writer with this context replaces. */
function overwrittenBy(record: DottedRecord, context: CausalContext): readonly number[] {
  const pairs: number[] = []
  for (const sibling of record.siblings) if (hasDot(context, sibling)) pairs.push(sibling.at, sibling.op)
  return newestFirst(pairs)
}

/** What both sides know together. */
export function mergeDotted(a: DottedRecord, b: DottedRecord): DottedRecord {
  if (a === b) return a
  const gone: number[] = []
  let kept: Sibling[] = []
  for (const sibling of a.siblings) keepUnlessCovered(sibling, b, kept, gone)
  for (const sibling of b.siblings) {
    if (!holdsDot(a.siblings, sibling)) keepUnlessCovered(sibling, a, kept, gone)
  }
  if (kept.length > 1) {
    if (gone.length > 0) kept = kept.filter((sibling) => !holdsOp(gone, sibling.op))
    kept.sort(byDot)
  }
  return {
    kind: 'dotted',
    context: joinContexts(a.context, b.context),
    siblings: kept,
    overwritten: mergeNewest(mergeNewest(a.overwritten, b.overwritten), newestFirst(gone)),
  }
}

/** The siblings that a reader sees: one for each operation. */
export function visibleSiblings(record: DottedRecord): readonly Sibling[] {
  const { siblings } = record
  if (siblings.length < 2) return siblings
  return siblings.filter((sibling, i) => siblings.findIndex((other) => other.op === sibling.op) === i)
}

/** Digest of the causal state: which writes are known, and which are still here. Values are named by their dots. */
export function digestDotted(record: DottedRecord): number {
  const digest = new Digest()
  for (const number of record.context.vector) digest.add(number)
  digest.add(record.context.cloud.length)
  for (const number of record.context.cloud) digest.add(number)
  for (const sibling of record.siblings) {
    digest.add(sibling.actor)
    digest.add(sibling.counter)
  }
  return digest.value()
}

function keepUnlessCovered(sibling: Sibling, other: DottedRecord, kept: Sibling[], gone: number[]): void {
  if (wasOverwritten(other, sibling.op)) gone.push(sibling.at, sibling.op)
  else if (holdsDot(other.siblings, sibling) || !hasDot(other.context, sibling)) kept.push(sibling)
  else gone.push(sibling.at, sibling.op)
}

function holdsDot(siblings: readonly Sibling[], dot: Sibling): boolean {
  for (const sibling of siblings) if (sibling.actor === dot.actor && sibling.counter === dot.counter) return true
  return false
}

function byDot(a: Sibling, b: Sibling): number {
  return a.actor - b.actor || a.counter - b.counter
}
