/**
 * One exchange: two replicas find what differs in the partitions that both hold, and both end with the join of it.
 *
 * This is the side that asks, one question at a time. The digests of everything are compared first; where they differ,
 * each message goes a level down the tree (digest-tree.ts), so a round trip goes down two. Small parts are listed, and
 * of each position that differs this side sends what it has and asks for what the other has: both merge. What is found
 * is traded before more is looked for, so what waits here stays small however large the difference is.
 *
 * A question without an answer is asked again, word for word: the other side keeps nothing, and merging twice is merging
 * once. Writes may go on meanwhile on both sides. Their digests change under the comparison, so a key may be traded
 * without need or left for the next exchange, and never gets worse.
 * The host's duty: stage `merges` as writes before the next call, carry out `look`, send `question`, and call `tick` by
 * `wakeAt`. One of them is set after each call, or `outcome` is.
 * Ring: decisions.
 */
import type { RecordWrite } from '../record.ts'
import { briefOf, CHILDREN, partitionNode, rangeOf, type DigestForest, type PlaceRange } from './digest-tree.ts'
import { isSoundAnswer } from './exchange-check.ts'
import { exchangeSizeBytes } from './exchange-message.ts'
import type { Compared, Differing, ExchangeAnswer, Question, RangeList, Traded } from './exchange-message.ts'
import { childrenThatDiffer, isSmall, nodesIn, type ExchangeLimits } from './exchange-responder.ts'
import type { Found, FoundDigests, Look } from './record-index.ts'
import type { Sharing } from './sharing.ts'
import { TradeQueue } from './trade-queue.ts'

/**
 * `done`: nothing more was found to differ. `silent`: the peer did not answer. `declined`: it would not. `bad-answer`:
 * what it said makes no sense. After each of them the next exchange starts over, with what is left.
 */
export type ExchangeOutcome = 'done' | 'silent' | 'declined' | 'bad-answer'

/** What an exchange wants of its host. The host empties it. */
export class ExchangeStep {
  question: Question | undefined = undefined
  look: Look | undefined = undefined
  merges: readonly RecordWrite[] = []
  wakeAt: number = Infinity
  outcome: ExchangeOutcome | undefined = undefined

  clear(): void {
    this.question = this.look = this.outcome = undefined
    this.merges = []
    this.wakeAt = Infinity
  }
}

/** How far it is. */
export interface ExchangeProgress {
  rounds: number
  sentBytes: number
  receivedBytes: number
  /** Places that were found to differ. */
  differing: number
  /** Records that this side sent, and got. */
  offered: number
  received: number
}

export interface ExchangeConfig {
  readonly forest: DigestForest
  readonly sharing: Sharing
  /** The other replica. */
  readonly peer: number
  readonly limits: ExchangeLimits
  /** A number for each question that no earlier question to this peer had. */
  readonly nextId: () => number
  /** The digest of the confirmed definitions. */
  readonly known: () => number
  /** A question without an answer for so long is asked again. */
  readonly timeoutMs: number
  /** How often one question is asked. */
  readonly attemptsMax: number
  /** When the next question may leave, given what the last round took: how an exchange is kept slow. */
  readonly pace: (sizeBytes: number, nowMs: number) => number
}

interface Pending<Of> {
  readonly copies: number
  readonly of: Of
}

/** Lists of the peer, and the question that they answer, with which their briefs are salted. */
interface Listed {
  readonly copies: number
  readonly salt: number
  readonly lists: readonly RangeList[]
}

/** Places to trade beyond which no more are looked for. */
const TRADES_ENOUGH = 4_096

export class Exchange {
  readonly progress: ExchangeProgress = {
    rounds: 0,
    sentBytes: 0,
    receivedBytes: 0,
    differing: 0,
    offered: 0,
    received: 0,
  }
  readonly #config: ExchangeConfig
  readonly #shared: (copies: number) => readonly number[]
  /** Work, the most urgent last in this list: nodes to compare, ranges to ask for, lists to compare, places to trade. */
  readonly #nodes: Pending<number>[] = []
  readonly #ranges: Pending<PlaceRange>[] = []
  readonly #lists: Listed[] = []
  readonly #trades = new TradeQueue()
  #question: Question | undefined = undefined
  #look: Look | undefined = undefined
  /** The lists of the peer that a look is about. */
  #looking: Listed | undefined = undefined
  #attempts = 0
  /** When to send the question, again if it was sent before. */
  #dueAt = Infinity
  #roundBytes = 0
  #over = false

