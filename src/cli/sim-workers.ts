/**
 * Many runs over several processes: each takes a few seeds at a time, so that none waits for a slow one.
 *
 * Runs are independent and each is decided by its seed, so who runs which does not show in the result. A worker is this
 * program again, told by its environment; it ends when this process does.
 */
import { fork, type ChildProcess } from 'node:child_process'
import type { Breakage } from '../sim/index.ts'
import { judgedRun, type Profile, type Verdict } from './sim-run.ts'

const WORKER = 'QUORATE_SIM_WORKER'
/** Seeds for one errand: about half a second of work. */
const BATCH = 10

interface Errand {
  readonly first: number
  readonly runs: number
  readonly profile: Profile
  readonly breakage: Breakage | undefined
}

export interface SpreadOptions extends Errand {
  readonly workers: number
  /** Called with each verdict, in no particular order. When it gives false, no more are begun. */
  readonly onVerdict: (verdict: Verdict) => boolean
}

export function isSimWorker(): boolean {
  return process.env[WORKER] === '1' && process.send !== undefined
}

/** Runs errands until the other side is gone. */
export function workAsSimWorker(): void {
  process.on('disconnect', () => process.exit())
  process.on('message', ({ first, runs, profile, breakage }: Errand) => {
    const verdictOf = (index: number): Verdict => judgedRun({ seed: first + index, profile, breakage }).verdict
    process.send?.(Array.from({ length: runs }, (_, index) => verdictOf(index)))
  })
}

/** Rejects when a worker dies. */
export async function spreadRuns(options: SpreadOptions): Promise<void> {
  const { first, runs, profile, breakage, workers, onVerdict } = options
  let next = first
  let enough = false
  const errand = (): Errand | undefined => {
    const count = Math.min(BATCH, first + runs - next)
    if (enough || count <= 0) return undefined
    next += count
    return { first: next - count, runs: count, profile, breakage }
  }
  const take = (verdicts: readonly Verdict[]): Errand | undefined => {
    for (const verdict of verdicts) enough = !onVerdict(verdict) || enough
    return errand()
  }
  const children: ChildProcess[] = []
  try {
    await Promise.all(Array.from({ length: workers }, () => employ(children, errand(), take)))
  } finally {
    for (const child of children) child.kill()
  }
}

/** One worker, from its first errand until there is none left. */
function employ(
  children: ChildProcess[],
  begin: Errand | undefined,
  take: (verdicts: readonly Verdict[]) => Errand | undefined,
): Promise<void> {
  if (begin === undefined) return Promise.resolve()
  const execArgv = process.execArgv.filter((arg) => !arg.startsWith('--inspect'))
  const child = fork(process.argv[1] as string, ['sim'], { execArgv, env: { ...process.env, [WORKER]: '1' } })
  children.push(child)
  return new Promise((resolve, reject) => {
    let done = false
    child.on('message', (verdicts: readonly Verdict[]) => {
      const errand = take(verdicts)
      if (errand !== undefined) {
        child.send(errand)
        return
      }
      done = true
      child.disconnect()
      resolve()
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (!done) reject(new Error(`a worker ended (${signal ?? `exit code ${String(code)}`}); try --workers 1`))
    })
    child.send(begin)
  })
}
