/**
 * Whether all replicas of a key hold the same at the end.
 */
import type { History } from './history.ts'
import { indexOf, titleOf, valuesOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import { Findings, type Verdict } from './verdict.ts'

/**
 * All finals of a key show the same set of values. Rule `diverged`; `checked` counts finals that had another to be
 * compared with.
 */
export function checkConverged(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const findings = new Findings()
  for (const { key, finals } of indexOf(history, options).keys) {
    const [first, ...others] = finals
    if (first === undefined || others.length === 0) continue
    findings.count(finals.length)
    const expected = new Set(first.values)
    for (const final of others) {
      const shown = new Set(final.values)
      if (shown.size === expected.size && final.values.every((value) => expected.has(value))) continue
      const message = `${titleOf(final)} shows ${valuesOf(final)}, ${titleOf(first)} shows ${valuesOf(first)}`
      findings.add({ rule: 'diverged', key, message, lines: [...first.lines, ...final.lines] })
    }
  }
  return findings.verdict()
}
