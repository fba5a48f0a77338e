/**
 * What becomes of the core's results: entries and puts for the application, and what its session has seen.
 */
import { contextOf } from '../core/causality/merge.ts'
import type { GetResult } from '../core/operation/get.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { Place } from './context-token.ts'
import { Entry, Put } from './entry.ts'
import type { Session } from './session.ts'
import { Finisher } from './tickets.ts'

export class GetFinisher<V> extends Finisher<Entry<V>> {
  readonly #place: Place
  readonly #session: Session | undefined
  readonly #resolve: ((siblings: V[]) => V) | undefined

  constructor(place: Place, session: Session | undefined, resolve: ((siblings: V[]) => V) | undefined) {
    super()
    this.#place = place
    this.#session = session
    this.#resolve = resolve
  }

  override finish({ record, receipt }: GetResult): Entry<V> {
    const { keyspace, key } = this.#place
    this.#session?.see(keyspace, key, contextOf(record))
    return new Entry<V>(record, { place: this.#place, resolve: this.#resolve, receipt })
  }
}

export class PutFinisher extends Finisher<Put> {
  readonly #place: Place
  readonly #session: Session | undefined

  constructor(place: Place, session: Session | undefined) {
    super()
    this.#place = place
    this.#session = session
  }

  override finish(result: PutResult): Put {
    this.#session?.see(this.#place.keyspace, this.#place.key, result.context)
    return new Put(result, this.#place)
  }
}
