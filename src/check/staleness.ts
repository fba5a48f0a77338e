/**
 * How stale reads were, in the two measures of probabilistically bounded staleness (Bailis, Venkataraman, Franklin,
 * Hellerstein, Stoica, VLDB 2012): k, the versions that a read was behind, and t, for how long it could have known.
 *
 * Only what is certain counts, so both are lower bounds: a write that was not acknowledged before the read began is not
 * missed, and of two writes whose order nobody can tell neither is newer.
 */
import { BitSet } from './bit-set.ts'
import type { History } from './history.ts'
import { indexOf, type HistoryIndex, type JudgeOptions } from './history-index.ts'
import type { Answer, KeyHistory } from './key-history.ts'
import { knowledgeOf } from './knowledge.ts'
import { missedByRegisterReads, NOTHING_MISSED, type Missed, type NoteMissed } from './register-staleness.ts'
import { anyAck, play } from './timeline.ts'

/** Of stale reads alone; all 0 when there are none. */
export interface Spread {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Staleness {
  /** Gets that were answered. */
  readonly reads: number
  /** Those of them that began after some write of their key was acknowledged: only these could be stale. */
  readonly checked: number
  readonly stale: number
  /** Stale reads among all reads; 0 when there are none. */
  readonly share: number
  /** How many acknowledged writes stale reads missed. */
  readonly versionsBehind: Spread
  /** Nanoseconds from the acknowledgement of the oldest missed write to the start of the stale read. */
  readonly behindNs: Spread
  /** How many checked reads missed so many writes, by rising number; 0 stands for fresh reads. */
  readonly histogram: readonly { readonly versions: number; readonly reads: number }[]
}

/**
 * How many reads, strict or not, were stale, and by how much.
 *
 * Siblings: a read misses an acknowledged put that it neither shows nor holds through a value that saw it, unless a
 * delete that saw it may have happened; and it misses an acknowledged delete when it shows a value that the delete saw,
 * but none that saw the delete.
 * `lww`: a read misses the acknowledged writes that began more than `skewMs` after the shown one was acknowledged; an
 * empty answer counts as the newest delete that it may stand for. Memory for siblings grows with the square of the
 * writes of one key, at one bit for each pair.
 */
export function measureStaleness(history: History | HistoryIndex, options?: JudgeOptions): Staleness {
  const index = indexOf(history, options)
  const versionsBehind: number[] = []
  const behindNs: number[] = []
  noteMissed(index, (read, { versions, oldestAckedAt }) => {
    versionsBehind.push(versions)
    if (versions > 0) behindNs.push(read.startedAt - oldestAckedAt)
  })
  const reads = index.keys.reduce((sum, { gets }) => sum + gets.length, 0)
  const stale = behindNs.length
  return {
    reads,
    checked: versionsBehind.length,
    stale,
    share: reads === 0 ? 0 : stale / reads,
    versionsBehind: spreadOf(versionsBehind.filter((versions) => versions > 0)),
    behindNs: spreadOf(behindNs),
    histogram: histogramOf(versionsBehind),
  }
}

/** What each read missed, for those who want more than totals; only reads that could have been stale are told. */
export function noteMissed(index: HistoryIndex, note: NoteMissed): void {
  for (const key of index.keys) {
    if (index.conflicts === 'lww') missedByRegisterReads({ key, skewNs: index.skewNs, note })
    else missedBySiblingReads({ index, key, note })
  }
}

function missedBySiblingReads(at: {
  readonly index: HistoryIndex
  readonly key: KeyHistory
  readonly note: NoteMissed
}): void {
  const { index, key, note } = at
  const acknowledged = knowledgeOf(index, key)
  const asked = new BitSet(key.writes.length)
  const readStarts = (read: Answer): void => {
    if (acknowledged.isEmpty) return
    const isFresh = acknowledged.missedBy(read).length === 0 && acknowledged.supersededIn(read).length === 0
    note(read, isFresh ? NOTHING_MISSED : missedSiblings({ key, read, asked }))
  }
  play(
    { reads: key.gets, writes: key.writes, ackRankOf: anyAck },
    {
      readStarts,
      writeEnds: (write) => {
        acknowledged.learn(write)
        asked.add(write.id)
      },
    },
  )
}

/** `asked` are the acknowledged writes; those that a delete has excused for good are taken out on the way. */
function missedSiblings(at: { readonly key: KeyHistory; readonly read: Answer; readonly asked: BitSet }): Missed {
  const { key, read, asked } = at
  const shown = new BitSet(key.writes.length)
  for (const id of read.ids) shown.add(id)
  let versions = 0
  let oldestAckedAt = Infinity
  for (const id of asked.without([shown, ...read.ids.map((own) => key.ancestors(own))])) {
    const { f, ackedAt } = key.write(id)
    const deletedFrom = f === 'put' ? key.deletedFrom(id) : Infinity
    if (deletedFrom < read.startRank) asked.remove(id)
    const isMissed = f === 'put' ? deletedFrom >= read.endRank : read.ids.some((own) => key.saw(id, own))
    if (!isMissed) continue
    versions++
    oldestAckedAt = Math.min(oldestAckedAt, ackedAt)
  }
  return { versions, oldestAckedAt }
}

function histogramOf(numbers: readonly number[]): { versions: number; reads: number }[] {
  const counts = new Map<number, number>()
  for (const versions of numbers) counts.set(versions, (counts.get(versions) ?? 0) + 1)
  return [...counts].map(([versions, reads]) => ({ versions, reads })).toSorted((a, b) => a.versions - b.versions)
}

function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const sum = sorted.reduce((total, number) => total + number, 0)
  return { mean: sum / Math.max(1, sorted.length), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
