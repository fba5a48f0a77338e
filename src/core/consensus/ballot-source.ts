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

  /** A ballot that was never drawn before, above all that were drawn or observed. */
  next(): Ballot {
    this.counter++
    return { counter: this.counter, proposer: this.proposer, step: 0 }
  }

  /** Somebody else is this far. */
  observe({ counter }: Pick<Ballot, 'counter'>): void {
    this.counter = Math.max(this.counter, counter)
  }
}
