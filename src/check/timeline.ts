/**
 * Plays reads and writes of one key in the order in which they began and ended.
 *
 * "Ended before this one began" is all that judges of real time ask for; one pass in that order answers it for every
 * pair at once.
 */
import type { Answer, Write } from './key-history.ts'

/** Who takes part. */
export interface Cast {
  readonly reads: readonly Answer[]
  readonly writes: readonly Write[]
  /** When a write counts as done: at its first acknowledgement, or at its first strict one. */
  readonly ackRankOf: (write: Write) => number
}

export interface Audience {
  readonly readStarts?: (read: Answer) => void
  readonly readEnds?: (read: Answer) => void
  readonly writeStarts?: (write: Write) => void
  /** Not called for a write that was never acknowledged. */
  readonly writeEnds?: (write: Write) => void
}

export const anyAck = (write: Write): number => write.ackRank
export const strictAck = (write: Write): number => write.strictAckRank

/** Calls the audience back once for each start and end. */
export function play({ reads, writes, ackRankOf }: Cast, audience: Audience): void {
  const { readStarts, readEnds, writeStarts, writeEnds } = audience
  const scenes: { readonly rank: number; readonly show: () => void }[] = []
  for (const read of reads) {
    if (readStarts !== undefined) scenes.push({ rank: read.startRank, show: () => readStarts(read) })
    if (readEnds !== undefined) scenes.push({ rank: read.endRank, show: () => readEnds(read) })
  }
  for (const write of writes) {
    const rank = ackRankOf(write)
    if (writeStarts !== undefined) scenes.push({ rank: write.startRank, show: () => writeStarts(write) })
    if (writeEnds !== undefined && rank < Infinity) scenes.push({ rank, show: () => writeEnds(write) })
  }
  scenes.sort((a, b) => a.rank - b.rank)
  for (const { show } of scenes) show()
}
