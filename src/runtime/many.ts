/**
 * Calls on many keys at once: each key is a call of its own, and the ends are gathered key by key.
 *
 * Calls that begin in one turn share the frames of that turn, one or, where it is large, a few for each replica: so
 * nothing has to be grouped by hand. So many run at a time that the rest of the application still finds room among the
 * calls in flight.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'

/** What became of each key: those that succeeded, and why the others did not. */
export interface Many<T> {
  /** In the order in which the keys were given. */
  readonly results: ReadonlyMap<string, T>
  /** Keys that failed, each with its own outcome. Empty when all went well. */
  readonly errors: ReadonlyMap<string, QuorateError>
}

const KEYS_MAX = 100_000
const AT_ONCE_MAX = 1_024
/** A quarter of what a link queues by default: beyond that it drops messages. */
const BYTES_AT_ONCE = 4 * 1024 * 1024

/** One call, ready to begin. */
export interface ReadyCall<T> {
  /** About what it makes a link carry. */
  readonly bytes: number
  readonly run: () => Promise<T>
}

export interface ManyCalls<T> {
  readonly keys: readonly string[]
  /** Calls that the coordinator takes; half of them are left to others. */
  readonly inFlightMax: number
  /** Throws a `QuorateError` for a key that cannot be. */
  readonly prepare: (key: string) => ReadyCall<T>
}

/** Runs a call for every key. A key that is given twice is refused, since only one of the two could be reported. */
export async function many<T>({ keys, inFlightMax, prepare }: ManyCalls<T>): Promise<Many<T>> {
  if (new Set(keys).size !== keys.length) throw invalid('a key is given twice: name each key once')
  if (keys.length > KEYS_MAX) throw invalid(`${keys.length} keys are more than ${KEYS_MAX}: make several calls`)
  const ends: (T | QuorateError)[] = []
  const room = new Room()
  let next = 0
  const work = async (): Promise<void> => {
    while (next < keys.length) {
      const index = next++
      if (room.isFull) await room.opened()
      ends[index] = await one(keys[index] as string).catch(quorateErrorOf)
    }
  }
  const one = async (key: string): Promise<T> => {
    let bytes = 0
    try {
      const ready = prepare(key)
      bytes = ready.bytes
      room.take(bytes)
      return await ready.run()
    } finally {
      room.give(bytes)
    }
  }
  const atOnce = Math.min(AT_ONCE_MAX, Math.max(1, Math.floor(inFlightMax / 2)))
  await Promise.all(Array.from({ length: Math.min(atOnce, keys.length) }, work))
  return gathered(keys, ends)
}

function gathered<T>(keys: readonly string[], ends: readonly (T | QuorateError)[]): Many<T> {
  const results = new Map<string, T>()
  const errors = new Map<string, QuorateError>()
  keys.forEach((key, index) => {
    const end = ends[index] as T | QuorateError
    if (end instanceof QuorateError) errors.set(key, end)
    else results.set(key, end)
  })
  return { results, errors }
}

/** The bytes that are under way. One call may overrun it: a value may be larger than all of it. */
class Room {
  #taken = 0
  readonly #waiting: (() => void)[] = []

  get isFull(): boolean {
    return this.#taken >= BYTES_AT_ONCE
  }

  /** Resolves when there is room, for one after the other: each makes its value only then. */
  opened(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  take(bytes: number): void {
    this.#taken += bytes
    this.#wake()
  }

  give(bytes: number): void {
    this.#taken -= bytes
    this.#wake()
  }

  #wake(): void {
    if (!this.isFull) this.#waiting.shift()?.()
  }
}

/** Before the first answer: sixteen of the largest values at once. */
const FIRST_GUESS_BYTES = BYTES_AT_ONCE / 16

/** What the next answer of a read of many keys is likely to bring: as much as those before it, on average. */
export class AnswerSizes {
  #bytes = 0
  #count = 0

  get likely(): number {
    return this.#count === 0 ? FIRST_GUESS_BYTES : this.#bytes / this.#count
  }

  add(bytes: number): void {
    this.#bytes += bytes
    this.#count++
  }
}

/** Any other exception is a fault of the program and goes up. */
function quorateErrorOf(error: unknown): QuorateError {
  if (error instanceof QuorateError) return error
  throw error
}

/** What `getMany` is to read. Throws `QUORATE_INVALID_OPTION` for anything but a list. */
export function checkKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) throw invalid('keys is not a list: give the keys as an array of strings')
  return keys as readonly string[]
}

/** What `putMany` is to write. Throws `QUORATE_INVALID_OPTION` for anything but pairs of a key and a value. */
export function checkPairs(entries: unknown): readonly (readonly [string, unknown])[] {
  const isIterable = entries instanceof Object && Symbol.iterator in entries
  const pairs = isIterable ? [...(entries as Iterable<unknown>)] : undefined
  if (pairs?.every((pair) => Array.isArray(pair) && pair.length === 2) !== true) {
    throw invalid('entries are not pairs: give [key, value] arrays, or a Map')
  }
  return pairs as (readonly [string, unknown])[]
}
