/**
 * One round of agreement: which of some deleted keys everybody holds, and for how long.
 *
 * The answers of a round are about the same short time: who does not hold a key at all may be given it again by a
 * stand-in, so that an old answer of theirs is worth nothing. What came too late for the round is asked again.
 * Ring: decisions.
 */
import { REAPED_MAX, type HeldKey } from './reap-message.ts'

/** A key that is to be erased, and whom to ask. */
export interface ReapCandidate extends HeldKey {
  /** Replicas that hold the key, and members that might keep it for one of them; this replica is not among either. */
  readonly replicas: readonly number[]
  readonly others: readonly number[]
  /** For how long this replica holds it. */
  readonly heldMs: number
}

/** Keys of a message have about so many bytes together. */
const SIZE_BYTES_MAX = 65_536
const ENTRY_BYTES = 18

export class ReapRound {
  readonly id: number
  /** On the monotonic clock: an answer after it comes too late. */
  readonly endsAtMs: number
  readonly #candidates: ReapCandidate[] = []
  readonly #heldMs: number[] = []
  /** By peer: the places of the candidates that it was asked about, and then nothing once it answered. */
  readonly #waiting = new Map<number, number[]>()
  #sizeBytes = 0

  constructor(id: number, endsAtMs: number) {
    this.id = id
    this.endsAtMs = endsAtMs
  }

  get size(): number {
    return this.#candidates.length
  }

  /** Whether another key finds no room. */
  get isFull(): boolean {
    return this.#candidates.length >= REAPED_MAX || this.#sizeBytes >= SIZE_BYTES_MAX
  }

  /** Whether everybody has answered. */
  get isOver(): boolean {
    return this.#waiting.size === 0
  }

  add(candidate: ReapCandidate): void {
    const place = this.#candidates.length
    this.#candidates.push(candidate)
    this.#heldMs.push(candidate.heldMs)
    this.#sizeBytes += ENTRY_BYTES + candidate.key.length
    for (const peer of [...candidate.replicas, ...candidate.others]) {
      const places = this.#waiting.get(peer)
      if (places === undefined) this.#waiting.set(peer, [place])
      else places.push(place)
    }
  }

  /** What to ask of whom. */
  questions(): readonly { readonly peer: number; readonly entries: readonly HeldKey[] }[] {
    return [...this.#waiting].map(([peer, places]) => ({
      peer,
      entries: places.map((place) => entryFor(this.#candidates[place] as ReapCandidate, peer)),
    }))
  }

  /** A peer answered. One that was not asked, or that answers about something else, has said nothing. */
  answered(peer: number, heldMs: readonly number[]): void {
    const places = this.#waiting.get(peer)
    if (places === undefined || places.length !== heldMs.length) return
    this.#waiting.delete(peer)
    places.forEach((place, i) => {
      this.#heldMs[place] = Math.min(this.#heldMs[place] as number, heldMs[i] as number)
    })
  }

  /** For how long everybody holds each key; negative where somebody holds something else, or did not answer. */
  results(): readonly { readonly candidate: ReapCandidate; readonly heldMs: number }[] {
    const silent = new Set([...this.#waiting.values()].flat())
    return this.#candidates.map((candidate, place) => {
      return { candidate, heldMs: silent.has(place) ? -1 : (this.#heldMs[place] as number) }
    })
  }
}

function entryFor({ keyspace, key, digest, others }: ReapCandidate, peer: number): HeldKey {
  return { keyspace, key, digest: others.includes(peer) ? 0 : digest }
}
