/**
 * Causal histories the dumb way: the oracle for dotted records.
 *
 * A write is an event that remembers what its writer had seen: dots, and names of operations. A copy of a key is a set of
 * events, and merging two copies is the union. What a reader sees is worked out from the set alone: the events that no
 * other known event has seen, without those whose operation is known to have been overwritten under another dot.
 */
import { dotName, type Dot, type DotSet } from './dot-sets.ts'

/** What somebody has seen: dots, and operations by name. */
export interface Seen {
  readonly dots: DotSet
  readonly names: ReadonlySet<number>
}

export interface ModelWrite {
  readonly op: number
  readonly seen: Seen
}

interface Event extends ModelWrite {
  readonly dot: string
  /** Operations that this write is known to have replaced: those that its writer named, and those that were there. */
  readonly replaced: ReadonlySet<number>
}

/** A copy: events by what distinguishes them. Never changed in place. */
export type Copy = ReadonlyMap<string, Event>

export const NOTHING: Copy = new Map()

export function union(a: Copy, b: Copy): Copy {
  return new Map([...a, ...b])
}

/** The dots that somebody who has read this copy has seen. */
export function seenBy(copy: Copy): DotSet {
  const dots = new Set<string>()
  for (const { dot, seen } of copy.values()) {
    dots.add(dot)
    for (const other of seen.dots) dots.add(other)
  }
  return dots
}

/** What somebody who has read this copy has seen, by dot and by name. */
export function readingOf(copy: Copy): Seen {
  return { dots: seenBy(copy), names: new Set([...overwrittenIn(copy), ...siblingsIn(copy).values()]) }
}

/** The operations of which this copy knows that a later write replaced them. */
export function overwrittenIn(copy: Copy): ReadonlySet<number> {
  const ops = new Set<number>()
  const covered = coveredIn(copy)
  for (const { dot, op, replaced } of copy.values()) {
    if (covered.has(dot)) ops.add(op)
    for (const other of replaced) ops.add(other)
  }
  return ops
}

/** Dots of the writes that are still there, with their operations. */
export function siblingsIn(copy: Copy): ReadonlyMap<string, number> {
  const covered = coveredIn(copy)
  const overwritten = overwrittenIn(copy)
  const siblings = new Map<string, number>()
  for (const { dot, op } of copy.values()) if (!covered.has(dot) && !overwritten.has(op)) siblings.set(dot, op)
  return siblings
}

/** What a replica does with a write that it is to mint: what it tells others, to be added to its own copy as well. */
export function mintIn(copy: Copy, actor: number, write: ModelWrite): Copy {
  const siblings = siblingsIn(copy)
  const known = [...siblings].filter(([, op]) => op === write.op).map(([name]) => name)
  const lowest = known.toSorted(byDot)[0]
  if (lowest !== undefined) return single(write, lowest, [])
  if (overwrittenIn(copy).has(write.op)) return copy
  let counter = 0
  for (const name of [...seenBy(copy), ...write.seen.dots]) {
    const [of, at] = name.split(':').map(Number) as [number, number]
    if (of === actor) counter = Math.max(counter, at)
  }
  const dot: Dot = { actor, counter: counter + 1 }
  const replaced = [...siblings].filter(([name]) => write.seen.dots.has(name)).map(([, op]) => op)
  return single(write, dotName(dot), replaced)
}

function byDot(a: string, b: string): number {
  const [actorA, counterA] = a.split(':').map(Number) as [number, number]
  const [actorB, counterB] = b.split(':').map(Number) as [number, number]
  return actorA - actorB || counterA - counterB
}

/** Dots that some event had seen. */
function coveredIn(copy: Copy): DotSet {
  const covered = new Set<string>()
  for (const { seen } of copy.values()) for (const dot of seen.dots) covered.add(dot)
  return covered
}

function single({ op, seen }: ModelWrite, dot: string, found: readonly number[]): Copy {
  const replaced = new Set([...seen.names, ...found].filter((other) => other !== op))
  const name = [dot, [...seen.dots].toSorted(), [...replaced].toSorted((a, b) => a - b)].join(' ')
  return new Map([[name, { op, seen, dot, replaced }]])
}
