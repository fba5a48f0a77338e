/**
 * Which writes somebody has seen: a version vector, plus the dots beyond it.
 *
 * A *dot* names one write: the actor (an incarnation of a replica) and that actor's counter for the key. The vector
 * says "all dots of this actor up to here"; the cloud holds single dots that a vector cannot say, because dots before
 * them are missing. The cloud is what lets a put travel as a delta, and lets a writer's context hold its own write
 * without claiming siblings that it never saw (Almeida, Shoker, Baquero, "Delta state replicated data types", 2018,
 * section 7.2: causal contexts and their compaction).
 *
 * Both parts are flat lists `actor, counter, actor, counter, …`, sorted, so that a context costs two small arrays and
 * compares by walking. Contexts are never changed in place.
 * Ring: values.
 */
export interface CausalContext {
  /** `actor, counter` pairs by rising actor: every dot of the actor from 1 to counter has been seen. */
  readonly vector: readonly number[]
  /** `actor, counter` pairs by rising actor, then counter: dots seen beyond the vector. Usually empty. */
  readonly cloud: readonly number[]
}

const NONE: readonly number[] = []

/** Has seen nothing. */
export const EMPTY_CONTEXT: CausalContext = { vector: NONE, cloud: NONE }

/** The actor under which `lww` keyspaces keep their timestamp, so that both kinds of record share one context type. */
export const CLOCK_ACTOR = 0

/**
 * What a reader of an `lww` record has seen: the stamp as the clock's dot, and beside it the operation that decides
 * between equal stamps. Such contexts are ordered as their records are, and join to the later one.
 */
export function clockContext({ at, op }: { readonly at: number; readonly op: number }): CausalContext {
  return { vector: [CLOCK_ACTOR, at], cloud: [op, at] }
}

/** Whether the context is one of an `lww` record. */
export function isClock(context: CausalContext): boolean {
  return context.vector[0] === CLOCK_ACTOR
}

/** The counter up to which every dot of `actor` has been seen; 0 for none. */
export function seenUpTo(context: CausalContext, actor: number): number {
  const { vector } = context
  for (let i = 0; i < vector.length; i += 2) if (vector[i] === actor) return vector[i + 1] as number
  return 0
}

/** Whether the write with this dot has been seen. */
export function hasDot(context: CausalContext, dot: { readonly actor: number; readonly counter: number }): boolean {
  if (dot.counter <= seenUpTo(context, dot.actor)) return true
  const { cloud } = context
  for (let i = 0; i < cloud.length; i += 2) if (cloud[i] === dot.actor && cloud[i + 1] === dot.counter) return true
  return false
}

/** The highest counter of `actor` that has been seen, gaps or not; 0 for none. */
export function highestSeen(context: CausalContext, actor: number): number {
  let highest = seenUpTo(context, actor)
  const { cloud } = context
  for (let i = 0; i < cloud.length; i += 2) {
    if (cloud[i] === actor) highest = Math.max(highest, cloud[i + 1] as number)
  }
  return highest
}

/** Everything that either of the two has seen. */
export function joinContexts(a: CausalContext, b: CausalContext): CausalContext {
  if (a === b || isEmpty(b)) return a
  if (isEmpty(a)) return b
  if (isClock(a) && isClock(b)) return clockCovers(a, b) ? a : b
  const vector = mergePairs(a.vector, b.vector)
  if (a.cloud.length === 0 && b.cloud.length === 0) return { vector, cloud: NONE }
  return compact(vector, [...a.cloud, ...b.cloud])
}

/** The context with one more dot. */
export function withDot(
  context: CausalContext,
  dot: { readonly actor: number; readonly counter: number },
): CausalContext {
  const before = seenUpTo(context, dot.actor)
  if (dot.counter <= before) return context
  if (context.cloud.length === 0 && dot.counter === before + 1) {
    return { vector: mergePairs(context.vector, [dot.actor, dot.counter]), cloud: NONE }
  }
  return compact([...context.vector], [...context.cloud, dot.actor, dot.counter])
}

