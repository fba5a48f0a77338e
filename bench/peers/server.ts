/**
 * Server programs of others: found, started, waited for, and never left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const READY_MS = 30_000
const LOOK_MS = 100
/** How long one attempt may take; whoever does not answer then is tried again. */
const ATTEMPT_MS = 5_000
/** Where Debian puts servers, which need not be in a user's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin']

/** A program's file, where one is installed. */
export function programNamed(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...MORE_FOLDERS]
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file))
}

const running = new Set<Server>()

process.on('exit', () => {
  for (const server of running) server.kill()
})

/** Those that run now: what a peer that did not start has left behind is found by what ran before. */
export function runningServers(): readonly Server[] {
  return [...running]
}

/** A server process that ends with this one at the latest. */
export class Server {
  readonly #process: ChildProcess
  readonly #name: string
  #said = ''
  #ended: string | undefined

  constructor(program: string, args: readonly string[], options: { readonly name: string; readonly cwd: string }) {
    this.#name = options.name
    this.#process = spawn(program, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(this)
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#said = (this.#said + text.toString()).slice(-2_000)
      })
    }
    this.#process.on('error', (error) => {
      running.delete(this)
      this.#ended = error.message
    })
    this.#process.on('exit', (code, signal) => {
      running.delete(this)
      this.#ended ??= `ended by ${signal ?? `code ${code}`}: ${this.#said.trim().split('\n').at(-1) ?? ''}`
    })
  }

  /** Tries until it succeeds; throws with the server's last words when that takes too long, or the server has ended. */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    const endsAt = performance.now() + READY_MS
    for (;;) {
      if (this.#ended !== undefined) throw new Error(`${this.#name} did not start: ${this.#ended}`)
      try {
        return await within(ATTEMPT_MS, attempt)
      } catch (error) {
        if (performance.now() > endsAt)
          throw new Error(`${this.#name} did not get ready: ${String(error)}`, { cause: error })
        await sleep(LOOK_MS)
      }
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    if (this.#ended !== undefined) return
    const ended = once(this.#process, 'exit')
    this.kill()
    await ended
  }
}

/** Fails when it takes longer; what was begun is left alone. */
export async function within<T>(forMs: number, attempt: () => Promise<T>): Promise<T> {
  const waiting = new AbortController()
  const late = sleep(forMs, undefined, { signal: waiting.signal }).then(() => {
    throw new Error(`no answer in ${forMs} ms`)
  })
  try {
    return await Promise.race([attempt(), late])
  } finally {
    late.catch(() => {})
    waiting.abort()
  }
}

/** Ports that nobody listens on at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
