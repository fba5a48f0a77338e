/**
 * What the application may say with a call, and how it is checked.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { checkTimeout, type Repair } from '../core/options.ts'
import type { Level } from '../core/quorum/level.ts'

/** What every call takes. */
export interface CallOptions {
  /** Stops waiting. What was sent may still happen: the error's `outcome` says so. */
  readonly signal?: AbortSignal
  /** Milliseconds from 1 to an hour; the keyspace's `timeoutMs` by default. */
  readonly timeoutMs?: number
}

export interface GetOptions extends CallOptions {
  /** The keyspace's read quorum by default. */
  readonly level?: Level
  /** The read quorum as a number, instead of `level`. */
  readonly r?: number
  /** The same as `level`, by the name that it has in a keyspace's options: `2 of (a, b, c)`. */
  readonly read?: Level
  /** What to do about stale replicas, this once. */
  readonly repair?: Repair
}

export interface PutOptions extends CallOptions {
  /** The keyspace's write quorum by default. */
  readonly level?: Level
  /** The write quorum as a number, instead of `level`. */
  readonly w?: number
  /** The same as `level`, by the name that it has in a keyspace's options: `2 of (a, b, c)`. */
  readonly write?: Level
  /** What the writer has seen, from an entry or a put: those siblings are replaced. Without it, a blind write. */
  readonly context?: string
  /** The identity of this write, from `operation(key)` or from an error: a retry with it applies at most once. */
  readonly operation?: string
  /**
   * Milliseconds from now, by the coordinator's clock, until the value counts as deleted: for reads at once, and it is
   * erased later like what was deleted. The keyspace's `ttlMs` by default, `Infinity` for always. A retry has to say the
   * same. Deletes have none.
   */
  readonly ttlMs?: number
}

/** Contexts and operations belong to one key: in `putMany` a session threads the contexts. */
export type PutManyOptions = Omit<PutOptions, 'context' | 'operation'>

export interface ScanOptions extends CallOptions {
  /** Only keys that begin with this. All by default. */
  readonly prefix?: string
  /** Only keys above this one. */
  readonly after?: string
  /** At most this many entries. All by default. */
  readonly limit?: number
  /** The keyspace's read quorum by default, for every key. */
  readonly level?: Level
}

export interface LookOptions extends CallOptions {
  /** `linearizable` by default. `stale` asks one replica, the nearest, and what it has may be old. */
  readonly level?: 'linearizable' | 'stale'
}

/** Of an update of a register. */
export interface UpdateOptions extends CallOptions {
  /** The identity of this change, from `operation(key)` or from an error: a retry with it applies at most once. */
  readonly operation?: string
  /**
   * A fencing token, such as a lock's `token` or a leader's `generation`: the change is refused with `QUORATE_FENCED` if a
   * change of the same key has carried a higher one.
   */
  readonly fence?: number
}

export interface ChangeOptions extends UpdateOptions {
  /** Only if this is the key's revision; 0 if it must not exist. Else `QUORATE_CONDITION_FAILED`. */
  readonly ifRevision?: number
}

/** Of a scan over registers. */
export type RangeOptions = Omit<ScanOptions, 'level'>

/** For calls without options: one object, so that it need not be checked. */
export const NOTHING: Readonly<Record<string, never>> = {}
const CALL_FIELDS = ['signal', 'timeoutMs', 'level'] as const
export const GET_FIELDS: readonly string[] = [...CALL_FIELDS, 'r', 'read', 'repair']
export const PUT_FIELDS: readonly string[] = [...CALL_FIELDS, 'w', 'write', 'context', 'operation', 'ttlMs']
export const LOOK_FIELDS: readonly string[] = CALL_FIELDS
export const CHANGE_FIELDS: readonly string[] = ['ifRevision', 'operation', 'fence', 'signal', 'timeoutMs']
export const RANGE_FIELDS: readonly string[] = ['signal', 'timeoutMs', 'prefix', 'after', 'limit']
export const SCAN_FIELDS: readonly string[] = [...CALL_FIELDS, 'prefix', 'after', 'limit']

/** The opening of a keyspace, for one call: it goes on for others when this one stops waiting. */
export async function within<T>(opening: Promise<T>, { signal, timeoutMs }: CallOptions): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return opening
  let timer: NodeJS.Timeout | undefined
  let aborted = (): void => {}
  const enough = new Promise<never>((_, reject) => {
    aborted = (): void => reject(new QuorateError('QUORATE_ABORTED', 'the caller gave up waiting; nothing was sent'))
    const late = (): void => reject(new QuorateError('QUORATE_TIMEOUT', TOO_LATE, { retry: 'safe' }))
    if (timeoutMs !== undefined) timer = setTimeout(late, timeoutMs)
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
  try {
    return await Promise.race([opening, enough])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

const TOO_LATE =
  'the keyspace could not be opened in time: too few replicas have agreed on its options; nothing was sent'

/** What a call asks for, under whichever of its names. */
export function levelIn(
  options: Pick<GetOptions & PutOptions, 'level' | 'r' | 'read' | 'w' | 'write'>,
): Level | undefined {
  if (options === NOTHING) return undefined
  const names = ['level', 'r', 'read', 'w', 'write'] as const
  const [name, other] = names.filter((one) => options[one] !== undefined)
  if (other !== undefined) throw invalid(`give ${name} or ${other}, not both`)
  return name === undefined ? undefined : options[name]
}

export function timeoutOf(options: CallOptions): number | undefined {
  return options.timeoutMs === undefined ? undefined : checkTimeout(options.timeoutMs)
}
