/**
 * The side of an exchange that answers.
 *
 * It keeps nothing between two questions: each answer follows from the question and from what is stored now, so a lost
 * message, a restart on either side and a question that comes twice cost no more than another question. What one
 * question may cost is bounded by the limits, and the answer says how far it came.
 * The host's duty: stage a plan's merges as it stages writes, each checked as a write from a coordinator is; then look;
 * then send the answer, behind the writes as step.ts says.
 * Ring: decisions.
 */
import { digestOf } from '../causality/merge.ts'
import type { RecordWrite } from '../record.ts'
import {
  briefOf,
  CHILDREN,
  firstChild,
  rangeOf,
  type DigestForest,
  type DigestTree,
  type PlaceRange,
} from './digest-tree.ts'
import { isSoundQuestion } from './exchange-check.ts'
import type { Compare, Descend, Differing, ExchangeAnswer, List, Question, Trade } from './exchange-message.ts'
import type { Found, FoundDigests, Look } from './record-index.ts'
import type { Sharing } from './sharing.ts'

export interface ExchangeLimits {
  /** Roughly the size of the largest message; a single record may exceed it. */
  readonly sizeBytesMax: number
  /** Positions in the lists of one answer. */
  readonly entriesMax: number
}

export const EXCHANGE_LIMITS: ExchangeLimits = { sizeBytesMax: 65_536, entriesMax: 4_096 }

/** A part with so few records is listed at once: less to send than the digests down to its leaves. */
const LIST_AT = 8

/** Whether what is below a node is listed, not compared further. */
export function isSmall(tree: DigestTree, node: number): boolean {
  return !tree.hasChildren(node) || tree.countBelow(node) <= LIST_AT
}

/** How many nodes a message of this size has room for. */
export function nodesIn({ sizeBytesMax }: ExchangeLimits): number {
  return Math.max(CHILDREN, Math.floor(sizeBytesMax / (4 + 4 * CHILDREN)))
}

/** An answer that waits for what a look finds; a plan without a look is ready. */
export type Plan =
  | { readonly kind: 'ready'; readonly merges: readonly RecordWrite[]; readonly answer: ExchangeAnswer }
  | {
      readonly kind: 'look'
      readonly merges: readonly RecordWrite[]
      readonly look: Look
      readonly answerWith: (found: Found) => ExchangeAnswer
    }

export interface ResponderConfig {
  readonly forest: DigestForest
  readonly sharing: Sharing
  readonly limits: ExchangeLimits
  /** The digest of the confirmed definitions. */
  readonly known: () => number
}

const NONE: readonly RecordWrite[] = []

export class ExchangeResponder {
  readonly #forest: DigestForest
  readonly #sharing: Sharing
  readonly #limits: ExchangeLimits
  readonly #known: () => number

  constructor({ forest, sharing, limits, known }: ResponderConfig) {
    this.#forest = forest
    this.#sharing = sharing
    this.#limits = limits
    this.#known = known
  }

  /** What to do about a question of the replica with index `peer`. */
  plan(question: Question, peer: number): Plan {
    const shared = (copies: number): readonly number[] => this.#sharing.partitions(copies, { peer })
    if (!isSoundQuestion(question, shared)) return ready({ kind: 'declined', id: question.id })
    switch (question.kind) {
      case 'compare':
        return this.#compare(question, shared)
      case 'descend':
        return this.#descend(question)
      case 'list':
        return this.#list(question, { nodes: [], briefs: [], ranges: question.ranges, done: 0 })
      case 'trade':
        return this.#trade(question)
    }
  }

