/**
 * `GET /copy/:keyspace/:key`: what the replica in this process holds of a key, whatever the others have.
 */
import type { Copy } from '../runtime/copy.ts'
import { invalid } from '../core/base/errors.ts'
import type { Store } from '../runtime/store.ts'
import { jsonAnswer, type Answer } from './answer.ts'

interface Holder {
  copy(keyspace: string, key: string): Copy | undefined
}

/** Throws `QUORATE_INVALID_OPTION` where there is no replica. */
export function copyAnswer(
  store: Store,
  { keyspace, key }: { readonly keyspace: string; readonly key: string },
): Answer {
  if (!holds(store)) throw invalid('there is no replica in this process: ask a replica for its copy')
  const copy = store.copy(keyspace, key)
  return copy === undefined ? jsonAnswer(404, { reason: 'no-such-keyspace' }) : jsonAnswer(200, copy)
}

function holds(store: object): store is Holder {
  return 'copy' in store
}
