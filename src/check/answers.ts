/**
 * What a single answer may never show, at whatever level it was asked for: made-up values, doubles, and values beside
 * their own successors.
 */
import type { History } from './history.ts'
import { indexOf, nameOf, titleOf, valuesOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import type { Answer, KeyHistory } from './key-history.ts'
import { Findings, type Verdict } from './verdict.ts'

/**
 * Every value shown by a get or a final was put under that key, by a put that began before the answer was there and
 * that did not fail. Rule `invented`; `checked` counts values.
 */
export function checkNoInvented(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  for (const key of index.keys) {
    for (const answer of key.answers) {
      findings.count(answer.values.length)
      for (const value of answer.values) {
        const origin = originProblem(key, answer, value)
        if (origin === undefined) continue
        const message = `${titleOf(answer)} shows ${JSON.stringify(value)}, ${origin}`
        const lines = [...answer.lines, ...(key.find(value)?.lines ?? [])]
        findings.add({ rule: 'invented', key: key.key, message, lines })
      }
    }
  }
  return findings.verdict()
}

function originProblem(key: KeyHistory, answer: Answer, value: string): string | undefined {
  const write = key.find(value)
  if (write === undefined) return 'which nobody put'
  if (write.f === 'delete') return `the name of ${nameOf(write)}`
  if (write.happened === 'no') return `but ${nameOf(write)} failed`
  return write.startRank > answer.endRank ? `before ${nameOf(write)} began` : undefined
}

/**
 * No answer shows both X and a Y that saw X (rule `dominated`), or one value twice (rule `twice`): a retry must never
 * make a second sibling. With `lww` none shows more than one value (rule `many`). `checked` counts answers with more
 * than one value, which are the only ones that could break a rule; with `lww`, answers with any.
 */
export function checkNoDominated(history: History | HistoryIndex, options?: JudgeOptions): Verdict {
  const index = indexOf(history, options)
  const findings = new Findings()
  const lww = index.conflicts === 'lww'
  for (const key of index.keys) {
    for (const answer of key.answers) {
      if (answer.values.length >= (lww ? 1 : 2)) findings.count(1)
      if (answer.values.length < 2) continue
      const found = { key: key.key, lines: answer.lines }
      const shown = `${titleOf(answer)} shows ${valuesOf(answer)}`
      if (lww) findings.add({ rule: 'many', message: `${shown}, but the last write wins alone`, ...found })
      if (new Set(answer.values).size < answer.values.length) {
        findings.add({ rule: 'twice', message: `${shown}: the same value twice`, ...found })
      }
      reportDominated({ key, answer, findings })
    }
  }
  return findings.verdict()
}

function reportDominated(at: { readonly key: KeyHistory; readonly answer: Answer; readonly findings: Findings }): void {
  const { key, answer, findings } = at
  for (const earlier of answer.ids) {
    const later = answer.ids.find((id) => key.saw(id, earlier))
    if (later === undefined) continue
    const [old, young] = [key.write(earlier), key.write(later)]
    findings.add({
      rule: 'dominated',
      key: key.key,
      message: `${titleOf(answer)} shows ${nameOf(old)} beside ${nameOf(young)}, which saw it`,
      lines: [...answer.lines, ...old.lines, ...young.lines],
    })
  }
}
