/** Rounds of a register, run by a coordinator: when they end, and what the next one does. */
import { expect, test } from 'vitest'
import { NO_BALLOT, type Ballot } from '../../../src/core/base/ballot.ts'
import { Random } from '../../../src/core/base/random.ts'
import { Coordinator } from '../../../src/core/coordinator.ts'
import type { Answer, Prepare } from '../../../src/core/message.ts'
import { resolveCore, resolveKeyspace } from '../../../src/core/options.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { UNWRITTEN } from '../../../src/core/consensus/register-state.ts'
import { Step } from '../../../src/core/step.ts'

/** A coordinator of three replicas that can all be reached; what it says is looked at, and answered by hand. */
class Bench {
  readonly coordinator: Coordinator
  readonly #keyspace: ReturnType<Coordinator['keyspace']>
  #nowMs = 100

  constructor() {
    const membership = membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' })))
    const place = { name: 'client', membership, local: -1, life: undefined, zone: '' }
    this.coordinator = new Coordinator({ ...place, options: resolveCore({}), random: new Random(1) })
    this.#keyspace = this.coordinator.keyspace(resolveKeyspace('accounts', { mode: 'cp' }, membership))
    for (let replica = 0; replica < 3; replica++) {
      this.#act((step) => this.coordinator.linked(replica, true, this.#now, step))
      this.receive({ kind: 'pong', sentAt: 99, clock: 0, incarnation: replica + 1, run: 1 }, replica)
    }
  }

  get #now(): { readonly monoMs: number; readonly wallMs: number } {
    return { monoMs: this.#nowMs, wallMs: this.#nowMs }
  }

  #act(run: (step: Step) => void): Step {
    const step = new Step()
    run(step)
    return step
  }

  put(): Step {
    const change = { kind: 'set', value: new Uint8Array(1), ifRevision: undefined } as const
    const call = { kind: 'change', tag: 1, keyspace: this.#keyspace, key: 'k', change } as const
    return this.#act((step) => this.coordinator.call(call, this.#now, step))
  }

  receive(answer: Answer, replica: number): Step {
    return this.#act((step) => this.coordinator.receive(answer, replica, this.#now, step))
  }

  /** Ticks until something is prepared; gives it with who was asked. */
  nextRound(): { readonly ballot: Ballot; readonly afterMs: number } {
    const sinceMs = this.#nowMs
    while (this.#nowMs < sinceMs + 60_000) {
      this.#nowMs += 5
      const step = this.#act((tick) => this.coordinator.tick(this.#now, tick))
      const [round] = preparesIn(step)
      if (round !== undefined) return { ballot: round.message.ballot, afterMs: this.#nowMs - sinceMs }
    }
    throw new Error('there was no other round within a minute')
  }
}

function preparesIn(step: Step): { readonly to: number; readonly message: Prepare }[] {
  return step.messages.flatMap((message, at) => {
    const to = step.to[at]
    return message.kind === 'prepare' && typeof to === 'number' ? [{ to, message }] : []
  })
}

test('a round: one replica has promised more and another is silent, so the next round soon goes above', () => {
  const bench = new Bench()
  const [first, second, third] = preparesIn(bench.put())
  if (first === undefined || second === undefined) throw new Error('two of three are asked')
  expect(third).toBeUndefined()
  const { ballot, id, round } = first.message
  const promised = { counter: ballot.counter + 7, proposer: ballot.proposer + 1, step: 0 }
  // The third is asked instead, and promises. Whether the round is won is up to the one that says nothing.
  const [other] = preparesIn(bench.receive({ kind: 'preempted', id, round, promised }, first.to))
  if (other === undefined) throw new Error('the third is asked')
  bench.receive({ kind: 'promised', id, round, accepted: NO_BALLOT, state: UNWRITTEN }, other.to)
  const next = bench.nextRound()
  expect(next.ballot.counter).toBeGreaterThan(promised.counter)
  expect(next.afterMs).toBeLessThan(1_000)
})
