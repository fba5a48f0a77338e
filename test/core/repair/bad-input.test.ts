/** What an exchange does with silence, with answers that make no sense, and with questions of that kind. */
import { describe, expect, test } from 'vitest'
import { ABSENT, digestOf } from '../../../src/core/causality/merge.ts'
import type { RecordWrite } from '../../../src/core/record.ts'
import { CHILDREN, partitionNode, placeOf, rangeOf } from '../../../src/core/repair/digest-tree.ts'
import { Exchange, ExchangeStep } from '../../../src/core/repair/exchange.ts'
import type { Differing, ExchangeAnswer, Question, Traded } from '../../../src/core/repair/exchange-message.ts'
import { EXCHANGE_LIMITS, ExchangeResponder } from '../../../src/core/repair/exchange-responder.ts'
import { lookIn } from '../../../src/core/repair/record-index.ts'
import { Sharing } from '../../../src/core/repair/sharing.ts'
import { answerOf, LWW, MEMBERSHIP, ModelReplica, SIBLINGS, talk } from './model-replica.ts'

const limits = EXCHANGE_LIMITS
const TIMEOUT_MS = 100
const SHARED = new Sharing(MEMBERSHIP, 0).partitions(3, { peer: 1 })
const UNSHARED = Array.from({ length: 256 }, (_, i) => i).find((partition) => !SHARED.includes(partition)) as number

/** A key of three copies that replicas 0 and 1 both hold. */
const KEYS = Array.from({ length: 400 }, (_, i) => `k${i}`).filter((key) =>
  SHARED.includes(placeOf({ keyspace: SIBLINGS, key }).partition),
)
const KEY = KEYS[0] as string

function write(key: string, counter = 1): RecordWrite {
  const sibling = { actor: 5, counter, op: counter, at: counter, value: Uint8Array.of(counter) }
  const context = { vector: [5, counter], cloud: [] }
  return { keyspace: SIBLINGS, key, record: { kind: 'dotted', context, siblings: [sibling], replaced: [] } }
}

function exchangeOf(replica: ModelReplica, pace = (_: number, nowMs: number): number => nowMs) {
  let id = 0
  const exchange = new Exchange({
    forest: replica.forest,
    sharing: new Sharing(MEMBERSHIP, 0),
    peer: 1,
    limits,
    nextId: () => ++id,
    known: () => 0,
    timeoutMs: TIMEOUT_MS,
    attemptsMax: 3,
    pace,
  })
  const step = new ExchangeStep()
  exchange.begin(0, step)
  return { exchange, step }
}

function responderOf(replica: ModelReplica): ExchangeResponder {
  return new ExchangeResponder({ forest: replica.forest, sharing: new Sharing(MEMBERSHIP, 1), limits, known: () => 0 })
}

function ask(replica: ModelReplica, question: Question): ExchangeAnswer {
  return answerOf(responderOf(replica), replica, { question, from: 0 })
}

describe('exchange: a peer that is silent or slow', () => {
  test('silence: the same question again, and after some attempts an end', () => {
    const { exchange, step } = exchangeOf(new ModelReplica())
    const question = step.question
    expect(question).toEqual({ kind: 'compare', id: 1, known: 0, roots: [] })
    expect(step.wakeAt).toBe(TIMEOUT_MS)
    step.clear()
    exchange.tick(TIMEOUT_MS - 1, step)
    expect(step).toMatchObject({ question: undefined, wakeAt: TIMEOUT_MS })
    for (const attempt of [1, 2]) {
      exchange.tick(attempt * TIMEOUT_MS, step)
      expect(step.question).toEqual(question)
      step.clear()
    }
    exchange.tick(3 * TIMEOUT_MS, step)
    expect(step.outcome).toBe('silent')
    step.clear()
    exchange.answered({ kind: 'compared', id: 1, trees: [], known: 0 }, 301, step)
    exchange.looked({ kind: 'records', records: [], done: 0, skip: 0 }, 301, step)
    exchange.tick(400, step)
    expect(step).toMatchObject({ outcome: undefined, question: undefined, look: undefined, wakeAt: Infinity })
  })

  test('an answer to another question changes nothing', () => {
    const { exchange, step } = exchangeOf(new ModelReplica())
    step.clear()
    exchange.answered({ kind: 'compared', id: 9, trees: [], known: 0 }, 1, step)
    expect(step).toMatchObject({ outcome: undefined, wakeAt: TIMEOUT_MS })
  })

  test('pace: a question waits for its time, counted from what the last round took', () => {
    const replica = new ModelReplica()
    for (const key of KEYS) replica.merge(write(key))
    const sizes: number[] = []
    const pace = (sizeBytes: number, nowMs: number): number => {
      sizes.push(sizeBytes)
      return nowMs + sizeBytes
    }
    const said = talk({ asks: replica, answers: new ModelReplica(), indexes: [0, 1], limits, pace })
    const { sentBytes, receivedBytes, rounds } = said.exchange.progress
    expect(said.outcome).toBe('done')
    expect(sizes.length).toBe(rounds)
    const last = sentBytes + receivedBytes - sizes.reduce((a, b) => a + b)
    expect(last).toBeGreaterThan(0)
    expect(said.tookMs).toBe(sentBytes + receivedBytes - last)
  })
})

