/**
 * A replica that holds records in a map and finds them by walking all of it, and a link that does to messages whatever
 * a network may do. Two kinds of keyspace, with 2 and with 3 copies.
 */
import type { Random } from '../../../src/core/base/random.ts'
import { compareKeys } from '../../../src/core/base/key-order.ts'
import { digestOf, mergeRecords } from '../../../src/core/causality/merge.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import type { RecordWrite, StoredRecord } from '../../../src/core/record.ts'
import { DigestForest, placeOf, type DigestChange, type PlaceRange } from '../../../src/core/repair/digest-tree.ts'
import { Exchange, ExchangeStep, type ExchangeOutcome } from '../../../src/core/repair/exchange.ts'
import type { ExchangeAnswer, Question } from '../../../src/core/repair/exchange-message.ts'
import { ExchangeResponder, type ExchangeLimits } from '../../../src/core/repair/exchange-responder.ts'
import { lookIn, type RecordIndex } from '../../../src/core/repair/record-index.ts'
import { Sharing } from '../../../src/core/repair/sharing.ts'

/** A keyspace of `siblings` with 3 copies, one of `lww` with 2, and what is the replica's own. */
export const SIBLINGS = 1_000
export const LWW = 2 ** 40 + 2_000
const OWN = 0

function copiesOf(keyspace: number): number | undefined {
  if (keyspace === OWN) return undefined
  return keyspace === SIBLINGS ? 3 : 2
}

export const MEMBERSHIP = membershipOf(['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, zone: '' })))

/** How a write reaches the digests. Any other than the right one is a mistake that a test has to notice. */
export type Upkeep = (forest: DigestForest, change: DigestChange) => void

export const RIGHT: Upkeep = (forest, change) => forest.update(change)

export class ModelReplica implements RecordIndex {
  readonly forest: DigestForest
  readonly records = new Map<string, RecordWrite>()
  readonly #upkeep: Upkeep

  constructor(options: { readonly leafBits?: number; readonly upkeep?: Upkeep } = {}) {
    this.forest = new DigestForest(copiesOf, options.leafBits)
    this.#upkeep = options.upkeep ?? RIGHT
  }

  merge({ keyspace, key, record }: RecordWrite): void {
    const name = `${keyspace}/${key}`
    const before = this.records.get(name)?.record
    const after = mergeRecords(before, record) as StoredRecord
    this.records.set(name, { keyspace, key, record: after })
    this.#upkeep(this.forest, { keyspace, key, before: digestOf(before), after: digestOf(after) })
  }

  walk(copies: number, range: PlaceRange, visit: (position: number, write: RecordWrite) => boolean): void {
    const { partition, from, to } = range
    const found = [...this.records.values()]
      .filter(({ keyspace }) => copiesOf(keyspace) === copies)
      .map((write) => ({ write, place: placeOf(write) }))
      .filter(({ place }) => place.partition === partition && place.position >= from && place.position < to)
      .toSorted(
        (x, y) =>
          x.place.position - y.place.position ||
          x.write.keyspace - y.write.keyspace ||
          compareKeys(x.write.key, y.write.key),
      )
    for (const { write, place } of found) if (!visit(place.position, write)) return
  }
}

export interface Talk {
  readonly asks: ModelReplica
  readonly answers: ModelReplica
  /** Their places in the membership. */
  readonly indexes: readonly [number, number]
  readonly limits: ExchangeLimits
  /** What the link does with each message, and in which order they arrive. None: it does no harm. */
  readonly network?: { readonly random: Random; readonly loss: number; readonly doubles: number }
  /** Called between any two events: writes that come meanwhile. */
  readonly meanwhile?: () => void
  readonly pace?: (sizeBytes: number, nowMs: number) => number
}

export interface Said {
  readonly exchange: Exchange
  readonly outcome: ExchangeOutcome
  readonly questions: readonly Question[]
  readonly answers: readonly ExchangeAnswer[]
  readonly tookMs: number
}

type Message = Question | ExchangeAnswer

/** Ids go on from exchange to exchange, as those of a process do. */
let ids = 0

/** One exchange from beginning to end, over a link that loses, doubles and reorders. */
export function talk({ asks, answers, indexes: [self, peer], limits, network, meanwhile, pace }: Talk): Said {
  const responder = new ExchangeResponder({
    forest: answers.forest,
    sharing: new Sharing(MEMBERSHIP, peer),
    limits,
    known: () => 0,
  })
  const exchange = new Exchange({
    forest: asks.forest,
    sharing: new Sharing(MEMBERSHIP, self),
    peer,
    limits,
    nextId: () => ++ids,
    known: () => 0,
    timeoutMs: 100,
    attemptsMax: 40,
    pace: pace ?? ((_, nowMs) => nowMs),
  })
  const asked: Question[] = []
  const answered: ExchangeAnswer[] = []
  const link: Message[] = []
  const send = (message: Message): void => {
    if (network?.random.chance(network.loss) === true) return
    link.push(message)
    if (network?.random.chance(network.doubles) === true) link.push(message)
  }
  const arrive = (): Message => link.splice(network?.random.below(link.length) ?? 0, 1)[0] as Message
  const step = new ExchangeStep()
  let nowMs = 0
  exchange.begin(nowMs, step)
  for (let event = 0; event < 100_000; event++) {
    meanwhile?.()
    for (const write of step.merges) asks.merge(write)
    const { question, look, outcome, wakeAt } = step
    if (outcome !== undefined) return { exchange, outcome, questions: asked, answers: answered, tookMs: nowMs }
    step.clear()
    if (question !== undefined) {
      asked.push(question)
      send(question)
    }
    if (look !== undefined) {
      exchange.looked(lookIn(asks, look), nowMs, step)
    } else if (link.length === 0) {
      nowMs = Math.max(nowMs, wakeAt)
      exchange.tick(nowMs, step)
    } else {
      const message = arrive()
      if (isAnswer(message)) {
        exchange.answered(message, nowMs, step)
      } else {
        const answer = answerOf(responder, answers, { question: message, from: self })
        answered.push(answer)
        send(answer)
        step.wakeAt = wakeAt
      }
    }
  }
  throw new Error('the exchange goes on for ever')
}

/** As a host does it: merges first, then the look. */
export function answerOf(
  responder: ExchangeResponder,
  replica: ModelReplica,
  { question, from }: { readonly question: Question; readonly from: number },
): ExchangeAnswer {
  const plan = responder.plan(question, from)
  for (const write of plan.merges) replica.merge(write)
  return plan.kind === 'ready' ? plan.answer : plan.answerWith(lookIn(replica, plan.look))
}

function isAnswer(message: Message): message is ExchangeAnswer {
  return ['compared', 'differing', 'traded', 'declined'].includes(message.kind)
}

/** The causal state of everything in the partitions that two replicas share, as text. */
export function sharedState(replica: ModelReplica, [self, peer]: readonly [number, number]): string[] {
  const sharing = new Sharing(MEMBERSHIP, self)
  const state: string[] = []
  for (const write of replica.records.values()) {
    const copies = copiesOf(write.keyspace)
    if (copies === undefined || !sharing.partitions(copies, { peer }).includes(placeOf(write).partition)) continue
    const { keyspace, key, record } = write
    state.push(JSON.stringify([keyspace, key, record], (_, value: unknown) => (value === undefined ? null : value)))
  }
  return state.toSorted()
}
