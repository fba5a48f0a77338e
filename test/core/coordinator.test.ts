/** The coordinator as a machine: times, identities and shares of work that scripts do not show. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { Coordinator } from '../../src/core/coordinator.ts'
import type { Call } from '../../src/core/coordinator-calls.ts'
import type { LocalMessage } from '../../src/core/message.ts'
import type { Keyspace } from '../../src/core/operation/keyspace.ts'
import type { OperationId } from '../../src/core/operation/operation-name.ts'
import { resolveCore, resolveKeyspace, type CoreOptions, type KeyspaceOptions } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Step } from '../../src/core/step.ts'

const WALL = Date.UTC(2026, 0, 1)
const HEARTBEAT = 1_000

class Bench {
  readonly coordinator: Coordinator
  readonly keyspace: Keyspace
  monoMs = 100
  #now = { monoMs: 0, wallMs: 0 }

  constructor(options: Partial<KeyspaceOptions> = {}, core: CoreOptions = {}) {
    const membership = membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' })))
    const resolved = resolveCore({ heartbeatMs: HEARTBEAT, ...core })
    const place = { name: 'client', membership, local: -1, life: undefined, zone: '' }
    this.coordinator = new Coordinator({ ...place, options: resolved, random: new Random(1) })
    this.keyspace = this.coordinator.keyspace(resolveKeyspace('carts', { mode: 'ap', ...options }, membership))
    for (const replica of [0, 1, 2]) {
      this.step((now, step) => this.coordinator.linked(replica, true, now, step))
      this.pong(replica)
    }
  }

  pong(replica: number): void {
    const life = { incarnation: 100 + replica, run: 1 }
    this.step((now, step) =>
      this.coordinator.receive({ kind: 'pong', sentAt: now.monoMs, ...life }, replica, now, step),
    )
  }

  /** The identity of a write to this key. */
  operation(key: string): OperationId {
    let identity: OperationId | undefined
    this.step((now) => {
      identity = this.coordinator.newOperation(this.keyspace, key, now)
    })
    return identity as OperationId
  }

  /** Runs one input. The time is one object that changes, as a host may do it. */
  step(run: (now: { readonly monoMs: number; readonly wallMs: number }, step: Step) => void): Step {
    this.#now.monoMs = this.monoMs
    this.#now.wallMs = WALL + this.monoMs
    const step = new Step()
    run(this.#now, step)
    return step
  }

  call(call: Omit<Extract<Call, { kind: 'get' }>, 'keyspace'> | Omit<Extract<Call, { kind: 'put' }>, 'keyspace'>): {
    id: number
    step: Step
  } {
    let id = 0
    const step = this.step((now, effects) => {
      id = this.coordinator.call({ ...call, keyspace: this.keyspace }, now, effects)
    })
    return { id, step }
  }

  get(timeoutMs?: number): { id: number; step: Step } {
    return this.call({ kind: 'get', tag: 'get', key: 'k', timeoutMs })
  }

  tick(): Step {
    return this.step((now, step) => this.coordinator.tick(now, step))
  }
}

const questions = ({ messages }: Step): LocalMessage['kind'][] =>
  messages.map(({ kind }) => kind).filter((kind) => kind !== 'ping')

describe('when it wants to wake', () => {
  test('a call: no later than its deadline, and soon enough to ask others', () => {
    const bench = new Bench()
    const { step } = bench.get(3)
    expect(step.wakeAt).toBe(bench.monoMs + 3)
    const patient = bench.get(60_000).step.wakeAt
    expect(patient).toBeGreaterThan(bench.monoMs)
    expect(patient).toBeLessThan(bench.monoMs + 1_001)
  })

  test('a tick before anything is due: sends nothing and says when the next is', () => {
    const bench = new Bench()
    const dueAt = bench.get().step.wakeAt
    bench.monoMs = dueAt - 1
    const early = bench.tick()
    expect(questions(early)).toEqual([])
    expect(early.wakeAt).toBeLessThanOrEqual(dueAt)
    bench.monoMs = dueAt
    expect(questions(bench.tick()).length).toBeGreaterThan(0)
  })

  test('a late tick after the deadline: ends the call and asks nobody more', () => {
    const bench = new Bench()
    bench.get(50)
    bench.monoMs += 500
    const step = bench.tick()
    expect(questions(step)).toEqual([])
    expect(step.replies).toMatchObject([{ tag: 'get', result: { code: 'QUORATE_TIMEOUT' } }])
  })

  test('nothing in flight: only for the next ping', () => {
    const bench = new Bench()
    bench.monoMs += 10
    const step = bench.tick()
    expect(step.wakeAt).toBeGreaterThan(bench.monoMs)
    expect(step.wakeAt).toBeLessThanOrEqual(bench.monoMs + HEARTBEAT)
  })

  test('every wish obeyed: a call of many milliseconds needs few ticks', () => {
    const bench = new Bench()
    let wakeAt = bench.get(1_000).step.wakeAt
    let ticks = 0
    while (bench.coordinator.inFlight > 0) {
      bench.monoMs = wakeAt
      wakeAt = bench.tick().wakeAt
      if (++ticks > 1_000) expect.fail('it never ends')
    }
    expect(ticks).toBeLessThan(20)
    expect(bench.monoMs).toBe(1_100)
  })
})

