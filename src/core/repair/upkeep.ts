/**
 * Keeps the digests of a replica true to its records, at little cost for each write.
 *
 * A write changes the trees at once: two hashes and two additions, cheaper than any list of keys that wait for it. After
 * a start the trees are empty and the storage may not be: the records are walked once, page by page, while the replica serves. A write to a key that the
 * walk has passed changes the trees as ever. One to a key beyond the page under way is left to the page that comes to
 * it. One to a key that the page under way may hold, in its old or in its new state, is remembered until the page is
 * here, and counts instead of what the page says.
 * The caller's duty: `note` each write, and ask for the pages after what was noted before is visible to them.
 * Ring: decisions.
 */
import { compareKeys } from '../base/key-order.ts'
import { digestLww, type Stamp } from '../causality/lww-record.ts'
import { ABSENT, digestOf } from '../causality/merge.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../record.ts'
import type { DigestForest } from './digest-tree.ts'

/** The page of the walk that is asked for next. */
export interface WalkPage {
  readonly id: number
  readonly keyspace: number
  readonly after: string
}

/** What a page of the walk brought. */
export interface WalkedPage {
  readonly entries: readonly RecordWrite[]
  /** Keys of the same range whose records cannot be read, in key order. */
  readonly damaged?: readonly string[]
  readonly done: boolean
}

/** How far the walk is. */
interface Walk {
  /** Whose records are not all counted, the one under way last. */
  readonly keyspaces: number[]
  /** Keys of that one up to here are counted. */
  after: string
  /** The page that is under way, or 0. */
  page: number
  /** The digests of keys that were written while it is, and that are not counted. */
  readonly touched: Map<string, number>
}

export class Upkeep {
  readonly #forest: DigestForest
  #walk: Walk | undefined
  #pages = 0

  constructor(forest: DigestForest) {
    this.#forest = forest
  }

  /** Whether every stored record is counted. Before that the digests say nothing. */
  get complete(): boolean {
    return this.#walk === undefined
  }

  /** Forgets all digests. The records of these keyspaces have to be walked. */
  begin(keyspaces: readonly number[]): void {
    this.#forest.clear()
    const walk = { keyspaces: [...keyspaces], after: '', page: 0, touched: new Map<string, number>() }
    this.#walk = keyspaces.length > 0 ? walk : undefined
  }

  /** A write, with what it replaces, or the stamp of that. */
  note({ keyspace, key, record }: RecordChange, before: StoredRecord | Stamp | undefined): void {
    const after = digestOf(record)
    if (this.#walk !== undefined && !isCounted(this.#walk, keyspace, key)) {
      const { page, keyspaces, touched } = this.#walk
      if (page !== 0 && keyspaces.at(-1) === keyspace) touched.set(key, after)
      return
    }
    this.#forest.update({ keyspace, key, before: digestBefore(before), after })
  }

  /** The next page to ask for; none while one is under way, and when all are here. */
  nextPage(): WalkPage | undefined {
    const walk = this.#walk
    const keyspace = walk?.keyspaces.at(-1)
    if (walk === undefined || keyspace === undefined || walk.page !== 0) return undefined
    walk.page = ++this.#pages
    return { id: walk.page, keyspace, after: walk.after }
  }

  /** The records of a page. What is damaged counts as absent. */
  paged(id: number, { entries, done, damaged = [] }: WalkedPage): void {
    const walk = this.#walk
    if (walk === undefined || id !== walk.page) return
    const { touched, keyspaces } = walk
    const keyspace = keyspaces.at(-1) as number
    const last = highest(entries.at(-1)?.key, damaged.at(-1)) ?? walk.after
    for (const { key, record } of entries) {
      const after = touched.get(key) ?? digestOf(record)
      touched.delete(key)
      this.#forest.update({ keyspace, key, before: ABSENT, after })
    }
    for (const [key, after] of touched) {
      if (done || compareKeys(key, last) <= 0) this.#forest.update({ keyspace, key, before: ABSENT, after })
    }
    touched.clear()
    walk.page = 0
    walk.after = done ? '' : last
    if (done) keyspaces.pop()
    if (keyspaces.length === 0) this.#walk = undefined
  }

  /** The page could not be read. */
  unpaged(id: number): void {
    const walk = this.#walk
    if (walk === undefined || id !== walk.page) return
    walk.page = 0
    walk.touched.clear()
  }
}

function highest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareKeys(a, b) > 0 ? a : b
}

function isCounted({ keyspaces, after }: Walk, keyspace: number, key: string): boolean {
  const place = keyspaces.indexOf(keyspace)
  if (place < 0) return true
  return place === keyspaces.length - 1 && after !== '' && compareKeys(key, after) <= 0
}

function digestBefore(before: StoredRecord | Stamp | undefined): number {
  if (before === undefined) return ABSENT
  return 'kind' in before ? digestOf(before) : digestLww(before)
}
