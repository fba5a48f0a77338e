/** What counts as deleted, and from when on. */
import { expect, test } from 'vitest'
import { diesAt, isDead, isGone } from '../../../src/core/causality/tombstone.ts'
import type { DottedRecord, LwwRecord, Version } from '../../../src/core/record.ts'

const value = Uint8Array.of(1)
const version = (more: Partial<Version> = {}): Version => ({ op: 1, at: 1, value, ...more })
const siblings = (...versions: readonly Version[]): DottedRecord => ({
  kind: 'dotted',
  context: { vector: [5, versions.length], cloud: [] },
  siblings: versions.map((of, i) => ({ ...of, actor: 5, counter: i + 1 })),
  replaced: [],
})
const lww = (more: Partial<Version> = {}): LwwRecord => ({ kind: 'lww', ...version(more) })

test('a delete is gone at any time, a value never, and one that expires from that millisecond on', () => {
  expect(isGone(version({ value: null }), -1)).toBe(true)
  expect(isGone(version(), Number.MAX_SAFE_INTEGER)).toBe(false)
  expect(isGone(version({ expires: 7 }), 6)).toBe(false)
  expect(isGone(version({ expires: 7 }), 7)).toBe(true)
})

test('a record is dead when all of its versions are gone', () => {
  expect(diesAt(lww())).toBe(Infinity)
  expect(diesAt(lww({ value: null }))).toBe(-Infinity)
  expect(diesAt(siblings(version({ value: null }), version({ expires: 7 }), version({ expires: 9 })))).toBe(9)
  expect(diesAt(siblings(version({ expires: 7 }), version()))).toBe(Infinity)
  expect(isDead(siblings(version({ expires: 7 }), version({ value: null })), 7)).toBe(true)
  expect(isDead(siblings(version({ expires: 7 }), version({ value: null })), 6)).toBe(false)
})
