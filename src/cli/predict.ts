/**
 * `quorate predict`: how fresh reads will be, and how long reads and writes will take, for given latencies.
 */
import { readFileSync } from 'node:fs'
import { QuorateError } from '../core/base/errors.ts'
import type {
  Comparison,
  FreshnessPromise,
  Latencies,
  Prediction,
  ReplicaLatencies,
  Trials,
  TrialsOptions,
} from '../predict/index.ts'
import { usage, type Command, type Input } from './command.ts'
import { Failed } from './failure.ts'
import type { Output } from './output.ts'

export const predictCommand: Command = {
  name: 'predict',
  summary: 'Predict how fresh reads are, and how long reads and writes take.',
  positionals: [],
  options: {
    profile: {
      value: 'NAME',
      help: 'published latencies: LNKD-SSD, LNKD-DISK, YMMR or WAN; with --file, one of its own',
    },
    file: { value: 'PROFILE.json', help: 'latencies of your own: {"w": …, "a": …, "r": …, "s": …}' },
    n: { value: 'N', help: 'replicas of a key, 3 by default' },
    r: { value: 'N', help: 'answers that a read waits for; all r and w if both are left out' },
    w: { value: 'N', help: 'acknowledgements that a write waits for' },
    trials: { value: 'N', help: '100000 by default, with --published 1000000' },
    seed: { value: 'N', help: '1 by default; the same seed gives the same figures' },
    after: { value: 'MS,…', help: 'when after the write P(fresh) is wanted, 0 to 1000 by default' },
    reads: { value: 'KIND', help: 'all, the default: a read asks every replica; quorum: r of them' },
    writes: { value: 'KIND', help: 'all, the default: a write goes to all at once; home: to one first' },
    recommend: { value: 'PROMISE', help: "the cheapest r and w for a promise such as '99.9 % within 10 ms'" },
    'read-fraction': { value: 'F', help: 'with --recommend: which part of the operations are reads, 0.5 by default' },
    'w-min': { value: 'N', help: 'with --recommend: copies that a write has at least, 1 by default' },
    published: { help: 'predict the table that the authors published, and compare' },
  },
  notes: `A distribution is {"kind": "exponential", "lambda": 0.2}, {"kind": "pareto", "xm": 1, "alpha": 2}, uniform with minMs and maxMs,
constant with ms, samples with a list ms, or {"mixture": [{"weight": 0.9, "kind": …}, …]}; milliseconds. docs/prediction.md says
what is modelled. With --published it exits with 1 when a figure does not agree.`,
  examples: [
    'quorate predict --profile LNKD-DISK --n 3 --r 1 --w 1',
    'quorate predict --profile YMMR --trials 1000000',
    "quorate predict --profile WAN --recommend '99.9 % within 10 ms' --read-fraction 0.9",
    'quorate predict --file latencies.json --profile mine --n 5 --r 2 --w 2 --json',
  ],
  run: runPredict,
}

const AFTER_MS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
/** Between two looks at the clock and the signals: tens of milliseconds. */
const TRIALS_A_STEP = 20_000
const QUIET_MS = 2000
const TRIALS_MAX = 10_000_000

type Module = typeof import('../predict/index.ts')