  constructor(config: ExchangeConfig) {
    this.#config = config
    this.#shared = (copies) => config.sharing.partitions(copies, { peer: config.peer })
  }

  begin(nowMs: number, step: ExchangeStep): void {
    const { forest, known } = this.#config
    const roots: { copies: number; sum: number }[] = []
    for (const copies of forest.copies()) {
      const partitions = this.#shared(copies)
      if (partitions.length > 0) roots.push({ copies, sum: forest.treeOf(copies).total(partitions) })
    }
    this.#ask({ kind: 'compare', id: this.#config.nextId(), roots, known: known() }, nowMs, step)
  }

  /** An answer of the peer. One that was not asked for, or comes twice, changes nothing. */
  answered(answer: ExchangeAnswer, nowMs: number, step: ExchangeStep): void {
    const question = this.#question
    if (this.#over || question === undefined || this.#attempts === 0 || answer.id !== question.id) {
      step.wakeAt = this.#dueAt
      return
    }
    if (answer.kind === 'declined') return this.#end('declined', step)
    if (!isSoundAnswer(answer, question, this.#shared)) return this.#end('bad-answer', step)
    const size = exchangeSizeBytes(answer)
    this.progress.receivedBytes += size
    this.#roundBytes += size
    this.progress.rounds++
    this.#question = undefined
    this.#dueAt = Infinity
    if (answer.kind === 'compared') this.#compared(answer)
    else if (answer.kind === 'differing') this.#differing(answer, question)
    else this.#traded(answer, question, step)
    this.#next(nowMs, step)
  }

  /** What the last `look` found. */
  looked(found: Found, nowMs: number, step: ExchangeStep): void {
    const look = this.#look
    if (this.#over || look === undefined) return
    this.#look = undefined
    if (found.kind === 'digests') {
      this.#compareLists(found)
      this.#next(nowMs, step)
    } else {
      const { copies } = look
      const { wanted, skip } = this.#trades.taken(found)
      this.progress.offered += found.records.length
      this.#ask({ kind: 'trade', id: this.#config.nextId(), copies, offered: found.records, wanted, skip }, nowMs, step)
    }
  }

  tick(nowMs: number, step: ExchangeStep): void {
    if (this.#question !== undefined && nowMs >= this.#dueAt) this.#send(this.#question, nowMs, step)
    else step.wakeAt = this.#dueAt
  }

  #ask(question: Question, nowMs: number, step: ExchangeStep): void {
    this.#question = question
    this.#attempts = 0
    this.#dueAt = Math.max(nowMs, this.#config.pace(this.#roundBytes, nowMs))
    this.#roundBytes = 0
    this.tick(nowMs, step)
  }

  #send(question: Question, nowMs: number, step: ExchangeStep): void {
    const { attemptsMax, timeoutMs } = this.#config
    if (this.#attempts >= attemptsMax) return this.#end('silent', step)
    this.#attempts++
    const size = exchangeSizeBytes(question)
    this.progress.sentBytes += size
    this.#roundBytes += size
    this.#dueAt = nowMs + timeoutMs
    step.question = question
    step.wakeAt = this.#dueAt
  }

  #end(outcome: ExchangeOutcome, step: ExchangeStep): void {
    this.#over = true
    this.#question = this.#look = undefined
    this.#dueAt = Infinity
    step.outcome = outcome
  }

  #next(nowMs: number, step: ExchangeStep): void {
    if (this.#lists.length > 0 && this.#trades.length < TRADES_ENOUGH) {
      const listed = this.#lists.pop() as Listed
      const { copies, salt, lists } = listed
      this.#looking = listed
      const ranges = lists.map(({ partition, from, to }) => ({ partition, from, to }))
      this.#lookFor({ kind: 'digests', copies, ranges, salt, entriesMax: this.#config.limits.entriesMax }, step)
    } else if (this.#trades.length > 0) {
      this.#trade(nowMs, step)
    } else if (this.#ranges.length > 0) {
      const { copies, all } = lastOf(this.#ranges, nodesIn(this.#config.limits))
      this.#ask({ kind: 'list', id: this.#config.nextId(), copies, ranges: all }, nowMs, step)
    } else if (this.#nodes.length > 0) {
      const { copies, all } = lastOf(this.#nodes, nodesIn(this.#config.limits))
      const tree = this.#config.forest.treeOf(copies)
      const id = this.#config.nextId()
      const briefs = all.flatMap((node) => tree.childSums(node).map((sum) => briefOf(sum, id)))
      this.#ask({ kind: 'descend', id, copies, nodes: all, briefs }, nowMs, step)
    } else {
      this.#end('done', step)
    }
  }

  #trade(nowMs: number, step: ExchangeStep): void {
    const { copies, offers, skip } = this.#trades.take()
    if (offers.length > 0) {
      const { sizeBytesMax } = this.#config.limits
      this.#lookFor({ kind: 'records', copies, places: offers, skip, sizeBytesMax }, step)
      return
    }
    const taken = this.#trades.taken({ done: 0, skip: 0 })
    this.#ask({ kind: 'trade', id: this.#config.nextId(), copies, offered: [], ...taken }, nowMs, step)
  }

  #lookFor(look: Look, step: ExchangeStep): void {
    this.#look = step.look = look
  }

  /** A part that the two hold differently. */
  #differs(copies: number, node: number): void {
    const tree = this.#config.forest.treeOf(copies)
    if (isSmall(tree, node)) this.#ranges.push({ copies, of: rangeOf(node) })
    else this.#nodes.push({ copies, of: node })
  }

