/**
 * What a read gives back. Values and contexts are decoded when they are looked at.
 */
import { contextOf, versionsOf } from '../core/causality/merge.ts'
import { isGone } from '../core/causality/tombstone.ts'
import { wallOf } from '../core/causality/hybrid-time.ts'
import type { Receipt } from '../core/operation/receipt.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { StoredRecord, Version } from '../core/record.ts'
import { contextToken, type Place } from './context-token.ts'
import { decodeValue } from './value-codec.ts'

/** One stored version of a key. */
export interface VersionInfo<V> {
  /** `undefined` for a delete, and for a value whose time was over. */
  readonly value: V | undefined
  readonly deleted: boolean
  /** When the value ends, or ended; nothing for one that stays. */
  readonly expiresAt: Date | undefined
  /** When the write began, by its coordinator's hybrid clock, to the millisecond. */
  readonly writtenAt: Date
}

export class Entry<V> {
  /** What the call rests on. Scans have none for each key. */
  readonly receipt: Receipt | undefined
  readonly #record: StoredRecord | undefined
  readonly #resolve: ((siblings: V[]) => V) | undefined
  readonly #place: Place
  /** Values end by the clock of the reader, all of the entry at one moment. */
  readonly #readAtMs = Date.now()
  #siblings: V[] | undefined
  #context: string | undefined

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

  /** Whether deletes, or values whose time is over, are what the read saw, and nothing else. */
  get deleted(): boolean {
    return this.#record !== undefined && !this.found
  }

  /** Whether the read saw more than one value. */
  get conflict(): boolean {
    return this.#live().length > 1
  }

  /**
   * The value; of several siblings what the keyspace's `resolve` makes of them, and without one `undefined` while
   * `conflict` holds. An error thrown by `resolve` passes through, and the siblings stay.
   */
  get value(): V | undefined {
    const { siblings } = this
    if (siblings.length < 2) return siblings[0]
    return this.#resolve?.([...siblings])
  }

  /** Every live value: one, or several that were written without knowing of each other. */
  get siblings(): readonly V[] {
    return (this.#siblings ??= this.#live().map(({ value }) => decodeValue(value as Uint8Array) as V))
  }

  /** With times, and with deletes that are siblings of values. */
  get versions(): readonly VersionInfo<V>[] {
    return versionsOf(this.#record).map((version) => {
      const { value, at, expires } = version
      const deleted = this.#isGone(version)
      return {
        value: deleted ? undefined : (decodeValue(value as Uint8Array) as V),
        deleted,
        expiresAt: expires === undefined ? undefined : new Date(expires),
        writtenAt: new Date(wallOf(at)),
      }
    })
  }

  /** What a reader of this entry has seen: hand it to the put or delete that follows from it. */
  get context(): string {
    return (this.#context ??= contextToken(contextOf(this.#record), this.#place))
  }

  toJSON(): Record<string, unknown> {
    const { found, deleted, conflict, siblings, context, receipt } = this
    return { found, deleted, conflict, value: conflict ? undefined : siblings[0], siblings, context, receipt }
  }

  #live(): readonly Version[] {
    const versions = versionsOf(this.#record)
    return versions.some((version) => this.#isGone(version))
      ? versions.filter((version) => !this.#isGone(version))
      : versions
  }

  #isGone(version: Version): boolean {
    return isGone(version, this.#readAtMs)
  }
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
