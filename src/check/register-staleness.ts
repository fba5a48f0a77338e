/**
 * Which acknowledged writes the reads of a last-writer-wins key missed, for a hundred thousand of them in one sweep.
 *
 * A read misses the writes that were acknowledged before it began and that began after the shown one was settled. That
 * is counting points in a quarter of the plane: reads and acknowledgements in order of time, and a tree of counts
 * (Fenwick, "A New Data Structure for Cumulative Frequency Tables", 1994) over the starts of writes.
 */
import type { Answer, KeyHistory, Write } from './key-history.ts'
import { anyAck, play } from './timeline.ts'

/** What a read missed. */
export interface Missed {
  readonly versions: number
  /** Nanoseconds: when the oldest missed write was first acknowledged. */
  readonly oldestAckedAt: number
}

export const NOTHING_MISSED: Missed = { versions: 0, oldestAckedAt: Infinity }

/** Called once for each read that could be stale. */
export type NoteMissed = (read: Answer, missed: Missed) => void

export interface RegisterReads {
  readonly key: KeyHistory
  readonly skewNs: number
  readonly note: NoteMissed
}

export function missedByRegisterReads({ key, skewNs, note }: RegisterReads): void {
  const starts = new AcknowledgedStarts(key.writes)
  const deletes = new NewestDelete(key.writes)
  const readStarts = (read: Answer): void => {
    if (starts.isEmpty) return
    const isUnknown = read.ids.length === 0 && read.values.length > 0
    if (isUnknown) return
    const settled = read.ids.map((id) => key.write(id).settledAt)
    const shownAt = read.values.length === 0 ? deletes.settledBefore(read.endRank) : Math.max(...settled)
    note(read, starts.after(shownAt === -Infinity ? shownAt : shownAt + skewNs))
  }
  const cast = { reads: key.gets, writes: key.writes, ackRankOf: anyAck }
  play(cast, { readStarts, writeEnds: (write) => starts.acknowledge(write) })
}

/** The starts of acknowledged writes, to be counted from any instant on. */
class AcknowledgedStarts {
  /** Starts of all writes that are ever acknowledged, rising. */
  readonly #starts: readonly number[]
  readonly #slotOf = new Map<number, number>()
  /** Counts over slots from the last to the first, since it is the late ones that are asked for. */
  readonly #tree: Uint32Array
  /** For each slot, the earliest acknowledgement from there on. */
  readonly #earliest: Float64Array
  isEmpty = true

  constructor(writes: readonly Write[]) {
    const sorted = writes.filter(({ ackRank }) => ackRank < Infinity).toSorted((a, b) => a.startedAt - b.startedAt)
    this.#starts = sorted.map(({ startedAt }) => startedAt)
    this.#tree = new Uint32Array(sorted.length + 1)
    this.#earliest = new Float64Array(sorted.length + 1).fill(Infinity)
    for (let slot = sorted.length - 1; slot >= 0; slot--) {
      const { id, ackedAt } = sorted[slot] as Write
      this.#slotOf.set(id, slot)
      this.#earliest[slot] = Math.min(ackedAt, this.#earliest[slot + 1] ?? Infinity)
    }
  }

  acknowledge({ id }: Write): void {
    this.isEmpty = false
    const slot = this.#slotOf.get(id) ?? 0
    for (let at = this.#starts.length - slot; at < this.#tree.length; at += at & -at) {
      this.#tree[at] = (this.#tree[at] ?? 0) + 1
    }
  }

  /** The writes acknowledged so far that began later than an instant. */
  after(instant: number): Missed {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? Infinity) > instant) high = middle
      else low = middle + 1
    }
    let versions = 0
    for (let at = this.#starts.length - low; at > 0; at -= at & -at) versions += this.#tree[at] ?? 0
    return { versions, oldestAckedAt: this.#earliest[low] ?? Infinity }
  }
}

/** Deletes that may have happened, by start, with the latest instant at which one of them was settled. */
class NewestDelete {
  readonly #startRanks: number[] = []
  readonly #settledAt: number[] = []

  constructor(writes: readonly Write[]) {
    let settled = -Infinity
    for (const { f, happened, startRank, settledAt } of writes) {
      if (f === 'put' || happened === 'no') continue
      settled = Math.max(settled, settledAt)
      this.#startRanks.push(startRank)
      this.#settledAt.push(settled)
    }
  }

  /** The most favourable delete for an empty answer that was there at `rank`: -Infinity without any. */
  settledBefore(rank: number): number {
    let low = 0
    let high = this.#startRanks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#startRanks[middle] ?? Infinity) < rank) low = middle + 1
      else high = middle
    }
    return this.#settledAt[low - 1] ?? -Infinity
  }
}