describe('exchange: questions that make no sense', () => {
  const replica = new ModelReplica()
  for (const key of KEYS) replica.merge(write(key))
  const id = 1
  const copies = 3
  const [shared = 0] = SHARED
  const node = partitionNode(shared)
  const briefs = Array.from({ length: CHILDREN }, () => 1)
  const range = rangeOf(node)
  const bad: Readonly<Record<string, Question>> = {
    'a sum that is no number': { kind: 'compare', id, known: 0, roots: [{ copies, sum: NaN }] },
    'a node that is none': { kind: 'descend', id, copies, nodes: [77], briefs },
    'a node without its children': { kind: 'descend', id, copies, nodes: [node], briefs: [] },
    'a node too deep to have children': { kind: 'descend', id, copies, nodes: [2 ** 29], briefs },
    'a node that is not shared': { kind: 'descend', id, copies, nodes: [partitionNode(UNSHARED)], briefs },
    'a brief that is no number': { kind: 'descend', id, copies, nodes: [node], briefs: briefs.map(() => -1) },
    'copies that there cannot be': { kind: 'descend', id, copies: 6, nodes: [node], briefs },
    'a range that is not shared': { kind: 'list', id, copies, ranges: [{ ...range, partition: UNSHARED }] },
    'a range with nothing in it': { kind: 'list', id, copies, ranges: [{ ...range, to: range.from }] },
    'a range beyond the last position': { kind: 'list', id, copies, ranges: [{ ...range, to: 2 ** 32 + 1 }] },
    'half a place': { kind: 'trade', id, copies, offered: [], wanted: [shared], skip: 0 },
    'a place that is not shared': { kind: 'trade', id, copies, offered: [], wanted: [UNSHARED, 1], skip: 0 },
    'a skip that is no number': { kind: 'trade', id, copies, offered: [], wanted: [], skip: -1 },
    'a record that is not shared': { kind: 'trade', id, copies, offered: [notShared()], wanted: [], skip: 0 },
  }

  test.for(Object.keys(bad))('question: %s is declined', (name) => {
    const before = new Map(replica.records)
    expect(ask(replica, bad[name] as Question)).toEqual({ kind: 'declined', id })
    expect(replica.records).toEqual(before)
  })

  test('question: a record of a keyspace that is not known here is left out', () => {
    const offered = [{ ...write(KEY, 2), keyspace: LWW }]
    expect(ask(replica, { kind: 'trade', id, copies, offered, wanted: [], skip: 0 })).toMatchObject({ kind: 'traded' })
    expect(replica.records.get(`${LWW}/${KEY}`)).toBeUndefined()
  })

  test('question: from a replica that shares nothing is declined, or has nothing to compare', () => {
    const responder = responderOf(replica)
    const plan = responder.plan({ kind: 'compare', id, known: 0, roots: [{ copies, sum: 1 }] }, 99)
    expect(plan).toMatchObject({ answer: { kind: 'compared', trees: [] } })
    const descend = responder.plan({ kind: 'descend', id, copies, nodes: [node], briefs }, 99)
    expect(descend).toMatchObject({ answer: { kind: 'declined' } })
  })

  test('question: forged briefs cost a list and nothing else', () => {
    const answer = ask(replica, { kind: 'descend', id, copies, nodes: [node], briefs }) as Differing
    expect(answer.lists.length).toBe(CHILDREN)
    expect(answer.done).toBe(1)
  })

  function notShared(): RecordWrite {
    for (let i = 0; ; i++)
      if (placeOf({ keyspace: SIBLINGS, key: `u${i}` }).partition === UNSHARED) return write(`u${i}`)
  }
})

