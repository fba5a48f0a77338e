/**
 * Whether leaders, locks and tokens kept their promises: what all rules about them say together, and how often the
 * leader changed.
 */
import type { History } from './history.ts'
import { judgeGroup } from './leader-terms.ts'
import type { GroupLine, LockLine } from './leadership-lines.ts'
import { judgeLock } from './lock-tokens.ts'
import type { Numbered } from './numbered.ts'
import { Findings, type Verdict } from './verdict.ts'

export interface LeadershipOptions {
  /**
   * Whether a lock was promised to have one holder at a time. True by default.
   *
   * False for a history in which clocks ran apart by more than the lease allows for: then only the tokens keep holders
   * apart.
   */
  readonly exclusive?: boolean
  /**
   * From which instant on changes of the leader are counted, in milliseconds. 0 by default.
   *
   * Give the end of the first elections, where only what comes after them is bounded.
   */
  readonly fromMs?: number
}

/** How quiet a group was. */
export interface GroupMeasure {
  readonly group: string
  /** How many terms had a leader. */
  readonly leaders: number
  /** How often another term's leader took over, from `fromMs` on. The first one took over from nobody. */
  readonly changes: number
  /** The most changes within any minute. */
  readonly changesPerMinute: number
}

export interface LeadershipVerdict extends Verdict {
  readonly groups: readonly GroupMeasure[]
}

const MINUTE_MS = 60_000

/**
 * About a group, whose name stands in the violation's `key`:
 * - `two-leaders`: two nodes acted as the leader of one term.
 * - `two-votes`: an elector voted for two candidates in one term.
 * - `back`: an elector voted in a term below one that it had voted in, or a node was elected for a term that is not
 *   above its last.
 * - `fenced`: an acknowledgement or a local read of a term began after a newer term had acknowledged something.
 * - `stale`: a local read did not show what had been acknowledged before it began.
 *
 * About a lock:
 * - `token`: a token was handed out twice, or after a higher one.
 * - `guard`: the resource let a token in after a higher one.
 * - `two-holders`: one was granted the lock while another might still act.
 *
 * `checked` counts lines that could be compared with an earlier one.
 */
export function checkLeadership(history: History, options: LeadershipOptions = {}): LeadershipVerdict {
  const findings = new Findings()
  const groups = new Map<string, Numbered<GroupLine>[]>()
  const locks = new Map<string, Numbered<LockLine>[]>()
  for (const [at, line] of history.entries()) {
    if ('group' in line) addTo(groups, line.group, { line, number: at + 1 })
    else if ('lock' in line) addTo(locks, line.lock, { line, number: at + 1 })
  }
  const measures: GroupMeasure[] = []
  for (const [group, lines] of groups) {
    judgeGroup({ group, lines, findings })
    measures.push(measureOf(group, lines, options.fromMs ?? 0))
  }
  for (const [lock, lines] of locks) judgeLock({ lock, lines, findings, exclusive: options.exclusive ?? true })
  return { ...findings.verdict(), groups: measures }
}

function addTo<Line>(byName: Map<string, Numbered<Line>[]>, name: string, numbered: Numbered<Line>): void {
  const before = byName.get(name)
  if (before === undefined) byName.set(name, [numbered])
  else before.push(numbered)
}

function measureOf(group: string, lines: readonly Numbered<GroupLine>[], fromMs: number): GroupMeasure {
  const electedAt = new Map<number, number>()
  for (const { line } of lines) {
    if (line.type !== 'elected') continue
    electedAt.set(line.term, Math.min(line.time, electedAt.get(line.term) ?? Infinity))
  }
  const [, ...changes] = [...electedAt.values()].toSorted((a, b) => a - b)
  const counted = changes.filter((time) => time >= fromMs)
  const perMinute = counted.map((start, at) => counted.findLastIndex((time) => time < start + MINUTE_MS) - at + 1)
  return {
    group,
    leaders: electedAt.size,
    changes: counted.length,
    changesPerMinute: Math.max(0, ...perMinute),
  }
}
