/**
 * Who must answer reads and writes of a keyspace, as its options say it: counts, levels, expressions, or a whole system.
 *
 * Ring: values.
 */
import { invalid } from './base/errors.ts'
import { checkObject, shown } from './base/shape.ts'
import { dualText, expressionText, isExpression, quorumText, type TextSetting } from './quorum/quorum-text.ts'
import type { Level } from './quorum/level.ts'
import { majorityOf } from './quorum/quorum.ts'

/** Both sides of a quorum system, as expressions: a `QuorumSystem` of `quorate/quorum` is one. */
export interface QuorumTexts {
  readonly read: string
  readonly write: string
}

export interface QuorumOptions {
  /** Replicas per key. Three by default, or all members if there are fewer; all members with an expression. */
  readonly n?: number
  /** Replicas that a read waits for. A majority by default. */
  readonly r?: number
  /** Replicas that a write waits for. A majority by default. */
  readonly w?: number
  /**
   * The read quorum as a level or as an expression such as `2 of (a, b, c) or all of @eu`, instead of `r`. Where only
   * `write` is an expression, and this and `r` are left out, it is the dual: the smallest sets that meet every write.
   */
  readonly read?: Level
  /** The write quorum as a level or as an expression, instead of `w`; derived from `read` as `read` is from it. */
  readonly write?: Level
  /** Both sides at once, instead of the four above. Refused with `QUORATE_QUORUMS_DISJOINT` if they do not meet. */
  readonly quorums?: QuorumTexts
}

export interface ResolvedQuorums {
  readonly n: number
  readonly read: string
  readonly write: string
}

/** What was left out is filled in, and the rest checked by itself; whether both sides meet is another question. */
export function resolveQuorums(options: QuorumOptions, members: TextSetting['members']): ResolvedQuorums {
  const { quorums } = options
  const given = quorums === undefined ? options : textsOf(quorums, options)
  const hasExpression = quorums !== undefined || isExpression(given.read) || isExpression(given.write)
  const n = options.n ?? (hasExpression ? members.length : Math.min(3, members.length))
  if (!Number.isInteger(n) || n < 1 || n > members.length) {
    throw invalid(`n is ${shown(n)}, and there are ${members.length} replicas: use a whole number from 1 to that`)
  }
  const setting = { n, members }
  const textOf = (asked: Level): string =>
    quorums === undefined ? quorumText(asked, setting) : expressionText(String(asked), setting)
  const read = askedOf({ level: given.read, count: given.r, names: ['read', 'r'] })
  const write = askedOf({ level: given.write, count: given.w, names: ['write', 'w'] })
  const usual = majorityOf(n)
  const readText = textOf(read ?? (isExpression(write) ? write : usual))
  const writeText = textOf(write ?? (isExpression(read) ? read : usual))
  return {
    n,
    read: read === undefined && isExpression(write) ? dualText(readText) : readText,
    write: write === undefined && isExpression(read) ? dualText(writeText) : writeText,
  }
}

/** Who must answer which phase of a register, as the options of a keyspace with mode `cp` say it. */
export interface PhaseOptions {
  /** Replicas per key. Three by default, or all members if there are fewer; all members with an expression. */
  readonly n?: number
  /**
   * Who must promise before a value is proposed, as a number, a level, or an expression. A majority by default; where
   * only the other phase is given, what meets it. Fewer in one phase cost more in the other.
   */
  readonly phase1?: Level
  /** Who must accept a value before it is acknowledged. */
  readonly phase2?: Level
  /** Both at once, instead. */
  readonly quorums?: { readonly phase1?: Level; readonly phase2?: Level }
}

/**
 * As `resolveQuorums`, with the quorums of phase 1 for those of reads and of phase 2 for those of writes: what has to
 * meet is the same. Where one phase is a count, the other needs no more than meets it.
 */
export function resolvePhases(options: PhaseOptions, members: TextSetting['members']): ResolvedQuorums {
  const { quorums } = options
  if (quorums !== undefined) {
    checkObject(quorums, 'quorums')
    if (options.phase1 !== undefined || options.phase2 !== undefined) {
      throw invalid('give quorums, or phase1 and phase2, not both')
    }
  }
  const { phase1, phase2 } = quorums ?? options
  const given = {
    ...(options.n !== undefined && { n: options.n }),
    ...(phase1 !== undefined && { read: phase1 }),
    ...(phase2 !== undefined && { write: phase2 }),
  }
  const resolved = resolveQuorums(given, members)
  const { n, read, write } = resolved
  if (phase1 === undefined && isCount(write)) return { n, write, read: String(n + 1 - Number(write)) }
  if (phase2 === undefined && isCount(read)) return { n, read, write: String(n + 1 - Number(read)) }
  return resolved
}

function isCount(text: string): boolean {
  return /^\d+$/.test(text)
}

function textsOf(quorums: unknown, options: QuorumOptions): { read: string; write: string; r?: never; w?: never } {
  for (const name of ['r', 'w', 'read', 'write'] as const) {
    if (options[name] !== undefined) throw invalid(`give quorums or ${name}, not both`)
  }
  const { read, write } = (quorums ?? {}) as Partial<QuorumTexts>
  if (typeof read === 'string' && typeof write === 'string') return { read, write }
  throw invalid('quorums is no quorum system: give { read, write }, two expressions, or leave it and give one of them')
}

function askedOf(given: {
  readonly level: Level | undefined
  readonly count: number | undefined
  readonly names: readonly [string, string]
}): Level | undefined {
  const [long, short] = given.names
  if (given.level !== undefined && given.count !== undefined) throw invalid(`give ${long} or ${short}, not both`)
  return given.level ?? given.count
}

/** How often to ask which quorum, as `QuorumSystem.strategy` tells it. */
export interface QuorumStrategy {
  readonly reads: readonly QuorumShare[]
  /** Not looked at: a write goes to all replicas of the key, so that none has to be brought up to date later. */
  readonly writes?: readonly QuorumShare[]
}

export interface QuorumShare {
  /** Replica ids. */
  readonly quorum: readonly string[]
  /** From 0 to 1; all of them sum to 1. */
  readonly probability: number
}

/** How far the sum of probabilities may be off: a linear program is solved with rounding. */
const ROUNDING = 1e-3

/** Throws `QUORATE_INVALID_OPTION` for what is no distribution over sets of members. */
export function checkStrategy(strategy: unknown, { members }: Pick<TextSetting, 'members'>): QuorumStrategy {
  const { reads } = (strategy ?? {}) as Partial<QuorumStrategy>
  if (!Array.isArray(reads) || reads.length === 0) {
    throw invalid('strategy needs reads: a list of { quorum, probability }, as QuorumSystem.strategy gives it')
  }
  let sum = 0
  for (const share of reads as readonly unknown[]) {
    checkObject(share, 'a part of strategy.reads')
    const { quorum, probability } = share as Partial<QuorumShare>
    if (!Array.isArray(quorum)) throw invalid('each part of strategy.reads has a quorum: a list of replica ids')
    for (const id of quorum as readonly unknown[]) {
      if (members.some((member) => member.id === id)) continue
      const ids = members.map((member) => member.id)
      throw invalid(`strategy.reads names ${shown(id)}, which is no replica: use ${ids.join(', ')}`)
    }
    if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
      throw invalid(`a probability of strategy.reads is ${shown(probability)}: use a number from 0 to 1`)
    }
    sum += probability
  }
  if (Math.abs(sum - 1) > ROUNDING) throw invalid(`the probabilities of strategy.reads sum to ${sum}, not to 1`)
  return strategy as QuorumStrategy
}
