/**
 * `quorate/check`: judges of a history, usable with any store that can write one down.
 */
export { checkNoDominated, checkNoInvented } from './answers.ts'
export {
  checkApHistory,
  type ApHistoryOptions,
  type ApVerdict,
  type ApViolation,
  type JudgeName,
} from './ap-history.ts'
export { checkConverged } from './converged.ts'
export {
  parseHistory,
  printHistory,
  type ApFunction,
  type FinalLine,
  type Guarantee,
  type History,
  type HistoryLine,
  type InvokeGetLine,
  type InvokeWriteLine,
  type NotOkLine,
  type OkGetLine,
  type OkWriteLine,
  type SessionLine,
} from './history.ts'
export { HistoryIndex, type JudgeOptions } from './history-index.ts'
export { checkNoLostWrites, checkNoResurrection } from './lost-writes.ts'
export { checkSessions } from './sessions.ts'
export { measureStaleness, type Spread, type Staleness } from './staleness.ts'
export { checkMonotonic, checkStrictRegular } from './strict-reads.ts'
export type { Verdict, Violation } from './verdict.ts'