  #compare({ id, roots }: Compare, shared: (copies: number) => readonly number[]): Plan {
    const theirs = new Map(roots.map(({ copies, sum }) => [copies, sum]))
    const trees: { copies: number; briefs: readonly number[] }[] = []
    for (const copies of new Set([...theirs.keys(), ...this.#forest.copies()])) {
      const partitions = shared(copies)
      if (partitions.length === 0) continue
      const tree = this.#forest.treeOf(copies)
      if (tree.total(partitions) === (theirs.get(copies) ?? 0)) continue
      trees.push({ copies, briefs: tree.roots(partitions).map((sum) => briefOf(sum, id)) })
    }
    return ready({ kind: 'compared', id, trees, known: this.#known() })
  }

  #descend(question: Descend): Plan {
    const tree = this.#forest.treeOf(question.copies)
    const nodesMax = nodesIn(this.#limits)
    const nodes: number[] = []
    const briefs: number[] = []
    const ranges: PlaceRange[] = []
    let done = 0
    for (const node of question.nodes) {
      // Whatever the node turns out to hold must still find room.
      if (done > 0 && nodes.length + ranges.length + CHILDREN > nodesMax) break
      for (const child of childrenThatDiffer(tree, node, {
        briefs: question.briefs,
        at: CHILDREN * done,
        salt: question.id,
      })) {
        if (isSmall(tree, child)) {
          ranges.push(rangeOf(child))
        } else {
          nodes.push(child)
          for (const sum of tree.childSums(child)) briefs.push(briefOf(sum, question.id))
        }
      }
      done++
    }
    return this.#list(question, { nodes, briefs, ranges, done })
  }

  #list({ id, copies }: Descend | List, draft: Draft): Plan {
    const { nodes, briefs, ranges, done } = draft
    if (ranges.length === 0) return ready({ kind: 'differing', id, nodes, briefs, lists: [], left: [], done })
    return {
      kind: 'look',
      merges: NONE,
      look: { kind: 'digests', copies, ranges, entriesMax: this.#limits.entriesMax, salt: id },
      answerWith: (found): Differing => {
        const { lists } = found as FoundDigests
        return { kind: 'differing', id, nodes, briefs, lists, left: beyond(ranges, lists), done }
      },
    }
  }

  #trade({ id, copies, offered, wanted, skip }: Trade): Plan {
    const merges = offered.filter(({ keyspace }) => this.#forest.holds(keyspace, { copies }))
    if (wanted.length === 0) return { ...ready({ kind: 'traded', id, records: NONE, done: 0, skip: 0 }), merges }
    return {
      kind: 'look',
      merges,
      look: { kind: 'records', copies, places: wanted, skip, sizeBytesMax: this.#limits.sizeBytesMax },
      answerWith: (found): ExchangeAnswer => {
        if (found.kind !== 'records') return { kind: 'declined', id }
        const known = new Map(offered.map((write) => [nameOf(write), digestOf(write.record)]))
        const records = found.records.filter((write) => known.get(nameOf(write)) !== digestOf(write.record))
        return { kind: 'traded', id, records, done: found.done, skip: found.skip }
      },
    }
  }
}

interface Draft {
  readonly nodes: readonly number[]
  readonly briefs: readonly number[]
  readonly ranges: readonly PlaceRange[]
  readonly done: number
}

/**
 * The children of a node whose briefs are not those given; the node itself where this tree ends there, since then it
 * has to be listed anyway.
 */
export function childrenThatDiffer(
  tree: DigestTree,
  node: number,
  theirs: { readonly briefs: readonly number[]; readonly at: number; readonly salt: number },
): number[] {
  if (!tree.hasChildren(node)) return [node]
  const differing: number[] = []
  tree.childSums(node).forEach((sum, i) => {
    if (briefOf(sum, theirs.salt) !== theirs.briefs[theirs.at + i]) differing.push(firstChild(node) + i)
  })
  return differing
}

/** The parts of ranges that lists have not come to. */
function beyond(ranges: readonly PlaceRange[], lists: readonly PlaceRange[]): PlaceRange[] {
  const left = ranges.slice(lists.length)
  const last = lists.at(-1)
  const range = ranges[lists.length - 1]
  if (last === undefined || range === undefined || last.to >= range.to) return left
  return [{ partition: range.partition, from: last.to, to: range.to }, ...left]
}

function ready(answer: ExchangeAnswer): Plan {
  return { kind: 'ready', merges: NONE, answer }
}

function nameOf({ keyspace, key }: RecordWrite): string {
  return `${keyspace}/${key}`
}
