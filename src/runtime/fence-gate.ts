/**
 * A gate before whatever a lock or a leader protects: it lets the highest token pass that it has seen, and no lower one.
 *
 * No lease can stop a holder that slept through its end from acting late. What he acts on can: it remembers the
 * highest token, durably, and refuses what comes with a lower one. The gate has to stand where the resource is, so that
 * nothing gets past it, and what it lets pass has to be carried out before it is asked again.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { shown } from '../core/base/shape.ts'
import { GENERATION_AHEAD_MAX, GENERATION_MAX } from '../core/consensus/group.ts'
import { fencedChannel, type FencedMessage } from './telemetry/channels.ts'

/** Where a gate keeps its highest tokens. Both calls are synchronous: nothing can come in between. */
export interface FenceStorage {
  /** The highest token of a resource; nothing for one that was never seen. */
  read(resource: string): number | undefined
  /** Returns when it is durable. Throws if it cannot be made so; the token is refused then. */
  write(resource: string, token: number): void
}

/** Forgets everything with the process: for tests, and for resources that are gone with the process as well. */
export class MemoryFences implements FenceStorage {
  readonly #tokens = new Map<string, number>()

  read(resource: string): number | undefined {
    return this.#tokens.get(resource)
  }

  write(resource: string, token: number): void {
    this.#tokens.set(resource, token)
  }
}

export class FenceGate {
  readonly #storage: FenceStorage

  constructor(storage: FenceStorage) {
    if (typeof storage?.read !== 'function' || typeof storage.write !== 'function') {
      throw invalid(`storage is ${shown(storage)}: give one with read and write, such as fileFences(path)`)
    }
    this.#storage = storage
  }

  /** The highest token that was let pass for this resource; 0 if none was. */
  highest(resource: string): number {
    return this.#storage.read(checkResource(resource)) ?? 0
  }

  /**
   * Lets the holder of this token pass, or throws: `QUORATE_FENCED` for a lower token than the highest seen,
   * `QUORATE_INVALID_OPTION` for what is no token, `QUORATE_LIMIT` for one so far ahead of the highest that no lock
   * service has come to it since.
   */
  check(resource: string, token: number): void {
    const before = this.#storage.read(checkResource(resource))
    if (!Number.isSafeInteger(token) || token < 1 || token > GENERATION_MAX) {
      throw invalid(`token is ${shown(token)}: use the token of a lock, or a generation`)
    }
    const highest = before ?? 0
    if (token < highest) {
      if (fencedChannel.hasSubscribers) fencedChannel.publish({ resource, token, highest } satisfies FencedMessage)
      const message = `${resource}: token ${token} is fenced, since ${highest} was seen`
      throw new QuorateError('QUORATE_FENCED', message)
    }
    if (before !== undefined && token > highest + GENERATION_AHEAD_MAX) {
      const message = `${resource}: token ${token} lies beyond any that can have been handed out after ${highest}`
      throw new QuorateError('QUORATE_LIMIT', message)
    }
    if (token > highest) this.#storage.write(resource, token)
  }
}

function checkResource(resource: string): string {
  if (typeof resource === 'string' && resource !== '') return resource
  throw invalid(`resource is ${shown(resource)}: give it a name`)
}
