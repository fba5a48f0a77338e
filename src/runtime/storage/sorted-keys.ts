/**
 * Keys in code-point order, for a store that is written far more often than it is walked.
 *
 * `add` only remembers; the work of finding a key's place waits for a walk. Removals do some of it by the way, so that
 * keys that come and go do not pile up where no walk ever comes. The sorted part is a list of short lists, so a key
 * that comes or goes moves at most a thousand neighbours and no page of a scan ever sorts everything again.
 *
 * The caller's duty: call `settle` until it says that all keys are in place, giving way to other work in between, and
 * then `walk` without a pause, changing nothing. A key is added when it is not here, and removed when it is.
 */
import { compareKeys } from '../../core/base/key-order.ts'

/** A list that grows beyond this is cut in two. */
const CHUNK_KEYS_MAX = 1024

/** Each removal puts more new keys in place than one, so that the new keys become fewer while keys come and go. */
const SETTLED_WITH_REMOVAL = 2

export class SortedKeys {
  /** Each chunk is sorted, never empty, and stands before the next. */
  readonly #chunks: string[][] = []
  /** Keys without a place. */
  readonly #fresh: string[] = []
  /** Those of them that were removed since. */
  readonly #gone = new Set<string>()

  /** A key that was not here before. */
  add(key: string): void {
    if (!this.#gone.delete(key)) this.#fresh.push(key)
  }

  /** A key that is here. */
  remove(key: string): void {
    this.settle(SETTLED_WITH_REMOVAL)
    const at = this.#chunkFor(key)
    const chunk = this.#chunks[at] ?? []
    const place = firstAtOrAbove(chunk, key)
    if (chunk[place] !== key) {
      this.#gone.add(key)
      return
    }
    chunk.splice(place, 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** Puts at most `keysMax` of the new keys in place. Whether all of them are. */
  settle(keysMax: number): boolean {
    for (let i = 0; i < keysMax; i++) {
      const key = this.#fresh.pop()
      if (key === undefined) return true
      if (!this.#gone.delete(key)) this.#insert(key)
    }
    return this.#fresh.length === 0
  }

  /** Visits keys in order from the first at or above `from`, until the visitor says `false` or none is left. */
  walk(from: string, visit: (key: string) => boolean): void {
    const first = this.#chunkFor(from)
    for (let c = first; c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] as string[]
      for (let i = c === first ? firstAtOrAbove(chunk, from) : 0; i < chunk.length; i++) {
        if (!visit(chunk[i] as string)) return
      }
    }
  }

  #insert(key: string): void {
    const at = Math.min(this.#chunkFor(key), this.#chunks.length - 1)
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#chunks.push([key])
      return
    }
    chunk.splice(firstAtOrAbove(chunk, key), 0, key)
    if (chunk.length > CHUNK_KEYS_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_KEYS_MAX / 2))
  }

  /** The first chunk whose last key is at or above `key`; the number of chunks if there is none. */
  #chunkFor(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const chunk = this.#chunks[middle] as string[]
      if (compareKeys(chunk[chunk.length - 1] as string, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Where in a sorted list the first key at or above `key` stands. */
function firstAtOrAbove(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle] as string, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