/** The context with every dot of an actor up to a counter, which may be 0. */
export function withAllUpTo(
  context: CausalContext,
  { actor, counter }: { readonly actor: number; readonly counter: number },
): CausalContext {
  return counter === 0 ? context : joinContexts(context, { vector: [actor, counter], cloud: NONE })
}

/** Whether `a` has seen everything that `b` has seen. */
export function covers(a: CausalContext, b: CausalContext): boolean {
  if (isClock(b)) return isClock(a) && clockCovers(a, b)
  for (let i = 0; i < b.vector.length; i += 2) {
    if (!coversUpTo(a, b.vector[i] as number, b.vector[i + 1] as number)) return false
  }
  for (let i = 0; i < b.cloud.length; i += 2) {
    if (!hasDot(a, { actor: b.cloud[i] as number, counter: b.cloud[i + 1] as number })) return false
  }
  return true
}

/** Whether both have seen the same dots. */
export function sameContext(a: CausalContext, b: CausalContext): boolean {
  return samePairs(a.vector, b.vector) && samePairs(a.cloud, b.cloud)
}

export function isEmpty(context: CausalContext): boolean {
  return context.vector.length === 0 && context.cloud.length === 0
}

/**
 * The context that two unordered, possibly overlapping lists of pairs stand for. For what comes from outside: the
 * result is in the one canonical form whatever the input was.
 */
export function contextFromPairs(parts: { vector: readonly number[]; cloud: readonly number[] }): CausalContext {
  let vector: readonly number[] = NONE
  for (let i = 0; i + 1 < parts.vector.length; i += 2) {
    const pair = [parts.vector[i] as number, parts.vector[i + 1] as number]
    if (pair[1] !== 0) vector = mergePairs(vector, pair)
  }
  return parts.cloud.length === 0 ? { vector, cloud: NONE } : compact([...vector], [...parts.cloud])
}

function clockCovers(a: CausalContext, b: CausalContext): boolean {
  const [left = 0, right = 0] = [a.vector[1], b.vector[1]]
  return left > right || (left === right && (a.cloud[0] ?? 0) >= (b.cloud[0] ?? 0))
}

function samePairs(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A gap-free prefix may stand in the other's cloud as single dots only if compaction was skipped, which never is. */
function coversUpTo(context: CausalContext, actor: number, counter: number): boolean {
  return seenUpTo(context, actor) >= counter
}

/** Two sorted lists of `actor, counter` in one, with the larger counter of each actor. */
function mergePairs(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = i < a.length ? (a[i] as number) : Infinity
    const right = j < b.length ? (b[j] as number) : Infinity
    if (left < right) merged.push(left, a[i + 1] as number)
    else if (right < left) merged.push(right, b[j + 1] as number)
    else merged.push(left, Math.max(a[i + 1] as number, b[j + 1] as number))
    if (left <= right) i += 2
    if (right <= left) j += 2
  }
  return merged
}

/** Moves dots that touch the vector into it and drops doubles; the one canonical form of what was seen. */
function compact(vector: number[], dots: readonly number[]): CausalContext {
  const sorted: [number, number][] = []
  for (let i = 0; i < dots.length; i += 2) sorted.push([dots[i] as number, dots[i + 1] as number])
  sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const cloud: number[] = []
  let seen: CausalContext = { vector, cloud: NONE }
  for (const [actor, counter] of sorted) {
    const upTo = seenUpTo(seen, actor)
    if (counter <= upTo) continue
    if (counter === upTo + 1) seen = { vector: mergePairs(seen.vector, [actor, counter]), cloud: NONE }
    else if (cloud.at(-2) !== actor || cloud.at(-1) !== counter) cloud.push(actor, counter)
  }
  return { vector: seen.vector, cloud: cloud.length === 0 ? NONE : cloud }
}