describe('identities', () => {
  test('request ids: are new for each call, whole and above zero', () => {
    const bench = new Bench()
    const ids = Array.from({ length: 50 }, () => {
      const { id } = bench.get()
      if (id % 3 === 0) bench.step((now, step) => bench.coordinator.cancel(id, now, step))
      return id
    })
    expect(new Set(ids).size).toBe(50)
    expect(ids.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true)
  })

  test('operations: have rising stamps and identities of their own', () => {
    const bench = new Bench()
    const drawn = Array.from({ length: 50 }, () => bench.operation('k'))
    expect(new Set(drawn.map(({ op }) => op)).size).toBe(50)
    expect(drawn.map(({ at }) => at)).toEqual(drawn.map(({ at }) => at).toSorted((a, b) => a - b))
    expect(new Set(drawn.map(({ at }) => at)).size).toBe(50)
  })

  test('operations: their home is the first replica of the key, and a put with them goes there', () => {
    const bench = new Bench()
    for (const key of ['k', 'l', 'm', 'n']) {
      const [first] = bench.keyspace.listOf(key).replicas
      const operation = bench.operation(key)
      expect(operation.home).toBe(100 + (first as number))
      const { step } = bench.call({ kind: 'put', tag: 't', key, value: null, operation })
      expect(step.to).toEqual([first])
      const { op, at } = operation
      expect(step.messages).toMatchObject([{ kind: 'mint', op, at, incarnation: operation.home, run: 1, again: true }])
    }
  })

  test('operations of lww: have no home, and need nobody', () => {
    const bench = new Bench({ conflicts: 'lww' })
    for (const replica of [0, 1, 2]) bench.step((now, step) => bench.coordinator.linked(replica, false, now, step))
    expect(bench.operation('k').home).toBe(0)
  })

  test('an operation while nobody can be reached to be its home: is refused', () => {
    const bench = new Bench()
    for (const replica of [0, 1, 2]) bench.step((now, step) => bench.coordinator.linked(replica, false, now, step))
    expect(() => bench.operation('k')).toThrow(
      expect.objectContaining({ code: 'QUORATE_UNAVAILABLE', outcome: 'none', retry: 'safe' }),
    )
  })

  test('a sibling whose operation names no home: is refused, or any replica might take it once more', () => {
    const bench = new Bench()
    const operation = { ...bench.operation('k'), home: 0 }
    const { id, step } = bench.call({ kind: 'put', tag: 't', key: 'k', value: null, operation })
    expect(id).toBe(0)
    expect(step.messages).toEqual([])
    expect(step.replies).toMatchObject([{ result: { code: 'QUORATE_INVALID_OPTION' } }])
  })

  test('a refused call: has no id, and its reply is in the same step', () => {
    const bench = new Bench()
    const { id, step } = bench.call({ kind: 'get', tag: 't', key: 'k', level: 7 })
    expect(id).toBe(0)
    expect(step.replies).toMatchObject([{ tag: 't', result: { code: 'QUORATE_INVALID_OPTION' } }])
    expect(bench.coordinator.inFlight).toBe(0)
  })
})

describe('what is sent', () => {
  test('one record to many replicas: is one message object, so that it is encoded once', () => {
    const bench = new Bench({ conflicts: 'lww' })
    const { step } = bench.call({ kind: 'put', tag: 't', key: 'k', value: Uint8Array.of(1) })
    expect(new Set(step.to)).toEqual(new Set([0, 1, 2]))
    expect(new Set(step.messages).size).toBe(1)
  })

  test('the time that the host hands in: is not kept', () => {
    const bench = new Bench()
    const { id } = bench.get(100)
    bench.monoMs += 99
    expect(bench.tick().replies).toEqual([])
    bench.monoMs += 1
    expect(bench.tick().replies).toHaveLength(1)
    expect(id).toBeGreaterThan(0)
  })

  test('a keyspace limit: is taken where the call has none', () => {
    const bench = new Bench({ timeoutMs: 20 })
    bench.get()
    bench.monoMs += 20
    expect(bench.tick().replies).toMatchObject([{ result: { code: 'QUORATE_TIMEOUT' } }])
  })

  test('pings: go to every replica twice in a heartbeat', () => {
    const bench = new Bench()
    const pings: number[] = []
    for (let ms = 0; ms < 2 * HEARTBEAT; ms += 10) {
      bench.monoMs += 10
      for (const message of bench.tick().messages) if (message.kind === 'ping') pings.push(message.sentAt)
    }
    expect(pings).toHaveLength(3 * 4)
  })
})

test('step: cleared, it is as new', () => {
  const step = new Step()
  step.send(1, { kind: 'ping', sentAt: 1 })
  step.replies.push({ tag: 1, result: 1 })
  step.notices.push({ kind: 'keyspace', name: 'x', confirmed: true })
  step.wakeAt = 5
  step.clear()
  expect(step).toEqual(new Step())
})
