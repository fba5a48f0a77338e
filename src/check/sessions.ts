/**
 * The four session guarantees of Terry, Demers, Petersen, Spreitzer, Theimer, Welch, "Session Guarantees for Weakly
 * Consistent Replicated Data" (PDIS 1994), as far as answers can show them, per key: for each session what its line
 * promises, and nothing for sessions without a line.
 *
 * An answer *holds* a write when it shows it or something that saw it, or when a delete that saw it may have happened.
 * The paper's "the server's state includes the write" is that, as seen from outside.
 */
import type { Guarantee, History } from './history.ts'
import { indexOf, nameOf, titleOf, valuesOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import type { Answer, KeyHistory, Write } from './key-history.ts'
import { knowledgeOf } from './knowledge.ts'
import { MonotonicReads } from './monotonic-reads.ts'
import { judgeWriteOrder } from './session-writes.ts'
import { anyAck, play } from './timeline.ts'
import { Findings, type Verdict } from './verdict.ts'

/** The reads and writes of one key that one session made. */
interface SessionPart {
  readonly reads: Answer[]
  readonly writes: Write[]
}

/**
 * - `ryw`: a read of the session holds every write that the session had acknowledged before the read began, and shows
 *   nothing that such a write saw.
 * - `mr`: of two reads of the session where one ended before the other began, the later holds all that the earlier
 *   showed, and shows nothing that the earlier had seen replaced.
 * - `mw`, `wfr`: whoever sees a write of the session also holds the session's acknowledged writes before it (`mw`), and
 *   what the session had read before it (`wfr`). For `lww`: once the write is acknowledged, those do not win over it,
 *   in finals, strict reads, and reads of a session that reads its writes.
 *
 * With `lww`, "holds" means "shows nothing that is certainly older". The rule's name is the guarantee's. `checked`
 * counts answers that a guarantee had something to say about, once for each guarantee and session.
 */
export function checkSessions(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    for (const [session, part] of partsOf(key)) {
      const promised = index.sessions.get(session)
      if (promised !== undefined) judgeSession({ index, key, part, promised, findings })
    }
  }
  return findings.verdict()
}

function partsOf(key: KeyHistory): Map<string, SessionPart> {
  const parts = new Map<string, SessionPart>()
  const partOf = (session: string): SessionPart => {
    const part = parts.get(session) ?? { reads: [], writes: [] }
    parts.set(session, part)
    return part
  }
  for (const get of key.gets) if (get.session !== undefined) partOf(get.session).reads.push(get)
  for (const write of key.writes) if (write.session !== undefined) partOf(write.session).writes.push(write)
  return parts
}

interface SessionCase {
  readonly index: HistoryIndex
  readonly key: KeyHistory
  readonly part: SessionPart
  readonly promised: ReadonlySet<Guarantee>
  readonly findings: Findings
}

function judgeSession(session: SessionCase): void {
  const { index, key, part, promised, findings } = session
  if (promised.has('ryw')) judgeOwnWrites(session)
  if (promised.has('mr')) {
    const reads = new MonotonicReads({ index, key, findings, rules: { backwards: 'mr', risen: 'mr' } })
    const audience = { readStarts: (read: Answer) => reads.starts(read), readEnds: (read: Answer) => reads.ends(read) }
    play({ reads: part.reads, writes: [], ackRankOf: anyAck }, audience)
  }
  const readsOwnWrites = promised.has('ryw')
  for (const rule of ['mw', 'wfr'] as const) {
    if (promised.has(rule)) judgeWriteOrder({ index, key, findings, rule, readsOwnWrites, ...part })
  }
}

function judgeOwnWrites({ index, key, part, findings }: SessionCase): void {
  const own = knowledgeOf(index, key)
  const report = (read: Answer, write: Write, problem: string): void => {
    const message = `${titleOf(read)} of session ${read.session ?? ''} shows ${valuesOf(read)}, ${problem}`
    findings.add({ rule: 'ryw', key: key.key, message, lines: [...read.lines, ...write.lines] })
  }
  const judge = (read: Answer): void => {
    if (!own.isEmpty) findings.count(1)
    const missed = own.missedBy(read)
    for (const write of missed) report(read, write, `without the session's own ${nameOf(write)} or anything newer`)
    if (missed.length > 0) return
    for (const { shown, by } of own.supersededIn(read)) {
      report(read, by, `with ${nameOf(shown)}, which the session's own ${nameOf(by)} replaced`)
    }
  }
  play(
    { reads: part.reads, writes: part.writes, ackRankOf: anyAck },
    { readStarts: judge, writeEnds: (write) => own.learn(write) },
  )
}
