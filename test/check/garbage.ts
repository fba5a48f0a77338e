/**
 * Histories that no store stands behind: answers are drawn, near the truth or far from it, so that about half of all
 * promises are broken. Judges are compared on them with slower judges.
 */
import type { Guarantee, ApLine } from '../../src/check/index.ts'
import type { Choices } from './choices.ts'

interface Running {
  readonly f: 'put' | 'get' | 'delete'
  readonly key: string
  readonly value: string
  readonly process: number
}

interface Named {
  readonly f: 'put' | 'delete'
  readonly key: string
  readonly value: string
  readonly saw: readonly string[]
}

const PROCESSES = [0, 1, 2, 3]
const GUARANTEES: readonly Guarantee[] = ['ryw', 'mr', 'mw', 'wfr']

export interface GarbageOptions {
  readonly conflicts: 'siblings' | 'lww'
}

export class Garbage {
  readonly lines: ApLine[] = []
  readonly #choices: Choices
  readonly #lww: boolean
  readonly #running = new Map<number, Running>()
  readonly #written: Named[] = []
  #time = 0

  constructor(choices: Choices, { conflicts }: GarbageOptions) {
    this.#choices = choices
    this.#lww = conflicts === 'lww'
    this.lines.push({ type: 'session', session: 's0', guarantees: GUARANTEES })
    this.lines.push({ type: 'session', session: 's1', guarantees: choices.some(GUARANTEES) })
    while (!choices.isOver) this.#step()
    for (const key of ['x', 'y']) {
      for (const replica of ['a', 'b']) this.lines.push({ type: 'final', replica, key, value: this.#answer(key) })
    }
  }

  #step(): void {
    const choices = this.#choices
    this.#time += choices.below(3) * 1e6
    const process = choices.of(PROCESSES)
    const running = this.#running.get(process)
    if (running === undefined) this.#start(process)
    else this.#end(running)
  }

  #start(process: number): void {
    const choices = this.#choices
    const f = choices.of(['put', 'get', 'get', 'put', 'delete'] as const)
    const key = choices.oneIn(4) ? 'y' : 'x'
    const value = `${f}${this.#written.length}`
    const common = {
      type: 'invoke',
      process,
      key,
      time: this.#time,
      strict: !choices.oneIn(4),
      ...this.#session(process),
    } as const
    if (f === 'get') {
      this.lines.push({ ...common, f })
    } else {
      const known = this.#written.filter((write) => write.key === key).map((write) => write.value)
      const saw = choices.oneIn(3) ? choices.some(known.slice(-4)) : this.#answer(key)
      this.lines.push({ ...common, f, value, saw })
      this.#written.push({ f, key, value, saw })
    }
    this.#running.set(process, { f, key, value, process })
  }

  #end({ f, key, process }: Running): void {
    const choices = this.#choices
    const type = choices.of(['ok', 'ok', 'ok', 'ok', 'info', 'fail'] as const)
    const common = { process, key, time: this.#time, ...this.#session(process) }
    if (type === 'ok' && f === 'get') this.lines.push({ type, f, value: this.#answer(key), ...common })
    else if (type === 'ok' && f !== 'get') this.lines.push({ type, f, ...common })
    else if (type !== 'ok') this.lines.push({ type, f, ...common })
    this.#running.delete(process)
  }

  #session(process: number): { readonly session?: string } {
    return process < 2 ? { session: `s${process}` } : {}
  }

  /** The values that no later write saw, with something left out or put in now and then. */
  #answer(key: string): string[] {
    const choices = this.#choices
    const written = this.#written.filter((write) => write.key === key)
    const puts = written.filter((write) => write.f === 'put').map(({ value }) => value)
    if (this.#lww) return choices.oneIn(4) ? [] : puts.slice(-1 - choices.below(2)).slice(0, 1)
    const upTo = choices.oneIn(3) ? written.slice(0, -choices.below(3) - 1) : written
    const seen = new Set(upTo.flatMap(({ saw }) => saw))
    const live = upTo.filter((write) => write.f === 'put' && !seen.has(write.value)).map(({ value }) => value)
    if (choices.oneIn(8)) return choices.some(puts)
    return choices.oneIn(8) ? live.slice(1) : live
  }
}
