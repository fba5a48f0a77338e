/** What is measured of calls: all that they asked at first, late answers too, a few calls of many, and a bounded number. */
import { describe, expect, it } from 'vitest'
import { RoundTrips } from '../../../src/core/operation/round-trips.ts'

const LIST = { replicas: [2, 0, 1] }
const answer = (id: number, kind: 'written' | 'minted', round = 0) => ({ kind, id, round }) as never
const read = (id: number) => ({ kind: 'read-answer', id, round: 0, digest: 0, record: undefined }) as never

function counts(trips: RoundTrips): number[][] {
  return [0, 1, 2].map((replica) => Object.values(trips.samples.count(replica)))
}

describe('round trips', () => {
  it('a call: counts each of those that it asked at first, once, however late', () => {
    const trips = new RoundTrips(3)
    trips.began({ id: 7, list: LIST, asked: 0b011 }, 100)
    trips.answered(answer(7, 'written'), 2, 103)
    trips.answered(answer(7, 'written'), 2, 104)
    trips.answered(answer(7, 'written'), 1, 105)
    trips.answered(answer(8, 'written'), 0, 105)
    trips.answered(answer(7, 'written'), 0, 900)
    trips.began({ id: 9, list: LIST, asked: 0b100 }, 1000)
    trips.answered(read(9), 1, 1010)
    expect(counts(trips)).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ])
    trips.began({ id: 11, list: LIST, asked: 0b010 }, 1000)
    trips.answered(read(11), 0, 1040)
    const legs = trips.samples.legs(0)
    expect((legs?.w[0] as number) + (legs?.a[0] as number)).toBe(800)
    expect((legs?.r[0] as number) + (legs?.s[0] as number)).toBe(40)
  })

  it('many calls: the first ones all, then one in sixteen', () => {
    const trips = new RoundTrips(3)
    for (let id = 1; id <= 256 + 1600; id++) {
      trips.began({ id, list: LIST, asked: 0b001 }, id)
      trips.answered(answer(id, 'minted'), 2, id + 1)
    }
    expect(trips.samples.count(2).writes).toBe(256 + 100)
  })

  it('a replica that never answers: makes room after the longest time of a call, and not before', () => {
    const trips = new RoundTrips(3)
    trips.began({ id: 1, list: LIST, asked: 0b011 }, 0)
    trips.began({ id: 62, list: LIST, asked: 0b001 }, 4_000)
    trips.answered(answer(62, 'written'), 2, 4_001)
    expect(trips.samples.count(2).writes).toBe(0)
    trips.began({ id: 123, list: LIST, asked: 0b001 }, 5_001)
    trips.answered(answer(123, 'written'), 2, 5_002)
    expect(trips.samples.count(2).writes).toBe(1)
  })
})
