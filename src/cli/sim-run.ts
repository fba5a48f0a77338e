/**
 * One simulated run, judged: what the simulator did under a seed, held against everything that was promised.
 */
import { checkApHistory, checkLeadership, checkLinearizable, checkSettled, printHistory } from '../check/index.ts'
import { simulate, type Breakage, type SimulateOptions, type SimulationRun } from '../sim/index.ts'

/** What is kept of a run; everything else can be had again from its seed. */
export interface Verdict {
  readonly seed: number
  /** Equal for equal seeds. */
  readonly traceHash: string
  readonly operations: number
  readonly faults: number
  readonly virtualMs: number
  /** How many observations each judge could really judge. */
  readonly checked: Readonly<Record<string, number>>
  /** Each broken promise: the judge, its rule, and what it saw. */
  readonly violations: readonly string[]
}

/**
 * `ap`: whatever the seed draws. `sloppy`: stand-ins wherever there are members to stand in. `cp`: registers. `leader`:
 * seats, leases and locks, beside a few calls. `led`: registers that a leader serves.
 */
export const PROFILES = ['ap', 'sloppy', 'cp', 'leader', 'led'] as const
export type Profile = (typeof PROFILES)[number]

export interface RunOptions {
  readonly seed: number
  readonly profile: Profile
  /** Runs the core wrongly, to see that the judges notice. */
  readonly breakage: Breakage | undefined
}

export interface JudgedRun {
  readonly verdict: Verdict
  /** Nothing when the run ended in an exception. */
  readonly run: SimulationRun | undefined
}

/** Few calls: enough to see that elections do not disturb them. */
const LEADER_WORKLOAD = { operations: 20, durationMs: 30_000 }

/** What a profile fixes of a run. */
function settingOf({ seed, profile }: RunOptions): Omit<SimulateOptions, 'seed'> {
  if (profile === 'leader') return { leadership: {}, workload: LEADER_WORKLOAD }
  if (profile === 'cp' || profile === 'led') return { keyspace: { mode: 'cp', leader: profile === 'led' } }
  return profile === 'ap' ? {} : { replicas: seed % 2 === 0 ? 5 : 7, keyspace: { sloppy: true } }
}

export function judgedRun(options: RunOptions): JudgedRun {
  const { seed, breakage } = options
  let run: SimulationRun
  try {
    run = simulate({ seed, ...settingOf(options), ...(breakage !== undefined && { breakage }) })
  } catch (error) {
    const violations = [`exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
    const nothing = { traceHash: '', operations: 0, faults: 0, virtualMs: 0, checked: {} }
    return { verdict: { seed, ...nothing, violations }, run: undefined }
  }
  const { checked, broken } = judged(run)
  const { ok, fail, info, faults, virtualMs } = run.stats

  const verdict = {
    seed,
    traceHash: run.traceHash,
    operations: ok + fail + info,
    faults,
    virtualMs,
    checked,
    violations: [...run.problems.map((problem) => `run, ${problem}`), ...broken],
  }
  return { verdict, run }
}

/** What the judges have to say, each promise that was broken in a line. */
function judged({ history, guarantees }: SimulationRun): Pick<Verdict, 'checked'> & { readonly broken: string[] } {
  const { conflicts, skewMs, monotonic, settles, exclusive } = guarantees
  if (conflicts === 'registers') {
    const linearizable = checkLinearizable(history)
    const settled = settles ? checkSettled(history) : undefined
    const tell = (judge: string, { violations, undecided }: typeof linearizable): string[] => [
      ...violations.map(({ rule, message }) => `${judge}, rule ${rule}: ${message}`),
      ...undecided.map((key) => `${judge}, undecided: key ${key} took too many steps`),
    ]
    return {
      checked: { linearizable: linearizable.checked, ...(settled && { settled: settled.checked }) },
      broken: [...tell('linearizable', linearizable), ...(settled === undefined ? [] : tell('settled', settled))],
    }
  }
  const ap = checkApHistory(history, { conflicts, skewMs, monotonic })
  const leadership = exclusive === undefined ? undefined : checkLeadership(history, { exclusive })
  const judges = Object.entries({ ...ap.judges, ...(leadership && { leadership }) })
  return {
    checked: Object.fromEntries(judges.map(([judge, said]) => [judge, said.checked])),
    broken: judges.flatMap(([judge, { violations }]) =>
      violations.map(({ rule, message }) => `${judge}, rule ${rule}: ${message}`),
    ),
  }
}

/** The history of a run as a file's text. */
export function historyText(options: RunOptions): string {
  return printHistory(judgedRun(options).run?.history ?? [])
}
