/**
 * Whether a question or an answer of an exchange makes sense, before anything is made of it.
 *
 * The codec has seen to types and to whole numbers; here it is about places: nodes that exist, ranges inside what was
 * asked for, lists in order, and progress, so that no answer keeps an exchange going for ever. A forged digest passes,
 * and costs what the difference that it pretends would cost.
 * Ring: values.
 */
import { CHILDREN, firstChild, isNode, placeOf, rangeOf, type PlaceRange } from './digest-tree.ts'
import type {
  Compared,
  Descend,
  Differing,
  ExchangeAnswer,
  Question,
  RangeList,
  Trade,
  Traded,
} from './exchange-message.ts'

/** The partitions that two replicas share, for each n. */
export type Shared = (copies: number) => readonly number[]

/** Nodes, ranges or places in one message; as many as a frame ever needs. */
const LISTED_MAX = 65_536

export function isSoundQuestion(question: Question, shared: Shared): boolean {
  switch (question.kind) {
    case 'compare':
      return (
        isWhole(question.known) &&
        question.roots.length <= LISTED_MAX &&
        question.roots.every(({ sum }) => isWhole(sum))
      )
    case 'descend':
      return areNodes(question, new Set(shared(question.copies)))
    case 'list': {
      const partitions = new Set(shared(question.copies))
      return question.ranges.length <= LISTED_MAX && question.ranges.every((range) => isRange(range, partitions))
    }
    case 'trade':
      return isSoundTrade(question, new Set(shared(question.copies)))
  }
}

export function isSoundAnswer(answer: ExchangeAnswer, question: Question, shared: Shared): boolean {
  switch (answer.kind) {
    case 'compared':
      return question.kind === 'compare' && isSoundCompared(answer, shared)
    case 'differing':
      return isSoundDiffering(answer, question, shared)
    case 'traded':
      return question.kind === 'trade' && isSoundTraded(answer, question)
    case 'declined':
      return true
  }
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0
}

function isRange({ partition, from, to }: PlaceRange, partitions: ReadonlySet<number>): boolean {
  return partitions.has(partition) && isWhole(from) && isWhole(to) && from < to && to <= 2 ** 32
}

type Nodes = Pick<Descend, 'nodes' | 'briefs'>

function areNodes({ nodes, briefs }: Nodes, partitions: ReadonlySet<number>): boolean {
  if (nodes.length > LISTED_MAX || briefs.length !== CHILDREN * nodes.length || !briefs.every(isWhole)) return false
  return nodes.every((node) => isNode(node) && isNode(firstChild(node)) && partitions.has(rangeOf(node).partition))
}

function isSoundTrade({ wanted, skip, offered, copies }: Trade, partitions: ReadonlySet<number>): boolean {
  if (wanted.length > 2 * LISTED_MAX || wanted.length % 2 !== 0 || !isWhole(skip) || !isWhole(copies)) return false
  for (let i = 0; i < wanted.length; i += 2) {
    const from = wanted[i + 1] as number
    if (!isRange({ partition: wanted[i] as number, from, to: from + 1 }, partitions)) return false
  }
  return offered.every((write) => partitions.has(placeOf(write).partition))
}

function isSoundCompared({ trees, known }: Compared, shared: Shared): boolean {
  if (!isWhole(known)) return false
  const seen = new Set(trees.map(({ copies }) => copies))
  if (seen.size !== trees.length) return false
  return trees.every(({ copies, briefs }) => briefs.length > 0 && briefs.length === shared(copies).length)
}

function isSoundDiffering(answer: Differing, question: Question, shared: Shared): boolean {
  const { lists, left, done } = answer
  let asked: readonly PlaceRange[]
  if (question.kind === 'descend') {
    const { nodes } = question
    if (!areNodes(answer, new Set(shared(question.copies))) || !isWhole(done) || done > nodes.length) return false
    if (done === 0 && nodes.length > 0) return false
    const parents = new Set(nodes)
    if (!answer.nodes.every((node) => parents.has(Math.floor(node / CHILDREN)))) return false
    asked = nodes.map(rangeOf)
  } else if (question.kind === 'list') {
    if (answer.nodes.length > 0 || answer.briefs.length > 0 || lists.length === 0) return false
    asked = question.ranges
  } else {
    return false
  }
  const within = (range: PlaceRange): boolean => asked.some((outer) => contains(outer, range))
  return lists.every((list) => isInOrder(list) && within(list)) && left.every((range) => within(range))
}

function contains(outer: PlaceRange, { partition, from, to }: PlaceRange): boolean {
  return partition === outer.partition && from >= outer.from && from < to && to <= outer.to
}

function isInOrder({ from, to, entries }: RangeList): boolean {
  let next = from
  for (let i = 0; i < entries.length; i += 2) {
    const position = entries[i] as number
    if (!isWhole(position) || position < next || position >= to || !isWhole(entries[i + 1] ?? NaN)) return false
    next = position + 1
  }
  return true
}

/** Records of wanted places only, and at least one more record or place than before. */
function isSoundTraded({ records, done, skip }: Traded, { wanted, skip: before }: Trade): boolean {
  const places = wanted.length / 2
  if (!isWhole(done) || done > places || !isWhole(skip)) return false
  if (places > 0 && done === 0 && skip <= before) return false
  const asked = new Set<number>()
  for (let i = 0; i < wanted.length; i += 2) asked.add((wanted[i] as number) * 2 ** 32 + (wanted[i + 1] as number))
  return records.every((write) => {
    const { partition, position } = placeOf(write)
    return asked.has(partition * 2 ** 32 + position)
  })
}
