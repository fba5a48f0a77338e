/**
 * What all members must agree on about a keyspace, and its fingerprint.
 *
 * Quorums that do not meet across coordinators are as bad as quorums that do not meet inside one, so whatever decides
 * where copies are and how many must answer is registered once and named in every message by its fingerprint.
 * Ring: values.
 */
import { fingerprint } from './base/hash.ts'
import { POSITIONS_MAX } from './quorum/quorum.ts'
import { isQuorumText } from './quorum/quorum-text.ts'

export interface KeyspaceDefinition {
  readonly name: string
  readonly mode: 'ap' | 'cp'
  /** Replicas per key. */
  readonly n: number
  /** The default read quorum, in the form that `quorum/quorum-text.ts` gives it; in mode `cp` the phase-1 quorum. */
  readonly read: string
  /** The default write quorum; in mode `cp` the phase-2 quorum. */
  readonly write: string
  /** `registers` in mode `cp`, where copies never conflict. */
  readonly conflicts: 'siblings' | 'lww' | 'registers'
  /** Whether other members may stand in for replicas that cannot be reached. There only if so. */
  readonly sloppy?: true
  /** Whether one elected node serves all keys, which are on all members. There only if so, in mode `cp`. */
  readonly leader?: true
  /** Whether every change has to carry a fencing token. There only if so, in mode `cp`. */
  readonly requireFence?: true
}

/** What may be there or not, in the order in which texts name it. */
const FLAGS = ['sloppy', 'leader', 'requireFence'] as const

/** The canonical text: equal definitions have equal texts. */
export function definitionText(definition: KeyspaceDefinition): string {
  const { name, mode, n, read, write, conflicts } = definition
  const flags = FLAGS.filter((flag) => definition[flag] === true)
  return JSON.stringify([name, mode, n, read, write, conflicts, ...flags])
}

/** A definition's name in messages and on disk: 52 bits, never 0. */
export function definitionFingerprint(definition: KeyspaceDefinition): number {
  return fingerprint(definitionText(definition))
}

/**
 * The definition that `definitionText` wrote, or `undefined` for any other text, such as one with a level that n copies
 * do not have or with an expression that is none. Whether it fits the members is for those who know them.
 */
export function parseDefinition(text: string): KeyspaceDefinition | undefined {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(fields) || fields.length < 6 || fields.length > 6 + FLAGS.length) return undefined
  const [name, mode, n, read, write, conflicts, ...given] = fields as readonly unknown[]
  if (typeof name !== 'string' || typeof read !== 'string' || typeof write !== 'string') return undefined
  if (mode !== 'ap' && mode !== 'cp') return undefined
  if (conflicts !== 'siblings' && conflicts !== 'lww' && conflicts !== 'registers') return undefined
  if ((mode === 'cp') !== (conflicts === 'registers')) return undefined
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > POSITIONS_MAX) return undefined
  if (!isQuorumText(read, n) || !isQuorumText(write, n)) return undefined
  const flags = FLAGS.filter((flag) => given.includes(flag))
  if (flags.join() !== given.join() || flags.some((flag) => (flag === 'sloppy') === (mode === 'cp'))) return undefined
  return { name, mode, n, read, write, conflicts, ...Object.fromEntries(flags.map((flag) => [flag, true])) }
}
