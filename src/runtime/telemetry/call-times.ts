/**
 * How long calls take, by keyspace, operation and level: counts in fixed steps, so that a call costs a few additions.
 */

/** Upper bounds of the steps in milliseconds; what takes longer is counted beyond the last. */
export const STEPS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
]

/** Calls may bring expressions of their own as levels, each with its times; beyond so many they are counted together. */
const SERIES_MAX = 256
const OTHERS = 'others'

export class Histogram {
  /** One for each step, and one for what took longer than all. */
  readonly counts: Float64Array = new Float64Array(STEPS_MS.length + 1)
  sumMs = 0

  add(ms: number): void {
    let step = 0
    while (step < STEPS_MS.length && ms > (STEPS_MS[step] as number)) step++
    this.counts[step] = (this.counts[step] as number) + 1
    this.sumMs += ms
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** The bound below which this share of all lies, taken as even within a step; 0 for no calls at all. */
  quantileMs(share: number): number {
    let left = share * this.count
    for (const [step, count] of this.counts.entries()) {
      if (count === 0 || left > count) {
        left -= count
        continue
      }
      const above = STEPS_MS[step]
      const below = STEPS_MS[step - 1] ?? 0
      return above === undefined ? below : below + (above - below) * (left / count)
    }
    return 0
  }
}

/** Calls of one kind. */
export interface CallSeries {
  readonly keyspace: string
  readonly operation: string
  readonly level: string
  readonly times: Histogram
}

export class CallTimes {
  readonly #byKeyspace = new Map<string, Map<string, Map<string, CallSeries>>>()
  /** What was counted last, by operation: mostly it is the same again. */
  readonly #latest = new Map<string, CallSeries>()
  #size = 0

  /** A call succeeded. */
  took(keyspace: string, operation: string, level: string, ms: number): void {
    const latest = this.#latest.get(operation)
    if (latest !== undefined && latest.keyspace === keyspace && latest.level === level) latest.times.add(ms)
    else this.#find(keyspace, operation, level).times.add(ms)
  }

  #find(keyspace: string, operation: string, level: string): CallSeries {
    const known = this.#byKeyspace.get(keyspace)?.get(operation)?.get(level)
    const series = known ?? this.#add(keyspace, operation, level)
    this.#latest.set(operation, series)
    return series
  }

  get series(): readonly CallSeries[] {
    return [...this.#byKeyspace.values()].flatMap((operations) =>
      [...operations.values()].flatMap((levels) => [...levels.values()]),
    )
  }

  #add(keyspace: string, operation: string, level: string): CallSeries {
    const isFull = this.#size >= SERIES_MAX && level !== OTHERS
    if (isFull) return this.#byKeyspace.get(OTHERS)?.get(OTHERS)?.get(OTHERS) ?? this.#add(OTHERS, OTHERS, OTHERS)
    const series: CallSeries = { keyspace, operation, level, times: new Histogram() }
    const operations = this.#byKeyspace.get(keyspace) ?? new Map<string, Map<string, CallSeries>>()
    const levels = operations.get(operation) ?? new Map<string, CallSeries>()
    this.#byKeyspace.set(keyspace, operations.set(operation, levels.set(level, series)))
    this.#size++
    return series
  }
}
