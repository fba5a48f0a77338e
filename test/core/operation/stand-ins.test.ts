/** Who stands in for whom in one write: one member for one replica, in order, those first that the quorum needs. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StandIns } from '../../../src/core/operation/stand-ins.ts'
import { CountQuorum, count, firstPositions } from '../../../src/core/quorum/quorum.ts'
import { compile } from '../../../src/core/quorum/compile.ts'
import { parseExpression } from '../../../src/core/quorum/parse-expression.ts'
import { holds } from '../../property.ts'

const IDS = ['a', 'b', 'c', 'd', 'e']
/** Three replicas of a key, and two members behind them. */
const LIST = { partition: 0, replicas: [4, 0, 2, 1, 3], zones: ['', '', '', '', ''], fallbacks: [] }
const TWO = new CountQuorum(2, 0b111)

describe('stand-ins', () => {
  test('one replica is away: the first member that can be reached, and no other', () => {
    const standIns = new StandIns(LIST, 3)
    expect(standIns.assign(0b100, 0b11011, { quorum: TWO, have: 0b011 })).toBe(0b01000)
    expect(standIns.ownerAt(3)).toBe(2)
    expect([0, 1, 2, 4].map((position) => standIns.ownerAt(position))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(standIns.cover(0b01010)).toBe(0b110)
    expect(standIns.names(0b01011, IDS)).toEqual({ b: 'c' })
  })

  test('all are away: each member stands in for one, and one replica has nobody', () => {
    const standIns = new StandIns(LIST, 3)
    const need = { quorum: TWO, have: 0 }
    expect(standIns.coverable(0b111, 0b11000, need)).toBe(0b011)
    expect(standIns.assign(0b111, 0b11000, need)).toBe(0b11000)
    expect(standIns.cover(0b11000)).toBe(0b011)
    expect(standIns.assign(0b100, 0b11000, need)).toBe(0)
  })

  test('too few for all: those first that the quorum needs', () => {
    const quorum = compile(parseExpression('c or (a and b)', { nodes: ['a', 'b', 'c'] }), { names: ['a', 'b', 'c'] })
    const standIns = new StandIns(LIST, 3)
    expect(standIns.coverable(0b110, 0b01000, { quorum, have: 0b001 })).toBe(0b010)
    expect(standIns.coverable(0b111, 0b01000, { quorum, have: 0 })).toBe(0b001)
  })

  test('any absences: nobody stands in twice, and what is covered are primaries', () => {
    const anyCase = fc.record({
      copies: fc.integer({ min: 1, max: 6 }),
      needy: fc.nat(63),
      able: fc.nat(1023),
      required: fc.nat(6),
    })
    holds(
      fc.property(anyCase, ({ copies, needy, able, required }) => {
        const replicas = Array.from({ length: 10 }, (_, index) => index)
        const standIns = new StandIns({ partition: 0, replicas, zones: [], fallbacks: [] }, copies)
        const primaries = firstPositions(copies)
        const wanted = needy & primaries
        const have = primaries & ~wanted
        const need = { quorum: new CountQuorum(Math.min(required, copies), primaries), have }
        const coverable = standIns.coverable(wanted, able, need)
        const assigned = standIns.assign(wanted, able, need)
        expect(assigned & ~(able & ~primaries)).toBe(0)
        expect(standIns.cover(assigned)).toBe(coverable)
        expect(count(assigned)).toBe(Math.min(count(wanted), count(able & ~primaries)))
      }),
      { numRuns: 500 },
    )
  })
})
