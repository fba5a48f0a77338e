/**
 * `quorate sim`: runs the core in the simulator under many seeds, and holds every run to what was promised.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Breakage } from '../sim/index.ts'
import { usage, type Command, type Input } from './command.ts'
import { EXIT_FAILED, Failed } from './failure.ts'
import type { Output } from './output.ts'
import { SimTally, type SimSummary } from './sim-tally.ts'
import type { JudgedRun, Profile, Verdict } from './sim-run.ts'

const SEED_MAX = Number.MAX_SAFE_INTEGER - 10_000_000
const RUNS_MAX = 10_000_000
const WORKERS_MAX = 256
/** Fewer runs than this are over before a second process has started. */
const RUNS_FOR_WORKERS = 50

export const simCommand: Command = {
  name: 'sim',
  summary: 'Run the core in the simulator, faults and all, and judge what it did.',
  positionals: [],
  options: {
    profile: {
      value: 'NAME',
      help: 'what is simulated: ap, the default; sloppy, where other members always stand in; cp, registers; leader, elections and locks',
    },
    seed: { value: 'N', help: 'of the first run; the next ones count up. Drawn if left out' },
    runs: { value: 'N', help: '1 by default' },
    workers: { value: 'N', help: 'processes; for 50 runs and more as many as there are cores' },
    history: {
      value: 'FILE',
      help: 'write a history there: of the first run that breaks a promise, else of the first',
    },
    break: { value: 'NAME', help: 'run the core wrongly, to see that the judges notice' },
  },
  notes: `A run is decided by its seed: the same seed gives the same trace hash. It exits with 1 when a promise was broken, and
prints the command that runs that seed again. A history is lines of JSON, for other judges.`,
  examples: [
    'quorate sim --runs 5000',
    'quorate sim --seed 42 --history run.jsonl',
    'quorate sim --runs 20 --break no-repair',
  ],
  run: sim,
}

interface SimPlan {
  readonly first: number
  readonly runs: number
  readonly workers: number
  readonly profile: Profile
  readonly breakage: Breakage | undefined
  readonly historyFile: string | undefined
}

async function sim(input: Input, output: Output): Promise<void> {
  // Loaded here, so that the other commands do without the simulator.
  const workers = await import('./sim-workers.ts')
  if (workers.isSimWorker()) return workers.workAsSimWorker()
  const plan = await planOf(input)
  writeHistory(plan, '')
  const tally = new SimTally()
  const startedAtMs = performance.now()
  if (plan.runs > 1) announce(plan, output)
  const onVerdict = (verdict: Verdict): boolean => {
    tally.add(verdict)
    tellVerdict(verdict, plan, output)
    const perSecond = rate(tally.runs, performance.now() - startedAtMs)
    output.progress(`${tally.runs} of ${plan.runs} runs, ${perSecond} a second, ${tally.violations} broken`)
    return !tally.enough
  }
  if (plan.workers > 1) await workers.spreadRuns({ ...plan, onVerdict })
  else await runHere(plan, output, onVerdict)
  const ms = performance.now() - startedAtMs
  const summary = tally.summary()
  if (plan.historyFile !== undefined) {
    const { historyText } = await import('./sim-run.ts')
    const { profile, breakage } = plan
    writeHistory(plan, historyText({ seed: summary.failures[0]?.seed ?? plan.first, profile, breakage }))
  }
  tellSummary({ plan, summary, ms }, output)
}

async function planOf(input: Input): Promise<SimPlan> {
  const { BREAKAGES } = await import('../sim/index.ts')
  const { PROFILES } = await import('./sim-run.ts')
  const profile = input.text('profile') ?? 'ap'
  if (!(PROFILES as readonly string[]).includes(profile)) {
    throw usage(simCommand, `--profile is ${JSON.stringify(profile)}: use ${PROFILES.join(', ')}`)
  }
  const breakage = input.text('break')
  if (breakage !== undefined && !(BREAKAGES as readonly string[]).includes(breakage)) {
    throw usage(simCommand, `--break is ${JSON.stringify(breakage)}: use ${BREAKAGES.join(', ')}`)
  }
  const runs = input.number('runs', { min: 1, max: RUNS_MAX }) ?? 1
  const usual = runs < RUNS_FOR_WORKERS ? 1 : availableParallelism()
  return {
    first: input.number('seed', { min: 0, max: SEED_MAX }) ?? randomInt(2 ** 32),
    runs,
    workers: Math.min(runs, input.number('workers', { min: 1, max: WORKERS_MAX }) ?? usual),
    profile: profile as Profile,
    breakage: breakage as Breakage | undefined,
    historyFile: input.text('history'),
  }
}

