/**
 * Writes down what clients of real processes do, as a history for the judges in src/check.
 */
import { QuorateError } from '../../src/core/base/errors.ts'
import type { HistoryLine } from '../../src/check/index.ts'

interface WriteStart {
  readonly process: number
  readonly f: 'put' | 'delete'
  readonly key: string
  readonly value: string
  readonly saw: readonly string[]
  readonly op: string
}

export class Historian {
  readonly lines: HistoryLine[] = []
  readonly counts = { ok: 0, fail: 0, info: 0 }

  /** Runs one attempt at a write. Gives the error where it failed. */
  async write(start: WriteStart, run: () => Promise<unknown>): Promise<QuorateError | undefined> {
    const { saw, ...line } = start
    this.lines.push({ type: 'invoke', time: now(), strict: true, saw, ...line })
    const error = await outcomeOf(run)
    const type = this.#count(error)
    this.lines.push({ type, time: now(), strict: true, ...line })
    return error
  }

  /** Runs one read; `show` gives what it showed. */
  async read<Result>(
    start: { readonly process: number; readonly key: string },
    run: () => Promise<Result>,
    show: (result: Result) => readonly string[],
  ): Promise<Result | undefined> {
    const line = { ...start, f: 'get', strict: true } as const
    this.lines.push({ type: 'invoke', time: now(), ...line })
    let result: Result | undefined
    const error = await outcomeOf(async () => void (result = await run()))
    const type = this.#count(error)
    if (type === 'ok') this.lines.push({ type, time: now(), ...line, value: show(result as Result) })
    else this.lines.push({ type, time: now(), ...line })
    return result
  }

  #count(error: QuorateError | undefined): 'ok' | 'fail' | 'info' {
    const type = error === undefined ? 'ok' : error.outcome === 'none' ? 'fail' : 'info'
    this.counts[type]++
    return type
  }
}

/** The error that a call was meant to end in; any other passes through. */
async function outcomeOf(call: () => Promise<unknown>): Promise<QuorateError | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    if (error instanceof QuorateError) return error
    throw error
  }
}

/** Whole nanoseconds on the clock of this process. */
function now(): number {
  return Math.round(performance.now() * 1e6)
}
