/**
 * Real replica processes for tests: `quorate serve`, started, killed and started again.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { Store } from '../../src/runtime/store.ts'

export interface ReplicaOptions {
  readonly main: string
  readonly id: string
  readonly ports: Readonly<Record<string, number>>
  readonly dataDir: string
  readonly http?: number
  /** More options of `serve`. */
  readonly options?: readonly string[]
  /** Options of Node itself. */
  readonly execArgv?: readonly string[]
  /** A command that starts the rest of the line, such as a shell that sets a limit first. */
  readonly through?: readonly string[]
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

export function urlsOf(ports: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([id, port]) => [id, `ws://127.0.0.1:${port}`]))
}

/** Processes that have not ended: whatever happens to a test, none outlives it. */
const alive = new Set<ChildProcess>()
process.on('exit', () => killAll())

export function killAll(): void {
  for (const child of alive) child.kill('SIGKILL')
}

/** One life of a replica. */
export class Replica {
  readonly id: string
  /** Fulfilled with the milliseconds until it served; rejected when it ended before. */
  readonly ready: Promise<number>
  readonly ended: Promise<Ended>
  /** The lines that it wrote. */
  readonly said: string[] = []
  readonly #child: ChildProcess

  constructor({ main, id, ports, dataDir, http, options = [], execArgv = [], through = [] }: ReplicaOptions) {
    const peers = Object.entries(urlsOf(ports)).filter(([peer]) => peer !== id)
    const serve = ['serve', '--id', id, '--listen', `127.0.0.1:${ports[id]}`, '--data', dataDir, '--json']
    const web = http === undefined ? [] : ['--http', String(http)]
    const line = [
      ...through,
      process.execPath,
      ...execArgv,
      main,
      ...serve,
      ...web,
      ...options,
      ...peers.flatMap(([peer, url]) => ['--peer', `${peer}=${url}`]),
    ]
    const startedAtMs = performance.now()
    const [command = '', ...args] = line
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.id = id
    this.#child = child
    alive.add(child)
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        alive.delete(child)
        resolve({ code, signal, stderr })
      })
    })
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (said) => {
        this.said.push(said)
        if (said.includes('"ready"')) resolve(performance.now() - startedAtMs)
      })
      void this.ended.then(() => reject(new Error(`replica ${id} ended before it served: ${stderr}`)))
    })
    this.ready.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits until it has ended. */
  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal)
    return this.ended
  }
}

export async function allReachable(store: Store): Promise<void> {
  const up = (): boolean => Object.values(store.status().replicas).every(({ state }) => state === 'reachable')
  while (!up()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Ports that are free now, below the range from which the system picks for outgoing connections. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = 10_000 + Math.floor(Math.random() * 20_000)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return ports
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)))
  })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
