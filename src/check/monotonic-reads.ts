/**
 * The rule that later reads never know less than earlier ones, for whatever line of reads promises it: all strict reads
 * of a store with blocking repair, or the reads of one session.
 *
 * The caller's duty: tell it of starts and ends in the order in which they happened.
 */
import { BitSet } from './bit-set.ts'
import { nameOf, titleOf, valuesOf, type HistoryIndex } from './history-index.ts'
import type { Answer, KeyHistory, Write } from './key-history.ts'
import { knowledgeOf, type Knowledge } from './knowledge.ts'
import type { Findings } from './verdict.ts'

export interface MonotonicReadsParts {
  readonly index: HistoryIndex
  readonly key: KeyHistory
  readonly findings: Findings
  readonly rules: { readonly backwards: string; readonly risen: string }
}

export class MonotonicReads {
  readonly #parts: MonotonicReadsParts
  /** Shown by reads that have ended. */
  readonly #shown: Knowledge
  /** Shown by them, or known to be there for another reason. */
  readonly #there: Knowledge
  /** What each read under way has left out although it was there before. */
  readonly #leftOut = new Map<Answer, readonly number[]>()
  readonly #gone: BitSet
  /** Which read left out what is gone. */
  readonly #witness = new Map<number, Answer>()

  constructor(parts: MonotonicReadsParts) {
    this.#parts = parts
    this.#shown = knowledgeOf(parts.index, parts.key)
    this.#there = knowledgeOf(parts.index, parts.key)
    this.#gone = new BitSet(parts.key.writes.length)
  }

  /** The write is there for every read that begins from now on. */
  isThere(write: Write): void {
    this.#there.learn(write)
  }

  starts(read: Answer): void {
    if (!this.#shown.isEmpty) this.#parts.findings.count(1)
    if (!this.#reportBackwards(read)) this.#reportRisen(read)
    // A read that missed something without excuse proves nothing about what it left out.
    if (this.#there.missedBy(read).length > 0) return
    const shown = new BitSet(this.#parts.key.writes.length)
    for (const id of read.ids) shown.add(id)
    this.#leftOut.set(read, this.#there.learned.without([shown, this.#gone]))
  }

  ends(read: Answer): void {
    const { index, key } = this.#parts
    for (const id of read.ids) {
      this.#shown.learn(key.write(id))
      this.#there.learn(key.write(id))
    }
    for (const id of this.#leftOut.get(read) ?? []) {
      // The last writer may win a second time with a second stamp.
      if (index.conflicts === 'lww' && key.write(id).restamped) continue
      this.#gone.add(id)
      this.#witness.set(id, read)
    }
    this.#leftOut.delete(read)
  }

  #reportBackwards(read: Answer): boolean {
    const missed = this.#shown.missedBy(read)
    const { key, findings, rules } = this.#parts
    const rule = rules.backwards
    for (const write of missed) {
      const message = `${titleOf(read)} shows ${valuesOf(read)}, without ${nameOf(write)}, which was read before`
      findings.add({ rule, key: key.key, message, lines: [...read.lines, ...write.lines] })
    }
    if (missed.length > 0) return true
    const superseded = this.#shown.supersededIn(read)
    for (const { shown, by } of superseded) {
      const message = `${titleOf(read)} shows ${nameOf(shown)} after its successor ${nameOf(by)} was read`
      findings.add({ rule, key: key.key, message, lines: [...read.lines, ...shown.lines, ...by.lines] })
    }
    return superseded.length > 0
  }

  #reportRisen(read: Answer): void {
    const { key, findings, rules } = this.#parts
    for (const id of read.ids) {
      const witness = this.#witness.get(id)
      if (witness === undefined) continue
      const write = key.write(id)
      const message = `${titleOf(read)} shows ${nameOf(write)}, which ${titleOf(witness)} no longer showed`
      findings.add({
        rule: rules.risen,
        key: key.key,
        message,
        lines: [...read.lines, ...witness.lines, ...write.lines],
      })
    }
  }
}
