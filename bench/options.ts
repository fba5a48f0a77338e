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
  /** What of the matrix; left out for the usual selection. */
  readonly matrix: MatrixOptions
  /** An earlier run's figures to compare with. */
  readonly compare: string | undefined
  /** By how much a ratio may be worse than there before the exit status says so. */
  readonly gatePercent: number | undefined
  /** A cell whose run is shown again, with `seed`. */
  readonly replay: string | undefined
}

export interface MatrixOptions {
  readonly settings?: readonly string[] | undefined
  readonly profiles?: readonly string[] | undefined
  readonly situations?: readonly string[] | undefined
  readonly workloads?: readonly string[] | undefined
  /** A file with the legs of a network. */
  readonly profileFile?: string | undefined
  /** Which profile of that file, where it has several. */
  readonly profileName?: string | undefined
  /** Runs of each cell. */
  readonly runs?: number | undefined
}

/** The command line made no sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The part that `--peers` adds, and all that are run only when they are asked for. */
const PEERS = 'peers'
const ASKED_FOR: ReadonlySet<string> = new Set([PEERS, 'ratios'])
/** Those that a quick run leaves out as well, since they need their time. */
const UNHURRIED: ReadonlySet<string> = new Set(['memory', 'ycsb', 'micro'])
const RUNS_MAX = 100_000

export function parseOptions(args: readonly string[], parts: readonly string[]): BenchOptions {
  const values = parse(args)
  const isUsual = (name: string): boolean => !ASKED_FOR.has(name) && !(values.quick === true && UNHURRIED.has(name))
  const usual = parts.filter((name) => isUsual(name) || (name === PEERS && values.peers === true))
  const only = values.only === undefined ? usual : [...values.only, ...(values.peers === true ? [PEERS] : [])]
  const unknown = only.find((name) => !parts.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`there is no part ${JSON.stringify(unknown)}: use ${parts.join(', ')}`)
  const seed = wholeNumber('--seed', values.seed ?? '1', { min: 0, max: Number.MAX_SAFE_INTEGER })
  const gatePercent = values.gate === undefined ? undefined : wholeNumber('--gate', values.gate, { min: 1, max: 100 })
  for (const [name, needed] of NEEDS) {
    if (values[name] !== undefined && values[needed] === undefined) throw new UsageError(`--${name} needs --${needed}`)
  }
  const { quick = false, help = false, json, html, compare, replay } = values
  return {
    quick,
    help,
    json,
    html,
    seed,
    compare,
    replay,
    gatePercent,
    only: parts.filter((name) => only.includes(name)),
    matrix: {
      settings: names(values.settings),
      profiles: names(values.profiles),
      situations: names(values.situations),
      workloads: names(values.workloads),
      profileFile: values['profile-file'],
      profileName: values['profile-name'],
      runs: values.runs === undefined ? undefined : wholeNumber('--runs', values.runs, { min: 1, max: RUNS_MAX }),
    },
  }
}

/** Several options, or several names in one, separated by commas. */
function names(given: readonly string[] | undefined): readonly string[] | undefined {
  return given?.flatMap((text) => text.split(',').map((name) => name.trim()))
}

function wholeNumber(
  option: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`${option} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`)
}

const TEXT = { type: 'string' } as const
const LIST = { type: 'string', multiple: true } as const
const FLAG = { type: 'boolean' } as const
const KNOWN = {
  quick: FLAG,
  json: TEXT,
  html: TEXT,
  only: LIST,
  seed: TEXT,
  peers: FLAG,
  settings: LIST,
  profiles: LIST,
  situations: LIST,
  workloads: LIST,
  'profile-file': TEXT,
  'profile-name': TEXT,
  runs: TEXT,
  replay: TEXT,
  compare: TEXT,
  gate: TEXT,
  help: { type: 'boolean', short: 'h' },
} as const

/** Options that mean nothing without another. */
const NEEDS = [
  ['gate', 'compare'],
  ['profile-name', 'profile-file'],
] as const

type Values = ReturnType<typeof parseArgs<{ options: typeof KNOWN }>>['values']

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: KNOWN }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

export function helpText(parts: readonly { readonly name: string; readonly about: string }[]): string {
  const lines = parts.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join('\n')
  return `npm run bench -- [options]

  --quick             under two minutes: shorter and fewer rounds, without memory, ycsb and micro unless --only names them
  --only NAME         one part; may be given several times
  --peers             also the part \`peers\`: stores of others that are installed here
  --json FILE         also write every figure to a file
  --html FILE         also write the report with its charts to a page that needs nothing else
  --seed N            draw other keys and other runs; 1 by default
  --compare FILE      beside an earlier run's --json, as ratios
  --gate PERCENT      with --compare: exit status 3 when a ratio with a goal is so much worse than there
  --help              this text

The matrix, names separated by commas, \`all\` for every one; any of them gives the full product of what is named:
  --settings NAMES    such as n3-r1-w1,n3-r2-w2,cp
  --profiles NAMES    loopback, LAN, three-regions, LNKD-SSD, LNKD-DISK, YMMR, WAN
  --situations NAMES  healthy, one-slow, one-dead, partition, healing
  --workloads NAMES   ycsb-a to ycsb-f, hot-key, carts
  --profile-file FILE one more profile, as \`quorate predict --file\` takes it; --profile-name picks one of several
  --runs N            runs of each cell
  --replay CELL       one run again, with --seed: SETTING/PROFILE/SITUATION/WORKLOAD as the report names it

Parts:
${lines}

Data of durable replicas goes to a folder in TMPDIR, which decides on the disk.
Exit status: 0, also when a goal was missed, which is marked and counted; 1 when a part could not run, or the store broke
what it promised; 2 for a command line that makes no sense; 3 when the gate is shut.
`
}
