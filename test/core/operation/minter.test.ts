/** Who mints a write: its home first, named in its number, and others only when the home cannot. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Minter, withHome, withoutHome } from '../../../src/core/operation/minter.ts'
import type { View } from '../../../src/core/operation/operation.ts'
import { holds } from '../../property.ts'

const N = 3

function view(usable: number, other: Partial<View> = {}): View {
  return { usable, order: [], slow: 0, local: -1, names: [], nowMs: 0, ...other }
}

/** Positions that are asked one after the other while nothing else changes. */
function asked(minter: Minter, seen: View, times: number, refused = 0): (number | undefined)[] {
  return Array.from({ length: times }, () => minter.next(N, seen, refused))
}

describe('the home in a number', () => {
  test('any number keeps a home, changes little, and stays a number for an operation', () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 2 ** 52 - 1 }), fc.nat({ max: 30 }), (drawn, home) => {
        const op = withoutHome(drawn)
        expect(op).toBeGreaterThan(0)
        expect(op).toBeLessThan(2 ** 52)
        const named = withHome(op, home)
        expect(Minter.again(31, named).home).toBe(home)
        expect(Math.floor(named / 32)).toBe(Math.floor(op / 32))
        expect(withHome(named, home)).toBe(named)
      }),
    )
  })

  test('a number without a home, or with one that the list does not have: is at home at the first', () => {
    expect(Minter.again(N, withoutHome(12_345)).home).toBe(0)
    expect(Minter.again(N, withHome(12_345, 7)).home).toBe(0)
  })
})

describe('the home of a fresh write', () => {
  test.for([
    ['the replica in this process', { usable: 0b111, local: 2 }, 2],
    ['the first that can be reached', { usable: 0b110 }, 1],
    ['the first that is not slow', { usable: 0b111, slow: 0b001 }, 1],
    ['the first, if all are slow', { usable: 0b110, slow: 0b110 }, 1],
    ['the replica in this process, though it may be slow', { usable: 0b111, slow: 0b100, local: 2 }, 2],
    ['anybody, if nobody can be reached', { usable: 0 }, 0],
  ] as const)('is %s', ([, { usable, ...other }, home]) => {
    expect(Minter.fresh(N, view(usable, other)).home).toBe(home)
  })
})

describe('who is asked', () => {
  test('the home three times, then the others in turn, then all over from the first', () => {
    expect(asked(new Minter(1), view(0b111), 7)).toEqual([1, 1, 1, 0, 2, 0, 0])
  })

  test('a home that refused: is passed over at once', () => {
    expect(asked(new Minter(0), view(0b111), 3, 0b001)).toEqual([1, 2, 1])
  })

  test('a home that cannot be reached: is passed over, and asked as soon as it can', () => {
    const minter = new Minter(0)
    expect(asked(minter, view(0b110), 2)).toEqual([1, 2])
    expect(minter.next(N, view(0b111), 0)).toBe(0)
  })

  test('nobody is left: nobody', () => {
    expect(asked(new Minter(0), view(0b011), 1, 0b011)).toEqual([undefined])
    expect(asked(new Minter(0), view(0), 1)).toEqual([undefined])
  })
})