/** One after the other in this process, with a breath in between for signals and the terminal. */
async function runHere(plan: SimPlan, output: Output, onVerdict: (verdict: Verdict) => boolean): Promise<void> {
  const { judgedRun } = await import('./sim-run.ts')
  const { first, runs, profile, breakage } = plan
  for (let index = 0; index < runs; index++) {
    const judged = judgedRun({ seed: first + index, profile, breakage })
    if (runs === 1) tellDrawn(judged, output)
    if (!onVerdict(judged.verdict)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function announce({ first, runs, workers, breakage }: SimPlan, output: Output): void {
  if (output.json) return
  const broken = breakage === undefined ? '' : `, broken on purpose: ${breakage}`
  output.tell(
    undefined,
    `seeds ${first} to ${first + runs - 1}, ${workers} ${workers === 1 ? 'process' : 'processes'}${broken}`,
  )
}

/** The seed first, with everything that was drawn from it. */
function tellDrawn({ verdict, run }: JudgedRun, output: Output): void {
  if (output.json) return
  output.tell(undefined, `seed ${verdict.seed}: ${JSON.stringify(run?.drawn ?? 'nothing was drawn')}`)
}

function tellVerdict({ seed, violations }: Verdict, { runs }: SimPlan, output: Output): void {
  if (violations.length === 0 || output.json) return
  const shown = runs === 1 ? violations : violations.slice(0, 1)
  for (const violation of shown) output.tell(undefined, `${output.style('red', `seed ${seed}`)} ${violation}`)
}

/** Before the first run it is empty: whether it can be written at all should not show after an hour. */
function writeHistory({ historyFile }: SimPlan, text: string): void {
  if (historyFile === undefined) return
  try {
    writeFileSync(historyFile, text)
  } catch (error) {
    throw new Failed(`the history cannot be written: ${(error as Error).message}. Name another file with --history.`)
  }
}

function tellSummary(
  { plan, summary, ms }: { readonly plan: SimPlan; readonly summary: SimSummary; readonly ms: number },
  output: Output,
): void {
  const { first, workers, profile } = plan
  const { runs, operations, faults, virtualSeconds, violations, traceHash, failures } = summary
  const [failure] = failures
  const replay = failure === undefined ? undefined : replayOf(failure.seed, plan)
  const perSecond = rate(runs, ms)
  const perCore = rate(runs / workers, ms)
  const checked = Object.values(summary.checked).reduce((sum, count) => sum + count, 0)
  const data = {
    profile,
    seed: first,
    workers,
    seconds: Number((ms / 1000).toFixed(3)),
    historiesPerSecond: perSecond,
    historiesPerSecondPerCore: perCore,
    ...summary,
    replay,
  }
  const what = `${runs} ${runs === 1 ? 'run' : 'runs'} in ${(ms / 1000).toFixed(1)} s`
  const speed = runs === 1 ? '' : `, ${perSecond} histories a second (${perCore} a core)`
  const work = `${operations} operations and ${faults} faults in ${virtualSeconds} s of virtual time, ${checked} observations judged`
  const end =
    violations === 0 ? output.style('green', 'no promise was broken') : output.style('red', `${violations} broken`)
  output.tell(data, `${what}${speed}: ${work}\ntrace ${traceHash}: ${end}`)
  if (failure === undefined) return
  const [rule = ''] = (failure.violations[0] ?? '').split(':')
  output.fail(
    `${violations} of ${runs} runs broke a promise, the first with seed ${failure.seed} (${rule}). Replay: ${replay}`,
  )
  process.exitCode = EXIT_FAILED
}

function replayOf(seed: number, { profile, breakage }: SimPlan): string {
  const quorate = process.argv[1]?.endsWith('.ts') === true ? 'npm run sim --' : 'npx quorate sim'
  const profiled = profile === 'ap' ? '' : ` --profile ${profile}`
  return `${quorate} --seed ${seed}${profiled}${breakage === undefined ? '' : ` --break ${breakage}`}`
}

function rate(count: number, ms: number): number {
  return Number(((count * 1000) / Math.max(ms, 1)).toFixed(1))
}
