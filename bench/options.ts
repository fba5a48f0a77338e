/**
 * The command line of the benchmark.
 */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly quick: boolean
  readonly json: string | undefined
  readonly html: string | undefined
  /** The parts to run, in their own order. */
  readonly only: readonly string[]
  readonly seed: number
  readonly help: boolean
}

/** The command line made no sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function parseOptions(args: readonly string[], parts: readonly string[]): BenchOptions {
  const values = parse(args)
  const only = values.only ?? parts
  const unknown = only.find((name) => !parts.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`there is no part ${JSON.stringify(unknown)}: use ${parts.join(', ')}`)
  const seed = Number(values.seed ?? 1)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new UsageError('--seed takes a whole number')
  const { quick = false, help = false, json, html } = values
  return { quick, help, json, html, seed, only: parts.filter((name) => only.includes(name)) }
}

interface Values {
  readonly quick?: boolean | undefined
  readonly json?: string | undefined
  readonly html?: string | undefined
  readonly only?: string[] | undefined
  readonly seed?: string | undefined
  readonly help?: boolean | undefined
}

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        json: { type: 'string' },
        html: { type: 'string' },
        only: { type: 'string', multiple: true },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

export function helpText(parts: readonly { readonly name: string; readonly about: string }[]): string {
  const names = parts.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')
  return `npm run bench -- [options]

  --quick       under two minutes, with shorter and fewer rounds
  --only NAME   one part; may be given several times
  --json FILE   also write every figure to a file
  --html FILE   also write the report with its charts to a file
  --seed N      draw other keys; 1 by default
  --help        this text

Parts:
${names}

Data of durable replicas goes to a folder in TMPDIR, which decides on the disk. A missed goal is marked and
counted; only a benchmark that could not run ends with an error.
`
}
