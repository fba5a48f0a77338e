/**
 * Quorum systems from text: both sides, or one from which the other follows.
 */
import { invalid } from '../core/base/errors.ts'
import { checkLists, checkObject, checkTexts } from '../core/base/shape.ts'
import { dual } from '../core/quorum/expression.ts'
import { parseExpression, type ParseOptions } from '../core/quorum/parse-expression.ts'
import { QuorumSystem } from './quorum-system.ts'

export interface QuorumsText extends ParseOptions {
  /** The dual of `write` by default: the smallest quorums that meet every write quorum. */
  readonly read?: string
  /** The dual of `read` by default: the smallest quorums that meet every read quorum. */
  readonly write?: string
  /** False by default; see `QuorumSystemOptions`. */
  readonly unchecked?: boolean
}

/**
 * Reads `2 of (a, b, c) and (d or e)` and the like.
 *
 * Throws `QUORATE_INVALID_OPTION` that shows the place, or `QUORATE_QUORUMS_DISJOINT` when both sides are given and do
 * not meet.
 */
export function parseQuorums(options: QuorumsText): QuorumSystem {
  checkObject(options, 'what is given to parse')
  const { read, write, zones, nodes, unchecked = false } = options
  if (zones !== undefined) checkLists(zones, 'zones')
  if (nodes !== undefined) checkTexts(nodes, 'nodes')
  const reads = read === undefined ? undefined : parseExpression(read, options)
  const writes = write === undefined ? undefined : parseExpression(write, options)
  const given = reads ?? writes
  if (given === undefined) throw invalid('give read, write, or both: from one the other is derived')
  return new QuorumSystem({ reads: reads ?? dual(given), writes: writes ?? dual(given), unchecked })
}
