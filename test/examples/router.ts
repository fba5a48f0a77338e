/**
 * What Maelstrom does for its nodes, as far as a test needs it: starts them, tells them who they are, carries their
 * messages late or not at all, and asks them what clients ask.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseMessage, type Body, type Message } from '../../examples/maelstrom-node/messages.ts'
import type { Random } from '../../src/core/base/random.ts'

const RUN = path.join(import.meta.dirname, '..', '..', 'examples', 'maelstrom-node', 'run')

export interface RouterOptions {
  readonly nodes: readonly string[]
  readonly random: Random
  /** Each message between nodes takes up to so long. */
  readonly delayMs: number
  /** So many of them, of one, are lost. */
  readonly lossRate: number
}

export class Router {
  /** What nodes wrote to stderr. */
  readonly logged: string[] = []
  readonly ended: Promise<unknown>
  readonly #options: RouterOptions
  readonly #children = new Map<string, ChildProcess>()
  readonly #waiting = new Map<string, (body: Body) => void>()
  #isCut: (from: string, to: string) => boolean = () => false
  #sent = 0

  constructor(options: RouterOptions) {
    this.#options = options
    this.ended = Promise.all(options.nodes.map((node) => this.#start(node)))
  }

  /** Rejects when a node does not answer. */
  async init(): Promise<void> {
    const { nodes } = this.#options
    const answers = nodes.map((node) => this.ask('c0', node, { type: 'init', node_id: node, node_ids: nodes }, 30_000))
    for (const answer of await Promise.all(answers)) {
      if (answer?.type !== 'init_ok') throw new Error(`a node did not start: ${this.logged.join('\n')}`)
    }
  }

  /** Nothing when the answer does not come in time. */
  async ask(client: string, node: string, body: Body, timeoutMs: number): Promise<Body | undefined> {
    const id = ++this.#sent
    const name = `${client} ${id}`
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, timeoutMs, undefined)))
    const answer = new Promise<Body>((resolve) => this.#waiting.set(name, resolve))
    this.tell(client, node, { ...body, msg_id: id })
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(name)
    }
  }

  tell(client: string, node: string, body: Body): void {
    this.#write(node, JSON.stringify({ src: client, dest: node, body }))
  }

  /** Whatever stands in this line arrives at the node. */
  say(node: string, line: string): void {
    this.#write(node, line)
  }

  /** From now on just these messages between nodes are lost, beside those that are lost by chance. */
  cut(isCut: (from: string, to: string) => boolean): void {
    this.#isCut = isCut
  }

  /** Closes what the nodes read, as Maelstrom does at the end, and waits until they have ended. */
  async close(): Promise<void> {
    for (const child of this.#children.values()) child.stdin?.end()
    await this.ended
  }

  kill(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL')
  }

  #start(node: string): Promise<void> {
    const child = spawn(RUN, { stdio: 'pipe' })
    this.#children.set(node, child)
    child.stdin.on('error', () => {})
    createInterface({ input: child.stderr }).on('line', (line) => this.logged.push(`${node}: ${line}`))
    createInterface({ input: child.stdout }).on('line', (line) => this.#route(node, parseMessage(line)))
    return new Promise((resolve) => child.once('close', () => resolve()))
  }

  #route(from: string, message: Message): void {
    const { src, dest, body } = message
    if (src !== from) throw new Error(`${from} says that it is ${src}`)
    if (!this.#children.has(dest)) {
      this.#waiting.get(`${dest} ${body.in_reply_to}`)?.(body)
      return
    }
    const { random, lossRate, delayMs } = this.#options
    if (this.#isCut(src, dest) || random.chance(lossRate)) return
    setTimeout(() => this.#write(dest, JSON.stringify(message)), random.fraction() * delayMs)
  }

  #write(node: string, line: string): void {
    this.#children.get(node)?.stdin?.write(`${line}\n`)
  }
}
