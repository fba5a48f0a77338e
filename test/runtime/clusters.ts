/**
 * Local clusters for tests of the API: real replicas on real sockets, one cluster for the tests of a file or one for a
 * single test, and waiting for what coordinators say instead of sleeping.
 */
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import {
  startLocalCluster,
  type ApKeyspace,
  type KeyspaceOptions,
  type LocalCluster,
  type LocalClusterOptions,
  type Reachability,
} from '../../src/index.ts'
import type { QuorateError } from '../../src/core/base/errors.ts'

interface Observable {
  observe(listener: (notice: { readonly kind: string }) => void): () => void
  status(): { readonly replicas: Readonly<Record<string, { readonly state: Reachability }>> }
  keyspace<V>(name: string, options?: KeyspaceOptions<V>): ApKeyspace<V>
}

let keyspaces = 0

/** A keyspace that no other test uses. */
export function freshKeyspace<V = unknown>(
  store: Observable,
  options: Partial<KeyspaceOptions<V>> = {},
): ApKeyspace<V> {
  return store.keyspace<V>(`test-${++keyspaces}`, { mode: 'ap', ...options })
}

/** One cluster for all tests of the file. */
export function sharedCluster(options: LocalClusterOptions = {}): () => LocalCluster {
  let cluster: LocalCluster | undefined
  beforeAll(async () => {
    cluster = await startLocalCluster(options)
  })
  afterAll(async () => {
    await cluster?.close()
  })
  return () => {
    if (cluster === undefined) throw new Error('the cluster runs only during tests')
    return cluster
  }
}

/** Clusters of single tests: closed after each, whatever became of it. */
export function ownClusters(defaults: LocalClusterOptions): (options?: LocalClusterOptions) => Promise<LocalCluster> {
  const started: LocalCluster[] = []
  afterEach(async () => {
    await Promise.all(started.splice(0).map((cluster) => cluster.close()))
  })
  return async (options = {}) => {
    const cluster = await startLocalCluster({ ...defaults, ...options })
    started.push(cluster)
    return cluster
  }
}

/** Waits until this coordinator sees the replicas so, which it tells with notices. */
export function seen(store: Observable, states: Readonly<Record<string, readonly Reachability[]>>): Promise<void> {
  const holds = (): boolean => {
    const { replicas } = store.status()
    return Object.entries(states).every(([id, wanted]) => wanted.includes(replicas[id]?.state as Reachability))
  }
  if (holds()) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = store.observe(() => {
      if (!holds()) return
      stop()
      resolve()
    })
  })
}

/** Waits until a replica takes part in reads, whatever it had forgotten. */
export async function caughtUp(cluster: LocalCluster, id: string): Promise<void> {
  await vi.waitFor(() => expect(cluster.node(id).status().standing).toBe('serving'), { timeout: 20_000, interval: 20 })
}

export const REACHABLE: readonly Reachability[] = ['reachable', 'late']
export const GONE: readonly Reachability[] = ['unreachable', 'one-way']

/** The error that a call ends in. Fails when it ends otherwise. */
export async function errorOf(call: Promise<unknown>): Promise<QuorateError> {
  let result: unknown
  try {
    result = await call
  } catch (error) {
    return error as QuorateError
  }
  throw new Error(`the call should have failed and gave ${JSON.stringify(result)}`)
}

/** The errors that calls end in, each taken care of from the start, in order. */
export function errorsOf(calls: readonly Promise<unknown>[]): Promise<QuorateError[]> {
  return Promise.all(calls.map(errorOf))
}

export async function listOf<T>(scan: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of scan) all.push(one)
  return all
}
