/**
 * `GET /report`: how the process is, for pages and programs that look often; `GET /metrics` has the same for Prometheus.
 */
import type { Health } from '../runtime/health.ts'
import type { NodeStatus } from '../runtime/node.ts'
import type { ReplicaStatus, Store, StoreStatus } from '../runtime/store.ts'

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
  /** How long ago this replica was made equal to each other one: the most by which what it holds may be stale. */
  readonly equalAgoMs: Readonly<Record<string, number>>
  readonly calls: readonly CallReport[]
}

/** By replica: how long ago an exchange with it ended well. Empty where no replica is. */
export function equalAgoMsOf(status: StoreStatus): Readonly<Record<string, number>> {
  const ended = 'exchanges' in status ? Object.entries(status.exchanges as NodeStatus['exchanges']) : []
  return Object.fromEntries(ended.flatMap(([id, { outcome, agoMs }]) => (outcome === 'done' ? [[id, agoMs]] : [])))
}

export function reportOf(store: Store): Report {
  const status = store.status()
  const { id, role, replicas, inFlight, ...rest } = status
  const { calls, ...health } = store.health()
  return {
    id,
    role,
    at: new Date().toISOString(),
    upMs: Math.round(performance.now()),
    standing: 'standing' in rest ? String(rest.standing) : 'serving',
    replicas,
    inFlight,
    equalAgoMs: equalAgoMsOf(status),
    ...health,
    calls: calls.map(({ keyspace, operation, level, times }) => {
      const { count } = times
      return { keyspace, operation, level, count, p50Ms: times.quantileMs(0.5), p99Ms: times.quantileMs(0.99) }
    }),
  }
}