describe('exchange: answers that make no sense', () => {
  const place = placeOf({ keyspace: SIBLINGS, key: KEY })
  const range = { partition: place.partition, from: 0, to: 2 ** 32 }

  /** Up to the question of this kind, with a peer that is told the truth; then what `forge` makes of its answer. */
  function forged(kind: Question['kind'], forge: (answer: ExchangeAnswer) => ExchangeAnswer) {
    const [asks, answers] = [new ModelReplica(), new ModelReplica()]
    for (let i = 0; i < 60; i++) asks.merge(write(KEYS[i] as string, 1))
    answers.merge(write(KEY, 2))
    const before = digestOf(asks.records.get(`${SIBLINGS}/${KEY}`)?.record)
    const { exchange, step } = exchangeOf(asks)
    for (let i = 0; i < 1_000; i++) {
      const { question, look, outcome } = step
      for (const merged of step.merges) asks.merge(merged)
      if (outcome !== undefined) return { outcome, asks, before }
      step.clear()
      if (look !== undefined) exchange.looked(lookIn(asks, look), 0, step)
      if (question === undefined) continue
      const answer = ask(answers, question)
      exchange.answered(question.kind === kind ? forge(answer) : answer, 0, step)
    }
    throw new Error('the exchange goes on for ever')
  }

  const head = { id: 0, nodes: [], briefs: [], lists: [], left: [], done: 0 }
  const list = { ...range, entries: [] }
  const cases: readonly (readonly [string, Question['kind'], object])[] = [
    ['another kind of answer', 'compare', { kind: 'traded', records: [], done: 0, skip: 0 }],
    ['too few partitions', 'compare', { kind: 'compared', known: 0, trees: [{ copies: 3, briefs: [1] }] }],
    ['copies that there cannot be', 'compare', { kind: 'compared', known: 0, trees: [{ copies: 9, briefs: [] }] }],
    ['nothing of what was asked for', 'list', { kind: 'differing', ...head }],
    [
      'a range that was not asked for',
      'list',
      { kind: 'differing', ...head, lists: [{ ...list, partition: UNSHARED }] },
    ],
    ['a list out of order', 'list', { kind: 'differing', ...head, lists: [{ ...list, entries: [5, 1, 4, 1] }] }],
    ['half an entry', 'list', { kind: 'differing', ...head, lists: [{ ...list, entries: [5] }] }],
    ['an entry beyond its range', 'list', { kind: 'differing', ...head, lists: [{ ...list, to: 5, entries: [5, 1] }] }],
    ['nodes for a list', 'list', { kind: 'differing', ...head, nodes: [256], lists: [list] }],
    [
      'the rest of nothing',
      'list',
      { kind: 'differing', ...head, lists: [list], left: [{ ...range, partition: UNSHARED }] },
    ],
    ['more places than were wanted', 'trade', { kind: 'traded', records: [], done: 1_000, skip: 0 }],
    ['a step that is none', 'trade', { kind: 'traded', records: [], done: -1, skip: 0 }],
    [
      'a record that nobody wanted',
      'trade',
      { kind: 'traded', records: [write(KEYS[70] as string)], done: 1, skip: 0 },
    ],
  ]

  test.for(cases)('answer: %s ends the exchange', ([, kind, answer]) => {
    const { outcome } = forged(kind, ({ id }) => ({ ...answer, id }) as ExchangeAnswer)
    expect(outcome).toBe('bad-answer')
  })

  test('answer: declined ends the exchange', () => {
    expect(forged('list', ({ id }) => ({ kind: 'declined', id })).outcome).toBe('declined')
  })

  test('answer: an old record that is passed off as news changes nothing', () => {
    const stale = (answer: ExchangeAnswer): ExchangeAnswer => ({ ...(answer as Traded), records: [write(KEY, 1)] })
    const { outcome, asks, before } = forged('trade', stale)
    expect(outcome).toBe('done')
    expect(before).not.toBe(ABSENT)
    expect(digestOf(asks.records.get(`${SIBLINGS}/${KEY}`)?.record)).toBe(before)
  })
})
