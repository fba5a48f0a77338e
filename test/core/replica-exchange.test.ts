/** Exchanges of a replica as messages and effects: whom it answers, whom it believes, and what it asks for. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import type { LocalMessage } from '../../src/core/message.ts'
import { resolveCore } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import type { RecordWrite } from '../../src/core/record.ts'
import type { ExchangeAnswer, Question } from '../../src/core/repair/exchange-message.ts'
import { ReplicaClock } from '../../src/core/replica-clock.ts'
import { ReplicaExchange, WALK } from '../../src/core/replica-exchange.ts'
import { Step } from '../../src/core/step.ts'

const CARTS: KeyspaceDefinition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'lww' }
const KEYSPACE = definitionFingerprint(CARTS)
const RECORD = { kind: 'lww', op: 1, at: 1, value: null } as const
/** The address of a question, which is a link and no member. */
const LINK = 1_024

class Bench {
  readonly exchange: ReplicaExchange
  readonly merged: RecordWrite[] = []
  readonly usable = new Set([1, 2])
  nowMs = 0

  constructor(options: { readonly exchangeMs?: number; readonly isKnown?: boolean } = {}) {
    const { exchangeMs = 10_000, isKnown = true } = options
    const usable = (peer: number): boolean => this.usable.has(peer)
    this.exchange = new ReplicaExchange(
      { random: new Random(3), usable, asOf: () => 0 },
      {
        index: 0,
        membership: membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' }))),
        options: resolveCore({ exchangeMs, heartbeatMs: 1_000 }),
        definitions: new Map(isKnown ? [[KEYSPACE, CARTS]] : []),
        isConfirmed: () => true,
        clock: new ReplicaClock({ run: 1, horizonMs: 0 }),
        standing: { tick: () => {}, exchanged: () => {} },
        merge: (write) => this.merged.push(write) > 0,
      },
    )
  }

  /** One that has walked what was stored, which is nothing. */
  static walked(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
    const bench = new Bench(options)
    const [scan] = bench.step((step) => bench.exchange.tick(bench.now, step)).scans
    if (scan === undefined) throw new Error('it walks what is stored first')
    bench.step((step) => bench.exchange.paged(scan.request, { entries: [], done: true }, bench.now, step))
    return bench
  }

  get now() {
    return { monoMs: this.nowMs, wallMs: 2 ** 43 }
  }

  step(run: (step: Step) => void): Step {
    const step = new Step()
    run(step)
    return step
  }

  asked(question: Question, peer: number): Step {
    return this.step((step) => this.exchange.asked(question, { from: LINK, peer }, this.now, step))
  }

  answered(answer: ExchangeAnswer, peer: number): Step {
    return this.step((step) => this.exchange.answered(answer, peer, this.now, step))
  }

  /** Ticks until it asks somebody. */
  question(): { readonly to: number; readonly message: LocalMessage } {
    for (; this.nowMs < 20_000; this.nowMs += 10) {
      const step = this.step((of) => this.exchange.tick(this.now, of))
      const [message] = step.messages
      if (message !== undefined) return { to: step.to[0] as number, message }
    }
    throw new Error('it asks nobody')
  }
}

const compare = (known: number): Question => ({ kind: 'compare', id: 7, known, roots: [] })

describe('questions of others', () => {
  test('while it walks what was stored: it declines, and asks nobody', () => {
    const bench = new Bench()
    const step = bench.step((of) => bench.exchange.tick(bench.now, of))
    expect(step.scans).toMatchObject([{ to: WALK, request: { keyspace: KEYSPACE, after: '' } }])
    expect(bench.asked(compare(0), 1).messages).toEqual([{ kind: 'declined', id: 7 }])
    bench.nowMs = 60_000
    expect(bench.step((of) => bench.exchange.tick(bench.now, of)).messages).toEqual([])
  })

  test('a page that could not be read: is asked for again after five seconds', () => {
    const bench = new Bench()
    const [scan] = bench.step((of) => bench.exchange.tick(bench.now, of)).scans
    const step = bench.step((of) => bench.exchange.paged(scan?.request as never, undefined, bench.now, of))
    expect([step.scans, step.wakeAt]).toEqual([[], 5_000])
    bench.nowMs = 5_000
    expect(bench.step((of) => bench.exchange.tick(bench.now, of)).scans).toHaveLength(1)
  })

  test.for([
    ['a client', -1],
    ['itself', 0],
  ] as const)('of %s: are declined', ([, peer]) => {
    expect(Bench.walked().asked(compare(0), peer).messages).toEqual([{ kind: 'declined', id: 7 }])
  })

  test('of one that knows other keyspaces: it is taught them', () => {
    const { to, messages } = Bench.walked().asked(compare(12_345), 1)
    const at = messages.findIndex(({ kind }) => kind === 'open')
    expect(messages[at]).toMatchObject({ name: 'carts', confirmed: true })
    expect(to[at]).toBe(1)
  })
})

describe('its own questions', () => {
  test('a peer that can be reached: is compared with, once, until it answers', () => {
    const bench = Bench.walked()
    const { to, message } = bench.question()
    expect([1, 2]).toContain(to)
    expect(message).toMatchObject({ kind: 'compare' })
    expect(bench.exchange.running?.peer).toBe(to)
  })

  test('an answer of another peer, or to another question: changes nothing', () => {
    const bench = Bench.walked()
    const { to, message } = bench.question()
    const { id } = message as Question
    const other = to === 1 ? 2 : 1
    for (const step of [
      bench.answered({ kind: 'declined', id }, other),
      bench.answered({ kind: 'declined', id: id + 1 }, to),
      bench.answered({ kind: 'traded', id: id + 1, records: [], done: 0, skip: 0 } as never, to),
    ]) {
      expect([step.messages, step.notices]).toEqual([[], []])
    }
    expect(bench.exchange.running?.peer).toBe(to)
    expect(bench.exchange.last.size).toBe(0)
  })

  test('a peer that declines: is left alone, with a notice that says so', () => {
    const bench = Bench.walked()
    const { to, message } = bench.question()
    const { notices } = bench.answered({ kind: 'declined', id: (message as Question).id }, to)
    expect(notices).toMatchObject([{ kind: 'exchange', outcome: 'declined', differing: 0 }])
    expect(bench.exchange.last.get(to)).toMatchObject({ outcome: 'declined' })
  })

  test('a peer that is gone: ends the exchange at the next tick', () => {
    const bench = Bench.walked()
    const { to } = bench.question()
    bench.usable.delete(to)
    const { notices } = bench.step((of) => bench.exchange.tick(bench.now, of))
    expect(notices).toMatchObject([{ kind: 'exchange', outcome: 'unreachable' }])
  })

  test('records that nobody asked for: are not merged', () => {
    const bench = Bench.walked()
    const { to, message } = bench.question()
    const records = [{ keyspace: KEYSPACE, key: 'k', record: RECORD }]
    bench.answered({ kind: 'traded', id: (message as Question).id, records, done: 1, skip: 0 } as never, to)
    expect(bench.merged).toEqual([])
  })

  test('no period: it asks on demand alone, everybody once', () => {
    const bench = Bench.walked({ exchangeMs: 0 })
    expect(() => bench.question()).toThrow('it asks nobody')
    bench.nowMs = 0
    const step = new Step()
    expect(bench.exchange.demand(bench.now, step)).toEqual({ peers: [1, 2], from: 1 })
    expect(step.messages).toMatchObject([{ kind: 'compare' }])
  })
})
