/**
 * The places at which two replicas differ, until both have merged what the other has there.
 *
 * Of one place this side offers what it has, wants what the other has, or both. Records that share a place may be more
 * than one message holds: then the first place is left half done, and the next message goes on inside it.
 * Ring: decisions.
 */
import type { RangeList } from './exchange-message.ts'

interface Entry {
  readonly copies: number
  readonly partition: number
  readonly position: number
  readonly offer: boolean
  readonly want: boolean
}

/** Places in one message: few enough that asking again for those that found no room costs little. */
const PLACES_MAX = 256

export class TradeQueue {
  #entries: Entry[] = []
  /** How many of the first entries the trade in the making may cover. */
  #batch = 0
  /** How many records of the first place to offer, and of the first place wanted, have been through already. */
  #offerSkip = 0
  #wantSkip = 0

  get length(): number {
    return this.#entries.length
  }

  /** Adds the places at which two lists differ, as far as the own one goes, and tells how many there are. */
  compare(copies: number, own: RangeList, their: RangeList): number {
    const before = this.#entries.length
    const { partition } = own
    let i = 0
    let j = 0
    for (;;) {
      const mine = own.entries[i] ?? Infinity
      const other = their.entries[j] ?? Infinity
      const position = Math.min(mine, other)
      if (position >= own.to) return this.#entries.length - before
      const offer = mine === position
      const want = other === position
      if (!offer || !want || own.entries[i + 1] !== their.entries[j + 1]) {
        this.#entries.push({ copies, partition, position, offer, want })
      }
      if (offer) i += 2
      if (want) j += 2
    }
  }

  /** Begins a trade with the first places: those whose records are to be offered, and where to go on in the first. */
  take(): { readonly copies: number; readonly offers: readonly number[]; readonly skip: number } {
    const copies = this.#entries[0]?.copies ?? 0
    let batch = 0
    while (batch < PLACES_MAX && this.#entries[batch]?.copies === copies) batch++
    this.#batch = batch
    const offers = placesOf(this.#entries.slice(0, batch).filter(({ offer }) => offer))
    return { copies, offers, skip: this.#offerSkip }
  }

  /**
   * The offer covers so many of those places, and `skip` records of the one after them. What is wanted goes with it: a
   * place wanted in the same message as it is offered does not send back what was just sent.
   */
  taken(found: { readonly done: number; readonly skip: number }): {
    readonly wanted: readonly number[]
    readonly skip: number
  } {
    let offered = 0
    let covered = 0
    while (covered < this.#batch) {
      if ((this.#entries[covered] as Entry).offer && ++offered > found.done) break
      covered++
    }
    const wanted = placesOf(this.#entries.slice(0, covered).filter(({ want }) => want))
    this.#entries = this.#entries.slice(covered)
    this.#offerSkip = found.skip
    return { wanted, skip: wanted.length > 0 ? this.#wantSkip : 0 }
  }

  /** Places that the answer had no room for come first in the next trade. */
  again(copies: number, wanted: readonly number[], skip: number): void {
    const entries: Entry[] = []
    for (let i = 0; i < wanted.length; i += 2) {
      const [partition = 0, position = 0] = [wanted[i], wanted[i + 1]]
      entries.push({ copies, partition, position, offer: false, want: true })
    }
    this.#entries = [...entries, ...this.#entries]
    this.#wantSkip = entries.length > 0 ? skip : 0
  }
}

function placesOf(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ partition, position }) => [partition, position])
}
