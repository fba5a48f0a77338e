/**
 * Causal histories the dumb way: the oracle for dotted records.
 *
 * A write is an event that remembers the dots that its writer had seen. A copy of a key is a set of events, and merging
 * two copies is the union. What a reader sees is worked out from the set alone: the events that no other known event
 * has seen.
 */
import { dotName, type DotSet } from './dot-sets.ts'

interface ModelWrite {
  readonly op: number
  readonly seen: DotSet
}

/** A copy: events by their dots. Never changed in place. */
export type Copy = ReadonlyMap<string, ModelWrite>

export const NOTHING: Copy = new Map()

export function union(a: Copy, b: Copy): Copy {
  return new Map([...a, ...b])
}

/** The dots that somebody who has read this copy has seen. */
export function seenBy(copy: Copy): DotSet {
  return new Set([...copy.keys(), ...coveredIn(copy)])
}

/** Dots of the writes that are still there, with their operations. */
export function siblingsIn(copy: Copy): ReadonlyMap<string, number> {
  return opsOf(copy, (dot, covered) => !covered.has(dot))
}

/** Dots of the writes that others of this copy have replaced, with their operations. */
export function replacedIn(copy: Copy): ReadonlyMap<string, number> {
  return opsOf(copy, (dot, covered) => covered.has(dot))
}

/** What a replica does with a write that is new to it: what it tells others, to be added to its own copy as well. */
export function mintIn(copy: Copy, actor: number, { op, seen }: ModelWrite): Copy {
  let counter = 0
  for (const name of [...seenBy(copy), ...seen]) {
    const [of, at] = name.split(':').map(Number) as [number, number]
    if (of === actor) counter = Math.max(counter, at)
  }
  return new Map([[dotName({ actor, counter: counter + 1 }), { op, seen }]])
}

function opsOf(copy: Copy, wanted: (dot: string, covered: DotSet) => boolean): ReadonlyMap<string, number> {
  const covered = coveredIn(copy)
  const ops = new Map<string, number>()
  for (const [dot, { op }] of copy) if (wanted(dot, covered)) ops.set(dot, op)
  return ops
}

/** Dots that some event had seen. */
function coveredIn(copy: Copy): DotSet {
  const covered = new Set<string>()
  for (const { seen } of copy.values()) for (const dot of seen) covered.add(dot)
  return covered
}
