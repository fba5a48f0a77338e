/**
 * One exchange between two replicas over a link that loses nothing, counted.
 */
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Exchange, ExchangeStep, type ExchangeProgress } from '../../src/core/repair/exchange.ts'
import { EXCHANGE_LIMITS, ExchangeResponder } from '../../src/core/repair/exchange-responder.ts'
import { lookIn } from '../../src/core/repair/record-index.ts'
import { Sharing } from '../../src/core/repair/sharing.ts'
import type { VastReplica } from './vast-replica.ts'

const MEMBERS = membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' })))

/** Replica `a` asks, replica `b` answers. Throws when they do not come to an end. */
export function converse(a: VastReplica, b: VastReplica): ExchangeProgress {
  let id = 0
  const limits = EXCHANGE_LIMITS
  const responder = new ExchangeResponder({
    forest: b.forest,
    sharing: new Sharing(MEMBERS, 1),
    limits,
    known: () => 0,
  })
  const exchange = new Exchange({
    forest: a.forest,
    sharing: new Sharing(MEMBERS, 0),
    peer: 1,
    limits,
    nextId: () => ++id,
    known: () => 0,
    timeoutMs: 1000,
    attemptsMax: 1,
    pace: (_, nowMs) => nowMs,
  })
  const step = new ExchangeStep()
  exchange.begin(0, step)
  while (step.outcome === undefined) {
    for (const write of step.merges) a.merge(write)
    const { question, look } = step
    step.clear()
    if (look !== undefined) {
      exchange.looked(lookIn(a, look), 0, step)
    } else if (question !== undefined) {
      const plan = responder.plan(question, 0)
      for (const write of plan.merges) b.merge(write)
      const answer = plan.kind === 'ready' ? plan.answer : plan.answerWith(lookIn(b, plan.look))
      exchange.answered(answer, 0, step)
    } else {
      throw new Error('the exchange waits for nothing')
    }
  }
  for (const write of step.merges) a.merge(write)
  if (step.outcome !== 'done') throw new Error(`the exchange ended with ${step.outcome}`)
  return exchange.progress
}
