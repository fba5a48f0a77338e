/** Four replicas that erase what is deleted, in virtual time, without a network. */
import { Random } from '../../src/core/base/random.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import type { Acquainted, Announce, LocalMessage, Request, Scan } from '../../src/core/message.ts'
import { resolveCore } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import type { RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { OWN_KEYSPACE, Replica } from '../../src/core/replica.ts'
import { REAP_WALK } from '../../src/core/replica-reaper.ts'
import { Step, type Now } from '../../src/core/step.ts'

export const HORIZON_MS = 1_000
const OPTIONS = resolveCore({ horizonMs: HORIZON_MS, heartbeatMs: 100, hintAgeMsMax: 500, exchangeMs: 0 })
const MEMBERSHIP = membershipOf(['a', 'b', 'c', 'd'].map((id) => ({ id, zone: '' })))
export const CLIENT = 1_024
export const WALL_MS = Date.UTC(2026, 0, 1)

/** Of the keyspace with registers. */
const locks: KeyspaceDefinition = { name: 'locks', mode: 'cp', n: 3, read: '2', write: '2', conflicts: 'registers' }
const carts: KeyspaceDefinition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'siblings' }
const DEFINITIONS = [
  carts,
  { ...carts, name: 'seats', conflicts: 'lww' },
  { ...carts, name: 'loose', sloppy: true },
  locks,
  { ...locks, name: 'others' },
] as const
export const [CARTS, SEATS, LOOSE, LOCKS, OTHERS] = DEFINITIONS.map(definitionFingerprint) as [
  number,
  number,
  number,
  number,
  number,
]
export const LIST = new Placement(MEMBERSHIP, 3).listOf('k')
export const [FIRST, SECOND, THIRD] = LIST.replicas as [number, number, number]
export const OTHER = LIST.fallbacks[0] as number

/** Four replicas and what they say to each other, with clocks of their own. */
export class Cluster {
  readonly stored = MEMBERSHIP.members.map(() => new Map<string, StoredRecord>())
  readonly away = new Set<number>()
  /** Kinds of messages that are lost. */
  readonly lost = new Set<string>()
  readonly said: string[] = []
  replicas: Replica[]
  monoMs = 0
  wallAheadMs = MEMBERSHIP.members.map(() => 0)

  constructor() {
    this.replicas = MEMBERSHIP.members.map((_, index) => this.#start(index, 1))
  }

  #start(index: number, run: number): Replica {
    const stored = this.stored[index] as Map<string, StoredRecord>
    const own = [...stored].flatMap(([place, record]): RecordWrite[] => {
      const [keyspace = '', key = ''] = place.split(' ')
      return Number(keyspace) === OWN_KEYSPACE ? [{ keyspace: OWN_KEYSPACE, key, record }] : []
    })
    const replica = new Replica({
      index,
      life: { incarnation: 100 + index, run },
      membership: MEMBERSHIP,
      records: { read: (keyspace, key) => stored.get(`${keyspace} ${key}`) },
      own,
      options: OPTIONS,
      exchange: { random: new Random(index + 1), usable: (peer) => !this.away.has(peer), asOf: () => 0 },
    })
    return replica
  }

  register(): this {
    for (const [index] of this.replicas.entries()) {
      for (const definition of DEFINITIONS) {
        this.ask(index, { kind: 'open', id: 1, round: 0, name: definition.name, definition, confirmed: true })
      }
    }
    return this
  }

  restart(index: number): void {
    this.replicas[index] = this.#start(index, 2)
  }

  now(index: number): Now {
    return { monoMs: this.monoMs, wallMs: WALL_MS + this.monoMs + (this.wallAheadMs[index] as number) }
  }

  /** What a replica does, and what comes of it. Answers to clients are given back. */
  act(index: number, run: (replica: Replica, now: Now, step: Step) => void): LocalMessage[] {
    const step = new Step()
    const replica = this.replicas[index] as Replica
    run(replica, this.now(index), step)
    const stored = this.stored[index] as Map<string, StoredRecord>
    for (const { keyspace, key, record } of step.writes) {
      if (record === undefined) stored.delete(`${keyspace} ${key}`)
      else stored.set(`${keyspace} ${key}`, record)
    }
    for (const scan of step.scans) {
      if (scan.to === REAP_WALK)
        this.act(index, (it, now, next) => it.walked(scan, this.#page(index, scan.request), now, next))
    }
    const answers: LocalMessage[] = []
    for (const [i, message] of step.messages.entries()) {
      const to = step.to[i] as number
      if (to >= CLIENT) answers.push(message)
      else this.#deliver(index, to, message)
    }
    return answers
  }

  #page(index: number, { keyspace }: Scan): { entries: RecordWrite[]; done: boolean } {
    const entries = [...(this.stored[index] as Map<string, StoredRecord>)].flatMap(([place, record]): RecordWrite[] => {
      const [of = '', key = ''] = place.split(' ')
      return Number(of) === keyspace ? [{ keyspace, key, record }] : []
    })
    return { entries, done: true }
  }

  #deliver(from: number, to: number, message: LocalMessage): void {
    if (this.away.has(to) || this.lost.has(message.kind)) return
    if (message.kind === 'announce' || message.kind === 'acquainted') return this.#introduce(from, to, message)
    if (message.kind !== 'agree' && message.kind !== 'agreed' && message.kind !== 'reap') return
    this.said.push(`${from} ${message.kind} ${to}`)
    this.act(to, ({ reaper }, now, step) => {
      if (message.kind === 'agreed') reaper?.answered(message, from, now, step)
      else reaper?.asked(message, { from, peer: from }, now, step)
    })
  }

  #introduce(from: number, to: number, message: Announce | Acquainted): void {
    this.act(to, ({ standing }, now, step) => {
      if (message.kind === 'announce') standing?.asked(message, { from, peer: from }, step)
      else standing?.answered(message, from, now, step)
    })
  }

  /** The replicas get to know each other, as acceptors have to. */
  meet(): this {
    this.monoMs += 200
    for (const [index] of this.replicas.entries())
      this.act(index, ({ exchange }, now, step) => exchange?.tick(now, step))
    return this
  }

  ask(index: number, request: Request): LocalMessage[] {
    return this.act(index, (replica, now, step) => replica.receive(request, CLIENT, now, step))
  }

  /** Gives a record to replicas of the key. */
  put(record: StoredRecord, where: readonly number[] = LIST.replicas, keyspace = CARTS): void {
    const what = { id: 1, round: 0, keyspace, key: 'k', record, repairs: true } as const
    for (const index of where) this.ask(index, { kind: 'write', ...what, asOf: this.clock(index) })
  }

  /** What the replica's clock tells now. */
  clock(index: number): number {
    const [pong] = this.ask(index, { kind: 'ping', sentAt: 0 })
    return pong?.kind === 'pong' ? pong.clock : -1
  }

  /** Time passes for replicas that are not away. */
  wait(ms: number): void {
    for (const endMs = this.monoMs + ms; this.monoMs < endMs;) {
      this.monoMs += 25
      for (const [index] of this.replicas.entries()) {
        if (!this.away.has(index)) this.act(index, ({ reaper }, now, step) => reaper?.tick(now, step))
      }
    }
  }

  held(keyspace = CARTS): readonly boolean[] {
    return LIST.replicas.map((index) => (this.stored[index] as Map<string, StoredRecord>).has(`${keyspace} k`))
  }
}
