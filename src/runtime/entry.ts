/**
 * What a read gives back. Values and contexts are decoded when they are looked at.
 */
import { parseAuthor } from '../core/author.ts'
import { invalid } from '../core/base/errors.ts'
import { contextOf, versionsOf } from '../core/causality/merge.ts'
import { wallOf } from '../core/causality/hybrid-time.ts'
import type { Receipt } from '../core/operation/receipt.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { StoredRecord, Version } from '../core/record.ts'
import { contextToken, type Place } from './context-token.ts'
import { decodeValue } from './value-codec.ts'

/** When and by whom a version was written. */
export interface VersionOrigin {
  readonly deleted: boolean
  /** When the write began, by its coordinator's hybrid clock, to the millisecond. */
  readonly writtenAt: Date
  /** The same with all that the clock tells: a larger one is later. Of two `lww` versions the larger one wins. */
  readonly timestamp: number
  /** The id of the node or client through which it was written. */
  readonly coordinator: string | undefined
  /** The `id` of the session in which it was written, if it was one. */
  readonly session: string | undefined
}

/** One stored version of a key. */
export interface VersionInfo<V> extends VersionOrigin {
  /** `undefined` for a delete. */
  readonly value: V | undefined
}

export class Entry<V> {
  /** What the call rests on. Scans have none for each key. */
  readonly receipt: Receipt | undefined
  readonly #record: StoredRecord | undefined
  readonly #resolve: ((siblings: V[]) => V) | undefined
  readonly #place: Place
  #siblings: V[] | undefined
  #context: string | undefined
  #resolved: Resolution<V> | undefined

  constructor(
    record: StoredRecord | undefined,
    extra: { place: Place; resolve: ((siblings: V[]) => V) | undefined; receipt?: Receipt },
  ) {
    this.#record = record
    this.#place = extra.place
    this.#resolve = extra.resolve
    this.receipt = extra.receipt
  }

  /** Whether the key has a value. Never written and deleted are both false; `deleted` tells them apart. */
  get found(): boolean {
    return this.#live().length > 0
  }

  /** Whether a delete is what the read saw, and nothing else. */
  get deleted(): boolean {
    return this.#record !== undefined && !this.found
  }

  /** Whether the read saw more than one value. */
  get conflict(): boolean {
    return this.#live().length > 1
  }

  /**
   * The value; of several siblings what the keyspace's `resolve` makes of them. Where there is no `resolve`, or it gives
   * `undefined`, this is `undefined` while `conflict` holds. Throws what `resolve` throws; the siblings stay.
   */
  get value(): V | undefined {
    if (!this.conflict) return this.siblings[0]
    const { value, error } = this.#resolution()
    if (error !== undefined) throw error
    return value
  }

  /**
   * Why `resolve` made no value of the siblings: what it threw, or `QUORATE_INVALID_OPTION` if it gave a promise.
   * `undefined` if it gave something, or had nothing to do.
   */
  get resolveError(): Error | undefined {
    return this.conflict ? this.#resolution().error : undefined
  }

  /** Every live value: one, or several that were written without knowing of each other. */
  get siblings(): readonly V[] {
    return (this.#siblings ??= this.#live().map(({ value }) => decodeValue(value as Uint8Array) as V))
  }

  /** When each was written and by whom; deletes that stand beside values are among them. */
  get versions(): readonly VersionInfo<V>[] {
    return versionsOf(this.#record).map((version) => {
      const { value } = version
      return { value: value === null ? undefined : (decodeValue(value) as V), ...originOf(version) }
    })
  }

  /** What a reader of this entry has seen: hand it to the put or delete that follows from it. */
  get context(): string {
    return (this.#context ??= contextToken(contextOf(this.#record), this.#place))
  }

  /** `versions` are without their values: those that are not deleted stand in the order of `siblings`. */
  toJSON(): Record<string, unknown> {
    const { found, deleted, conflict, siblings, context, receipt, resolveError } = this
    const value = resolveError === undefined ? this.value : undefined
    const versions = versionsOf(this.#record).map(originOf)
    const told = { found, deleted, conflict, value, siblings, versions, context, receipt }
    return resolveError === undefined ? told : { ...told, resolveError: resolveError.message }
  }

  /** Made once. It gets values of its own, so that whatever it does to them leaves the siblings as they are. */
  #resolution(): Resolution<V> {
    return (this.#resolved ??= resolutionOf(
      this.#resolve,
      this.#live().map(({ value }) => decodeValue(value as Uint8Array) as V),
    ))
  }

  #live(): readonly Version[] {
    const versions = versionsOf(this.#record)
    return versions.every(({ value }) => value !== null) ? versions : versions.filter(({ value }) => value !== null)
  }
}

function originOf({ value, at, by }: Version): VersionOrigin {
  const author = by === undefined ? undefined : parseAuthor(by)
  return {
    deleted: value === null,
    writtenAt: new Date(wallOf(at)),
    timestamp: at,
    coordinator: author?.coordinator,
    session: author?.session,
  }
}

/** What came of an attempt to make one value of several. */
interface Resolution<V> {
  readonly value: V | undefined
  readonly error: Error | undefined
}

function resolutionOf<V>(resolve: ((siblings: V[]) => V) | undefined, siblings: V[]): Resolution<V> {
  try {
    const value = resolve?.(siblings)
    if (!isPromise(value)) return { value, error: undefined }
    // What becomes of it concerns nobody; a rejection that nobody takes would end the process.
    value.then(undefined, () => {})
    return { value: undefined, error: invalid(PROMISED) }
  } catch (error) {
    return { value: undefined, error: error instanceof Error ? error : new Error(String(error), { cause: error }) }
  }
}

const PROMISED =
  'resolve gave a promise: it has to make its value at once, from the siblings alone; what takes longer belongs into `update`, or between a get and a put'

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return value instanceof Object && typeof (value as { then?: unknown }).then === 'function'
}

/** What a put or delete gives back. */
export class Put {
  readonly receipt: Receipt
  readonly #result: PutResult
  readonly #place: Place

  constructor(result: PutResult, place: Place) {
    this.#result = result
    this.#place = place
    this.receipt = result.receipt
  }

  /** What the writer has seen now: what it had seen before, and this write. */
  get context(): string {
    return contextToken(this.#result.context, this.#place)
  }

  toJSON(): Record<string, unknown> {
    return { context: this.context, receipt: this.receipt }
  }
}
