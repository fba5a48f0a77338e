/**
 * One line of a scenario script: `label = verb word word option=value flag`.
 *
 * Whatever the player does not ask for is an error, so that a misspelt option cannot pass for its default.
 */

export class Command {
  readonly text: string
  readonly label: string | undefined
  readonly verb: string
  readonly #words: string[]
  readonly #options = new Map<string, string>()

  constructor(line: string) {
    this.text = line
    const labelled = /^(\w+) = (.*)$/.exec(line)
    this.label = labelled?.[1]
    const [verb = '', ...rest] = (labelled?.[2] ?? line).split(' ')
    this.verb = verb
    this.#words = []
    for (const part of rest) {
      const equals = part.indexOf('=')
      if (equals > 0) this.#options.set(part.slice(0, equals), part.slice(equals + 1))
      else this.#words.push(part)
    }
  }

  /** The next word. */
  word(): string {
    const word = this.#words.shift()
    if (word === undefined) throw new Error(`a word is missing: ${this.text}`)
    return word
  }

  /** All words that are left. */
  words(): string[] {
    return this.#words.splice(0)
  }

  number(): number {
    const number = Number(this.word())
    if (Number.isNaN(number)) throw new Error(`a number is missing: ${this.text}`)
    return number
  }

  option(name: string): string | undefined {
    const value = this.#options.get(name)
    this.#options.delete(name)
    return value
  }

  list(name: string, otherwise: readonly string[] = []): readonly string[] {
    return this.option(name)?.split(',') ?? otherwise
  }

  /** Whether this word stands somewhere. */
  flag(name: string): boolean {
    const at = this.#words.indexOf(name)
    if (at >= 0) this.#words.splice(at, 1)
    return at >= 0
  }

  /** Throws when something was left over. */
  end(): void {
    const left = [...this.#words, ...this.#options.keys()]
    if (left.length > 0) throw new Error(`not understood: ${left.join(' ')} in: ${this.text}`)
  }
}
