/**
 * How a vote stands, and whom to ask: the two questions every operation puts to its quorum.
 *
 * The three states follow etcd-io/raft's `VoteResult`: an operation stops waiting as soon as the answer is decided
 * either way.
 * Ring: values.
 */
import type { Quorum } from './quorum.ts'

export type Tally = 'won' | 'pending' | 'lost'

/** How the vote stands when `answered` are in and `possible` are those that did answer or still may. */
export function tally(quorum: Quorum, sets: { readonly answered: number; readonly possible: number }): Tally {
  if (quorum.met(sets.answered)) return 'won'
  return quorum.met(sets.answered | sets.possible) ? 'pending' : 'lost'
}

/**
 * A smallest set that, joined with `have`, meets the quorum: taken in the given order, then rid of members that turned
 * out not to be needed, the last taken first. Gives `undefined` when the order does not hold a quorum.
 */
export function choose(quorum: Quorum, order: readonly number[], have = 0): number | undefined {
  let chosen = 0
  let taken = 0
  while (!quorum.met(have | chosen)) {
    if (taken === order.length) return undefined
    chosen |= 1 << (order[taken++] as number)
  }
  for (let i = taken - 2; i >= 0; i--) {
    const without = chosen & ~(1 << (order[i] as number))
    if (quorum.met(have | without)) chosen = without
  }
  return chosen
}
