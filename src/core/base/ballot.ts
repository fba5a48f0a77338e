/**
 * Ballots: the order of attempts to change a register.
 *
 * Whoever proposes draws one that no other attempt has, ever: a counter, the proposer's identity, which is drawn anew
 * each time its process starts, and a step for proposers that keep the promise of one counter for many changes (a
 * leader; 0 everywhere else). They are ordered in that order of fields.
 * Ring: values.
 */

export interface Ballot {
  readonly counter: number
  /** From 1 to 2^52 - 1. */
  readonly proposer: number
  readonly step: number
}

/** Below every ballot: nothing was promised, or nothing accepted. */
export const NO_BALLOT: Ballot = { counter: 0, proposer: 0, step: 0 }

/** Above what honest counting reaches in centuries; a higher one would soon leave the whole numbers. */
export const BALLOT_COUNTER_MAX: number = 2 ** 50

/** Less than zero, zero, or more than zero, as `a` comes before, is, or comes after `b`. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.counter - b.counter || a.proposer - b.proposer || a.step - b.step
}

export function isSameBallot(a: Ballot, b: Ballot): boolean {
  return a.counter === b.counter && a.proposer === b.proposer && a.step === b.step
}

export function higherBallot(a: Ballot, b: Ballot): Ballot {
  return compareBallots(a, b) < 0 ? b : a
}
