/** Seeded random numbers: known vectors, so that seeds kept in reports replay; and that they look random. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { holds } from '../../property.ts'

/** sfc32 as in PractRand, on big integers: three words from the seed, a counter from 1, twelve steps thrown away. */
function* slowRandom(seed: number): Generator<number> {
  const word = 2n ** 32n
  let a = BigInt(seed) % word
  let b = BigInt(seed) / word
  let c = 0x9e3779b9n
  let counter = 1n
  for (let drawn = 0; ; drawn++) {
    const sum = (a + b + counter++) % word
    a = b ^ (b >> 9n)
    b = (c + (c << 3n)) % word
    c = (((c << 21n) | (c >> 11n)) + sum) % word
    if (drawn >= 12) yield Number(sum)
  }
}

describe('random numbers by seed', () => {
  test.for([
    [0, [1427488602, 1980682239, 456575201, 3300212312]],
    [1, [573063952, 3268221502, 703077755, 2308299391]],
    [2 ** 32, [3568522572, 2118479590, 2258263061, 3685413526]],
    [123456789012345, [2362485348, 152839946, 3899129880, 1943155174]],
  ] as const)('seed %d: the known first numbers', ([seed, numbers]) => {
    const random = new Random(seed)
    expect(numbers.map(() => random.uint32())).toEqual(numbers)
  })

  test('any seed: what the slow way gives', () => {
    holds(
      fc.property(fc.maxSafeNat(), (seed) => {
        const random = new Random(seed)
        const slow = slowRandom(seed)
        for (let i = 0; i < 50; i++) expect(random.uint32()).toBe(slow.next().value)
      }),
      { numRuns: 50 },
    )
  })

  test('seeds that differ in the upper or in the lower half: differ from the first number on', () => {
    const firsts = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 52].map((seed) => new Random(seed).uint32())
    expect(new Set(firsts).size).toBe(firsts.length)
  })
})

test('fork: the child does not shift when the parent draws more, nor the parent when the child does', () => {
  const one = new Random(7)
  const other = new Random(7)
  const [first, second] = [one.fork(), other.fork()]
  one.uint32()
  const drawn = [first.uint32(), first.uint32()]
  expect([second.uint32(), second.uint32()]).toEqual(drawn)
  other.uint32()
  expect(one.uint32()).toBe(other.uint32())
})

describe('shapes of random numbers', () => {
  const DRAWS = 20_000

  /** How far counts are from equal, as chi squared over its degrees of freedom: near 1, and hardly ever above 2. */
  function unevenness(counts: readonly number[]): number {
    const mean = counts.reduce((sum, n) => sum + n, 0) / counts.length
    return counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0) / (counts.length - 1)
  }

  function tallyOf(buckets: number, draw: (random: Random) => number): number[] {
    const random = new Random(2_024)
    const counts = Array.from({ length: buckets }, () => 0)
    for (let i = 0; i < DRAWS; i++) {
      const bucket = draw(random)
      counts[bucket] = (counts[bucket] as number) + 1
    }
    return counts
  }

  test.for([
    ['fractions', (random: Random) => Math.floor(random.fraction() * 32)],
    ['numbers below a bound', (random: Random) => random.below(32)],
    ['picks', (random: Random) => random.pick(Array.from({ length: 32 }, (_, i) => i))],
    ['the lowest bits of 32', (random: Random) => random.uint32() % 32],
    ['the highest bits of 32', (random: Random) => random.uint32() >>> 27],
    ['the highest bits of identities', (random: Random) => Math.floor(random.identity() / 2 ** 47)],
    ['the lowest bits of identities', (random: Random) => random.identity() % 32],
  ] as const)('%s: are spread evenly', ([, draw]) => {
    const counts = tallyOf(32, draw)
    expect(counts).toHaveLength(32)
    expect(unevenness(counts)).toBeLessThan(2)
    expect(unevenness(counts)).toBeGreaterThan(0.3)
  })

  test('chance: comes true as often as asked, always for 1 and never for 0', () => {
    const [no, yes] = tallyOf(2, (random) => (random.chance(0.2) ? 1 : 0)) as [number, number]
    expect(no + yes).toBe(DRAWS)
    expect(Math.abs(yes - DRAWS * 0.2)).toBeLessThan(5 * Math.sqrt(DRAWS * 0.16))
    expect(tallyOf(2, (random) => (random.chance(1) ? 1 : 0))).toEqual([0, DRAWS])
    expect(tallyOf(2, (random) => (random.chance(0) ? 1 : 0))).toEqual([DRAWS, 0])
  })

  test('bounds: fractions stay in [0, 1), numbers below their bound, identities in [1, 2^52)', () => {
    const random = new Random(1)
    const outside: number[] = []
    for (let i = 0; i < DRAWS; i++) {
      const fraction = random.fraction()
      const below = random.below(7)
      const identity = random.identity()
      if (!(fraction >= 0 && fraction < 1)) outside.push(fraction)
      if (!(Number.isInteger(below) && below >= 0 && below < 7)) outside.push(below)
      if (!(Number.isSafeInteger(identity) && identity >= 1 && identity < 2 ** 52)) outside.push(identity)
    }
    expect(outside).toEqual([])
  })

  test('identities: 20,000 of them are all different', () => {
    const random = new Random(1)
    expect(new Set(Array.from({ length: DRAWS }, () => random.identity())).size).toBe(DRAWS)
  })
})
