/**
 * ZooKeeper: three servers of Debian's package, one session to each, writes and reads to all in turn.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { keyFor, VALUE } from '../cells.ts'
import { removeDirectory, temporaryDirectory } from '../cluster.ts'
import { countdown } from '../load.ts'
import { MEMORY_FOLDER, type Peer, type RunningPeer } from './peer.ts'
import { freePorts, programNamed, Server } from './server.ts'
import { ZooKeeperSession } from './zookeeper-session.ts'

const SERVERS = 3
const KEYS = 10_000
const JARS = '/usr/share/java'
const MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
const VALUE_BYTES = Buffer.from(VALUE)

export const zookeeper: Peer = {
  name: 'ZooKeeper',
  start: async () => {
    const java = programNamed('java')
    if (java === undefined || !existsSync(path.join(JARS, 'zookeeper.jar'))) return undefined
    const memory = await Ensemble.start(java, false)
    try {
      const durable = await Ensemble.start(java, true)
      return runningOf(memory, durable)
    } catch (error) {
      await memory.close()
      throw error
    }
  },
}

function runningOf(memory: Ensemble, durable: Ensemble): RunningPeer {
  return {
    cells: [
      {
        name: 'ZooKeeper setData, tmpfs, no sync',
        kind: 'put',
        operation: (worker, turn) => memory.set(keyFor(worker, turn)),
      },
      {
        name: 'ZooKeeper getData, any server',
        kind: 'get',
        operation: (worker, turn) => memory.get(keyFor(worker, turn)),
      },
      {
        name: 'ZooKeeper setData, synced',
        kind: 'durable',
        operation: (worker, turn) => durable.set(keyFor(worker, turn)),
      },
    ],
    notes: ['ZooKeeper: a read is answered by whichever server is asked, and may be old.'],
    close: async () => {
      await Promise.all([memory.close(), durable.close()])
    },
  }
}

class Ensemble {
  readonly #servers: readonly Server[]
  readonly #directory: string
  readonly #sessions: readonly ZooKeeperSession[]
  #turn = 0

  private constructor(servers: readonly Server[], directory: string, sessions: readonly ZooKeeperSession[]) {
    this.#servers = servers
    this.#directory = directory
    this.#sessions = sessions
  }

  static async start(java: string, durable: boolean): Promise<Ensemble> {
    const directory = await temporaryDirectory(durable || !existsSync(MEMORY_FOLDER) ? undefined : MEMORY_FOLDER)
    const servers: Server[] = []
    try {
      const ports = await freePorts(3 * SERVERS)
      for (let index = 0; index < SERVERS; index++) {
        const file = await configure({ directory, index, ports })
        const options = [
          '-Xmx256m',
          `-Dzookeeper.forceSync=${durable ? 'yes' : 'no'}`,
          '-Dzookeeper.admin.enableServer=false',
        ]
        const jars = ['zookeeper.jar', 'zookeeper-jute.jar', '*'].map((jar) => path.join(JARS, jar)).join(':')
        servers.push(new Server(java, [...options, '-cp', jars, MAIN, file], { name: 'zookeeper', cwd: directory }))
      }
      const sessions = await Promise.all(
        servers.map((server, index) => server.until(() => opened(ports[index] as number))),
      )
      const ensemble = new Ensemble(servers, directory, sessions)
      await countdown((index) => ensemble.#create(keyFor(index, 0)), { count: KEYS, inFlight: 256 })
      return ensemble
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop()))
      await removeDirectory(directory)
      throw error
    }
  }

  async #create(key: string): Promise<void> {
    await this.#next().create(`/${key}`, VALUE_BYTES)
  }

  async set(key: string): Promise<void> {
    await this.#next().set(`/${key}`, VALUE_BYTES)
  }

  async get(key: string): Promise<void> {
    const size = await this.#next().get(`/${key}`)
    if (size !== VALUE_BYTES.length) throw new Error('a key that was written has no value')
  }

  #next(): ZooKeeperSession {
    return this.#sessions[this.#turn++ % this.#sessions.length] as ZooKeeperSession
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close()
    await Promise.all(this.#servers.map((server) => server.stop()))
    await removeDirectory(this.#directory)
  }
}

/** A session that has been answered: before there is a leader, servers hang up. */
async function opened(port: number): Promise<ZooKeeperSession> {
  const session = await ZooKeeperSession.open(port)
  await session.get('/zookeeper')
  return session
}

async function configure(of: {
  readonly directory: string
  readonly index: number
  readonly ports: readonly number[]
}): Promise<string> {
  const { directory, index, ports } = of
  const data = path.join(directory, `data-${index + 1}`)
  await mkdir(data)
  await writeFile(path.join(data, 'myid'), String(index + 1))
  const members = Array.from({ length: SERVERS }, (_, at) => {
    return `server.${at + 1}=127.0.0.1:${ports[SERVERS + at]}:${ports[2 * SERVERS + at]}`
  })
  const lines = ['tickTime=1000', 'initLimit=20', 'syncLimit=10', 'maxClientCnxns=0', 'globalOutstandingLimit=10000']
  const file = path.join(directory, `server-${index + 1}.cfg`)
  await writeFile(
    file,
    [...lines, `dataDir=${data}`, 'clientPortAddress=127.0.0.1', `clientPort=${ports[index]}`, ...members, ''].join(
      '\n',
    ),
  )
  return file
}
