/**
 * A request for a keyspace, as far as it can be understood without the store.
 */
import type { IncomingHttpHeaders } from 'node:http'

export const CONTEXT_HEADER = 'x-quorate-context'
export const OPERATION_HEADER = 'x-quorate-operation'

export interface KvRequest {
  readonly keyspace: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** The body as JSON. */
  readonly body: () => Promise<unknown>
}

export interface KeyRequest extends KvRequest {
  readonly key: string
}
