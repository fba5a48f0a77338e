/**
 * What one run showed, judged by `quorate/check`: nothing here knows whether time was virtual.
 */
import { HistoryIndex } from '../../src/check/history-index.ts'
import type { History } from '../../src/check/history.ts'
import type { Answer, KeyHistory } from '../../src/check/key-history.ts'
import { linearize } from '../../src/check/linearization.ts'
import { checkNoLostWrites } from '../../src/check/lost-writes.ts'
import { registersOf } from '../../src/check/register-operations.ts'
import { checkSessions } from '../../src/check/sessions.ts'
import { noteMissed } from '../../src/check/staleness.ts'
import { Findings } from '../../src/check/verdict.ts'
import type { Observed } from './run.ts'
import { asApHistory, asRegisterHistory } from './translate.ts'

/** A call that ended, or was given up. */
export interface CallSeen {
  readonly isRead: boolean
  readonly startNs: number
  readonly tookNs: number
  /** `conflict`: a compare failed, as it should. */
  readonly end: 'ok' | 'failed' | 'conflict'
}

export interface ReadSeen {
  readonly startNs: number
  readonly versionsBehind: number
  /** Since the oldest write that it missed was acknowledged. */
  readonly behindNs: number
  /** When that was. */
  readonly missedAckNs: number
  /** Since the latest acknowledgement of its key. */
  readonly ageNs: number
}

export type Linearizability = 'yes' | 'no' | 'undecided' | 'siblings'

export interface Seen {
  readonly calls: readonly CallSeen[]
  readonly reads: readonly ReadSeen[]
  /** Reads of one client that went back behind an earlier one, and that missed its own writes. */
  readonly backwards: number
  readonly ownMissed: number
  readonly sessionReads: number
  readonly acknowledged: number
  /** Acknowledged writes that nothing is left of at the end. */
  readonly lost: number
  /** Acknowledged writes that others replaced without having seen them. */
  readonly overwritten: number
  readonly siblingReads: number
  readonly siblingsMax: number
  readonly linearizable: Linearizability | undefined
}

/** How much the search for one key's order may take. */
const WORK_MAX = 200_000

export interface MeasureOptions {
  /** Whether writes follow reads, so that what they replace unseen was lost. */
  readonly informed: boolean
  readonly linearizability: boolean
}

export function measure(observed: Observed, { informed, linearizability }: MeasureOptions): Seen {
  const { history, isCp, conflicts, startNs, endNs } = observed
  const ap = isCp ? asApHistory(history) : history
  const index = new HistoryIndex(ap, { conflicts })
  const sessions = checkSessions(index)
  const count = (rule: string): number => sessions.violations.filter((found) => found.rule === rule).length
  const gets = index.keys.flatMap((key) => key.gets)
  const shown = gets.map(({ ids }) => ids.length)
  const lost = checkNoLostWrites(index).violations.length
  const unseen = informed ? checkNoLostWrites(ap, { conflicts: 'siblings' }).violations.length : lost
  return {
    calls: callsOf(ap, { startNs, endNs }),
    reads: readsOf(index),
    backwards: count('mr'),
    ownMissed: count('ryw'),
    sessionReads: gets.filter(({ session }) => session !== undefined).length,
    acknowledged: index.keys.flatMap((key) => key.writes).filter(({ ackRank }) => ackRank < Infinity).length,
    lost,
    overwritten: Math.max(0, unseen - lost),
    siblingReads: shown.filter((values) => values > 1).length,
    siblingsMax: shown.reduce((most, values) => Math.max(most, values), 0),
    linearizable: linearizability ? judgeRegisters(isCp ? history : asRegisterHistory(history)) : undefined,
  }
}

function judgeRegisters(history: History | undefined): Linearizability {
  if (history === undefined) return 'siblings'
  let verdict: Linearizability = 'yes'
  for (const { operations } of registersOf(history, new Findings())) {
    const { kind } = linearize({ operations, settling: false, workMax: WORK_MAX }).finding
    if (kind === 'stuck') return 'no'
    if (kind === 'undecided') verdict = 'undecided'
  }
  return verdict
}

/** Calls that began while clients worked. */
function callsOf(history: History, within: { readonly startNs: number; readonly endNs: number }): CallSeen[] {
  const open = new Map<number, { readonly startNs: number; readonly isRead: boolean }>()
  const calls: CallSeen[] = []
  for (const line of history) {
    if (line.type === 'session' || line.type === 'final' || !('f' in line)) continue
    const { process, time, f, type } = line as { process: number; time: number; f: string; type: string }
    if (type === 'invoke') {
      if (time >= within.startNs && time < within.endNs) open.set(process, { startNs: time, isRead: f === 'get' })
      continue
    }
    const begun = open.get(process)
    if (begun === undefined) continue
    open.delete(process)
    const isConflict = 'reason' in line && (line as { reason?: string }).reason === 'precondition'
    const end = type === 'ok' ? 'ok' : isConflict ? 'conflict' : 'failed'
    calls.push({ ...begun, tookNs: time - begun.startNs, end })
  }
  // Whoever never heard of a call again has given it up.
  for (const begun of open.values()) calls.push({ ...begun, tookNs: within.endNs - begun.startNs, end: 'failed' })
  return calls
}

function readsOf(index: HistoryIndex): ReadSeen[] {
  const ages = new Map<KeyHistory, readonly number[]>()
  const keyOf = new Map<Answer, KeyHistory>()
  for (const key of index.keys) {
    const acks = key.writes.map(({ ackedAt }) => ackedAt).filter((at) => at < Infinity)
    ages.set(
      key,
      acks.toSorted((a, b) => a - b),
    )
    for (const get of key.gets) keyOf.set(get, key)
  }
  const reads: ReadSeen[] = []
  noteMissed(index, (read, { versions, oldestAckedAt }) => {
    const acks = ages.get(keyOf.get(read) as KeyHistory) ?? []
    const ageNs = read.startedAt - latestBefore(acks, read.startedAt)
    const behindNs = versions > 0 ? read.startedAt - oldestAckedAt : 0
    reads.push({ startNs: read.startedAt, versionsBehind: versions, behindNs, missedAckNs: oldestAckedAt, ageNs })
  })
  return reads
}

/** The last instant of a rising list that is not after another; the first one if all are. */
function latestBefore(instants: readonly number[], at: number): number {
  let [low, high] = [0, instants.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((instants[middle] as number) <= at) low = middle + 1
    else high = middle
  }
  return instants[Math.max(0, low - 1)] ?? at
}
