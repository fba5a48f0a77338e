/**
 * Server processes of the benchmark: started, asked, stopped, and never left behind.
 *
 * Each runs a module of this folder that answers questions over IPC. A process that ends by itself fails whoever asks
 * it next, and with that the run.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Question {
  readonly number: number
  readonly ask: unknown
}

/** Why a process cannot go on, told before anybody asks. */
interface LastWords {
  readonly fatal: string
}

interface Reply {
  readonly number: number
  readonly answer?: unknown
  readonly error?: string
}

const STOP_MS = 5_000
const running = new Set<Child>()
let failed: (error: Error) => void = () => {}

/**
 * Rejects when a process ends from now on that was not told to: what is measured after that would be something else.
 * The next call takes its place.
 */
export function childFailure(): Promise<never> {
  const failure = new Promise<never>((_resolve, reject) => {
    failed = reject
  })
  failure.catch(() => {})
  return failure
}

/** Ends all at once: for a benchmark that is interrupted. */
export function killChildren(): void {
  for (const child of running) child.signal('SIGKILL')
}

export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>()
  #asked = 0
  #ended: string | undefined
  #dismissed = false

  /** @param module a file of this folder, by its name without an ending, that calls `answerQuestions`. */
  constructor(module: string, name: string) {
    this.#name = name
    // Profiling this process profiles its children: node --cpu-prof .bench/bench/main.js.
    const profiling = process.execArgv.filter((option) => /^--(?:cpu|heap)-prof/.test(option))
    const isSource = import.meta.url.endsWith('.ts')
    const execArgv = [...(isSource ? ['--import', import.meta.resolve('tsx')] : []), ...profiling]
    const file = new URL(`${module}${isSource ? '.ts' : '.js'}`, import.meta.url)
    this.#process = fork(fileURLToPath(file), { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    running.add(this)
    this.#process.on('message', (message: Reply | LastWords) => {
      if ('fatal' in message) this.#failed(message.fatal)
      else this.#replied(message)
    })
    this.#process.on('exit', (code, signal) => this.#exited(`${name} ended by ${signal ?? `code ${code}`}`))
    this.#process.on('error', (error) => this.#exited(`${name} could not be started: ${error.message}`))
  }

  /** Sends a question and waits for its answer; an error over there is an error here. */
  ask(ask: unknown): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(new Error(this.#ended))
    const number = ++this.#asked
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
      this.#process.send({ number, ask } satisfies Question)
    })
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (name === 'SIGKILL') this.#dismissed = true
    this.#process.kill(name)
  }

  /** Asks it to end, and makes it end when it does not. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return
    this.#dismissed = true
    this.#process.kill('SIGCONT')
    this.#process.disconnect()
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await once(this.#process, 'exit')
    clearTimeout(impatience)
  }

  #replied({ number, answer, error }: Reply): void {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if (error === undefined) waiting?.resolve(answer)
    else waiting?.reject(new Error(`${this.#name}: ${error}`))
  }

  #failed(why: string): void {
    failed(new Error(`${this.#name}: ${why}`))
  }

  #exited(why: string): void {
    this.#ended = why
    running.delete(this)
    if (!this.#dismissed) failed(new Error(why))
    for (const { reject } of this.#waiting.values()) reject(new Error(why))
    this.#waiting.clear()
  }
}

/** The child's side: fails whatever the parent measures. */
export function tellFailure(error: Error): void {
  process.send?.({ fatal: error.message } satisfies LastWords)
}

/** The child's side: answers until the parent is gone, then cleans up and ends. */
export function answerQuestions(answer: (ask: unknown) => Promise<unknown>, close: () => Promise<void>): void {
  process.on('message', (message) => {
    const { number, ask } = message as Question
    answer(ask).then(
      (given) => process.send?.({ number, answer: given } satisfies Reply),
      (error: unknown) => process.send?.({ number, error: String(error) } satisfies Reply),
    )
  })
  process.on('disconnect', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  // An interrupt at the terminal reaches the whole group; the parent decides what becomes of it.
  process.on('SIGINT', () => {})
}
