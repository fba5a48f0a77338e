/**
 * Redis: a primary and two replicas, through ioredis. `WAIT 1` makes a write wait for one replica, so two of three have it.
 */
import { Redis } from 'ioredis'
import { removeDirectory, temporaryDirectory } from '../cluster.ts'
import { keyFor, VALUE } from '../cells.ts'
import type { Operation } from '../load.ts'
import type { Peer, RunningPeer } from './peer.ts'
import { freePorts, programNamed, Server } from './server.ts'

const SERVERS = 3
/** For the records to be there that reads ask for. */
const KEYS = 10_000

export const redis: Peer = {
  name: 'Redis',
  start: async () => {
    const program = programNamed('redis-server')
    if (program === undefined) return undefined
    const memory = await RedisSet.start(program, false)
    const durable = await RedisSet.start(program, true)
    await memory.fill()
    return runningOf(memory, durable)
  },
}

function runningOf(memory: RedisSet, durable: RedisSet): RunningPeer {
  return {
    cells: [
      { name: 'Redis SET, one WAIT a pipeline', kind: 'put', operation: memory.putInPipelines(), goal: 1.5 },
      { name: 'Redis SET + WAIT each', kind: 'put', operation: memory.putEach(), goal: 4 },
      { name: 'Redis GET, primary', kind: 'get', operation: memory.get(), goal: 1.5 },
      {
        name: 'Redis SET, appendfsync always, one WAIT a pipeline',
        kind: 'durable',
        operation: durable.putInPipelines(),
        goal: 1.5,
      },
    ],
    notes: ['Redis: WAIT counts replicas that have received a write; whether their disks have it, it does not say.'],
    close: async () => {
      await Promise.all([memory.close(), durable.close()])
    },
  }
}

class RedisSet {
  readonly #servers: readonly Server[]
  readonly #directory: string
  readonly #client: Redis
  readonly #reader: Redis

  private constructor(parts: { servers: readonly Server[]; directory: string; client: Redis; reader: Redis }) {
    this.#servers = parts.servers
    this.#directory = parts.directory
    this.#client = parts.client
    this.#reader = parts.reader
  }

  static async start(program: string, durable: boolean): Promise<RedisSet> {
    const directory = await temporaryDirectory()
    const ports = await freePorts(SERVERS)
    const servers = ports.map((port, index) => {
      const settings = Object.entries({
        port: String(port),
        bind: '127.0.0.1',
        dir: directory,
        save: '',
        dbfilename: `dump-${index}.rdb`,
        appendonly: durable ? 'yes' : 'no',
        appendfsync: 'always',
        appenddirname: `log-${index}`,
        'repl-diskless-sync-delay': '0',
      }).flatMap(([name, value]) => [`--${name}`, value])
      const following = index > 0 ? ['--replicaof', '127.0.0.1', String(ports[0])] : []
      return new Server(program, [...settings, ...following], { name: 'redis-server', cwd: directory })
    })
    const options = { host: '127.0.0.1', port: ports[0] as number, lazyConnect: true, retryStrategy: () => null }
    const open = async (more: object): Promise<Redis> => {
      const client = new Redis({ ...options, ...more })
      // What goes wrong is told by the calls.
      client.on('error', () => {})
      await client.connect()
      return client
    }
    const [primary] = servers as [Server]
    const client = await primary.until(() => open({}))
    const reader = await open({ enableAutoPipelining: true })
    await primary.until(async () => {
      await client.set('ready', 'x')
      const copies = await client.wait(SERVERS - 1, 100)
      if (copies < SERVERS - 1) throw new Error(`${copies} of ${SERVERS - 1} replicas follow`)
    })
    return new RedisSet({ servers, directory, client, reader })
  }

  async fill(): Promise<void> {
    const pipeline = this.#client.pipeline()
    for (let index = 0; index < KEYS; index++) pipeline.set(keyFor(index, 0), VALUE)
    await pipeline.exec()
  }

  /** Everything that begins in one turn of the event loop goes into one pipeline, with one WAIT at its end. */
  putInPipelines(): Operation {
    let batch: { readonly keys: string[]; readonly done: Promise<void> } | undefined
    const flush = async (keys: readonly string[]): Promise<void> => {
      const pipeline = this.#client.pipeline()
      for (const key of keys) pipeline.set(key, VALUE)
      pipeline.wait(1, 0)
      const answers = await pipeline.exec()
      const [error, copies] = answers?.at(-1) ?? [new Error('no answer')]
      if (error !== null || Number(copies) < 1) throw new Error(`Redis did not replicate: ${String(error ?? copies)}`)
    }
    return (worker, turn) => {
      if (batch === undefined) {
        const keys: string[] = []
        const done = new Promise<void>((resolve, reject) => {
          setImmediate(() => {
            batch = undefined
            flush(keys).then(resolve, reject)
          })
        })
        batch = { keys, done }
      }
      batch.keys.push(keyFor(worker, turn))
      return batch.done
    }
  }

  putEach(): Operation {
    return async (worker, turn) => {
      const [, copies] = await Promise.all([this.#client.set(keyFor(worker, turn), VALUE), this.#client.wait(1, 0)])
      if (copies < 1) throw new Error('Redis did not replicate')
    }
  }

  get(): Operation {
    return async (worker, turn) => {
      const value = await this.#reader.get(keyFor(worker, turn))
      if (value === null) throw new Error('a key that was written has no value')
    }
  }

  async close(): Promise<void> {
    this.#client.disconnect()
    this.#reader.disconnect()
    await Promise.all(this.#servers.map((server) => server.stop()))
    await removeDirectory(this.#directory)
  }
}
