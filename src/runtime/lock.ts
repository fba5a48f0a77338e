/**
 * Work under a lock: one holder at a time in the whole cluster, and a token that tells a late one.
 *
 * A lock is a group that is led for as long as the work takes. No lock service can stop a holder that sleeps through
 * the end of its lease from acting when it wakes; so each holder has a *token*, higher than all before it, and what the
 * lock protects has to refuse a lower one than it has seen: `FenceGate` does (Kleppmann, "How to do distributed
 * locking", 2016).
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import { checkFields, checkTimeout } from '../core/options.ts'
import { checkLease, Seat, type Elected, type SeatSetting } from './seat.ts'

export interface LockOptions {
  /** How long the holder may go without hearing from a quorum: three heartbeats by default, 50 ms to `leaseMsMax`. */
  readonly leaseMs?: number
  /** How long to wait for the lock. The store's `timeoutMs` by default. */
  readonly timeoutMs?: number
  /** Stops waiting; once the lock is held, aborts the work's own signal, and the lock is held until the work ends. */
  readonly signal?: AbortSignal
}

/** What the work is given. */
export interface Lock {
  /** Rises with every holder: hand it to whatever the lock protects. */
  readonly token: number
  /** Aborts before another can hold the lock: then stop. */
  readonly signal: AbortSignal
  /** How long the lock is held if no renewal gets through any more, by the clock now; 0 once it is lost. */
  readonly remainingMs: () => number
}

const FIELDS = ['leaseMs', 'timeoutMs', 'signal']

/**
 * Runs the work while this process holds the lock, and gives what it gives.
 *
 * Rejects with `QUORATE_TIMEOUT` or `QUORATE_UNAVAILABLE` when the lock was not to be had in time, `QUORATE_ABORTED` when
 * the signal said so before; the work has not begun then. With `QUORATE_FENCED`, outcome `unknown`, when the lock was
 * lost before the work was done: what it did after that, another may have done as well. And with whatever the work
 * throws.
 */
export async function withLock<T>(
  setting: SeatSetting & { readonly usable: () => number; readonly members: number },
  name: string,
  work: (lock: Lock) => T | PromiseLike<T>,
  options: LockOptions,
): Promise<T> {
  checkFields(options, FIELDS, 'a lock')
  const { leaseMs, timeoutMs = setting.limits.timeoutMs, signal } = options
  checkLease(leaseMs, setting.limits)
  checkTimeout(timeoutMs)
  if (typeof work !== 'function') throw invalid(`the work is ${shown(work)}: give a function`)
  if (signal?.aborted) throw aborted(name)
  const seat = new Seat(setting, 'lock', name, leaseMs === undefined ? {} : { leaseMs })
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal?.reason)
  try {
    const { generation, signal: held } = await acquired(seat, { timeoutMs, signal }, () => whyNot(setting, seat))
    signal?.addEventListener('abort', abort, { once: true })
    held.addEventListener('abort', () => stop.abort(held.reason), { once: true })
    const remainingMs = (): number => (held.aborted ? 0 : seat.leaseLeftMs)
    const result = await work({ token: generation, signal: stop.signal, remainingMs })
    if (held.aborted || !seat.isLeader) throw lost(name)
    return result
  } finally {
    // Not before the work is over, even where it was told to stop.
    signal?.removeEventListener('abort', abort)
    seat.close()
  }
}

function acquired(
  seat: Seat,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  late: () => QuorateError,
): Promise<Elected> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(late())), timeoutMs)
    const abort = (): void => {
      end(() => reject(aborted(seat.group)))
    }
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      settle()
    }
    signal?.addEventListener('abort', abort, { once: true })
    seat.once('elected', (elected) => end(() => resolve(elected)))
  })
}

function whyNot({ usable, members }: { usable: () => number; members: number }, seat: Seat): QuorateError {
  const { group, leader, refusal } = seat
  const reached = usable()
  const required = majorityOf(members)
  if (reached < required) {
    const message = `lock ${group}: too few replicas can be reached (needs a majority of ${members}, has ${reached})`
    return new QuorateError('QUORATE_UNAVAILABLE', message, { retry: 'safe', required, received: reached })
  }
  const by = leader === undefined ? '' : `; it is held by ${leader.id}, token ${leader.generation}`
  const why = refusal === undefined ? '' : `; a replica refused: ${refusal}`
  return new QuorateError('QUORATE_TIMEOUT', `lock ${group}: not to be had in time${by}${why}`, { retry: 'safe' })
}

function aborted(name: string): QuorateError {
  return new QuorateError('QUORATE_ABORTED', `lock ${name}: the caller gave up waiting`)
}

function lost(name: string): QuorateError {
  const message = `lock ${name}: it was lost before the work was done, and another may hold it`
  return new QuorateError('QUORATE_FENCED', message, { outcome: 'unknown' })
}
