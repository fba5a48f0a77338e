/**
 * Births: which members of the cluster have lost their disks as acceptors, and since when they began anew.
 *
 * A member that is in its first life has none. One that lost its disk draws a number above all that it is told of, its
 * *birth*. Pairs of a member's index and its birth stand in one flat list, by rising index; what is known of several
 * members only ever grows, member by member, so that any two lists have a least one above both.
 * Ring: values.
 */

export type Births = readonly number[]

export const NO_BIRTHS: Births = []

/** The birth of a member; 0 for a first life. */
export function birthOf(births: Births, member: number): number {
  for (let i = 0; i < births.length; i += 2) if (births[i] === member) return births[i + 1] as number
  return 0
}

/** The list with this birth of the member in place of any other. */
export function withBirth(births: Births, member: number, birth: number): Births {
  const pairs = pairsOf(births).filter(([other]) => other !== member)
  return [...pairs, [member, birth] as const].toSorted(([a], [b]) => a - b).flat()
}

/** What both know; `known` itself where the other list adds nothing. */
export function joinBirths(known: Births, others: Births): Births {
  let joined = known
  for (const [member, birth] of pairsOf(others)) {
    if (birth > birthOf(joined, member)) joined = withBirth(joined, member, birth)
  }
  return joined
}

function pairsOf(births: Births): (readonly [member: number, birth: number])[] {
  const pairs: (readonly [number, number])[] = []
  for (let i = 0; i < births.length; i += 2) pairs.push([births[i] as number, births[i + 1] as number])
  return pairs
}
