/**
 * What a replica's data is known by, to itself and to the others: its incarnation, the run of the process over it, and a
 * number that rises.
 *
 * The mark rises with each start and, while the replica takes writes, with each heartbeat. A replica that finds that
 * others have seen a higher one is working on an older copy of its data. A new incarnation that is told of an earlier
 * one goes on above its mark, so that marks of one member are ordered whatever it has lost.
 * Ring: values.
 */
import type { Life } from './message.ts'
import type { RecordWrite, StoredRecord } from './record.ts'

export interface LifeMark extends Life {
  /** From 1 on; 0 stands for a life of which nothing is known. */
  readonly mark: number
  /** Whether another incarnation of the member was known before this one. */
  readonly hadAnother?: true
}

export const NO_LIFE: LifeMark = { incarnation: 0, run: 0, mark: 0 }

/** What a replica keeps about itself. */
export interface SelfMark {
  readonly mark: number
  /** Whether any other replica has told what it knows, in this run or an earlier one over the same data. */
  readonly hasMet: boolean
  /** Whether an earlier incarnation is known to have been, of which data is still missing here. */
  readonly isRecovering: boolean
  /** Whether each of the other replicas has told that it knew of no earlier incarnation. */
  readonly isFirst: boolean
  /** Earlier incarnations, the last few of them. */
  readonly past: readonly number[]
}

export const NEW_SELF: SelfMark = { mark: 0, hasMet: false, isRecovering: false, isFirst: false, past: [] }

/** Keyspaces and members have no slash at the beginning of their names. */
const SELF_KEY = '/self'
const LIFE_PREFIX = '/life/'
const PAST_MAX = 8
const HAS_MET = 1
const IS_RECOVERING = 2
const IS_FIRST = 4

export function withPast(past: readonly number[], incarnation: number): readonly number[] {
  return [incarnation, ...past.filter((other) => other !== incarnation)].slice(0, PAST_MAX)
}

/** A replica's own record about itself. */
export function selfWrite(keyspace: number, { mark, hasMet, isRecovering, isFirst, past }: SelfMark): RecordWrite {
  const flags = (hasMet ? HAS_MET : 0) | (isRecovering ? IS_RECOVERING : 0) | (isFirst ? IS_FIRST : 0)
  return { keyspace, key: SELF_KEY, record: numbersRecord(mark, [flags, ...past]) }
}

export function readSelf({ key, record }: RecordWrite): SelfMark | undefined {
  if (key !== SELF_KEY || record.kind !== 'lww') return undefined
  const [flags = 0, ...past] = numbersIn(record)
  return {
    mark: record.at,
    hasMet: (flags & HAS_MET) !== 0,
    isRecovering: (flags & IS_RECOVERING) !== 0,
    isFirst: (flags & IS_FIRST) !== 0,
    past,
  }
}

/** A replica's own record about another member. */
export function lifeWrite(keyspace: number, memberId: string, life: LifeMark): RecordWrite {
  const { incarnation, run, mark, hadAnother = false } = life
  return { keyspace, key: LIFE_PREFIX + memberId, record: numbersRecord(mark, [incarnation, run, hadAnother ? 1 : 0]) }
}

export function readLifeMark({
  key,
  record,
}: RecordWrite): { readonly memberId: string; readonly life: LifeMark } | undefined {
  if (!key.startsWith(LIFE_PREFIX) || record.kind !== 'lww') return undefined
  const [incarnation = 0, run = 0, hadAnother] = numbersIn(record)
  const life = { incarnation, run, mark: record.at, ...(hadAnother === 1 && { hadAnother: true as const }) }
  return { memberId: key.slice(LIFE_PREFIX.length), life }
}

/** How a replica keeps a few whole numbers of its own. */
export function numbersRecord(at: number, list: readonly number[]): StoredRecord {
  return { kind: 'lww', op: 1, at, value: new TextEncoder().encode(list.join(' ')) }
}

/** The numbers beside `at`. */
export function numbersIn({ value }: { readonly value: Uint8Array | null }): readonly number[] {
  if (value === null || value.length === 0) return []
  return new TextDecoder().decode(value).split(' ').map(Number)
}