  #compared({ id, trees }: Compared): void {
    for (const { copies, briefs } of trees) {
      const partitions = this.#shared(copies)
      const own = this.#config.forest.treeOf(copies).roots(partitions)
      partitions.forEach((partition, i) => {
        if (briefOf(own[i] as number, id) !== briefs[i]) this.#differs(copies, partitionNode(partition))
      })
    }
  }

  #differing({ id, nodes, briefs, lists, left, done }: Differing, question: Question): void {
    if (question.kind !== 'descend' && question.kind !== 'list') return
    const { copies } = question
    const tree = this.#config.forest.treeOf(copies)
    if (question.kind === 'descend') {
      for (const node of question.nodes.slice(done)) this.#nodes.push({ copies, of: node })
    }
    nodes.forEach((node, i) => {
      const theirs = { briefs, at: CHILDREN * i, salt: id }
      for (const child of childrenThatDiffer(tree, node, theirs)) this.#differs(copies, child)
    })
    for (const range of left) this.#ranges.push({ copies, of: range })
    if (lists.length > 0) this.#lists.push({ copies, salt: id, lists })
  }

  /** The peer's lists beside what was found here; those that the look did not come to the end of wait for another. */
  #compareLists(found: FoundDigests): void {
    const { copies, salt, lists } = this.#looking ?? { copies: 0, salt: 0, lists: [] }
    this.#looking = undefined
    const rest = lists.slice(found.lists.length)
    for (const [i, own] of found.lists.entries()) {
      const their = lists[i]
      if (their === undefined) break
      this.progress.differing += this.#trades.compare(copies, own, their)
      if (own.to < their.to) rest.push(after(their, own.to))
    }
    if (rest.length > 0) this.#lists.push({ copies, salt, lists: rest })
  }

  #traded({ records, done, skip }: Traded, question: Question, step: ExchangeStep): void {
    if (question.kind !== 'trade') return
    const { copies, wanted } = question
    step.merges = records.filter(({ keyspace }) => this.#config.forest.holds(keyspace, { copies }))
    this.progress.received += records.length
    this.#trades.again(copies, wanted.slice(2 * done), skip)
  }
}

/** Takes the last elements of a list that speak of the same n, at most so many. */
function lastOf<Of>(list: Pending<Of>[], countMax: number): { readonly copies: number; readonly all: Of[] } {
  const copies = (list.at(-1) as Pending<Of>).copies
  const all: Of[] = []
  while (all.length < countMax && list.at(-1)?.copies === copies) all.push((list.pop() as Pending<Of>).of)
  return { copies, all }
}

/** What is left of a list from a position on. */
function after({ partition, to, entries }: RangeList, from: number): RangeList {
  let first = 0
  while (first < entries.length && (entries[first] as number) < from) first += 2
  return { partition, from, to, entries: entries.slice(first) }
}
