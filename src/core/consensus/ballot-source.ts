/**
 * Where a proposer's ballots come from.
 *
 * The counter only ever rises: it is counted up, or set by `observe`, which takes the maximum: a counter that is assigned what the latest
 * refusal named goes back when refusals arrive out of order, and the same ballot is then used for two values.
 * Ring: decisions.
 */
import type { Ballot } from '../base/ballot.ts'

export class BallotSource {
  /** Of this run of this process alone: a ballot of an earlier run is never drawn again, whatever its counter was. */
  readonly proposer: number
  protected counter = 0

  constructor(proposer: number) {
    this.proposer = proposer
  }

  /**
   * A ballot that was never drawn before, above all that were drawn or observed. With `leap`, so far above: of two
   * proposers one would else count on while the other waits, and be ahead of it again by the time that it asks.
   */
  next(leap = 0): Ballot {
    this.counter += 1 + leap
    return { counter: this.counter, proposer: this.proposer, step: 0 }
  }

  /** Somebody else is this far. */
  observe({ counter }: Pick<Ballot, 'counter'>): void {
    this.counter = Math.max(this.counter, counter)
  }
}
