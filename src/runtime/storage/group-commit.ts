/**
 * One synced batch at a time; everything staged meanwhile goes into the next.
 *
 * A disk takes about as long to make one write durable as to make a thousand durable, so waiting writers share the
 * flush. The batch is LevelDB's own, filled as changes are staged: it copies the bytes at once, and handing it over
 * costs a tenth of what an array of operations does.
 *
 * A batch that fails is final. Its writes may or may not be on disk, what came after was built on them, and a disk
 * that failed once may report success for what it lost (Rebello and others, "Can Applications Recover from fsync
 * Failures?", 2020). So nothing is tried again: every waiting and later caller gets the error, and stops the replica.
 */
import { QuorateError } from '../../core/base/errors.ts'

/** The part of a LevelDB batch that is needed here. */
export interface Batch {
  put(key: Uint8Array, value: Uint8Array): unknown
  del(key: Uint8Array): unknown
  write(options: { readonly sync: true }): Promise<void>
}

export interface GroupCommitOptions<Item> {
  /** Begins an empty batch. */
  readonly begin: () => Batch
  /** Called with the items of a batch once it is durable, before the callbacks of its commits. */
  readonly durable: (items: readonly Item[]) => void
}

interface Group<Item> {
  readonly batch: Batch
  readonly items: Item[]
  readonly waiting: ((error?: Error) => void)[]
}

export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>
  /** Being filled. */
  #open: Group<Item> | undefined
  /** On its way to the disk. */
  #flying: Group<Item> | undefined
  #failure: QuorateError | undefined

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options
  }

  /** Set once a batch has failed. */
  get failure(): QuorateError | undefined {
    return this.#failure
  }

  /** Items that are not durable, in order. */
  get items(): readonly Item[] {
    return [...(this.#flying?.items ?? []), ...(this.#open?.items ?? [])]
  }

  /** Adds to the batch being filled; the bytes may change once this returns. The item comes back with `durable`. */
  put(key: Uint8Array, value: Uint8Array, item: Item): void {
    const { batch, items } = this.#filling()
    batch.put(key, value)
    items.push(item)
  }

  /** Adds an erasure to the batch being filled, in order with what was put. */
  erase(key: Uint8Array, item: Item): void {
    const { batch, items } = this.#filling()
    batch.del(key)
    items.push(item)
  }

  /** Calls back once everything put and erased so far is durable. */
  commit(done: (error?: Error) => void): void {
    if (this.#failure !== undefined) done(this.#failure)
    else if (this.#open !== undefined) {
      this.#open.waiting.push(done)
      if (this.#flying === undefined) this.#launch(this.#open)
    } else if (this.#flying !== undefined) this.#flying.waiting.push(done)
    else done()
  }

  #filling(): Group<Item> {
    if (this.#failure !== undefined) throw this.#failure
    this.#open ??= { batch: this.#options.begin(), items: [], waiting: [] }
    return this.#open
  }

  #launch(group: Group<Item>): void {
    this.#open = undefined
    this.#flying = group
    group.batch.write({ sync: true }).then(
      () => this.#landed(group),
      (error: unknown) => this.#failed(group, error),
    )
  }

  #landed(group: Group<Item>): void {
    this.#flying = undefined
    this.#options.durable(group.items)
    // The disk gets its next work before the callbacks make more of it.
    if (this.#open !== undefined && this.#open.waiting.length > 0) this.#launch(this.#open)
    for (const done of group.waiting) done()
  }

  #failed(group: Group<Item>, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const failure = new QuorateError(
      'QUORATE_STORAGE',
      `a write to disk failed, and nothing is written after it: ${reason}`,
      {
        outcome: 'unknown',
        cause,
      },
    )
    const next = this.#open
    this.#failure = failure
    this.#flying = undefined
    this.#open = undefined
    for (const done of [...group.waiting, ...(next?.waiting ?? [])]) done(failure)
  }
}
