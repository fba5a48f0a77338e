/**
 * What runs now and how long it has run, on the terminal.
 *
 * Lines are written between measurements and never during one, so watching costs what is measured nothing. Without a
 * terminal there is one line for each part.
 */
import { styleText } from 'node:util'

export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #startedAt = performance.now()
  #part = ''
  #steps = 0
  #step = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** A part begins; it will announce about this many steps. */
  part(name: string, steps: number): void {
    this.#part = name
    this.#steps = steps
    this.#step = 0
    if (!this.#stream.isTTY) this.#stream.write(`${this.#elapsed()} ${name}\n`)
  }

  /** The next step of the part begins. */
  step(what: string): void {
    this.#step++
    if (!this.#stream.isTTY) return
    const left = Math.max(0, this.#steps - this.#step)
    const text = `${this.#part}: ${what}${left > 0 ? `, then ${left} more` : ''}`
    const room = Math.max(20, this.#stream.columns - 8)
    this.#stream.write(`\r\u001B[K${styleText('dim', this.#elapsed())} ${text.slice(0, room)}`)
  }

  /** Clears the line for what comes next. */
  done(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001B[K')
  }

  #elapsed(): string {
    const seconds = Math.floor((performance.now() - this.#startedAt) / 1000)
    return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
  }
}
