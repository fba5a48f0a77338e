/**
 * `GET /report`: how the process is, for pages and programs that look often; `GET /metrics` has the same for Prometheus.
 */
import type { Health } from '../runtime/health.ts'
import type { ReplicaStatus, Store } from '../runtime/store.ts'

/** Calls of one kind since the start. */
export interface CallReport {
  readonly keyspace: string
  readonly operation: string
  readonly level: string
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Report extends Omit<Health, 'calls'> {
  readonly id: string
  readonly role: 'node' | 'client'
  readonly at: string
  readonly upMs: number
  /** Of a node: whether its replica takes part in reads. */
  readonly standing: string
  /** The other replicas, as seen from here. */
  readonly replicas: Readonly<Record<string, ReplicaStatus>>
  readonly inFlight: number
  readonly calls: readonly CallReport[]
}

export function reportOf(store: Store): Report {
  const { id, role, replicas, inFlight, ...rest } = store.status()
  const { calls, ...health } = store.health()
  return {
    id,
    role,
    at: new Date().toISOString(),
    upMs: Math.round(performance.now()),
    standing: 'standing' in rest ? String(rest.standing) : 'serving',
    replicas,
    inFlight,
    ...health,
    calls: calls.map(({ keyspace, operation, level, times }) => {
      const { count } = times
      return { keyspace, operation, level, count, p50Ms: times.quantileMs(0.5), p99Ms: times.quantileMs(0.99) }
    }),
  }
}
