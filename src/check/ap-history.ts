/**
 * All judges of AP keys together: what a simulator asks at the end of a run.
 */
import { checkNoDominated, checkNoInvented } from './answers.ts'
import { checkConverged } from './converged.ts'
import type { History } from './history.ts'
import { HistoryIndex, type JudgeOptions } from './history-index.ts'
import { checkNoLostWrites, checkNoResurrection } from './lost-writes.ts'
import { checkSessions } from './sessions.ts'
import { checkMonotonic, checkStrictRegular } from './strict-reads.ts'
import type { Verdict, Violation } from './verdict.ts'

export type JudgeName =
  | 'noInvented'
  | 'noDominated'
  | 'noLostWrites'
  | 'noResurrection'
  | 'strictRegular'
  | 'monotonic'
  | 'sessions'
  | 'converged'

const JUDGES: Readonly<Record<JudgeName, (index: HistoryIndex) => Verdict>> = {
  noInvented: checkNoInvented,
  noDominated: checkNoDominated,
  noLostWrites: checkNoLostWrites,
  noResurrection: checkNoResurrection,
  strictRegular: checkStrictRegular,
  monotonic: checkMonotonic,
  sessions: checkSessions,
  converged: checkConverged,
}

export interface ApHistoryOptions extends JudgeOptions {
  /**
   * Whether strict reads were promised to be monotonic, as blocking repair makes them. False by default.
   *
   * Background repair, or none, gives regular reads only: a half-done write may show, and then not show again.
   */
  readonly monotonic?: boolean
}

export interface ApViolation extends Violation {
  readonly judge: JudgeName
}

export interface ApVerdict extends Verdict {
  readonly violations: readonly ApViolation[]
  /** What each judge said. One whose `checked` is 0 found nothing to judge. */
  readonly judges: Readonly<Partial<Record<JudgeName, Verdict>>>
}

/**
 * Judges a history by every promise that applies: all of them need no option but `monotonic`, and promises about strict
 * operations, sessions and finals bind only the lines that speak of them.
 */
export function checkApHistory(history: History, options: ApHistoryOptions = {}): ApVerdict {
  const index = new HistoryIndex(history, options)
  const judges: Partial<Record<JudgeName, Verdict>> = {}
  const violations: ApViolation[] = []
  let checked = 0
  for (const judge of Object.keys(JUDGES) as JudgeName[]) {
    if (judge === 'monotonic' && options.monotonic !== true) continue
    const verdict = JUDGES[judge](index)
    judges[judge] = verdict
    checked += verdict.checked
    for (const violation of verdict.violations) violations.push({ judge, ...violation })
  }
  return { ok: violations.length === 0, violations, checked, judges }
}
