/**
 * NATS: three servers with JetStream, a key-value bucket of three copies in memory, through its own client.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { StorageType } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { keyFor, VALUE } from '../cells.ts'
import { removeDirectory, temporaryDirectory } from '../cluster.ts'
import { countdown } from '../load.ts'
import type { Peer, RunningPeer } from './peer.ts'
import { freePorts, programNamed, Server } from './server.ts'

const IDS = ['n1', 'n2', 'n3'] as const
const KEYS = 10_000

export const nats: Peer = {
  name: 'NATS KV',
  start: async () => {
    const program = programNamed('nats-server')
    if (program === undefined) return undefined
    const directory = await temporaryDirectory()
    const servers: Server[] = []
    let connection: NatsConnection | undefined
    const close = async (): Promise<void> => {
      await connection?.close()
      await Promise.all(servers.map((server) => server.stop()))
      await removeDirectory(directory)
    }
    try {
      const ports = await freePorts(2 * IDS.length)
      const routes = IDS.map((_, index) => `nats://127.0.0.1:${ports[IDS.length + index]}`).join(', ')
      for (const [index, id] of IDS.entries()) {
        const file = path.join(directory, `${id}.conf`)
        await writeFile(
          file,
          configOf({ id, port: ports[index], cluster: ports[IDS.length + index], routes, directory }),
        )
        servers.push(new Server(program, ['-c', file], { name: 'nats-server', cwd: directory }))
      }
      const [first] = servers as [Server]
      const urls = IDS.map((_, index) => `127.0.0.1:${ports[index]}`)
      connection = await first.until(() => connect({ servers: urls }))
      const manager = new Kvm(connection)
      const bucket = await first.until(() =>
        manager.create('bench', { replicas: IDS.length, storage: StorageType.Memory, history: 1 }),
      )
      await countdown((index) => bucket.put(keyFor(index, 0), VALUE), { count: KEYS, inFlight: 256 })
      return runningOf(bucket, close)
    } catch (error) {
      await close()
      throw error
    }
  },
}

function configOf(of: {
  readonly id: string
  readonly port: number | undefined
  readonly cluster: number | undefined
  readonly routes: string
  readonly directory: string
}): string {
  const { id, port, cluster, routes, directory } = of
  return `
server_name: ${id}
listen: 127.0.0.1:${port}
jetstream { store_dir: ${JSON.stringify(path.join(directory, id))}, max_mem: 1G, max_file: 1G }
cluster { name: bench, listen: 127.0.0.1:${cluster}, routes: [${routes}] }
`
}

function runningOf(bucket: KV, close: () => Promise<void>): RunningPeer {
  return {
    cells: [
      {
        name: 'NATS KV put, in memory, three copies',
        kind: 'put',
        operation: (worker, turn) => bucket.put(keyFor(worker, turn), VALUE),
        goal: 10,
      },
      {
        name: 'NATS KV get',
        kind: 'get',
        operation: async (worker, turn) => {
          const entry = await bucket.get(keyFor(worker, turn))
          if (entry === null) throw new Error('a key that was written has no value')
        },
      },
    ],
    notes: [
      'NATS: durable buckets are left out, since this server syncs its files every two minutes and not before it answers.',
    ],
    close,
  }
}
