/**
 * Three etcd servers to measure beside: Debian's package, one process each, and calls to them over gRPC.
 *
 * The calls are made by hand on HTTP/2 connections, one to each server, with the few protobuf fields that a put and a
 * linearizable range need, so that no client library stands in the way. Puts go to all servers in turn, as a client with
 * three endpoints sends them.
 */
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import path from 'node:path'
import { removeDirectory, temporaryDirectory } from './cluster.ts'
import type { Operation } from './load.ts'
import { freePorts, programNamed, Server } from './peers/server.ts'

const IDS = ['e1', 'e2', 'e3'] as const
const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_CONTENT_TYPE } = constants

export class EtcdCluster {
  readonly #servers: readonly Server[]
  readonly #directory: string
  readonly #sessions: readonly ClientHttp2Session[]
  #turn = 0

  private constructor(servers: readonly Server[], directory: string, sessions: readonly ClientHttp2Session[]) {
    this.#servers = servers
    this.#directory = directory
    this.#sessions = sessions
  }

  /**
   * Nothing where etcd is not installed.
   *
   * @param parent where the servers keep their data; that for temporary files if left out.
   */
  static async start(parent?: string): Promise<EtcdCluster | undefined> {
    const program = programNamed('etcd')
    if (program === undefined) return undefined
    const directory = await temporaryDirectory(parent)
    const ports = await freePorts(2 * IDS.length)
    const url = (index: number): string => `http://127.0.0.1:${ports[index]}`
    const members = IDS.map((id, index) => `${id}=${url(IDS.length + index)}`).join(',')
    const servers = IDS.map(
      (id, index) =>
        new Server(
          program,
          Object.entries({
            name: id,
            'data-dir': path.join(directory, id),
            'log-level': 'error',
            'listen-client-urls': url(index),
            'advertise-client-urls': url(index),
            'listen-peer-urls': url(IDS.length + index),
            'initial-advertise-peer-urls': url(IDS.length + index),
            'initial-cluster': members,
            'initial-cluster-state': 'new',
          }).map(([name, value]) => `--${name}=${value}`),
          { name: `etcd ${id}`, cwd: directory },
        ),
    )
    const sessions: ClientHttp2Session[] = []
    const cluster = new EtcdCluster(servers, directory, sessions)
    try {
      for (const [index, server] of servers.entries()) sessions.push(await server.until(() => connected(url(index))))
      await servers[0]?.until(async () => {
        for (let turn = 0; turn < IDS.length; turn++) await cluster.#call('Put', [field(1, 'ready'), field(2, 'x')])
      })
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  put(keyFor: (worker: number, turn: number) => string, value: string): Operation {
    return (worker, turn) => this.#call('Put', [field(1, keyFor(worker, turn)), field(2, value)])
  }

  /** A linearizable read, which is what a range is if nothing else is asked for. */
  get(keyFor: (worker: number, turn: number) => string): Operation {
    return (worker, turn) => this.#call('Range', [field(1, keyFor(worker, turn))])
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    await Promise.all(this.#servers.map((server) => server.stop()))
    await removeDirectory(this.#directory)
  }

  #call(method: 'Put' | 'Range', fields: readonly Buffer[]): Promise<void> {
    const session = this.#sessions[this.#turn++ % this.#sessions.length] as ClientHttp2Session
    const body = Buffer.concat(fields)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(body.length, 1)
    return new Promise((resolve, reject) => {
      const stream = session.request({
        [HTTP2_HEADER_METHOD]: 'POST',
        [HTTP2_HEADER_PATH]: `/etcdserverpb.KV/${method}`,
        [HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        te: 'trailers',
      })
      stream.on('trailers', (trailers: IncomingHttpHeaders) => {
        const status = trailers['grpc-status']
        if (status === '0') resolve()
        else reject(new Error(`etcd answered with status ${String(status)}: ${String(trailers['grpc-message'])}`))
      })
      stream.on('error', reject)
      stream.on('close', () => reject(new Error('etcd closed the stream')))
      stream.resume()
      stream.end(Buffer.concat([head, body]))
    })
  }
}

/** A field of bytes. */
function field(number: number, text: string): Buffer {
  const bytes = Buffer.from(text)
  const size: number[] = []
  for (let left = bytes.length; ; left >>>= 7) {
    size.push(left > 127 ? (left & 127) | 128 : left)
    if (left <= 127) break
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), bytes])
}

async function connected(url: string): Promise<ClientHttp2Session> {
  const session = connect(url, { settings: { initialWindowSize: 2 ** 20 } })
  const error = await new Promise<Error | undefined>((resolve) => {
    session.once('connect', () => resolve(undefined))
    session.once('error', resolve)
  })
  if (error === undefined) {
    // Whoever calls learns that it is gone.
    session.on('error', () => {})
    return session
  }
  throw error
}
