/**
 * What the siblings of one key may add up to at the replica that mints for it.
 *
 * Writers that read nothing would fill a key until no frame holds its record any more, and then nobody could read it,
 * repair it or replace it. Each replica of a key counts its own mints only: what several have taken while they were cut
 * off from each other is joined when they meet, so the bounds leave room for a few times as much.
 * Ring: decisions.
 */
import { hasDot, type CausalContext } from './causality/causal-context.ts'
import type { ResolvedCore } from './options.ts'
import type { DottedRecord } from './record.ts'

/** A write that asks for a dot. */
interface Asking {
  readonly context: CausalContext
  readonly value: Uint8Array | null
}

/**
 * Why the write would take the key over its budget, for people; `undefined` if it would not. A write that has seen all
 * siblings replaces them, and is always taken.
 */
export function whyOverBudget(
  { siblings }: DottedRecord,
  { context, value }: Asking,
  { siblingsMax, siblingBytesMax }: Pick<ResolvedCore, 'siblingsMax' | 'siblingBytesMax'>,
): string | undefined {
  let stay = 0
  let bytes = value?.length ?? 0
  for (const sibling of siblings) {
    if (hasDot(context, sibling)) continue
    stay++
    bytes += sibling.value?.length ?? 0
  }
  if (stay === siblings.length && stay >= siblingsMax) return `${stay} siblings of siblingsMax ${siblingsMax}`
  if (stay > 0 && bytes > siblingBytesMax) return `${bytes} bytes in siblings of siblingBytesMax ${siblingBytesMax}`
  return undefined
}
