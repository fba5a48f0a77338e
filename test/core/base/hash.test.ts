/**
 * Hashes: known vectors, because they are on disk and on the wire, and a slow second opinion.
 *
 * A change of any literal here breaks running clusters: keys would move, and definitions and digests would not be
 * recognised.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Digest, fingerprint, hashString, hashTwice } from '../../../src/core/base/hash.ts'
import { holds } from '../../property.ts'

/** 32-bit words as big integers, so that no step depends on how JavaScript rounds or wraps. */
const WORD = 2n ** 32n

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (32n - bits))) % WORD
}

/** MurmurHash3_x86_32 over words instead of bytes, as its author wrote it down. */
function slowMurmur(words: readonly number[], seed: number): number {
  let hash = BigInt(seed)
  for (const word of words) {
    const scrambled = (rotate((BigInt(word) * 0xcc9e2d51n) % WORD, 15n) * 0x1b873593n) % WORD
    hash = (rotate(hash ^ scrambled, 13n) * 5n + 0xe6546b64n) % WORD
  }
  return Number(slowFinish(hash ^ BigInt(words.length)))
}

function slowFinish(hash: bigint): bigint {
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) % WORD
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) % WORD
  return hash ^ (hash >> 16n)
}

function codeUnits(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
}

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())

describe('hash of a string', () => {
  test.for([
    ['', 0, 1364076727, 233162409],
    ['a', 721651713, 3663734039, 569033676],
    ['ab', 1142947817, 639330748, 252880375],
    ['the quick brown fox', 3964593921, 3101229334, 2123661981],
    ['ключ', 820693468, 3919012637, 4184803250],
    ['🔑', 3761230684, 125746262, 2159767943],
    ['\ud800', 3311452196, 1975003035, 1622527367],
  ] as const)('of %j: the known numbers', ([text, plain, one, other]) => {
    expect(hashString(text)).toBe(plain)
    expect(hashString(text, 1)).toBe(one)
    expect(hashString(text, 0xdeadbeef)).toBe(other)
  })

  test('of any text and seed: what the slow way gives', () => {
    holds(
      fc.property(anyText, fc.nat({ max: 2 ** 32 - 1 }), (text, seed) => {
        expect(hashString(text, seed)).toBe(slowMurmur(codeUnits(text), seed))
      }),
      { numRuns: 500 },
    )
  })

  test('of many similar keys: every bit is set about half of the time', () => {
    const keys = 4_096
    const set = Array.from({ length: 32 }, () => 0)
    for (let i = 0; i < keys; i++) {
      const hash = hashString(`user:${i}`)
      for (let bit = 0; bit < 32; bit++) if (hash & (1 << bit)) set[bit] = (set[bit] as number) + 1
    }
    // Five standard deviations of a fair coin.
    for (const count of set) expect(Math.abs(count - keys / 2)).toBeLessThan(5 * Math.sqrt(keys / 4))
  })
})

describe('fingerprint', () => {
  test.for([
    ['', 3985416939422470],
    ['a', 40784507943164],
    ['the quick brown fox', 2534469612615314],
    ['🔑', 4147729622529373],
  ] as const)('of %j: the known number', ([text, number]) => expect(fingerprint(text)).toBe(number))

  test('of any text: 20 bits of one hash above 32 of another, and never 0', () => {
    holds(
      fc.property(anyText, (text) => {
        const units = codeUnits(text)
        const expected = (slowMurmur(units, 1) % 2 ** 20) * 2 ** 32 + slowMurmur(units, 2)
        expect(fingerprint(text)).toBe(expected)
        expect(fingerprint(text)).toBeGreaterThan(0)
        expect(fingerprint(text)).toBeLessThan(2 ** 52)
      }),
      { numRuns: 500 },
    )
  })
})

describe('digest', () => {
  function digestOf(numbers: readonly number[]): number {
    const digest = new Digest()
    for (const number of numbers) digest.add(number)
    return digest.value()
  }

  test.for([
    [[], 2029942990751314],
    [[0], 1291024197786771],
    [[0, 0], 4041444388598819],
    [[1], 1907658714138584],
    [[1, 2], 750796175624550],
    [[2, 1], 2284689448387553],
    [[2 ** 32], 528870483652151],
    [[Number.MAX_SAFE_INTEGER], 4194501573722365],
  ] as const)('of %j: the known number', ([numbers, digest]) => expect(digestOf(numbers)).toBe(digest))

  test('of any whole numbers: what the slow way gives, never 0, and reading it changes nothing', () => {
    holds(
      fc.property(fc.array(fc.maxSafeNat(), { maxLength: 8 }), (numbers) => {
        const high = numbers.flatMap((number) => [number % 2 ** 32, Math.floor(number / 2 ** 32)])
        const low = numbers.flatMap((number) => [Math.floor(number / 2 ** 32), number % 2 ** 32])
        const expected = (slowDigest(high, 0x51ed270b) % 2 ** 20) * 2 ** 32 + slowDigest(low, 0x2127599b)
        const digest = new Digest()
        for (const number of numbers) digest.add(number)
        expect([digest.value(), digest.value()]).toEqual([expected, expected])
        expect(digest.value()).toBeGreaterThan(0)
        expect(digest.value()).toBeLessThan(2 ** 52)
      }),
      { numRuns: 500 },
    )
  })

  /** Without the length: a digest does not know where its numbers end. */
  function slowDigest(words: readonly number[], seed: number): number {
    let hash = BigInt(seed)
    for (const word of words) {
      const scrambled = (rotate((BigInt(word) * 0xcc9e2d51n) % WORD, 15n) * 0x1b873593n) % WORD
      hash = (rotate(hash ^ scrambled, 13n) * 5n + 0xe6546b64n) % WORD
    }
    return Number(slowFinish(hash))
  }
})

test('two hashes in one pass: are the two hashes', () => {
  holds(
    fc.property(fc.string({ unit: 'binary' }), fc.integer(), (text, seed) => {
      const into = new Int32Array(2)
      hashTwice(text, seed, into)
      expect([...into]).toEqual([hashString(text) | 0, hashString(text, seed) | 0])
    }),
  )
})
