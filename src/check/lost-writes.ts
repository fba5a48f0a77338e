/**
 * What must be left at the end, after healing: no acknowledged write is lost, and nothing overwritten is back.
 */
import type { History } from './history.ts'
import { indexOf, nameOf, titleOf, valuesOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import type { Answer, KeyHistory } from './key-history.ts'
import { knowledgeOf, type Knowledge } from './knowledge.ts'
import { anyAck, play, strictAck } from './timeline.ts'
import { Findings, type Verdict } from './verdict.ts'

/**
 * Siblings: every final of a key shows every acknowledged put, or something that saw it, unless a delete that saw it
 * may have happened. That is a little more than "unless something that saw it may have happened": an overwriting put of
 * unknown outcome that is itself nowhere to be seen is no excuse, since whoever took the old value away held the new.
 * A put that an acknowledged write saw is judged by that write alone.
 *
 * `lww`: no final shows a put, or the nothing of a delete or of the beginning, that is certainly older than an
 * acknowledged write.
 *
 * Rule `lost`. `checked` counts finals of keys with acknowledged writes.
 */
export function checkNoLostWrites(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    const acknowledged = knowledgeOfAcknowledged(index, key)
    if (acknowledged.isEmpty) continue
    findings.count(key.finals.length)
    for (const final of key.finals) {
      for (const write of acknowledged.missedBy(final)) {
        const message = `${titleOf(final)} shows ${valuesOf(final)}, without ${nameOf(write)} or anything newer`
        findings.add({ rule: 'lost', key: key.key, message, lines: [...final.lines, ...write.lines] })
      }
    }
  }
  return findings.verdict()
}

/**
 * What a write replaced is not shown by a strict read that began after the write's strict acknowledgement, nor by any
 * final once the write was acknowledged at all. A delete is such a write: what is deleted stays deleted.
 *
 * Rule `resurrected`. `checked` counts strict reads and finals with an acknowledged write before them.
 */
export function checkNoResurrection(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    const judge = (knowledge: Knowledge, answer: Answer): void => {
      if (knowledge.isEmpty) return
      findings.count(1)
      for (const { shown, by } of knowledge.supersededIn(answer)) {
        const message = `${titleOf(answer)} shows ${nameOf(shown)} after ${nameOf(by)} had replaced it`
        const lines = [...answer.lines, ...shown.lines, ...by.lines]
        findings.add({ rule: 'resurrected', key: key.key, message, lines })
      }
    }
    const strict = knowledgeOf(index, key)
    const cast = { reads: key.gets.filter((get) => get.strict), writes: key.writes, ackRankOf: strictAck }
    play(cast, { readStarts: (read) => judge(strict, read), writeEnds: (write) => strict.learn(write) })
    const acknowledged = knowledgeOfAcknowledged(index, key)
    for (const final of key.finals) judge(acknowledged, final)
  }
  return findings.verdict()
}

function knowledgeOfAcknowledged(index: HistoryIndex, key: KeyHistory): Knowledge {
  const knowledge = knowledgeOf(index, key)
  play({ reads: [], writes: key.writes, ackRankOf: anyAck }, { writeEnds: (write) => knowledge.learn(write) })
  return knowledge
}
