/**
 * What a command is: its arguments and options, declared once for parsing, checking and `--help`.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { UsageError } from './failure.ts'
import { suggestion } from './suggestion.ts'
import type { Output } from './output.ts'

export interface Option {
  /** What stands for the value in help, such as `N`; left out for a switch. */
  readonly value?: string
  /** May be given several times. */
  readonly multiple?: boolean
  readonly help: string
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** Names of the positional arguments, all of them required. */
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  /** More to know, in whole sentences. */
  readonly notes?: string
  readonly examples: readonly string[]
  readonly run: (input: Input, output: Output) => Promise<void>
}

const COMMON: Readonly<Record<string, Option>> = {
  json: { help: 'print JSON' },
  help: { help: 'print this' },
}

/** The arguments of one call, checked against the declaration. */
export class Input {
  readonly #command: Command
  readonly #positionals: readonly string[]
  readonly #values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>

  constructor(command: Command, args: readonly string[]) {
    const { values, positionals } = parse(command, args)
    this.#command = command
    this.#values = values
    this.#positionals = positionals
    if (!this.flag('help')) this.#checkPositionals()
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] as readonly string[] | undefined) ?? []
  }

  number(name: string, bounds: { readonly min: number; readonly max: number }): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const { min, max } = bounds
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    throw usage(this.#command, `--${name} is ${JSON.stringify(text)}: use a whole number from ${min} to ${max}`)
  }

  positional(index: number): string {
    return this.#positionals[index] as string
  }

  #checkPositionals(): void {
    const { positionals: names } = this.#command
    const given = this.#positionals.length
    if (given < names.length) throw usage(this.#command, `${names[given] ?? ''} is missing`)
    if (given > names.length) {
      const extra = JSON.stringify(this.#positionals[names.length])
      throw usage(this.#command, `${extra} is one argument too many; quote a value with spaces`)
    }
  }
}

function parse(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { value, multiple = false }] of Object.entries({ ...command.options, ...COMMON })) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple }
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw usage(command, problemOf(error as Error & { code?: string }, Object.keys(options)))
  }
}

/** Node's words, and which option may have been meant. */
function problemOf({ code, message }: Error & { code?: string }, names: readonly string[]): string {
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.replace(/\.\s.*$/s, '')
  const option = /'(-[^']*)'/.exec(message)?.[1] ?? ''
  if (!option.startsWith('--')) return `${option} is no option; a value that begins with a dash goes behind --`
  const near = suggestion(option.slice(2), names)
  return `${option} is no option${near === undefined ? '' : `; did you mean --${near}?`}`
}

export function usage({ name }: Command, problem: string): UsageError {
  const end = /[.?]$/.test(problem) ? '' : '.'
  return new UsageError(`${problem}${end} See quorate ${name} --help.`)
}

export function helpOf(command: Command): string {
  const { name, summary, positionals, notes, examples } = command
  const options = Object.entries({ ...command.options, ...COMMON }).map(([option, { value, help, multiple }]) => {
    const head = `--${option}${value === undefined ? '' : ` ${value}`}`
    return `  ${head.padEnd(24)} ${help}${multiple === true ? ' (may be repeated)' : ''}`
  })
  const call = ['quorate', name, ...positionals, '[options]'].join(' ')
  return [
    `${call}\n\n${summary}\n\nOptions:\n${options.join('\n')}`,
    ...(notes === undefined ? [] : [notes]),
    `Examples:\n${examples.map((example) => `  ${example}`).join('\n')}`,
  ].join('\n\n')
}
