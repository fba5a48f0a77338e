/**
 * Writes that an answer must take into account, and what it may then no longer show or leave out.
 *
 * Two rules, one for each way to settle conflicts. They never accuse without proof: a write of unknown outcome may
 * happen at any time, or never, so it may be shown by any answer and may be missing from any other.
 */
import { BitSet } from './bit-set.ts'
import type { HistoryIndex } from './history-index.ts'
import type { Answer, KeyHistory, Write } from './key-history.ts'

/** A shown value, and a known write that replaced it. */
export interface Superseded {
  readonly shown: Write
  readonly by: Write
}

/** The caller's duty: judge answers in the order of their starts. */
export interface Knowledge {
  /** Every write learned so far. */
  readonly learned: BitSet
  readonly isEmpty: boolean
  /** From now on answers must take this write into account. */
  learn(write: Write): void
  /** Learned writes that the answer does not hold, though it must. */
  missedBy(answer: Answer): readonly Write[]
  /** What the answer shows although a learned write replaced it. */
  supersededIn(answer: Answer): readonly Superseded[]
}

export function knowledgeOf(index: HistoryIndex, key: KeyHistory): Knowledge {
  return index.conflicts === 'lww' ? new RegisterKnowledge(key, index.skewNs) : new SiblingKnowledge(key)
}

/**
 * Siblings: an answer must hold every learned write (show it, or something that saw it, or a delete that saw it may
 * have happened), and must show nothing that a learned write saw.
 *
 * Holding a write implies holding all that it saw, so only learned writes that no other saw are asked for.
 */
class SiblingKnowledge implements Knowledge {
  readonly learned: BitSet
  readonly #key: KeyHistory
  readonly #order: Write[] = []
  readonly #replaced: BitSet
  #frontier: Write[] = []

  constructor(key: KeyHistory) {
    this.#key = key
    this.learned = new BitSet(key.writes.length)
    this.#replaced = new BitSet(key.writes.length)
  }

  get isEmpty(): boolean {
    return this.#order.length === 0
  }

  learn(write: Write): void {
    if (this.learned.has(write.id)) return
    this.learned.add(write.id)
    this.#order.push(write)
    if (this.#replaced.has(write.id)) return
    this.#replaced.addAll(this.#key.ancestors(write.id))
    this.#frontier = this.#frontier.filter(({ id }) => !this.#replaced.has(id))
    if (write.f === 'put') this.#frontier.push(write)
  }

  missedBy(answer: Answer): Write[] {
    const key = this.#key
    this.#frontier = this.#frontier.filter(({ id }) => key.deletedFrom(id) >= answer.startRank)
    return this.#frontier.filter(({ id }) => !key.holds(answer, id))
  }

  supersededIn(answer: Answer): Superseded[] {
    const key = this.#key
    return answer.ids
      .filter((id) => this.#replaced.has(id))
      .map((id) => ({ shown: key.write(id), by: this.#order.find((write) => key.saw(write.id, id)) as Write }))
  }
}

/**
 * Last writer wins: an answer must show a write that is not certainly older than a learned one. X is certainly older
 * than Y when Y began more than the skew of the clocks after X was certainly stamped, or when Y saw X. That does not
 * count if X was tried again as another operation, which may have got a later stamp than the one that Y saw.
 *
 * By time, whatever is older than some learned write is older than the one that began last.
 */
class RegisterKnowledge implements Knowledge {
  readonly learned: BitSet
  readonly #key: KeyHistory
  readonly #skewNs: number
  readonly #order: Write[] = []
  readonly #replaced: BitSet
  #latest: Write | undefined

  constructor(key: KeyHistory, skewNs: number) {
    this.#key = key
    this.#skewNs = skewNs
    this.learned = new BitSet(key.writes.length)
    this.#replaced = new BitSet(key.writes.length)
  }

  get isEmpty(): boolean {
    return this.#order.length === 0
  }

  learn(write: Write): void {
    if (this.learned.has(write.id)) return
    this.learned.add(write.id)
    this.#order.push(write)
    this.#replaced.addAll(this.#key.ancestors(write.id))
    if (this.#latest === undefined || write.startedAt > this.#latest.startedAt) this.#latest = write
  }

  missedBy(answer: Answer): Write[] {
    if (this.#latest === undefined) return []
    if (answer.values.length === 0) return this.#mayBeDeleted(answer) ? [] : [this.#latest]
    const superseded = this.supersededIn(answer)
    return superseded.length < answer.ids.length ? [] : superseded.map(({ by }) => by)
  }

  supersededIn(answer: Answer): Superseded[] {
    const superseded: Superseded[] = []
    for (const id of answer.ids) {
      const shown = this.#key.write(id)
      const by = this.#replacerOf(shown)
      if (by !== undefined) superseded.push({ shown, by })
    }
    return superseded
  }

  #replacerOf({ id, settledAt, restamped }: Write): Write | undefined {
    if (this.#replaced.has(id) && !restamped) return this.#order.find((write) => this.#key.saw(write.id, id))
    return this.#latest !== undefined && settledAt + this.#skewNs < this.#latest.startedAt ? this.#latest : undefined
  }

  /** An empty answer needs a delete that may be the winner. The latest are the likeliest. */
  #mayBeDeleted(answer: Answer): boolean {
    const write = this.#key.writes.findLast(
      (candidate) =>
        candidate.f === 'delete' &&
        candidate.happened !== 'no' &&
        candidate.startRank < answer.endRank &&
        this.#replacerOf(candidate) === undefined,
    )
    return write !== undefined
  }
}
