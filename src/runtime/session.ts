/**
 * A session: what one user has seen, so that they read their writes and never see time go back.
 *
 * Per key: read your writes, monotonic reads, monotonic writes, and writes follow reads (Terry et al., "Session
 * Guarantees for Weakly Consistent Replicated Data", 1994). A read that cannot reach a replica with what the session
 * has seen fails rather than show less. `token` carries a session to another process.
 */
import { Packr } from 'msgpackr'
import { invalid, QuorateError } from '../core/base/errors.ts'
import { joinContexts, type CausalContext } from '../core/causality/causal-context.ts'
import { contextToken, parseContextToken } from './context-token.ts'

const KEYS_MAX = 10_000
const packr = new Packr({ useRecords: false })

export class Session {
  readonly #seen = new Map<string, CausalContext>()

  /** @param token from another session; left out for a fresh one. Throws `QUORATE_INVALID_OPTION` for other text. */
  constructor(token?: string) {
    if (token === undefined) return
    for (const [place, context] of parse(token)) this.#seen.set(place, parseContextToken(context, partsOf(place)))
  }

  /** Everything this session has seen, as text for another process. It grows with the keys that were touched. */
  get token(): string {
    const seen = [...this.#seen].map(([place, context]) => [place, contextToken(context, partsOf(place))])
    return packr.pack(seen).toString('base64url')
  }

  /** What the session has seen of a key. */
  seen(keyspace: string, key: string): CausalContext | undefined {
    return this.#seen.get(placeOf(keyspace, key))
  }

  /** Adds to what it has seen. Throws `QUORATE_LIMIT` rather than forget a key. */
  see(keyspace: string, key: string, context: CausalContext): void {
    const place = placeOf(keyspace, key)
    const before = this.#seen.get(place)
    if (before === undefined && this.#seen.size >= KEYS_MAX) throw full()
    this.#seen.set(place, before === undefined ? context : joinContexts(before, context))
  }

  /** Throws before a call that the session could not take note of. */
  checkRoom(keyspace: string, key: string): void {
    if (this.#seen.size >= KEYS_MAX && !this.#seen.has(placeOf(keyspace, key))) throw full()
  }
}

/** Keyspace names hold no slash. */
function placeOf(keyspace: string, key: string): string {
  return `${keyspace}/${key}`
}

function partsOf(place: string): { readonly keyspace: string; readonly key: string } {
  const slash = place.indexOf('/')
  return { keyspace: place.slice(0, slash), key: place.slice(slash + 1) }
}

function full(): QuorateError {
  return new QuorateError('QUORATE_LIMIT', `the session has touched ${KEYS_MAX} keys: start a new one`)
}

function parse(token: unknown): readonly (readonly [string, string])[] {
  let seen: unknown
  try {
    seen = typeof token === 'string' ? packr.unpack(Buffer.from(token, 'base64url')) : undefined
  } catch {
    seen = undefined
  }
  const fits = Array.isArray(seen) && seen.length <= KEYS_MAX && seen.every(isPair)
  if (!fits) throw invalid('the session token is not one: pass on `session.token`, unchanged')
  return seen as readonly (readonly [string, string])[]
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string'
}
