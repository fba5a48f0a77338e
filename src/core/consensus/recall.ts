/**
 * How an elector that may have forgotten its votes comes to vote again.
 *
 * Without its disk, or its memory, an elector does not know to whom it gave its votes and what it promised. It votes for
 * nobody until it has heard enough of the other members, and then only above a *floor*. There are two ways.
 *
 * *This is its first life.* A replica votes only once the members that it has heard have its life on their disks. When as
 * many tell that they know of no other life of it, there was none that voted, unless a majority of the disks is lost.
 * Nothing has been forgotten: it votes at once. So does a cluster that starts for the first time.
 *
 * *There was another.* It waits for the longest lease from its start on, so what it promised is over, and so is every
 * round of an election that its forgotten votes could count in. Then it asks how high the others voted, in whatever
 * group. Those that may have forgotten as well do not count, until all others have answered: then nobody knows more.
 * The floor lies above all that it was told, with a gap: what was voted in that nobody tells of, since clocks were off
 * beyond their bound or a majority forgot, would have to be that many elections further on.
 *
 * Why not all others have to answer: say a generation has a leader by a forgotten vote. His quorum is a majority m of
 * the group's electors, so m - 1 of the others voted for him too. If at most m - 2 members have not been heard, one of those
 * is among the heard, and told of that generation or a higher one: it remembers its votes, or has its own floor above them.
 * Ring: decisions.
 */
import { count, majorityOf } from '../quorum/quorum.ts'
import type { Recollection } from './election-message.ts'
import { electorCount } from './group.ts'

/** A million elections in one group between two answers: no cluster gets that far. */
export const FLOOR_GAP: number = 2 ** 20

export class Recall {
  readonly #others: number
  readonly #enough: number
  readonly #waitMs: number
  /** Questions from here on were asked after the wait. */
  #countsFrom = Infinity
  #hadAnother = false
  #highest = 0
  /** Members that have answered; those whose question came after the wait; and those of them that recall their votes. */
  #heard = 0
  #late = 0
  #recalling = 0

  /** @param waitMs how long what was promised in another life may last from the start of this one on. */
  constructor(settings: { readonly members: number; readonly waitMs: number }) {
    const { members, waitMs } = settings
    this.#others = members - 1
    this.#enough = Math.min(this.#others, members - majorityOf(electorCount(members)) + 1)
    this.#waitMs = waitMs
  }

  /** Everybody else is asked, with this number or a higher one. */
  asks(id: number, sinceStartMs: number): void {
    if (sinceStartMs >= this.#waitMs && this.#countsFrom === Infinity) this.#countsFrom = id
  }

  /** A member answers the question of that number. Gives the floor once that is enough. */
  heard(member: number, id: number, { voted, recalls, hadAnother }: Recollection): number | undefined {
    const bit = 1 << member
    this.#heard |= bit
    this.#hadAnother ||= hadAnother
    this.#highest = Math.max(this.#highest, voted)
    if (id >= this.#countsFrom) {
      this.#late |= bit
      this.#recalling = recalls ? this.#recalling | bit : this.#recalling & ~bit
    }
    if (!this.#hadAnother) return count(this.#heard) >= this.#enough ? 0 : undefined
    const isEnough = count(this.#recalling) >= this.#enough || count(this.#late) === this.#others
    return isEnough ? this.#highest + FLOOR_GAP : undefined
  }
}
