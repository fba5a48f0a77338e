/**
 * Tables of small stories for one judge: those that it must let pass, and those that it must catch.
 *
 * A story that passes must have been judged, or it proves nothing; `nothing` marks those with nothing to judge.
 */
import { expect, test } from 'vitest'
import type { History, JudgeOptions, Verdict } from '../../src/check/index.ts'
import { told, type Recorder } from './recorder.ts'

export type Story = (tell: Recorder) => void
/** What must be found: a list of rules, one for each violation; `[]` for none; `nothing` if nothing is judged. */
export type Expected = readonly string[] | 'nothing'
export type Case = readonly [name: string, expected: Expected, story: Story]
export type Judge = (history: History, options?: JudgeOptions) => Verdict

export function caseTable(title: string, judge: Judge, cases: readonly Case[], options: JudgeOptions = {}): void {
  test.for(cases)(`${title}: %s`, ([, expected, story]) => {
    const history = told(story)
    const { ok, violations, checked } = judge(history, options)
    const rules = violations.map(({ rule }) => rule)
    expect({ rules, violations }).toEqual({ rules: expected === 'nothing' ? [] : expected, violations })
    expect(ok).toBe(rules.length === 0)
    expect(checked > 0).toBe(expected !== 'nothing')
    for (const { lines, message } of violations) {
      expect(message).not.toBe('')
      expect(lines.length).toBeGreaterThan(0)
      expect(lines.every((line) => history[line - 1] !== undefined)).toBe(true)
    }
  })
}
