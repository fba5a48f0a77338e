/**
 * One replica in a process of its own, started again whenever it dies.
 *
 * The wait before it is started again is short, doubles with each death and is short again once it has lived for a
 * while. For those who try out failures it can also be ended for as long as they like, and frozen. It is stopped with
 * SIGTERM, and with SIGKILL when it does not follow in time; it stops by itself when this process is gone
 * (supervision.ts).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { QuorateError, type ErrorCode } from '../core/base/errors.ts'
import type { PlannedReplica } from './cluster-plan.ts'
import { PLAY_GROUP, SUPERVISED, type ReplicaMessage, type SupervisorMessage } from './supervision.ts'

export type ReplicaEvent =
  | { readonly event: 'ready'; readonly replica: string; readonly pid: number; readonly ms: number }
  | { readonly event: 'died'; readonly replica: string; readonly why: string; readonly restartMs: number }
  /** It was told to stop, and is gone. */
  | { readonly event: 'ended'; readonly replica: string; readonly why: string }
  /** It wrote this to stderr. */
  | { readonly event: 'said'; readonly replica: string; readonly line: string }

export interface ReplicaProcessStatus {
  /** `waiting` to be started again by itself; `killed` until somebody starts it; `paused` until somebody lets it go on. */
  readonly state: 'starting' | 'running' | 'waiting' | 'paused' | 'killed' | 'stopped'
  readonly pid: number | undefined
  readonly restarts: number
  readonly http: string
}

const RESTART_MS_MIN = 100
const RESTART_MS_MAX = 5_000
/** After so long a life a death is not counted with the ones before. */
const HEALTHY_MS = 10_000
/** A store with much data to recover may take a while; this is for one that hangs. */
const START_MS_MAX = 60_000
const STOP_MS_MAX = 5_000

export class ReplicaProcess {
  readonly #plan: PlannedReplica
  readonly #args: () => readonly string[]
  readonly #onEvent: (event: ReplicaEvent) => void
  #child: ChildProcess | undefined
  #state: ReplicaProcessStatus['state'] = 'stopped'
  #failure: QuorateError | undefined
  #deaths = 0
  #restarts = 0
  #startedAtMs = 0
  #restart: NodeJS.Timeout | undefined
  #stopping = false
  #whenGone: () => void = () => {}

  /** @param args of the child, behind the node executable, asked for at each start. */
  constructor(plan: PlannedReplica, args: () => readonly string[], onEvent: (event: ReplicaEvent) => void) {
    this.#plan = plan
    this.#args = args
    this.#onEvent = onEvent
  }

  get status(): ReplicaProcessStatus {
    const { httpPort } = this.#plan
    const http = `http://127.0.0.1:${httpPort}`
    return { state: this.#state, pid: this.#child?.pid, restarts: this.#restarts, http }
  }

  /** Starts it for the first time. Rejects when it cannot serve; it is then not started again. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      let served = false
      this.#spawn({
        ready: () => {
          served = true
          resolve()
        },
        ended: (why) => {
          if (served) {
            this.#again(why)
            return
          }
          this.#state = 'stopped'
          reject(this.#failure ?? new QuorateError('QUORATE_UNAVAILABLE', `replica ${this.#plan.id} ended: ${why}`))
        },
      })
    })
  }

  /** Stops it for good, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const wasPaused = this.#state === 'paused'
    this.#state = 'stopped'
    const child = this.#child
    if (child === undefined) return
    const gone = new Promise<void>((resolve) => (this.#whenGone = resolve))
    if (wasPaused) child.kill('SIGCONT')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await gone
    clearTimeout(late)
  }

  /** Ends it as a power failure would; it stays away until `revive`. */
  fail(): void {
    if (this.#stopping) return
    clearTimeout(this.#restart)
    this.#state = 'killed'
    this.#child?.kill('SIGKILL')
  }

  /** Starts it again after `fail`, and lets it go on after `pause`. */
  revive(): void {
    if (this.#state === 'paused') {
      this.#state = 'running'
      this.#child?.kill('SIGCONT')
    } else if (this.#state === 'killed' && this.#child === undefined && !this.#stopping) this.#spawnAgain()
  }

  /** Freezes it in the middle of whatever it does, as a long pause of the machine would. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#child?.kill('SIGSTOP')
  }

  /** Ends it at once, also where nothing can be waited for. */
  kill(): void {
    this.#stopping = true
    clearTimeout(this.#restart)
    this.#child?.kill('SIGKILL')
  }

  #spawn(on: { readonly ready: () => void; readonly ended: (why: string) => void }): void {
    const { id } = this.#plan
    const child = spawn(process.execPath, this.#args(), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, [SUPERVISED]: '1' },
    })
    this.#child = child
    this.#state = 'starting'
    this.#failure = undefined
    this.#startedAtMs = performance.now()
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX)
    let spawnProblem: Error | undefined
    let said = ''
    child.on('error', (error) => (spawnProblem ??= error))
    child.on('message', (message: ReplicaMessage) => {
      if (message.kind === 'failed') {
        this.#failure = new QuorateError(message.code as ErrorCode, `replica ${id}: ${message.message}`)
        return
      }
      clearTimeout(late)
      if (this.#state === 'starting') this.#state = 'running'
      if (child.connected) child.send({ kind: 'campaign', group: PLAY_GROUP } satisfies SupervisorMessage, () => {})
      const ms = performance.now() - this.#startedAtMs
      this.#onEvent({ event: 'ready', replica: id, pid: child.pid ?? 0, ms: Math.round(ms) })
      on.ready()
    })
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        said = line
        this.#onEvent({ event: 'said', replica: id, line })
      })
    }
    child.once('close', (code, signal) => {
      clearTimeout(late)
      this.#child = undefined
      const end = signal ?? `exit code ${code}`
      const why = this.#failure?.message ?? spawnProblem?.message ?? (said === '' ? end : `${end}: ${said}`)
      if (this.#stopping) {
        this.#state = 'stopped'
        this.#onEvent({ event: 'ended', replica: id, why })
      } else on.ended(why)
      this.#whenGone()
    })
  }

  readonly #again = (why: string): void => {
    if (this.#state === 'killed') {
      this.#onEvent({ event: 'ended', replica: this.#plan.id, why })
      return
    }
    if (performance.now() - this.#startedAtMs > HEALTHY_MS) this.#deaths = 0
    const restartMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** this.#deaths)
    this.#deaths++
    this.#state = 'waiting'
    this.#onEvent({ event: 'died', replica: this.#plan.id, why, restartMs })
    this.#restart = setTimeout(() => this.#spawnAgain(), restartMs)
  }

  #spawnAgain(): void {
    this.#restarts++
    this.#spawn({ ready: () => {}, ended: this.#again })
  }
}
