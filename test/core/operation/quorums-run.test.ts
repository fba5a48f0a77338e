/** Any expression, run by a coordinator: calls end exactly when the expression says so, whichever replicas answer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { QuorateError } from '../../../src/core/base/errors.ts'
import { Random } from '../../../src/core/base/random.ts'
import { ABSENT } from '../../../src/core/causality/merge.ts'
import { Coordinator } from '../../../src/core/coordinator.ts'
import type { Answer, Message } from '../../../src/core/message.ts'
import type { Receipt } from '../../../src/core/operation/receipt.ts'
import { resolveCore, resolveKeyspace, type KeyspaceOptions } from '../../../src/core/options.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { meets, type Expression } from '../../../src/core/quorum/expression.ts'
import { printExpression } from '../../../src/core/quorum/print-expression.ts'
import { Step, type Reply } from '../../../src/core/step.ts'
import { holds } from '../../property.ts'
import { anyExpression, LETTERS } from '../quorum/any-quorum.ts'

type Sides = Pick<KeyspaceOptions, 'read' | 'write' | 'strategy'>

/** A coordinator of `n` replicas that are all reachable, the first letters nearest, and one keyspace on all of them. */
class Bench {
  readonly coordinator: Coordinator
  readonly #keyspace: ReturnType<Coordinator['keyspace']>
  readonly #now = { monoMs: 100, wallMs: 100 }

  constructor(n: number, sides: Sides) {
    const membership = membershipOf(LETTERS.slice(0, n).map((id) => ({ id, zone: '' })))
    const options = resolveCore({})
    const place = { name: 'client', membership, local: -1, life: undefined, zone: '' }
    this.coordinator = new Coordinator({ ...place, options, random: new Random(1) })
    const resolved = resolveKeyspace('carts', { mode: 'ap', conflicts: 'lww', ...sides }, membership)
    this.#keyspace = this.coordinator.keyspace(resolved)
    for (let replica = 0; replica < n; replica++) {
      this.act((step) => this.coordinator.linked(replica, true, this.#now, step))
      const pong: Answer = { kind: 'pong', sentAt: 99 - replica, incarnation: replica + 1, run: 1 }
      this.receive(pong, replica)
    }
  }

  act(run: (step: Step) => void): Step {
    const step = new Step()
    run(step)
    return step
  }

  receive(answer: Answer, replica: number): Step {
    return this.act((step) => this.coordinator.receive(answer, replica, this.#now, step))
  }

  lose(replica: number): Step {
    return this.act((step) => this.coordinator.linked(replica, false, this.#now, step))
  }

  put(): Step {
    const call = { kind: 'put', tag: 1, keyspace: this.#keyspace, key: 'k', value: new Uint8Array(1) } as const
    return this.act((step) => this.coordinator.call(call, this.#now, step))
  }

  get(): Step {
    const call = { kind: 'get', tag: 1, keyspace: this.#keyspace, key: 'k' } as const
    return this.act((step) => this.coordinator.call(call, this.#now, step))
  }
}

interface Example {
  readonly n: number
  readonly expression: Expression
  /** Who answers, and whose link is lost, in order. */
  readonly events: readonly { readonly replica: number; readonly answers: boolean }[]
}

const anyExample: fc.Arbitrary<Example> = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.record({
    n: fc.constant(n),
    expression: anyExpression(n),
    events: fc
      .tuple(
        fc.shuffledSubarray(
          Array.from({ length: n }, (_, replica) => replica),
          { minLength: n, maxLength: n },
        ),
        fc.array(fc.boolean(), { minLength: n, maxLength: n }),
      )
      .map(([order, answers]) => order.map((replica, at) => ({ replica, answers: answers[at] as boolean }))),
  }),
)

/** By letters, the slow way. */
function isMet(expression: Expression, replicas: ReadonlySet<number>): boolean {
  return meets(expression, (letter) => replicas.has(LETTERS.indexOf(letter)))
}

function endOf({ replies }: Step): Reply['result'] {
  return replies[0]?.result
}

test('any expression: a write ends with the answer that completes a quorum, or the loss that leaves none', () => {
  holds(
    fc.property(anyExample, ({ n, expression, events }) => {
      const bench = new Bench(n, { write: printExpression(expression) })
      const step = bench.put()
      expect(step.to.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, replica) => replica))
      const { id } = step.messages[0] as Extract<Message, { kind: 'write' }>
      const answered = new Set<number>()
      const lost = new Set<number>()
      for (const { replica, answers } of events) {
        const end = endOf(answers ? bench.receive({ kind: 'written', id, round: 0 }, replica) : bench.lose(replica))
        ;(answers ? answered : lost).add(replica)
        const possible = new Set(Array.from({ length: n }, (_, one) => one).filter((one) => !lost.has(one)))
        if (isMet(expression, answered)) {
          expect((end as { receipt: Receipt }).receipt.reached).toBe(answered.size)
          return
        }
        if (!isMet(expression, possible)) {
          expect(end).toMatchObject({ code: 'QUORATE_UNAVAILABLE', received: answered.size })
          return
        }
        expect(end).toBeUndefined()
      }
    }),
  )
})

test('any expression: a read asks a quorum without a member to spare, replaces the lost, and ends like a write', () => {
  holds(
    fc.property(anyExample, ({ n, expression, events }) => {
      const bench = new Bench(n, { read: printExpression(expression) })
      const first = bench.get()
      const asked = new Set(first.to)
      const { id } = first.messages[0] as Extract<Message, { kind: 'read' }>
      expect(isMet(expression, asked)).toBe(true)
      for (const one of asked) {
        expect(isMet(expression, new Set([...asked].filter((other) => other !== one)))).toBe(false)
      }
      const answered = new Set<number>()
      const lost = new Set<number>()
      for (const { replica, answers } of events) {
        if (answers && !asked.has(replica)) continue
        const absent: Answer = { kind: 'read-answer', id, round: 0, digest: ABSENT, record: undefined }
        const step = answers ? bench.receive(absent, replica) : bench.lose(replica)
        for (const to of step.to) asked.add(to)
        ;(answers ? answered : lost).add(replica)
        const possible = new Set(Array.from({ length: n }, (_, one) => one).filter((one) => !lost.has(one)))
        const end = endOf(step)
        if (isMet(expression, answered)) {
          expect((end as { receipt: Receipt }).receipt.reached).toBe(answered.size)
          return
        }
        // Those that answered count, though their link is lost since.
        if (!isMet(expression, new Set([...possible, ...answered]))) {
          expect(end).toBeInstanceOf(QuorateError)
          return
        }
        expect(end).toBeUndefined()
        expect(isMet(expression, new Set([...asked].filter((one) => !lost.has(one) || answered.has(one))))).toBe(true)
      }
    }),
  )
})

test('a strategy: a read asks the set that it drew, and the nearest one when that set cannot be reached', () => {
  const reads = [{ quorum: ['c', 'd'], probability: 1 }]
  const bench = new Bench(4, { read: 'a and b or c and d', strategy: { reads } })
  expect(bench.get().to).toEqual([2, 3])
  bench.lose(3)
  expect(bench.get().to).toEqual([0, 1])
})
