/**
 * What clients do, as a stream of steps that knows nothing of who carries them out: virtual time and real processes
 * run the very same ones.
 *
 * A to F are the core workloads of YCSB (Cooper and others, "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010)
 * on few records, so that they meet often enough for their consistency to show.
 */
import type { Random } from '../../src/core/base/random.ts'
import { Zipfian } from '../zipfian.ts'

/** `update` writes without a look; `modify` reads, and writes what follows from what it saw. */
export type StepKind = 'read' | 'update' | 'insert' | 'modify' | 'scan'

export interface Step {
  readonly kind: StepKind
  readonly key: string
  /** Of a scan. */
  readonly limit: number
}

export interface Workload {
  readonly name: string
  readonly about: string
  /** Shares of the kinds; they add up to 1. */
  readonly mix: readonly (readonly [StepKind, number])[]
  readonly keys: number
  /** Which record is asked for. */
  readonly choice: 'zipfian' | 'uniform' | 'latest'
}

const KEYS = 20
const ycsb = (
  letter: string,
  about: string,
  mix: Workload['mix'],
  choice: Workload['choice'] = 'zipfian',
): Workload => {
  return { name: `ycsb-${letter}`, about, mix, keys: KEYS, choice }
}

export const WORKLOADS: readonly Workload[] = [
  ycsb('a', 'half reads, half updates', [
    ['read', 0.5],
    ['update', 0.5],
  ]),
  ycsb('b', '95 % reads, 5 % updates', [
    ['read', 0.95],
    ['update', 0.05],
  ]),
  ycsb('c', 'reads alone', [['read', 1]]),
  ycsb(
    'd',
    '95 % reads of what is new, 5 % inserts',
    [
      ['read', 0.95],
      ['insert', 0.05],
    ],
    'latest',
  ),
  ycsb('e', '95 % short scans, 5 % inserts', [
    ['scan', 0.95],
    ['insert', 0.05],
  ]),
  ycsb('f', 'half reads, half read-modify-writes', [
    ['read', 0.5],
    ['modify', 0.5],
  ]),
  {
    name: 'hot-key',
    about: 'one key, half reads, half updates',
    mix: [
      ['read', 0.5],
      ['update', 0.5],
    ],
    keys: 1,
    choice: 'uniform',
  },
  {
    name: 'carts',
    about: 'three carts that everybody adds to, read before each write',
    mix: [
      ['read', 0.2],
      ['modify', 0.8],
    ],
    keys: 3,
    choice: 'uniform',
  },
]

const THETA = 0.99
const SCAN_MAX = 10

/** The steps of one run, shared by its clients. */
export class Steps {
  /** Keys in order of their insertion; inserts append to it. */
  readonly keys: string[]
  readonly #workload: Workload
  readonly #random: Random
  readonly #zipfian: Zipfian

  constructor(workload: Workload, random: Random) {
    this.#workload = workload
    this.#random = random
    this.keys = Array.from({ length: workload.keys }, (_, index) => keyOf(index))
    this.#zipfian = new Zipfian({ items: workload.keys, theta: THETA, random })
  }

  next(): Step {
    const kind = this.#drawKind()
    const limit = kind === 'scan' ? 1 + this.#random.below(SCAN_MAX) : 0
    if (kind !== 'insert') return { kind, key: this.#drawKey(), limit }
    const key = keyOf(this.keys.length)
    this.keys.push(key)
    return { kind, key, limit }
  }

  #drawKind(): StepKind {
    let left = this.#random.fraction()
    for (const [kind, share] of this.#workload.mix) {
      left -= share
      if (left < 0) return kind
    }
    return 'read'
  }

  #drawKey(): string {
    const { keys } = this
    switch (this.#workload.choice) {
      case 'uniform':
        return this.#random.pick(keys)
      case 'zipfian':
        return keys[this.#zipfian.next()] as string
      case 'latest':
        return keys[Math.max(0, keys.length - 1 - this.#zipfian.rank())] as string
    }
  }
}

function keyOf(index: number): string {
  return `k${String(index).padStart(5, '0')}`
}