async function runPredict(input: Input, output: Output): Promise<void> {
  // Loaded here, so that the other commands do without it.
  const predict = await import('../predict/index.ts')
  if (input.flag('published')) return tellPublished({ input, output, predict })
  const options = optionsOf(input, predict)
  const name = nameOf(input)
  if (input.text('recommend') !== undefined) return tellRecommended({ input, output, predict, options, name })
  for (const option of ['read-fraction', 'w-min']) {
    if (input.text(option) !== undefined) throw wrong(`--${option} is for --recommend`)
  }
  const { n } = options
  const [r, w] = [input.number('r', { min: 1, max: n }), input.number('w', { min: 1, max: n })]
  if ((r === undefined) !== (w === undefined))
    throw wrong('--r and --w go together: give both, or neither for all pairs')
  const times = timesOf(input)
  const chosen = r === undefined || w === undefined ? {} : { rs: [r], ws: [w] }
  const trials = attempt(() => new predict.Trials({ ...options, ...chosen }))
  await finish(trials, output, '')
  const text = await import('./predict-text.ts')
  if (r !== undefined && w !== undefined) {
    const cell = trials.cell({ r, w })
    return output.tell(cellData(cell, times), text.cellText({ name, cell, times }, output))
  }
  const pairs = Array.from({ length: n * n }, (_, at) => trials.cell({ r: Math.floor(at / n) + 1, w: (at % n) + 1 }))
  const cells = pairs.map((cell) => cellData(cell, times))
  output.tell({ n, trials: trials.trials, cells }, text.tableText({ name, cells: pairs }, output))
}

interface Asked {
  readonly input: Input
  readonly output: Output
  readonly predict: Module
}

async function tellRecommended(
  asked: Asked & { readonly options: TrialsOptions; readonly name: string },
): Promise<void> {
  const { input, output, predict, options, name } = asked
  refuseBeside('recommend', ['r', 'w', 'after'], input)
  const wMin = input.number('w-min', { min: 1, max: options.n })
  const fraction = input.text('read-fraction')
  const advice = {
    promise: promiseOf(input.text('recommend') ?? ''),
    ...(wMin !== undefined && { wMin }),
    ...(fraction !== undefined && { readFraction: decimal(fraction, '--read-fraction') }),
  }
  const trials = attempt(() => new predict.Trials(options))
  await finish(trials, output, '')
  const found = attempt(() => predict.adviceFrom(trials, advice))
  const { adviceText } = await import('./predict-text.ts')
  const { n } = options
  const data = { n, trials: trials.trials, promise: advice.promise, ...found }
  output.tell(data, adviceText({ name, n, promise: advice.promise, found }, output))
}

async function tellPublished({ input, output, predict }: Asked): Promise<void> {
  const others = Object.keys(predictCommand.options).filter((name) => !['published', 'trials', 'seed'].includes(name))
  refuseBeside('published', others, input)
  const { trials = 1_000_000, seed = 1 } = countsOf(input)
  const comparisons: Comparison[] = []
  for (const profile of predict.profileNames) {
    const run = predict.publishedTrials(profile, { trials, seed })
    await finish(run, output, `${profile}: `)
    for (const cell of predict.published) if (cell.profile === profile) comparisons.push(predict.compare(cell, run))
  }
  const { publishedText } = await import('./predict-text.ts')
  const apart = comparisons.filter(({ agrees }) => !agrees).length
  const data = { n: 3, trials, seed, agrees: apart === 0, cells: comparisons }
  if (apart === 0 || !output.json) output.tell(data, publishedText({ trials, comparisons }, output))
  if (apart > 0) throw new Failed(`${apart} of ${comparisons.length} pairs do not agree with the published table`, data)
}

