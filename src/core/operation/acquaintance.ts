/**
 * What a replica knows of another one from asking what it remembers, and what exchanges with it were worth.
 *
 * Ring: decisions.
 */
import type { Acquainted } from '../message.ts'

/** What an exchange was worth: the peer may be catching up itself, or has everything that it should have. */
interface Pending {
  readonly incarnation: number
  readonly worth: number
  readonly isWitness: boolean
  readonly afterId: number
}

const NOTHING = 0
const SOMETHING = 1
export const WHOLE = 2

export class Acquaintance {
  /** The last question, and the mark that it told. */
  askedAtMs: number = -Infinity
  #askedId = 0
  #askedMark = 0
  /** The last answer; 0 for none. */
  answeredId = 0
  /** The mark of this replica that it has on disk. */
  mark = 0
  /** It knows of no other life of this replica. */
  knowsNoOther = false
  isWhole = false
  /** What it knows as confirmed. */
  known = 0
  /** What its exchanges were worth. */
  worth: number = NOTHING
  /** The last exchange with it, whether it counts or not. */
  sequence = -1
  #incarnation = 0
  /** Since when it has said the same about itself. */
  #sinceMs = Infinity
  #pending: Pending | undefined = undefined
  /** Since when it keeps the birth of this replica, and votes itself in the same keyspaces; in one life. */
  #witnessSinceMs = Infinity
  /** Whether it has handed over, since then, all that it has accepted. */
  isWitness = false
  /** The keyspaces with registers in which it does not vote. */
  abstains: readonly number[] = []
  #taught = ''

  ask(id: number, mark: number, nowMs: number): void {
    this.askedAtMs = nowMs
    this.#askedId = id
    this.#askedMark = mark
  }

  /** Late and doubled answers are not. */
  isNext({ id }: Acquainted): boolean {
    if (id <= this.answeredId || id > this.#askedId) return false
    this.answeredId = id
    if (id === this.#askedId) this.mark = Math.max(this.mark, this.#askedMark)
    return true
  }

  /** @param self the incarnation of this replica, and its birth as it is now: an answer may be about an earlier one. */
  answered(
    answer: Acquainted,
    self: { readonly incarnation: number; readonly birth: number; readonly nowMs: number },
  ): void {
    const { before, incarnation, whole, known, acceptor } = answer
    this.knowsNoOther = before.incarnation === 0 || before.incarnation === self.incarnation
    const isSame = this.#incarnation === incarnation && this.isWhole === whole && this.known === known
    if (!isSame) this.#sinceMs = self.nowMs
    const mayWitness = whole && self.birth > 0 && acceptor.kept === self.birth
    const isOther = this.#incarnation !== incarnation || String(this.abstains) !== String(acceptor.abstains)
    if (!mayWitness || isOther) this.forgetWitness()
    this.abstains = acceptor.abstains
    if (mayWitness) this.#witnessSinceMs = Math.min(this.#witnessSinceMs, self.nowMs)
    this.#incarnation = incarnation
    this.isWhole = whole
    this.known = known
    const pending = this.#pending
    if (pending === undefined || answer.id < pending.afterId) return
    this.#pending = undefined
    if (pending.incarnation !== incarnation) return
    this.worth = Math.max(this.worth, pending.worth)
    this.isWitness ||= pending.isWitness && mayWitness
  }

  /** An exchange with it is done. It is worth something once it is clear that the peer was in one life all the time. */
  exchanged(of: {
    readonly sequence: number
    readonly beganAtMs: number
    readonly counts: boolean
    /** What this replica knows as confirmed. */
    readonly known: number
    /** The next question that it is asked. */
    readonly nextId: number
  }): void {
    this.sequence = of.sequence
    if (!of.counts || this.#sinceMs > of.beganAtMs) return
    const worth = this.isWhole && this.known === of.known ? WHOLE : SOMETHING
    const isWitness = worth === WHOLE && this.#witnessSinceMs < of.beganAtMs
    this.#pending = { incarnation: this.#incarnation, worth, isWitness, afterId: of.nextId }
    this.askedAtMs = -Infinity
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /** Whether another exchange would be worth no more. */
  get gaveAll(): boolean {
    return this.worth >= (this.isWhole ? WHOLE : SOMETHING)
  }

  forgetExchanges(): void {
    this.worth = NOTHING
    this.#pending = undefined
    this.forgetWitness()
  }

  /** It has to keep the birth of this replica first, or again. */
  forgetWitness(): void {
    this.isWitness = false
    this.#witnessSinceMs = Infinity
    if (this.#pending !== undefined) this.#pending = { ...this.#pending, isWitness: false }
  }

  /** Whether it could become a witness, in an exchange that begins now. */
  get mayWitness(): boolean {
    return !this.isWitness && this.isWhole && this.#witnessSinceMs < Infinity
  }

  /** Whether it should be told what is confirmed here: once for each difference. */
  lacks(theirs: number, ours: number): boolean {
    const lesson = `${theirs} ${ours}`
    if (theirs === ours || this.#taught === lesson) return false
    this.#taught = lesson
    return true
  }
}

/** Those of which this is true, as a set of member indexes. */
export function those(peers: readonly Acquaintance[], are: (peer: Acquaintance) => boolean): number {
  let members = 0
  for (const [index, peer] of peers.entries()) if (are(peer)) members |= 1 << index
  return members
}
