/**
 * `quorate serve`: one replica in this process, until it is told to stop or its storage fails.
 */
import type { HttpSide } from '../dashboard/http-server.ts'
import { QuorateError } from '../core/base/errors.ts'
import type { CoreOptions } from '../core/options.ts'
import type { Node, NodeOptions } from '../runtime/node.ts'
import { ClusterWatch, httpSource } from '../dashboard/cluster-watch.ts'
import { reportOf } from '../dashboard/report.ts'
import { usage, type Command, type Input } from './command.ts'
import type { Output } from './output.ts'
import { parseListen, parseReplicas, parseWatched } from './replica-address.ts'
import { tellNotices } from './notice-lines.ts'
import { StopSignals } from './stop-signals.ts'
import { isSupervised, obeySupervisor, tellSupervisor } from './supervision.ts'

/** Closing that takes longer is given up: everything acknowledged is on disk already. */
const CLOSE_MS = 5_000
/** With its storage gone there is little to wait for. */
const CLOSE_BROKEN_MS = 500

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Run one replica in this process.',
  positionals: [],
  options: {
    id: { value: 'NAME', help: 'the name of this replica, the same at every start' },
    listen: { value: 'HOST:PORT', help: 'for the other replicas and for clients, by WebSocket' },
    peer: { value: 'ID=URL', multiple: true, help: 'another replica, b=ws://host:port, or b@zone=ws://host:port' },
    data: { value: 'DIR', help: 'where its records are kept; in memory if left out' },
    zone: { value: 'NAME', help: 'where it stands; zones count once every replica has one' },
    http: { value: '[HOST:]PORT', help: 'for the dashboard, metrics and keys over HTTP; 127.0.0.1 by default' },
    watch: {
      value: 'ID=URL',
      multiple: true,
      help: 'another replica that the dashboard shows too, b=http://host:port',
    },
    'heartbeat-ms': { value: 'N', help: 'given up after two of these without a sign of life; 1000 by default' },
    'exchange-ms': { value: 'N', help: 'how often it compares its records with the others; 10000 by default' },
    'horizon-ms': { value: 'N', help: 'how long all hold a deleted record before it is erased; a day by default' },
    'hint-age-ms': { value: 'N', help: 'how long it keeps records for others that are away; 3 hours by default' },
  },
  notes: `Every replica is started with the same ids and zones. Listening on another address than loopback needs a secret of at
least 16 random characters in QUORATE_SECRET, the same for all replicas and clients. The HTTP side asks for no password:
on another address than loopback, put a proxy with one in front. SIGTERM and Ctrl-C stop the replica: it hands on what it
leads and what it keeps for others, and finishes what is in flight. Acknowledged writes are on disk long before.
Heartbeat and horizon should be the same at all replicas; with a horizon of 0 deleted records stay for ever.`,
  examples: [
    'quorate serve --id a --listen 127.0.0.1:7101 --peer b=ws://127.0.0.1:7102 --peer c=ws://127.0.0.1:7103 --data ./a --http 7201',
  ],
  run: serve,
}

async function serve(input: Input, output: Output): Promise<void> {
  const supervised = isSupervised()
  const signals = new StopSignals(supervised ? ['SIGINT', 'SIGHUP'] : [])
  if (supervised) {
    process.once('disconnect', () => signals.stop('disconnected'))
    if (!process.connected) signals.stop('disconnected')
  }
  try {
    const observed = (node: Node): void => {
      if (!supervised) tellNotices(node, output)
    }
    const replica = await openReplica(input, (error) => signals.stop(error), observed)
    if (supervised) {
      obeySupervisor(replica.node)
      await tellSupervisor({ kind: 'ready', url: replica.node.url, http: replica.http?.url })
    } else tellReady(replica, input, output)
    const reason = await signals.first
    signals.onHurry = () => process.exit(1)
    const closed = await closeReplica(replica, reason instanceof Error ? CLOSE_BROKEN_MS : CLOSE_MS)
    if (reason instanceof Error) throw reason
    if (!supervised) output.tell({ event: 'stopped', reason }, `stopped (${reason})${closed ? '' : ', in a hurry'}`)
    process.exit(0)
  } catch (error) {
    if (!supervised) throw error
    const { code, message } = error instanceof QuorateError ? error : { code: 'failed', message: String(error) }
    await tellSupervisor({ kind: 'failed', code, message })
    process.exit(1)
  }
}

interface OpenReplica {
  readonly node: Node
  readonly http: HttpSide | undefined
}

async function openReplica(
  input: Input,
  onFatal: (error: QuorateError) => void,
  observed: (node: Node) => void,
): Promise<OpenReplica> {
  const id = input.text('id')
  const listen = input.text('listen')
  if (id === undefined) throw usage(serveCommand, '--id is missing')
  if (listen === undefined) throw usage(serveCommand, '--listen is missing')
  const dataDir = input.text('data')
  const zone = input.text('zone')
  const httpAt = input.text('http')
  const secret = process.env['QUORATE_SECRET']
  const address = httpAt === undefined ? undefined : parseListen(httpAt, 'http')
  const options: NodeOptions = {
    id,
    listen: parseListen(listen, 'listen'),
    peers: parseReplicas(input.texts('peer'), '--peer'),
    onFatal,
    ...spansOf(input),
    ...(dataDir !== undefined && { dataDir }),
    ...(zone !== undefined && { zone }),
    ...(secret !== undefined && { secret }),
  }
  // Loaded here, so that help and mistakes are answered at once.
  const { openNode } = await import('../runtime/node.ts')
  const { startHttp } = await import('../dashboard/http-server.ts')
  const node = await openNode(options)
  observed(node)
  try {
    if (address === undefined) return { node, http: undefined }
    return { node, http: await startHttp({ store: node, ...address, cluster: watchFrom(node, input) }) }
  } catch (error) {
    await node.close()
    throw error
  }
}

/** The options of the core that are spans of time; what fits together is for the node to say. */
const SPANS = {
  'heartbeat-ms': 'heartbeatMs',
  'exchange-ms': 'exchangeMs',
  'horizon-ms': 'horizonMs',
  'hint-age-ms': 'hintAgeMsMax',
} as const
const SPAN_MS_MAX = 31_536_000_000

function spansOf(input: Input): CoreOptions {
  const given = Object.entries(SPANS).map(([name, option]) => {
    return [option, input.number(name, { min: 0, max: SPAN_MS_MAX })] as const
  })
  return Object.fromEntries(given.filter(([, ms]) => ms !== undefined))
}

function tellReady({ node, http }: OpenReplica, input: Input, output: Output): void {
  const { id, url } = node
  const data = input.text('data')
  const where = data === undefined ? 'in memory only: gone with the process' : `data in ${data}`
  const web = http === undefined ? '' : `, ${http.url}`
  output.tell(
    { event: 'ready', id, url, http: http?.url, data, pid: process.pid },
    `replica ${id} serves ${url}${web} (${where})`,
  )
}

/** What the page shows: this replica, and those that are named besides. */
function watchFrom(node: Node, input: Input): ClusterWatch {
  const own = { id: node.id, report: async () => reportOf(node) }
  const others = Object.entries(parseWatched(input.texts('watch'))).map(([id, url]) => httpSource(id, url))
  return new ClusterWatch({ sources: [own, ...others] })
}

/** Whether everything closed in time. */
async function closeReplica({ node, http }: OpenReplica, withinMs: number): Promise<boolean> {
  const closing = (async (): Promise<true> => {
    await http?.close()
    await node.drain()
    return true
  })()
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), withinMs))
  return Promise.race([closing, late])
}
