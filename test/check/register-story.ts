/** Writes histories of registers by hand: each call is one operation, or one end of it, by a process of its own. */
import type { RegisterInvoke } from '../../src/check/pairs.ts'
import type { RegisterLine, RegisterValue } from '../../src/check/index.ts'

export interface RegisterOptions {
  readonly key?: string
  readonly op?: string
}

interface Failure {
  readonly reason: string
  readonly current?: RegisterValue
}

/** An operation under way. `answer` is what a read shows. */
export interface RegisterStarted {
  readonly ok: (answer?: RegisterValue) => void
  readonly fail: (failure?: Failure) => void
  readonly info: () => void
}

export class RegisterTeller {
  readonly lines: RegisterLine[] = []
  #process = 0

  read(answer: RegisterValue, options?: RegisterOptions): this {
    this.start('read', null, options).ok(answer)
    return this
  }

  write(value: RegisterValue, options?: RegisterOptions): this {
    this.start('write', value, options).ok()
    return this
  }

  delete(options?: RegisterOptions): this {
    this.start('delete', null, options).ok()
    return this
  }

  cas(from: RegisterValue, to: RegisterValue, options?: RegisterOptions): this {
    this.start('cas', [from, to], options).ok()
    return this
  }

  /** A compare that fails, and what it found. */
  mismatch(value: readonly [RegisterValue, RegisterValue], current?: RegisterValue, options?: RegisterOptions): this {
    this.start('cas', value, options).fail({ reason: 'precondition', ...(current !== undefined && { current }) })
    return this
  }

  start(
    f: 'read' | 'write' | 'cas' | 'delete',
    value: RegisterValue = null,
    { key = 'x', ...rest }: RegisterOptions = {},
  ): RegisterStarted {
    const process = this.#process++
    const line = { process, f, key, ...rest } as const
    const time = (): number => this.lines.length
    this.lines.push({ type: 'invoke', time: time(), ...line, value } as RegisterInvoke)
    return {
      ok: (answer) => {
        if (f === 'read') this.lines.push({ type: 'ok', time: time(), ...line, f, value: answer ?? null })
        else this.lines.push({ type: 'ok', time: time(), ...line, f })
      },
      fail: (failure) => this.lines.push({ type: 'fail', time: time(), ...line, ...failure }),
      info: () => this.lines.push({ type: 'info', time: time(), ...line }),
    }
  }
}

/** The lines that a story writes. */
export function registerStory(story: (tell: RegisterTeller) => void): RegisterLine[] {
  const teller = new RegisterTeller()
  story(teller)
  return teller.lines
}
