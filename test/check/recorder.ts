/**
 * Writes histories by hand: each call is one operation, or one end of it, and a millisecond passes with every line.
 */
import type { Guarantee, ApLine } from '../../src/check/index.ts'

export interface WriteOptions {
  readonly key?: string
  readonly saw?: readonly string[]
  readonly session?: string
  /** True when left out. */
  readonly strict?: boolean
  readonly op?: string
}

export type GetOptions = Omit<WriteOptions, 'op' | 'saw'>

/** An operation under way. `answer` is what a get shows. */
export interface Started {
  readonly ok: (answer?: readonly string[]) => void
  readonly fail: () => void
  readonly info: () => void
}

export class Recorder {
  readonly lines: ApLine[] = []
  #process = 0
  #timeMs = 0

  put(value: string, options?: WriteOptions): this {
    this.startPut(value, options).ok()
    return this
  }

  delete(name: string, options?: WriteOptions): this {
    this.startDelete(name, options).ok()
    return this
  }

  get(answer: readonly string[], options?: GetOptions): this {
    this.startGet(options).ok(answer)
    return this
  }

  startPut(value: string, options?: WriteOptions): Started {
    return this.#startWrite('put', value, options)
  }

  startDelete(name: string, options?: WriteOptions): Started {
    return this.#startWrite('delete', name, options)
  }

  startGet({ key = 'x', strict = true, ...rest }: GetOptions = {}): Started {
    const operation = { f: 'get', key, strict, process: this.#process++, ...rest } as const
    this.lines.push({ type: 'invoke', time: this.#now(), ...operation })
    return {
      ok: (value = []) => this.lines.push({ type: 'ok', time: this.#now(), ...operation, value }),
      fail: () => this.lines.push({ type: 'fail', time: this.#now(), ...operation }),
      info: () => this.lines.push({ type: 'info', time: this.#now(), ...operation }),
    }
  }

  /** What every replica, named a, b, c …, shows at the end. */
  final(...answers: readonly (readonly string[])[]): this {
    return this.finalOf('x', ...answers)
  }

  finalOf(key: string, ...answers: readonly (readonly string[])[]): this {
    for (const [at, value] of answers.entries()) {
      this.lines.push({ type: 'final', replica: String.fromCodePoint(97 + at), key, value })
    }
    return this
  }

  promise(session: string, ...guarantees: readonly Guarantee[]): this {
    this.lines.push({ type: 'session', session, guarantees })
    return this
  }

  wait(ms: number): this {
    this.#timeMs += ms
    return this
  }

  #startWrite(f: 'put' | 'delete', value: string, options: WriteOptions = {}): Started {
    const { key = 'x', strict = true, saw = [], ...rest } = options
    const operation = { f, key, strict, process: this.#process++, value, ...rest } as const
    this.lines.push({ type: 'invoke', time: this.#now(), ...operation, saw })
    return {
      ok: () => this.lines.push({ type: 'ok', time: this.#now(), ...operation }),
      fail: () => this.lines.push({ type: 'fail', time: this.#now(), ...operation }),
      info: () => this.lines.push({ type: 'info', time: this.#now(), ...operation }),
    }
  }

  #now(): number {
    this.#timeMs++
    return this.#timeMs * 1e6
  }
}

/** The lines that a story writes. */
export function told(story: (tell: Recorder) => void): ApLine[] {
  const recorder = new Recorder()
  story(recorder)
  return recorder.lines
}
