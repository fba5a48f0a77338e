/**
 * The real command line in tests: run to its end, or a `quorate start` that runs until the test stops it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isFree } from '../process/replica.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = ['--import', 'tsx', path.join(ROOT, 'src', 'cli', 'main.ts')]

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  /** What node is to run: the sources, as `npm start` does, if left out. */
  readonly program?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
}

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

function launch(args: readonly string[], { program = SOURCES, env = {}, uid }: RunOptions): ChildProcess {
  const clean = { ...process.env, NO_COLOR: undefined, QUORATE_REPLICAS: undefined, QUORATE_SECRET: undefined }
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: ROOT,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid }),
  })
  alive.add(child)
  child.once('close', () => alive.delete(child))
  return child
}

function endOf(child: ChildProcess): Promise<Run> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs a command to its end. */
export function quorate(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return endOf(launch(args, options))
}

export type Event = Readonly<Record<string, unknown>>

/** A running `quorate start --json`. */
export class Started {
  readonly pid: number
  readonly ended: Promise<Run>
  readonly #child: ChildProcess
  readonly #events: Event[] = []
  readonly #waiting = new Set<() => void>()

  constructor(args: readonly string[], options: RunOptions = {}) {
    this.#child = launch(['start', '--json', ...args], options)
    this.pid = this.#child.pid ?? 0
    this.ended = endOf(this.#child)
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#events.push(JSON.parse(line) as Event)
        for (const look of this.#waiting) look()
      })
    }
    this.#child.once('close', () => {
      for (const look of this.#waiting) look()
    })
  }

  get events(): readonly Event[] {
    return this.#events
  }

  /** The first event that fits, past or to come. Rejects when the command ends without one. */
  event(name: string, fits: (event: Event) => boolean = () => true): Promise<Event> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.#events.find((event) => event['event'] === name && fits(event))
        if (found !== undefined) resolve(found)
        else if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          reject(new Error(`it ended without "${name}": ${JSON.stringify(this.#events)}`))
        } else return
        this.#waiting.delete(look)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The processes of the replicas, by id, as they were last started. */
  get pids(): ReadonlyMap<string, number> {
    const ready = this.#events.filter(({ event }) => event === 'ready')
    return new Map(ready.map(({ replica, pid }) => [replica as string, pid as number]))
  }

  stop(signal: NodeJS.Signals): Promise<Run> {
    this.#child.kill(signal)
    return this.ended
  }
}

export interface Place {
  readonly data: string
  readonly port: number
  /** The ports of `quorate start` with three replicas. */
  readonly ports: readonly number[]
  readonly args: readonly string[]
  readonly remove: () => void
}

/** A directory of its own, and ports that are free now, below those that the system picks for outgoing connections. */
export async function freePlace(): Promise<Place> {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-cli-'))
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const ports = [port, port + 1, port + 2, port + 3, port + 101, port + 102, port + 103]
    if (!(await Promise.all(ports.map(isFree))).every(Boolean)) continue
    const data = path.join(folder, 'data')
    const remove = (): void => rmSync(folder, { recursive: true, force: true })
    return { data, port, ports, args: ['--data', data, '--port', String(port)], remove }
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`this never came true: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
