/**
 * Calls on many keys at once: each key is a call of its own, and the ends are gathered key by key.
 *
 * Calls that begin in one turn share one frame for each replica, so nothing has to be grouped by hand. So many run at a
 * time that the rest of the application still finds room among the calls in flight.
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
const AT_ONCE = 1_024

/** Runs `call` for every key. A key that is given twice is refused, since only one of the two could be reported. */
export async function many<T>(keys: readonly string[], call: (key: string) => Promise<T>): Promise<Many<T>> {
  if (new Set(keys).size !== keys.length) throw invalid('a key is given twice: name each key once')
  if (keys.length > KEYS_MAX) throw invalid(`${keys.length} keys are more than ${KEYS_MAX}: make several calls`)
  const ends: (T | QuorateError)[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < keys.length) {
      const index = next++
      ends[index] = await call(keys[index] as string).catch(quorateErrorOf)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, keys.length) }, work))
  const results = new Map<string, T>()
  const errors = new Map<string, QuorateError>()
  keys.forEach((key, index) => {
    const end = ends[index] as T | QuorateError
    if (end instanceof QuorateError) errors.set(key, end)
    else results.set(key, end)
  })
  return { results, errors }
}

/** Any other exception is a fault of the program and goes up. */
function quorateErrorOf(error: unknown): QuorateError {
  if (error instanceof QuorateError) return error
  throw error
}
