/**
 * Small clusters with one primary, for showing what goes wrong: nodes on the simulated network, each with a client
 * beside it that writes and reads whatever its node answers, and a history of what they were told.
 *
 * A node answers for itself; which one may, and when, is what the models in wrong-approaches.ts differ in. Everything
 * else is done well enough for none of it to be to blame: without a partition the history is in order.
 */
import type { HistoryLine } from '../../src/check/index.ts'
import { Random } from '../../src/core/base/random.ts'
import type { Message } from '../../src/core/message.ts'
import { Network, type Parcel, type Receiver } from '../../src/sim/network.ts'
import { Simulator } from '../../src/sim/simulator.ts'
import { SCHEDULE_MS, type Schedule } from './schedules.ts'

/** What nodes of a model say. They travel under names that the network knows, and it looks at nothing else. */
export type ModelMessage =
  | { readonly kind: 'ping'; readonly generation: number }
  | { readonly kind: 'pong'; readonly generation: number }
  | { readonly kind: 'write'; readonly value: string; readonly seq: number; readonly generation: number }
  | { readonly kind: 'written'; readonly seq: number; readonly generation: number }
  /** Asks for a vote, and gives it. */
  | { readonly kind: 'open'; readonly generation: number }
  | { readonly kind: 'opened'; readonly generation: number }

/** A write that waits for the others. */
interface Waiting {
  readonly value: string
  readonly seq: number
  readonly missing: Set<number>
  readonly done: () => void
}

/** What came of a request: an answer, or a refusal. */
export type Told = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const HEARTBEAT_MS = 500
/** The note's health check: five seconds. */
const TIMEOUT_MS = 5000

export abstract class ModelNode implements Receiver {
  readonly index: number
  protected readonly cluster: ModelCluster
  protected generation = 0
  value: string | null = null
  readonly #heardAtMs: number[]
  readonly #waiting = new Set<Waiting>()
  #seq = 0

  constructor(index: number, cluster: ModelCluster) {
    this.index = index
    this.cluster = cluster
    this.#heardAtMs = Array.from({ length: cluster.schedule.replicas }, () => 0)
  }

  /** Whether it takes requests, by its own lights. */
  abstract serves(): Told

  /** Its generation, in the approach that counts them; the others never change their leader's, since they have none. */
  get term(): number {
    return this.generation
  }

  /** Every half second. */
  tick(): void {
    for (const other of this.others) this.say(other, { kind: 'ping', generation: this.generation })
    this.#settle()
    this.cluster.simulator.after(HEARTBEAT_MS, () => this.tick())
  }

  receive({ message, from }: Parcel): void {
    const said = message as unknown as ModelMessage
    this.#heardAtMs[from.host] = this.cluster.nowMs
    if (said.kind === 'ping') this.say(from.host, { kind: 'pong', generation: this.generation })
    else if (said.kind === 'write') {
      this.value = said.value
      this.say(from.host, { kind: 'written', seq: said.seq, generation: this.generation })
    } else if (said.kind === 'written') {
      for (const waiting of this.#waiting) if (waiting.seq === said.seq) waiting.missing.delete(from.host)
      this.#settle()
    } else this.voting(said, from.host)
  }

  /** For approaches with elections. */
  protected voting(_said: ModelMessage, _from: number): void {}

  /** Into the own database, and to all that seem to be there; done when those have it. */
  write(value: string, done: () => void): void {
    this.value = value
    const seq = ++this.#seq
    const missing = this.others.filter((other) => this.isAlive(other))
    for (const other of missing) this.say(other, { kind: 'write', value, seq, generation: this.generation })
    this.#waiting.add({ value, seq, missing: new Set(missing), done })
    this.#settle()
  }

  protected get others(): number[] {
    return this.#heardAtMs.map((_, node) => node).filter((node) => node !== this.index)
  }

  /** Everybody that this node has heard of lately, itself among them. */
  protected get alive(): number[] {
    return this.#heardAtMs.map((_, node) => node).filter((node) => this.isAlive(node))
  }

  protected isAlive(node: number): boolean {
    return node === this.index || this.cluster.nowMs - (this.#heardAtMs[node] as number) <= TIMEOUT_MS
  }

  protected get quorum(): number {
    return Math.floor(this.#heardAtMs.length / 2) + 1
  }

  protected say(to: number, message: ModelMessage): void {
    const letter = { message: message as unknown as Message, from: { host: this.index, life: 0 } }
    this.cluster.network.send({ ...letter, to: { host: to, life: 0 } })
  }

  /** Whoever seems to be gone is waited for no longer. */
  #settle(): void {
    for (const waiting of this.#waiting) {
      if ([...waiting.missing].some((other) => this.isAlive(other))) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }
}

export type ModelNodeClass = new (index: number, cluster: ModelCluster) => ModelNode

const THINK_MS = 400

export class ModelCluster {
  readonly simulator = new Simulator()
  readonly schedule: Schedule
  readonly network: Network
  readonly lines: HistoryLine[] = []
  readonly #nodes: readonly ModelNode[]
  #written = 0
  #acknowledged = 0

  constructor(schedule: Schedule, Node: ModelNodeClass) {
    this.schedule = schedule
    const { simulator } = this
    const conditions = { lossRate: 0, duplicateRate: 0, replayRate: 0, inOrder: true, nearMs: 1, farMs: 1 }
    const zones = Array.from({ length: schedule.replicas }, () => '')
    this.network = new Network({ simulator, random: new Random(1), zones, conditions, freezes: true })
    this.#nodes = zones.map((_, index) => new Node(index, this))
  }

  get nowMs(): number {
    return this.simulator.nowUs / 1000
  }

  /** Plays the whole schedule. */
  play(): readonly HistoryLine[] {
    const { simulator, network, schedule } = this
    for (const { links, fromMs, toMs } of schedule.cuts) {
      simulator.after(fromMs, () => links.forEach((link) => network.cut(link, false)))
      simulator.after(toMs, () => links.forEach((link) => network.mend(link, false)))
    }
    for (const node of this.#nodes) {
      network.join(node)
      node.tick()
      // Not all at one instant.
      simulator.after(THINK_MS + 37 * node.index, () => this.#work(node, true))
    }
    simulator.runFor(SCHEDULE_MS)
    return this.lines
  }

  /** The client beside a node: writes and reads in turn. */
  #work(node: ModelNode, writes: boolean): void {
    const { simulator } = this
    const next = (): void => simulator.after(THINK_MS, () => this.#work(node, !writes))
    const { index: process, term } = node
    const place = { process, key: 'x', node: String(process) } as const
    const startMs = this.nowMs
    const value = `v${this.#written + 1}`
    if (writes) this.lines.push({ type: 'invoke', f: 'write', ...place, value, time: simulator.nowNs })
    else this.lines.push({ type: 'invoke', f: 'read', ...place, value: null, time: simulator.nowNs })
    const told = node.serves()
    if (!told.ok) {
      const { reason } = told
      this.lines.push({ type: 'fail', f: writes ? 'write' : 'read', ...place, reason, time: simulator.nowNs })
      next()
    } else if (writes) {
      this.#written++
      node.write(value, () => {
        const seq = ++this.#acknowledged
        const at = { group: 'x', node: String(process), term, seq, start: startMs, time: this.nowMs }
        this.lines.push({ type: 'ok', f: 'write', ...place, time: simulator.nowNs }, { type: 'ack', ...at })
        next()
      })
    } else {
      this.lines.push({ type: 'ok', f: 'read', ...place, value: node.value, time: simulator.nowNs })
      next()
    }
  }
}
