/**
 * Hashes that every process computes alike: where a key lives, and the digest of a causal state.
 *
 * Not for secrets: anybody can make two inputs with one hash. The mixing steps are MurmurHash3's (Austin Appleby).
 * Ring: values.
 */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** MurmurHash3's finaliser: spreads every input bit over the 32 bits of the result. */
export function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function mix(hash: number, word: number): number {
  word = Math.imul(word, C1)
  word = Math.imul((word << 15) | (word >>> 17), C2)
  hash ^= word
  // Kept to 32 bits: a wider number would have to be narrowed, and boxed in a digest, at the next step.
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
}

/** 32 bits over the UTF-16 code units of a string. */
export function hashString(text: string, seed = 0): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i))
  return finish(hash ^ text.length)
}

/**
 * `hashString` of one text with seed 0 and with another seed, as signed numbers in `into`: in one pass, which takes
 * little longer than one of the two.
 */
export function hashTwice(text: string, seed: number, into: Int32Array): void {
  let first = 0
  let second = seed | 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    first = mix(first, unit)
    second = mix(second, unit)
  }
  into[0] = finish(first ^ text.length)
  into[1] = finish(second ^ text.length)
}

/** 52 bits over a string, never 0: an identity for a definition or a membership. */
export function fingerprint(text: string): number {
  return (hashString(text, 1) & 0xfffff) * 2 ** 32 + hashString(text, 2) || 1
}

const HIGH_SEED = 0x51ed270b
const LOW_SEED = 0x2127599b

/** Collects whole numbers up to 2^53 - 1 into 52 bits that are never 0. */
export class Digest {
  #high = HIGH_SEED
  #low = LOW_SEED

  add(value: number): void {
    const low = value | 0
    const high = Math.floor(value / 2 ** 32) | 0
    this.#high = mix(mix(this.#high, low), high)
    this.#low = mix(mix(this.#low, high), low)
  }

  value(): number {
    return digestFrom(this.#high, this.#low)
  }
}

/** The `Digest` of two numbers, without an object: every write of a last-writer-wins record takes two of them. */
export function digestOfTwo(first: number, second: number): number {
  const low = first | 0
  const high = Math.floor(first / 2 ** 32) | 0
  const lowNext = second | 0
  const highNext = Math.floor(second / 2 ** 32) | 0
  return digestFrom(
    mix(mix(mix(mix(HIGH_SEED, low), high), lowNext), highNext),
    mix(mix(mix(mix(LOW_SEED, high), low), highNext), lowNext),
  )
}

function digestFrom(high: number, low: number): number {
  return (finish(high) & 0xfffff) * 2 ** 32 + finish(low) || 1
}
