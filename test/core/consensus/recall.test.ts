/** When an elector that may have forgotten its votes votes again, and above what. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Recollection } from '../../../src/core/consensus/election-message.ts'
import { electorCount } from '../../../src/core/consensus/group.ts'
import { FLOOR_GAP, Recall } from '../../../src/core/consensus/recall.ts'
import { majorityOf } from '../../../src/core/quorum/quorum.ts'
import { holds } from '../../property.ts'

const WAIT_MS = 1_000
const KNOWS: Recollection = { voted: 0, recalls: true, hadAnother: false }
const OTHER_LIFE: Recollection = { ...KNOWS, hadAnother: true }

function recall(members: number): Recall {
  return new Recall({ members, waitMs: WAIT_MS })
}

/** One whose wait is over: questions from number 10 on count. */
function waited(members: number): Recall {
  const one = recall(members)
  one.asks(9, WAIT_MS - 1)
  one.asks(10, WAIT_MS)
  return one
}

describe('a first life', () => {
  test('both others know of no other: it votes at once, from the first generation on', () => {
    const one = recall(3)
    expect(one.heard(1, 1, { ...KNOWS, recalls: false })).toBeUndefined()
    expect(one.heard(2, 2, { ...KNOWS, voted: 7 })).toBe(0)
  })

  test('the same member twice: is one', () => {
    const one = recall(3)
    one.heard(1, 1, KNOWS)
    expect(one.heard(1, 3, KNOWS)).toBeUndefined()
  })

  test('two members: the other one is enough', () => {
    expect(recall(2).heard(1, 1, KNOWS)).toBe(0)
  })
})

describe('another life', () => {
  test('answers to questions from before the wait is over do not count', () => {
    const one = waited(3)
    one.heard(1, 8, OTHER_LIFE)
    expect(one.heard(2, 9, OTHER_LIFE)).toBeUndefined()
    one.heard(1, 10, OTHER_LIFE)
    expect(one.heard(2, 11, OTHER_LIFE)).toBe(FLOOR_GAP)
  })

  test('one member knows of it: that is enough to wait', () => {
    const one = recall(3)
    one.heard(1, 1, KNOWS)
    expect(one.heard(2, 2, OTHER_LIFE)).toBeUndefined()
    one.asks(3, WAIT_MS)
    one.heard(1, 3, KNOWS)
    expect(one.heard(2, 4, OTHER_LIFE)).toBe(FLOOR_GAP)
  })

  test('the floor: lies above all that it was told, at whatever time', () => {
    const one = waited(3)
    one.heard(1, 1, { ...OTHER_LIFE, voted: 41 })
    one.heard(1, 12, { ...OTHER_LIFE, voted: 40 })
    expect(one.heard(2, 13, { ...KNOWS, voted: 5 })).toBe(41 + FLOOR_GAP)
  })

  test('who has forgotten as well: does not count among five, until all others have answered', () => {
    const one = waited(5)
    for (const member of [1, 2]) one.heard(member, 10 + member, OTHER_LIFE)
    expect(one.heard(3, 13, { ...OTHER_LIFE, recalls: false })).toBeUndefined()
    expect(one.heard(4, 14, { ...OTHER_LIFE, recalls: false, voted: 3 })).toBe(3 + FLOOR_GAP)
  })

  test('one of five is away: three that recall are enough', () => {
    const one = waited(5)
    for (const member of [1, 2]) expect(one.heard(member, 10 + member, OTHER_LIFE)).toBeUndefined()
    expect(one.heard(3, 13, OTHER_LIFE)).toBe(FLOOR_GAP)
  })

  test('one that recalled and lost its disk since: counts no more', () => {
    const one = waited(5)
    for (const member of [1, 2]) one.heard(member, 10 + member, OTHER_LIFE)
    one.heard(2, 13, { ...OTHER_LIFE, recalls: false })
    expect(one.heard(3, 14, OTHER_LIFE)).toBeUndefined()
  })
})

test('whoever elected somebody with the forgotten vote: one of them has been heard', () => {
  const any = (members: number): fc.Arbitrary<number[]> => {
    const others = Array.from({ length: members - 1 }, (_, at) => at + 1)
    return fc.shuffledSubarray(others, { minLength: others.length })
  }
  const drawn = fc
    .integer({ min: 3, max: 31 })
    .chain((members) => fc.record({ members: fc.constant(members), one: any(members), other: any(members) }))
  const property = fc.property(drawn, ({ members, one: electing, other: answering }) => {
    const voters = new Set(electing.slice(0, majorityOf(electorCount(members)) - 1))
    const one = waited(members)
    let floor: number | undefined
    for (const [at, member] of answering.entries()) {
      const voted = voters.has(member) ? 9 : 0
      floor ??= one.heard(member, 10 + at, { ...OTHER_LIFE, voted })
    }
    expect(floor).toBe(9 + FLOOR_GAP)
  })
  holds(property, { numRuns: 300 })
})