/** Runs the trials with a breath in between, and says how far it is when that takes long. */
async function finish(trials: Trials, output: Output, before: string): Promise<void> {
  const startedAtMs = performance.now()
  while (trials.done < trials.trials) {
    trials.advance(TRIALS_A_STEP)
    if (performance.now() - startedAtMs > QUIET_MS) {
      output.progress(`${before}${Math.floor((100 * trials.done) / trials.trials)} % of ${trials.trials} trials`)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  output.clearProgress()
}

type Choice<Name extends 'reads' | 'writes'> = NonNullable<TrialsOptions[Name]>

function optionsOf(input: Input, predict: Module): TrialsOptions {
  const [reads, writes] = [input.text('reads'), input.text('writes')]
  return {
    n: input.number('n', { min: 1, max: 31 }) ?? 3,
    latencies: latenciesOf(input, predict),
    ...(reads !== undefined && { reads: reads as Choice<'reads'> }),
    ...(writes !== undefined && { writes: writes as Choice<'writes'> }),
    ...countsOf(input),
  }
}

function countsOf(input: Input): { readonly trials?: number; readonly seed?: number } {
  const trials = input.number('trials', { min: 1, max: TRIALS_MAX })
  const seed = input.number('seed', { min: 0, max: Number.MAX_SAFE_INTEGER })
  return { ...(trials !== undefined && { trials }), ...(seed !== undefined && { seed }) }
}

function latenciesOf(input: Input, predict: Module): Latencies | readonly ReplicaLatencies[] {
  const [file, profile] = [input.text('file'), input.text('profile')]
  if (file !== undefined) return attempt(() => predict.parseProfile(jsonIn(file), profile), `${file}: `)
  if (profile !== undefined) return attempt(() => predict.profile(profile), '--profile: ')
  throw wrong(`no latencies are given: use --profile with ${predict.profileNames.join(', ')}, or --file`)
}

function jsonIn(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw wrong(`--file cannot be read: ${(error as Error).message}`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw wrong(`--file ${file} is no JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`)
  }
}

function nameOf(input: Input): string {
  return [input.text('file'), input.text('profile')].filter((part) => part !== undefined).join(' ')
}

function timesOf(input: Input): readonly number[] {
  const text = input.text('after')
  if (text === undefined) return AFTER_MS
  const times = text.split(',').map((part) => decimal(part.trim(), '--after'))
  return [...new Set(times)].toSorted((a, b) => a - b)
}

function promiseOf(text: string): FreshnessPromise {
  const match =
    /^(\d{1,3}(?:\.\d{1,12})?) *% *(?:fresh +)?(?:with)?in +(\d{1,12}(?:\.\d{1,6})?) *ms(?:, *cheapest)?$/.exec(text)
  const percent = Number(match?.[1])
  if (match === null || !(percent > 0 && percent <= 100)) {
    throw wrong(`--recommend is ${JSON.stringify(text)}: use a promise such as '99.9 % within 10 ms'`)
  }
  // Rounded, because 99.9 / 100 is not 0.999.
  return { probability: Number((percent / 100).toPrecision(12)), withinMs: Number(match[2]) }
}

function decimal(text: string, option: string): number {
  if (/^\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text)
  throw wrong(`${option} has ${JSON.stringify(text)}: use a number such as 0.5`)
}

/** One pair as data: six digits of milliseconds, nine of shares, so that one that is not 1 does not look like it. */
function cellData(cell: Prediction, times: readonly number[]): object {
  const ms = (value: number): number => Number(value.toPrecision(6))
  const latency = (at: (p: number) => number): object => ({ p50: ms(at(0.5)), p99: ms(at(0.99)), p999: ms(at(0.999)) })
  return {
    n: cell.n,
    r: cell.r,
    w: cell.w,
    trials: cell.trials,
    readMs: latency((p) => cell.readMs(p)),
    writeMs: latency((p) => cell.writeMs(p)),
    tVisibilityMs: {
      p90: ms(cell.tVisibility(0.9)),
      p99: ms(cell.tVisibility(0.99)),
      p999: ms(cell.tVisibility(0.999)),
    },
    pFresh: Object.fromEntries(times.map((tMs) => [tMs, Number(cell.pFresh(tMs).toFixed(9))])),
  }
}

function refuseBeside(option: string, others: readonly string[], input: Input): void {
  for (const other of others) {
    if (input.text(other) !== undefined) throw wrong(`--${option} takes no --${other}: leave one of them out`)
  }
}

/** What the library finds wrong with an option is wrong with the command line. */
function attempt<Result>(run: () => Result, before = ''): Result {
  try {
    return run()
  } catch (error) {
    const known = error instanceof QuorateError && ['QUORATE_INVALID_OPTION', 'QUORATE_LIMIT'].includes(error.code)
    throw known ? wrong(before + error.message) : error
  }
}

function wrong(problem: string): Error {
  return usage(predictCommand, problem)
}
