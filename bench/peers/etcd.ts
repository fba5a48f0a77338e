/**
 * etcd, as `bench/etcd.ts` runs it: on a file system in memory, and on the one that data of durable replicas is on.
 */
import { existsSync } from 'node:fs'
import { keyFor, VALUE } from '../cells.ts'
import { EtcdCluster } from '../etcd.ts'
import { countdown } from '../load.ts'
import { MEMORY_FOLDER, type Peer } from './peer.ts'

const KEYS = 10_000

export const etcd: Peer = {
  name: 'etcd',
  start: async () => {
    const memory = existsSync(MEMORY_FOLDER) ? await EtcdCluster.start(MEMORY_FOLDER) : undefined
    const durable = await EtcdCluster.start()
    if (durable === undefined) return undefined
    const put = memory?.put(keyFor, VALUE)
    if (put !== undefined) await countdown((index) => put(index, 0), { count: KEYS, inFlight: 256 })
    return {
      cells: [
        ...(memory === undefined
          ? []
          : [
              { name: 'etcd put, tmpfs', kind: 'put' as const, operation: memory.put(keyFor, VALUE), goal: 30 },
              { name: 'etcd range, linearizable', kind: 'get' as const, operation: memory.get(keyFor) },
            ]),
        { name: 'etcd put, synced', kind: 'durable' as const, operation: durable.put(keyFor, VALUE), goal: 10 },
      ],
      notes: ['etcd: each call a gRPC stream over one HTTP/2 connection to each server.'],
      close: async () => {
        await Promise.all([memory?.close(), durable.close()])
      },
    }
  },
}
