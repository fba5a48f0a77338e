/**
 * Siblings kept apart by causality: minting a dot for a write, and merging what two replicas hold.
 *
 * Dotted version vectors after Almeida, Baquero, Gonçalves, Preguiça, Fonte, "Scalable and Accurate Causality Tracking
 * for Eventually Consistent Stores" (DAIS 2014), in the join-semilattice form of a multi-value register (delta state
 * CRDTs, 2018): a write that one side knows of and the other has overwritten is gone; a write that only one side knows
 * of stays. Merging is commutative, associative and idempotent, so copies, delays and repetition do no harm.
 *
 * An operation has one dot, ever: only the replica that was chosen as its home mints it, and that replica recognises a
 * retry, or refuses one that it may have forgotten (`replaced`).
 * Ring: values.
 */
import { Digest } from '../base/hash.ts'
import type { DottedRecord, Sibling } from '../record.ts'
import { EMPTY_CONTEXT, hasDot, highestSeen, joinContexts, withDot, type CausalContext } from './causal-context.ts'

/** What a key holds before its first write. */
export const EMPTY_RECORD: DottedRecord = {
  kind: 'dotted',
  context: EMPTY_CONTEXT,
  siblings: [],
  replaced: [],
}

/** How many overwritten writes of its own a replica remembers for each key, 24 bytes each. */
export const REPLACED_MAX = 16

const NONE: readonly number[] = []

/** The name of one write: who minted it, and its place among that replica's writes of the key. */
export interface Dot {
  readonly actor: number
  readonly counter: number
}

/** A write before it has a dot. */
export interface UnmintedWrite {
  readonly op: number
  readonly at: number
  readonly by?: string | undefined
  readonly value: Uint8Array | null
  /** What the writer had seen: these siblings are replaced, all others stay. */
  readonly context: CausalContext
}

/** The dot of an operation that `actor` has minted, as long as its write is a sibling or among the replaced ones. */
export function dotOf(
  record: DottedRecord,
  { op, actor }: { readonly op: number; readonly actor: number },
): Dot | undefined {
  for (const sibling of record.siblings) if (sibling.op === op) return sibling
  const { replaced } = record
  for (let i = 0; i < replaced.length; i += 3) {
    if (replaced[i + 1] === op) return { actor, counter: replaced[i + 2] as number }
  }
  return undefined
}

/** Whether the replica may have forgotten an operation of this time, because it saw so many newer ones overwritten. */
export function mayHaveForgotten({ replaced }: DottedRecord, at: number): boolean {
  return replaced.length >= 3 * REPLACED_MAX && at <= (replaced.at(-3) as number)
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
  return deltaOf(write, { actor, counter: before + 1 })
}

/** The delta of a write whose dot is known. */
export function deltaOf({ op, at, by, value, context }: UnmintedWrite, { actor, counter }: Dot): DottedRecord {
  const sibling: Sibling = { actor, counter, op, at, by, value }
  return { kind: 'dotted', context: withDot(context, sibling), siblings: [sibling], replaced: NONE }
}

/** What both sides know together. What `a` remembers of its own writes stays with it. */
export function mergeDotted(a: DottedRecord, b: DottedRecord): DottedRecord {
  if (a === b) return a
  const siblings: Sibling[] = []
  for (const sibling of a.siblings) {
    if (holdsDot(b.siblings, sibling) || !hasDot(b.context, sibling)) siblings.push(sibling)
  }
  for (const sibling of b.siblings) {
    if (!holdsDot(a.siblings, sibling) && !hasDot(a.context, sibling)) siblings.push(sibling)
  }
  if (siblings.length > 1) siblings.sort(byDot)
  return { kind: 'dotted', context: joinContexts(a.context, b.context), siblings, replaced: a.replaced }
}

/** The same at a replica: writes that it minted as `actor` and that `b` has overwritten are remembered. */
export function mergeAt(actor: number, a: DottedRecord, b: DottedRecord): DottedRecord {
  const merged = mergeDotted(a, b)
  let replaced = merged.replaced
  for (const sibling of a.siblings) {
    if (sibling.actor === actor && !holdsDot(merged.siblings, sibling)) replaced = remember(replaced, sibling)
  }
  return replaced === merged.replaced ? merged : { ...merged, replaced }
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

/** Newest first; the oldest of too many are forgotten. */
function remember(replaced: readonly number[], { at, op, counter }: Sibling): readonly number[] {
  let place = 0
  while (place < replaced.length && (replaced[place] as number) > at) place += 3
  if (place === 3 * REPLACED_MAX) return replaced
  return [...replaced.slice(0, place), at, op, counter, ...replaced.slice(place, 3 * (REPLACED_MAX - 1))]
}

function holdsDot(siblings: readonly Sibling[], dot: Sibling): boolean {
  for (const sibling of siblings) if (sibling.actor === dot.actor && sibling.counter === dot.counter) return true
  return false
}

function byDot(a: Sibling, b: Sibling): number {
  return a.actor - b.actor || a.counter - b.counter
}
