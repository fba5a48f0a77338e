/**
 * What the kinds of record have in common: merge, digest, context, and the values that a reader sees.
 *
 * Ring: values.
 */
import type { StoredRecord, Version } from '../record.ts'
import { clockContext, EMPTY_CONTEXT, type CausalContext } from './causal-context.ts'
import { digestDotted, mergeDotted } from './dotted-record.ts'
import { digestLww, mergeLww } from './lww-record.ts'
import { digestRegister, mergeRegisters } from './register-record.ts'

/** Digest of an absent record. */
export const ABSENT = 0

/** Merges two copies of a key. Copies of different kinds never meet: a keyspace's kind is part of its fingerprint. */
export function mergeRecords(a: StoredRecord | undefined, b: StoredRecord | undefined): StoredRecord | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  if (a.kind === 'lww') return b.kind === 'lww' ? mergeLww(a, b) : a
  if (a.kind === 'register') return b.kind === 'register' ? mergeRegisters(a, b) : a
  return b.kind === 'dotted' ? mergeDotted(a, b) : a
}

/** The same for equal causal states, whatever bytes encode them; 0 for absent. */
export function digestOf(record: StoredRecord | undefined): number {
  if (record === undefined) return ABSENT
  if (record.kind === 'register') return digestRegister(record)
  return record.kind === 'lww' ? digestLww(record) : digestDotted(record)
}

/** What a reader of this record has seen. */
export function contextOf(record: StoredRecord | undefined): CausalContext {
  if (record === undefined || record.kind === 'register') return EMPTY_CONTEXT
  return record.kind === 'dotted' ? record.context : clockContext(record)
}

/** The versions that a reader sees, tombstones included. Registers are read by quorum alone and have none. */
export function versionsOf(record: StoredRecord | undefined): readonly Version[] {
  if (record === undefined || record.kind === 'register') return []
  return record.kind === 'lww' ? [record] : record.siblings
}
