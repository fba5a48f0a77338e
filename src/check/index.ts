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
export type {
  ApFunction,
  ApLine,
  FinalLine,
  Guarantee,
  History,
  HistoryLine,
  InvokeGetLine,
  InvokeWriteLine,
  NotOkLine,
  OkGetLine,
  OkWriteLine,
  SessionLine,
} from './history.ts'
export { parseHistory, printHistory } from './history-text.ts'
export { checkLeadership, type GroupMeasure, type LeadershipOptions, type LeadershipVerdict } from './leadership.ts'
export type {
  AckLine,
  GrantedLine,
  GroupLine,
  GuardedLine,
  LeaderLine,
  LeadershipLine,
  LocalReadLine,
  LockLine,
  ReleasedLine,
  VotedLine,
} from './leadership-lines.ts'
export { checkLinearizable, checkSettled, type LinearizableOptions, type LinearizableVerdict } from './linearizable.ts'
export type {
  InvokeCasLine,
  InvokeReadLine,
  InvokeRegisterDeleteLine,
  InvokeRegisterWriteLine,
  NotOkRegisterLine,
  OkReadLine,
  OkRegisterWriteLine,
  RegisterLine,
  RegisterValue,
} from './register-lines.ts'
export { HistoryIndex, type JudgeOptions } from './history-index.ts'
export { checkNoLostWrites, checkNoResurrection } from './lost-writes.ts'
export { checkSessions } from './sessions.ts'
export { measureStaleness, type Spread, type Staleness } from './staleness.ts'
export { checkMonotonic, checkStrictRegular } from './strict-reads.ts'
export type { Verdict, Violation } from './verdict.ts'
