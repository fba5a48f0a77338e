/**
 * Monotonic writes and writes follow reads: what a session wrote or read before one of its writes comes first for
 * everybody, not only for the session.
 */
import { BitSet } from './bit-set.ts'
import { nameOf, titleOf, valuesOf, type HistoryIndex } from './history-index.ts'
import type { Answer, KeyHistory, Write } from './key-history.ts'
import { anyAck, play, strictAck } from './timeline.ts'
import type { Findings } from './verdict.ts'

export interface WriteOrderCase {
  readonly index: HistoryIndex
  readonly key: KeyHistory
  readonly findings: Findings
  /** `mw`: the session's acknowledged writes come first. `wfr`: what it had read comes first. */
  readonly rule: 'mw' | 'wfr'
  /** Whether the session's reads hold its acknowledged writes, so that `lww` shows it what won over them at once. */
  readonly readsOwnWrites: boolean
  /** The session's. */
  readonly reads: readonly Answer[]
  /** The session's. */
  readonly writes: readonly Write[]
}

/** What must come before a write of the session. Grows while the session goes on. */
type Visit = (write: Write, before: BitSet) => void

export function judgeWriteOrder(session: WriteOrderCase): void {
  if (session.index.conflicts === 'lww') judgeWinners(session)
  else judgeSiblings(session)
}

/** Visits each write of the session that may have happened. */
function visitWrites({ key, reads, writes, rule }: WriteOrderCase, visit: Visit): void {
  const before = new BitSet(key.writes.length)
  const writeStarts = (write: Write): void => {
    if (write.happened !== 'no') visit(write, before)
  }
  const cast = { reads, writes, ackRankOf: anyAck }
  if (rule === 'mw') play(cast, { writeStarts, writeEnds: ({ id }) => before.add(id) })
  else play(cast, { writeStarts, readEnds: ({ ids }) => ids.forEach((id) => before.add(id)) })
}

/**
 * Siblings: an answer that shows the write holds all that comes first, and shows nothing that those saw. What the write
 * itself saw it holds by itself; an answer that shows both is found by the judge of dominated values.
 */
function judgeSiblings(session: WriteOrderCase): void {
  const { key, findings, rule } = session
  const showing = new Map<number, Answer[]>()
  for (const answer of key.answers) {
    for (const id of answer.ids) {
      const others = showing.get(id)
      if (others === undefined) showing.set(id, [answer])
      else others.push(answer)
    }
  }
  visitWrites(session, (write, before) => {
    if (before.isEmpty) return
    const unseen = before.without([key.ancestors(write.id)]).map((id) => key.write(id))
    for (const answer of showing.get(write.id) ?? []) {
      findings.count(1)
      for (const prior of unseen) {
        const problem = problemOf(key, answer, prior)
        if (problem === undefined) continue
        const message = `${titleOf(answer)} shows ${valuesOf(answer)}: ${nameOf(write)}, but ${problem}`
        const lines = [...answer.lines, ...write.lines, ...prior.lines]
        findings.add({ rule, key: key.key, message, lines })
      }
    }
  })
}

function problemOf(key: KeyHistory, answer: Answer, prior: Write): string | undefined {
  if (prior.f === 'put' && !key.holds(answer, prior.id)) return `not ${nameOf(prior)}, which came first`
  const back = answer.ids.find((id) => key.saw(prior.id, id))
  return back === undefined ? undefined : `also ${nameOf(key.write(back))}, which ${nameOf(prior)} had replaced`
}

/**
 * Last writer wins: once the write is acknowledged, no final shows what came first, nor does a read that the session
 * begins then, if it was promised to read its writes; once it is strictly acknowledged, nor does any strict read that
 * begins then.
 */
function judgeWinners(session: WriteOrderCase): void {
  const { key, findings, rule, reads, readsOwnWrites } = session
  const afterAny = new Followers(key, anyAck)
  const afterStrict = new Followers(key, strictAck)
  visitWrites(session, (write, before) => {
    afterAny.follow(write, before)
    afterStrict.follow(write, before)
  })
  const own = new Set(readsOwnWrites ? reads : [])
  for (const answer of key.answers) {
    const followers = answer.kind === 'final' || own.has(answer) ? afterAny : afterStrict
    const isBound = followers === afterAny || answer.strict
    if (!isBound || followers.fromRank >= answer.startRank) continue
    findings.count(1)
    for (const id of answer.ids) {
      const follower = followers.before(answer, id)
      if (follower === undefined) continue
      const prior = key.write(id)
      const message = `${titleOf(answer)} shows ${nameOf(prior)}, which came before ${nameOf(follower)}`
      findings.add({ rule, key: key.key, message, lines: [...answer.lines, ...prior.lines, ...follower.lines] })
    }
  }
}

/** For each write that comes before others of the session, the first of these that was acknowledged. */
class Followers {
  readonly #key: KeyHistory
  readonly #ackRankOf: (write: Write) => number
  readonly #of = new Map<number, Write>()
  readonly #followed: BitSet
  /** When the first of them was acknowledged. */
  fromRank = Infinity

  constructor(key: KeyHistory, ackRankOf: (write: Write) => number) {
    this.#key = key
    this.#ackRankOf = ackRankOf
    this.#followed = new BitSet(key.writes.length)
  }

  follow(write: Write, before: BitSet): void {
    if (this.#ackRankOf(write) === Infinity) return
    for (const id of before.without([this.#followed])) {
      // A second stamp may be later than that of the write which follows the first.
      if (id === write.id || this.#key.write(id).restamped) continue
      this.#followed.add(id)
      this.#of.set(id, write)
      this.fromRank = Math.min(this.fromRank, this.#ackRankOf(write))
    }
  }

  /** The write that follows this one, if it was acknowledged before the answer began. */
  before(answer: Answer, id: number): Write | undefined {
    const follower = this.#of.get(id)
    return follower !== undefined && this.#ackRankOf(follower) < answer.startRank ? follower : undefined
  }
}
