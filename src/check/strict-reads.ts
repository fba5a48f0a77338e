/**
 * What strict quorums promise: a read sees every write that was acknowledged before it began, and with blocking repair
 * also everything that earlier reads saw.
 */
import type { History } from './history.ts'
import { indexOf, nameOf, titleOf, valuesOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import type { Answer } from './key-history.ts'
import { knowledgeOf } from './knowledge.ts'
import { MonotonicReads } from './monotonic-reads.ts'
import { play, strictAck } from './timeline.ts'
import { Findings, type Verdict } from './verdict.ts'

const isStrict = (get: Answer): boolean => get.strict

/**
 * A strict read holds every write that was strictly acknowledged before the read began: it shows the write or something
 * that saw it, or a delete that saw it may have happened before the read ended. With `lww` it shows a write that is not
 * certainly older. Rule `stale`; `checked` counts strict reads with such a write before them.
 */
export function checkStrictRegular(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    const acknowledged = knowledgeOf(index, key)
    const judge = (read: Answer): void => {
      if (!acknowledged.isEmpty) findings.count(1)
      for (const write of acknowledged.missedBy(read)) {
        const message = `${titleOf(read)} shows ${valuesOf(read)}, without ${nameOf(write)} or anything newer`
        findings.add({ rule: 'stale', key: key.key, message, lines: [...read.lines, ...write.lines] })
      }
    }
    const cast = { reads: key.gets.filter(isStrict), writes: key.writes, ackRankOf: strictAck }
    play(cast, { readStarts: judge, writeEnds: (write) => acknowledged.learn(write) })
  }
  return findings.verdict()
}

/**
 * Time never runs backwards for strict reads, whoever makes them. Only for stores that promise blocking repair.
 *
 * Of two strict reads where one ended before the other began, the later one holds all that the earlier showed (rule
 * `backwards`), and shows nothing that the earlier had seen replaced: neither what a value shown by it saw (rule
 * `backwards` too), nor a value that was there before the earlier read but that this no longer showed (rule `risen`).
 * "Was there" means strictly acknowledged, or shown by a strict read, before the earlier read began.
 *
 * `checked` counts strict reads that began after another that showed something had ended.
 */
export function checkMonotonic(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    const reads = new MonotonicReads({ index, key, findings, rules: { backwards: 'backwards', risen: 'risen' } })
    const cast = { reads: key.gets.filter(isStrict), writes: key.writes, ackRankOf: strictAck }
    play(cast, {
      readStarts: (read) => reads.starts(read),
      readEnds: (read) => reads.ends(read),
      writeEnds: (write) => reads.isThere(write),
    })
  }
  return findings.verdict()
}
