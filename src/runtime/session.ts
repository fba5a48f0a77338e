/**
 * A session: what one user has seen, so that they read their writes and never see time go back.
 *
 * Per key: read your writes, monotonic reads, monotonic writes, and writes follow reads (Terry et al., "Session
 * Guarantees for Weakly Consistent Replicated Data", 1994). A read that cannot reach a replica with what the session
 * has seen fails rather than show less. `token` carries a session to another process.
 */
import { randomBytes } from 'node:crypto'
import { Packr } from 'msgpackr'
import { invalid, QuorateError } from '../core/base/errors.ts'
import { joinContexts, type CausalContext } from '../core/causality/causal-context.ts'
import { contextToken, parseContextToken } from './context-token.ts'

const KEYS_MAX = 10_000
const ID_BYTES = 6
const ID = /^[A-Za-z0-9_-]{8}$/
const packr = new Packr({ useRecords: false })

export class Session {
  /** By keyspace, then key. */
  readonly #seen = new Map<string, Map<string, CausalContext>>()
  #keys = 0
  /** Its name in the versions that it writes. It travels with the token. */
  readonly id: string

  /** @param token from another session; left out for a fresh one. Throws `QUORATE_INVALID_OPTION` for other text. */
  constructor(token?: string) {
    if (token === undefined) {
      this.id = randomBytes(ID_BYTES).toString('base64url')
      return
    }
    const [id, seen] = parse(token)
    this.id = id
    for (const [name, context] of seen) {
      const place = partsOf(name)
      this.see(place.keyspace, place.key, parseContextToken(context, place))
    }
  }

  /** Everything this session has seen, as text for another process. It grows with the keys that were touched. */
  get token(): string {
    const seen: [string, string][] = []
    for (const [keyspace, contexts] of this.#seen) {
      for (const [key, context] of contexts) seen.push([`${keyspace}/${key}`, contextToken(context, { keyspace, key })])
    }
    return packr.pack([this.id, seen]).toString('base64url')
  }

  /** What the session has seen of a key. */
  seen(keyspace: string, key: string): CausalContext | undefined {
    return this.#seen.get(keyspace)?.get(key)
  }

  /** Adds to what it has seen. Throws `QUORATE_LIMIT` rather than forget a key. */
  see(keyspace: string, key: string, context: CausalContext): void {
    let contexts = this.#seen.get(keyspace)
    if (contexts === undefined) {
      contexts = new Map()
      this.#seen.set(keyspace, contexts)
    }
    const before = contexts.get(key)
    if (before === context) return
    if (before === undefined && this.#keys++ >= KEYS_MAX) throw full()
    contexts.set(key, before === undefined ? context : joinContexts(before, context))
  }

  /** Throws before a call that the session could not take note of. */
  checkRoom(keyspace: string, key: string): void {
    if (this.#keys >= KEYS_MAX && this.seen(keyspace, key) === undefined) throw full()
  }
}

/** Keyspace names hold no slash. */
function partsOf(place: string): { readonly keyspace: string; readonly key: string } {
  const slash = place.indexOf('/')
  return { keyspace: place.slice(0, slash), key: place.slice(slash + 1) }
}

function full(): QuorateError {
  return new QuorateError('QUORATE_LIMIT', `the session has touched ${KEYS_MAX} keys: start a new one`)
}

type Pairs = readonly (readonly [string, string])[]

function parse(token: unknown): readonly [id: string, seen: Pairs] {
  let parts: unknown
  try {
    parts = typeof token === 'string' ? packr.unpack(Buffer.from(token, 'base64url')) : undefined
  } catch {
    parts = undefined
  }
  if (Array.isArray(parts) && parts.length === 2) {
    const [id, seen] = parts as readonly unknown[]
    const isId = typeof id === 'string' && ID.test(id)
    if (isId && Array.isArray(seen) && seen.length <= KEYS_MAX && seen.every(isPair)) return [id, seen as Pairs]
  }
  throw invalid('the session token is not one: pass on `session.token`, unchanged')
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string'
}
