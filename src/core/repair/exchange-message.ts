/**
 * What two replicas say to each other in an exchange, and how many bytes it takes.
 *
 * The one that began asks, the other answers, and every answer can be worked out from its question alone. An answer
 * repeats the question's `id`, which the asker never uses for another. The frame around a message carries the epoch, so
 * the epoch is not repeated here. A *copies* is n of the keyspaces that are spoken of (digest-tree.ts). Digests travel
 * whole in `compare` only; below that they are briefs, salted with the id of the question that they belong to.
 * Ring: values.
 */
import type { RecordWrite, StoredRecord, Version } from '../record.ts'
import { CHILDREN, type PlaceRange } from './digest-tree.ts'

/** All records of a range, `position, brief` for each position, rising; the items at one position are added up. */
export interface RangeList extends PlaceRange {
  readonly entries: readonly number[]
}

interface Numbered {
  readonly id: number
}

/** Are we equal? One sum over all partitions that both hold, for each n. */
export interface Compare extends Numbered {
  readonly kind: 'compare'
  readonly roots: readonly { readonly copies: number; readonly sum: number }[]
  /** A digest of the confirmed definitions here: who has another tells its own. */
  readonly known: number
}

/** The briefs of every shared partition, in rising order, for each n whose sums differ. None: we are equal. */
export interface Compared extends Numbered {
  readonly kind: 'compared'
  readonly trees: readonly { readonly copies: number; readonly briefs: readonly number[] }[]
  /** The same of the one that answers. */
  readonly known: number
}

/** These nodes differ, and so are their children here: where? */
export interface Descend extends Numbered {
  readonly kind: 'descend'
  readonly copies: number
  readonly nodes: readonly number[]
  /** The briefs of the children of each node, node after node. */
  readonly briefs: readonly number[]
}

/** What do you hold in these ranges? */
export interface List extends Numbered {
  readonly kind: 'list'
  readonly copies: number
  readonly ranges: readonly PlaceRange[]
}

/** What differs of that which was asked: for large parts the digests one level down, for small ones what is in them. */
export interface Differing extends Numbered {
  readonly kind: 'differing'
  readonly nodes: readonly number[]
  readonly briefs: readonly number[]
  readonly lists: readonly RangeList[]
  /** Ranges that differ, and for which this answer had no room. */
  readonly left: readonly PlaceRange[]
  /** How many of the nodes in the question this answers. */
  readonly done: number
}

/** Merge these records, and give me yours of these places. */
export interface Trade extends Numbered {
  readonly kind: 'trade'
  readonly copies: number
  readonly offered: readonly RecordWrite[]
  /** `partition, position` of each. */
  readonly wanted: readonly number[]
  /** So many records of the first wanted place were received already. */
  readonly skip: number
  /** The clock of the one that is asked, as it had told it before these records were read. */
  readonly asOf: number
}

/** What was offered is durable here. The records wanted follow, but for those that are equal to an offered one. */
export interface Traded extends Numbered {
  readonly kind: 'traded'
  readonly records: readonly RecordWrite[]
  /** How many of the wanted places are done, and how many records of the next one were seen. */
  readonly done: number
  readonly skip: number
}

/** The question makes no sense here: it is malformed, or speaks of what the two do not share. */
export interface Declined extends Numbered {
  readonly kind: 'declined'
}

export type Question = Compare | Descend | List | Trade
export type ExchangeAnswer = Compared | Differing | Traded | Declined

/** A kind and an id. */
const HEAD = 1 + 8
const DIGEST = 8
const BRIEF = 4
const COUNT = 2
const NODE = 4
/** A partition, and the first and the last position. */
const RANGE = 1 + 4 + 4
const PLACE = 1 + 4
const ENTRY = 4 + BRIEF

/** How long a message is on the wire, its share of a frame apart. */
export function exchangeSizeBytes(message: Question | ExchangeAnswer): number {
  switch (message.kind) {
    case 'compare':
      return HEAD + DIGEST + 1 + message.roots.length * (1 + DIGEST)
    case 'compared':
      return sum(message.trees, ({ briefs }) => 1 + COUNT + BRIEF * briefs.length, HEAD + DIGEST + 1)
    case 'descend':
      return HEAD + 1 + COUNT + message.nodes.length * (NODE + CHILDREN * BRIEF)
    case 'list':
      return HEAD + 1 + COUNT + RANGE * message.ranges.length
    case 'differing': {
      const nodes = HEAD + COUNT + message.nodes.length * (NODE + CHILDREN * BRIEF)
      const lists = sum(message.lists, ({ entries }) => RANGE + COUNT + (ENTRY * entries.length) / 2, COUNT)
      return nodes + lists + COUNT + RANGE * message.left.length + COUNT
    }
    case 'trade':
      return sum(message.offered, recordSizeBytes, HEAD + 1 + 2 * COUNT + 4 + 8) + (PLACE * message.wanted.length) / 2
    case 'traded':
      return sum(message.records, recordSizeBytes, HEAD + 2 * COUNT + 4)
    case 'declined':
      return HEAD
  }
}

function sum<Of>(list: readonly Of[], size: (of: Of) => number, first: number): number {
  let total = first
  for (const of of list) total += size(of)
  return total
}

/** A record with its keyspace and key. */
export function recordSizeBytes({ key, record }: RecordWrite): number {
  return 8 + 2 + utf8Bytes(key) + stateSizeBytes(record)
}

function valueSizeBytes(value: Uint8Array | null): number {
  return value === null ? 0 : 4 + value.length
}

function stateSizeBytes(record: StoredRecord): number {
  const version = ({ by, value, expires }: Pick<Version, 'by' | 'value' | 'expires'>): number =>
    8 + 8 + 1 + (by === undefined ? 0 : 1 + by.length) + (expires === undefined ? 0 : 8) + valueSizeBytes(value)
  if (record.kind === 'lww') return 1 + version(record)
  if (record.kind === 'register') {
    const { operations, proposers } = record.state
    return 1 + 4 * 8 + 2 * COUNT + 8 * (operations.length + proposers.length) + version(record.state)
  }
  const { vector, cloud } = record.context
  const context = 2 * COUNT + 8 * (vector.length + cloud.length)
  return sum(record.siblings, (sibling) => 8 + 8 + version(sibling), 1 + context + COUNT)
}

/** Keys are well-formed, so two halves of a surrogate pair stand for four bytes. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800 || (unit >= 0xd800 && unit < 0xe000)) bytes += 2
    else bytes += 3
  }
  return bytes
}
