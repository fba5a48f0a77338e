/**
 * Whole calls through the machines, without sockets, frames or disks: what the core alone costs for a put and a get with
 * three replicas, all messages included.
 */
import { Coordinator } from '../../src/core/coordinator.ts'
import type { Call } from '../../src/core/coordinator-calls.ts'
import type { Answer, Message, Request } from '../../src/core/message.ts'
import type { Keyspace } from '../../src/core/operation/keyspace.ts'
import { Random } from '../../src/core/base/random.ts'
import { resolveCore, resolveKeyspace, type Conflicts } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import { Replica } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'
import { CLIENT_ID } from '../frame-sizes.ts'
import { VALUE, type Task } from './tasks.ts'

const IDS = ['a', 'b', 'c'] as const
const KEYS = 1_000
/** The coordinator's address at the replicas. */
const CLIENT_LINK = 1_024
const ANSWERS: ReadonlySet<string> = new Set(['read-answer', 'written', 'minted', 'opened', 'pong', 'refused'])

/** A coordinator and three replicas that hand each other their messages at once. */
export class MachineBed {
  readonly coordinator: Coordinator
  /** Sees every message, in both directions. */
  onMessage: ((message: Message) => void) | undefined
  readonly #keyspace: Keyspace
  readonly #replicas: readonly Replica[]
  readonly #records: readonly Map<string, StoredRecord>[]
  readonly #step = new Step()
  readonly #now = { monoMs: 1, wallMs: 1_767_225_600_000 }
  #turn = 0

  constructor(conflicts: Conflicts) {
    const membership = membershipOf(IDS.map((id) => ({ id, zone: '' })))
    const options = resolveCore({})
    const random = new Random(1)
    const around = { name: CLIENT_ID, membership, zone: '', options, random }
    this.coordinator = new Coordinator({ ...around, local: -1, life: undefined })
    this.#records = IDS.map(() => new Map<string, StoredRecord>())
    this.#replicas = IDS.map((_, index) => {
      const life = { incarnation: random.identity(), run: random.identity() }
      const known = this.#records[index] as Map<string, StoredRecord>
      const records = { read: (keyspace: number, key: string) => known.get(`${keyspace} ${key}`) }
      return new Replica({ index, life, membership, records, own: [], options })
    })
    IDS.forEach((_, replica) => this.coordinator.linked(replica, true, this.#now, this.#step))
    this.#carry()
    const resolved = resolveKeyspace('micro', { mode: 'ap', n: 3, r: 2, w: 2, conflicts }, membership)
    const { definition } = resolved
    this.coordinator.call({ kind: 'open', tag: 0, name: 'micro', definition }, this.#now, this.#step)
    this.#carry()
    this.#keyspace = this.coordinator.keyspace(resolved)
    for (let i = 0; i < KEYS; i++) this.put()
  }

  put(): unknown {
    return this.#call({ kind: 'put', tag: 1, keyspace: this.#keyspace, key: this.#key(), value: VALUE })
  }

  get(): unknown {
    return this.#call({ kind: 'get', tag: 1, keyspace: this.#keyspace, key: this.#key() })
  }

  #key(): string {
    return `key-${this.#turn++ % KEYS}`
  }

  #call(call: Call): unknown {
    // Calls come a hundred to the millisecond.
    this.#now.monoMs += 0.01
    this.#now.wallMs += 0.01
    this.coordinator.call(call, this.#now, this.#step)
    const result = this.#carry()
    if (result === undefined || result instanceof Error)
      throw new Error(`a call of the machines failed: ${String(result)}`)
    return result
  }

  /** Delivers until nothing is left, and gives the last reply. */
  #carry(): unknown {
    let result: unknown
    const step = this.#step
    while (step.messages.length > 0 || step.replies.length > 0) {
      for (const reply of step.replies) result = reply.result
      const [to, messages] = [[...step.to], [...step.messages]]
      step.clear()
      messages.forEach((message, at) => {
        const receiver = to[at] as number
        if (!ANSWERS.has(message.kind)) this.#serve(receiver, message as Request)
      })
    }
    return result
  }

  /** One replica's turn; what it answers goes to the coordinator at once. */
  #serve(index: number, request: Request): void {
    const own = new Step()
    this.onMessage?.(request)
    this.#replicas[index]?.receive(request, CLIENT_LINK, this.#now, own)
    for (const { keyspace, key, record } of own.writes) {
      if (record !== undefined) this.#records[index]?.set(`${keyspace} ${key}`, record)
    }
    for (const message of own.messages) {
      this.onMessage?.(message as Message)
      this.coordinator.receive(message as Answer, index, this.#now, this.#step)
    }
  }
}

function tasksOf(conflicts: Conflicts): Task[] {
  const bed = new MachineBed(conflicts)
  const puts = conflicts === 'lww' ? [{ name: 'put, lww, W = 2 of 3, all messages', run: () => bed.put() }] : []
  return [...puts, { name: `get, ${conflicts}, R = 2 of 3, all messages`, run: () => bed.get() }]
}

export const machineTasks: readonly Task[] = [...tasksOf('lww'), ...tasksOf('siblings')]
