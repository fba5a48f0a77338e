/**
 * Many verdicts as one: counts, the seeds that broke a promise, and one hash of all traces.
 */
import { createHash } from 'node:crypto'
import type { Verdict } from './sim-run.ts'

/** Beyond so many broken runs nobody reads on. */
const FAILURES_MAX = 10
const VIOLATIONS_MAX = 20

export interface Failure {
  readonly seed: number
  readonly violations: readonly string[]
}

export interface SimSummary {
  readonly runs: number
  /** Runs that broke a promise. */
  readonly violations: number
  readonly failures: readonly Failure[]
  readonly operations: number
  readonly faults: number
  readonly virtualSeconds: number
  readonly checked: Readonly<Record<string, number>>
  /** Of the single run, or of all traces in the order of their seeds. */
  readonly traceHash: string
}

export class SimTally {
  readonly #hashes: (readonly [seed: number, hash: string])[] = []
  readonly #failures: Failure[] = []
  readonly #checked: Record<string, number> = {}
  #operations = 0
  #faults = 0
  #virtualMs = 0

  get runs(): number {
    return this.#hashes.length
  }

  get violations(): number {
    return this.#failures.length
  }

  /** Whether there is no point in going on. */
  get enough(): boolean {
    return this.#failures.length >= FAILURES_MAX
  }

  add({ seed, traceHash, operations, faults, virtualMs, checked, violations }: Verdict): void {
    this.#hashes.push([seed, traceHash])
    this.#operations += operations
    this.#faults += faults
    this.#virtualMs += virtualMs
    for (const [judge, count] of Object.entries(checked)) this.#checked[judge] = (this.#checked[judge] ?? 0) + count
    if (violations.length > 0) this.#failures.push({ seed, violations: violations.slice(0, VIOLATIONS_MAX) })
  }

  summary(): SimSummary {
    return {
      runs: this.runs,
      violations: this.violations,
      failures: this.#failures.toSorted((a, b) => a.seed - b.seed),
      operations: this.#operations,
      faults: this.#faults,
      virtualSeconds: Math.round(this.#virtualMs / 1000),
      checked: this.#checked,
      traceHash: this.#traceHash(),
    }
  }

  #traceHash(): string {
    const [first] = this.#hashes
    if (this.#hashes.length === 1 && first !== undefined) return first[1]
    const hash = createHash('sha256')
    for (const [seed, trace] of this.#hashes.toSorted((a, b) => a[0] - b[0])) hash.update(`${seed}:${trace}\n`)
    return hash.digest('hex').slice(0, 16)
  }
}
