/** With whom a replica has to exchange before it has caught up with a keyspace. */
import { describe, expect, test } from 'vitest'
import type { KeyspaceDefinition } from '../../../src/core/keyspace-definition.ts'
import { CatchUp } from '../../../src/core/operation/catch-up.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'

function cluster(ids: string, zones: readonly string[] = []): ReturnType<typeof membershipOf> {
  return membershipOf(Array.from(ids, (id, i) => ({ id, zone: zones[i] ?? '' })))
}

function definition(n: number, write: string): KeyspaceDefinition {
  return { name: 'k', mode: 'ap', n, read: '1', write, conflicts: 'siblings' }
}

function mask(...indexes: readonly number[]): number {
  return indexes.reduce((set, index) => set | (1 << index), 0)
}

/** Whether replica a has caught up after exchanges with whole ones, and with some that are catching up. */
function isOver(n: number, write: string, whole: readonly number[], others: readonly number[] = []): boolean {
  const membership = cluster('abcde'.slice(0, Math.max(n, 3)))
  return new CatchUp(definition(n, write), membership, 0).isOver({
    whole: mask(...whole),
    all: mask(...whole, ...others),
  })
}

describe('catching up', () => {
  test.for<{ n: number; write: string; whole: number[]; others?: number[]; over: boolean; why: string }>([
    { n: 3, write: '2', whole: [], over: false, why: 'nobody' },
    { n: 3, write: '2', whole: [1], over: false, why: 'a write may be on a and c' },
    { n: 3, write: '2', whole: [1, 2], over: true, why: 'both others' },
    { n: 3, write: '3', whole: [1], over: true, why: 'every write is on b' },
    { n: 3, write: '3', whole: [], others: [1], over: false, why: 'b may have lost it as well' },
    { n: 3, write: '2', whole: [1], others: [2], over: true, why: 'nobody else is left to ask' },
    { n: 5, write: '3', whole: [1, 2], over: false, why: 'a write may be on a, d and e' },
    { n: 5, write: '3', whole: [1, 2, 3], over: true, why: 'two copies cannot hide behind one' },
    { n: 5, write: '3', whole: [1, 2], others: [3], over: false, why: 'd may have lost what is on e' },
    { n: 3, write: '1', whole: [], over: false, why: 'a alone was a quorum; somebody should still be asked' },
    { n: 3, write: '1', whole: [2], over: true, why: 'what only a had is gone' },
    { n: 3, write: 'a and (b or c)', whole: [1], over: false, why: 'a write may be on a and c' },
    { n: 3, write: 'a and b', whole: [1], over: true, why: 'every write is on b' },
    { n: 1, write: '1', whole: [], over: true, why: 'the keys of a are on no other' },
  ])('n = $n, w = $write after exchanges with $whole and $others: $over, $why', ({ n, write, whole, others, over }) => {
    expect(isOver(n, write, whole, others)).toBe(over)
  })

  test('lists of fewer replicas than members: each counts for itself', () => {
    const catchUp = new CatchUp(definition(3, '2'), cluster('abcde'), 0)
    expect(catchUp.isOver({ whole: mask(1, 2), all: mask(1, 2) })).toBe(false)
    expect(catchUp.isOver({ whole: mask(1, 2, 3, 4), all: mask(1, 2, 3, 4) })).toBe(true)
  })

  test('levels of zones: whatever the zone of the coordinator was', () => {
    const zones = ['eu', 'us', 'eu', 'us', 'eu']
    const local = new CatchUp(definition(5, 'local-quorum'), cluster('abcde', zones), 0)
    expect(local.isOver({ whole: mask(2), all: mask(2) })).toBe(false)
    expect(local.isOver({ whole: mask(1, 2, 4), all: mask(1, 2, 4) })).toBe(true)
  })
})

describe('who can tell that there was no earlier life', () => {
  test.for([
    { n: 3, write: '2', told: [1], sure: true },
    { n: 3, write: '2', told: [], sure: false },
    { n: 3, write: '3', told: [1], sure: false },
    { n: 3, write: '3', told: [1, 2], sure: true },
    { n: 5, write: '3', told: [3, 4], sure: true },
    { n: 3, write: '1', told: [], sure: true },
  ])('n = $n, w = $write and $told: $sure', ({ n, write, told, sure }) => {
    const catchUp = new CatchUp(definition(n, write), cluster('abcde'.slice(0, Math.max(n, 3))), 0)
    expect(catchUp.isSure(mask(...told))).toBe(sure)
  })
})
