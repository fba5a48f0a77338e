/**
 * What a command prints: text for people, JSON for programs with `--json`, colours on a terminal alone.
 */
import { styleText } from 'node:util'
import { jsonText } from '../dashboard/json-text.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export class Output {
  /** Whether results are printed as JSON. */
  readonly json: boolean
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  #progress = false

  constructor(options: {
    readonly json: boolean
    readonly stdout: NodeJS.WriteStream
    readonly stderr: NodeJS.WriteStream
  }) {
    this.json = options.json
    this.#stdout = options.stdout
    this.#stderr = options.stderr
  }

  /** Whether a person is looking: only then are there colours, progress, and remarks around a result. */
  get forPerson(): boolean {
    return !this.json && this.#stdout.isTTY
  }

  /** A result, or something that happened: `data` with `--json`, else `text`. */
  tell(data: unknown, text: string): void {
    this.clearProgress()
    this.#stdout.write(`${this.json ? jsonText(data) : text}\n`)
  }

  /** Something about the result that a program which reads it does not expect in between. */
  remark(text: string): void {
    if (this.json) return
    this.clearProgress()
    this.#stderr.write(`${this.#paint(this.#stderr, 'dim', text)}\n`)
  }

  /** The reason of a failure. */
  fail(line: string): void {
    this.clearProgress()
    this.#stderr.write(`${this.#paint(this.#stderr, 'red', 'quorate:')} ${line}\n`)
  }

  /** A line that the next one replaces. Nothing where nobody looks. */
  progress(text: string): void {
    if (!this.#stderr.isTTY || this.json) return
    this.#stderr.write(`\r\u001B[2K${text}`)
    this.#progress = true
  }

  clearProgress(): void {
    if (this.#progress) this.#stderr.write('\r\u001B[2K')
    this.#progress = false
  }

  style(style: Style, text: string): string {
    return this.json ? text : this.#paint(this.#stdout, style, text)
  }

  #paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
    return stream.isTTY && !process.env['NO_COLOR'] ? styleText(style, text) : text
  }
}
