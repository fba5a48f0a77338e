/**
 * `quorate start`: a cluster on this machine, a process for each replica, with data on disk, until Ctrl-C.
 */
import type { HttpSide } from '../dashboard/http-server.ts'
import type { AnyKeyspaceOptions } from '../core/options.ts'
import type { Client } from '../runtime/client.ts'
import { checkPorts, HOST, keepPlan, planCluster, PORT_MAX, REPLICAS_MAX, type ClusterPlan } from './cluster-plan.ts'
import { DEFAULT_PORT } from './cluster-client.ts'
import type { Command, Input } from './command.ts'
import type { Explorer } from './explorer.ts'
import type { Output } from './output.ts'
import type { ReplicaEvent, ReplicaProcessStatus } from './replica-process.ts'
import { StopSignals } from './stop-signals.ts'
import { Supervisor } from './supervisor.ts'

export const startCommand: Command = {
  name: 'start',
  summary: 'Start a cluster on this machine: a process for each replica, data on disk.',
  positionals: [],
  options: {
    replicas: { value: 'N', help: 'how many; 3 by default, or as many as the data is of' },
    data: { value: 'DIR', help: 'where the data is kept; ./quorate-data by default' },
    port: { value: 'N', help: `for HTTP; ${DEFAULT_PORT} by default. The replicas use the ones behind it` },
  },
  notes: `Replica a listens on port + 1 for other replicas and clients and on port + 101 for HTTP, b on port + 2 and port + 102,
and so on. One that dies is started again. Ctrl-C stops all of them and keeps the data; a second Ctrl-C does not wait.
With --json every event is a line of JSON.`,
  examples: ['quorate start', 'quorate start --replicas 5 --data /tmp/five --port 7300'],
  run: start,
}

async function start(input: Input, output: Output): Promise<void> {
  const signals = new StopSignals()
  const plan = await planCluster({
    replicas: input.number('replicas', { min: 1, max: REPLICAS_MAX }),
    dataDir: input.text('data') ?? 'quorate-data',
    port: input.number('port', { min: 1, max: PORT_MAX }) ?? DEFAULT_PORT,
  })
  await checkPorts(plan)
  let began = false
  const cluster = new RunningCluster(plan, (event) => {
    if (output.json || began) tellEvent(event, output, signals)
    else if (event.event === 'ready') output.progress(`replica ${event.replica} serves …`)
  })
  signals.onHurry = () => cluster.kill()
  const begin = async (): Promise<void> => {
    await cluster.start()
    began = true
    if (!signals.seen) tellStarted(plan, cluster.processes, output)
  }
  try {
    output.progress(`starting ${plan.replicas.length} replicas …`)
    const beginning = begin()
    // Stopped meanwhile, nobody asks any more how it ended.
    beginning.catch(() => {})
    await Promise.race([beginning, signals.first])
    const reason = await signals.first
    output.tell({ event: 'stopping', reason }, output.style('dim', `stopping (${String(reason)})`))
  } finally {
    if (!signals.seen) signals.stop(new Error('it could not start'))
    await cluster.stop()
  }
  output.tell({ event: 'stopped' }, `stopped; the data stays in ${plan.dataDir}`)
  process.exit()
}

class RunningCluster {
  readonly #plan: ClusterPlan
  readonly #supervisor: Supervisor
  #client: Client | undefined
  #http: HttpSide | undefined
  #explorer: Explorer | undefined
  #stopped = false

  constructor(plan: ClusterPlan, onEvent: (event: ReplicaEvent) => void) {
    this.#plan = plan
    this.#supervisor = new Supervisor(plan, (event) => {
      onEvent(event)
      this.#explorer?.happened(event)
    })
  }

  get processes(): Readonly<Record<string, ReplicaProcessStatus>> {
    return this.#supervisor.status
  }

  async start(): Promise<void> {
    const { replicas, port } = this.#plan
    await this.#supervisor.start()
    // Loaded here, so that help and mistakes are answered at once.
    const { connect } = await import('../runtime/client.ts')
    const { startHttp } = await import('../dashboard/http-server.ts')
    const { Explorer, PLAY_KEYSPACES } = await import('./explorer.ts')
    await keepPlan(this.#plan)
    const members = Object.fromEntries(replicas.map(({ id, url }) => [id, url]))
    const secret = process.env['QUORATE_SECRET']
    const client = await connect({ id: 'start', replicas: members, ...(secret !== undefined && { secret }) })
    this.#client = client
    const n = replicas.length
    await register(client, PLAY_KEYSPACES.ap, { mode: 'ap', n, r: 1, w: 1 })
    await register(client, PLAY_KEYSPACES.cp, { mode: 'cp', n })
    const explorer = new Explorer(this.#supervisor)
    this.#explorer = explorer
    const status = (): object => ({ ...client.status(), members, processes: this.processes })
    const http = { store: client, host: HOST, port, status, cluster: explorer.view }
    if (!this.#stopped) this.#http = await startHttp(http)
    if (this.#stopped) await this.#close()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#close()
    await this.#supervisor.stop()
  }

  kill(): void {
    this.#supervisor.kill()
  }

  async #close(): Promise<void> {
    this.#explorer?.close()
    await this.#http?.close()
    await this.#client?.close()
  }
}

/** Has the members agree on a keyspace: its first call does. */
async function register(client: Client, name: string, options: AnyKeyspaceOptions): Promise<void> {
  if (options.mode === 'cp') await client.keyspace(name, options).get('any', { level: 'stale' })
  else await client.keyspace(name, options).get('any')
}

function tellEvent(event: ReplicaEvent, output: Output, signals: StopSignals): void {
  if (signals.seen && !output.json && event.event !== 'said') return
  const name = output.style('bold', event.replica)
  switch (event.event) {
    case 'ready':
      return output.tell(event, `replica ${name} serves, process ${event.pid}, after ${event.ms} ms`)
    case 'died': {
      const why = output.style('red', `ended (${event.why})`)
      return output.tell(event, `replica ${name} ${why}; starting it again in ${event.restartMs} ms`)
    }
    case 'ended':
      return output.tell(event, `replica ${name} ended (${event.why})`)
    case 'said':
      return output.tell(event, `replica ${name} says: ${event.line}`)
  }
}

function tellStarted(
  plan: ClusterPlan,
  processes: Readonly<Record<string, ReplicaProcessStatus>>,
  output: Output,
): void {
  const { port, dataDir, replicas } = plan
  const http = `http://${HOST}:${port}`
  const listed = replicas.map(({ id, url }) => ({ id, url, http: processes[id]?.http, pid: processes[id]?.pid }))
  const rows = listed.map(({ id, url, http: own, pid }) => `  ${id}  ${url}  ${own}  process ${pid}`)
  const key = `${http}/kv/carts/alice`
  const quorate = process.argv[1]?.endsWith('.ts') === true ? 'npm run -s quorate --' : 'npx quorate'
  const same = port === DEFAULT_PORT ? '' : ` --port ${port}`
  const text = `
${output.style('green', `${replicas.length} replicas run`)}, with their data in ${dataDir}

${rows.join('\n')}

Open ${output.style('bold', http)} in a browser: cut a link with the mouse, and see what AP and CP make of it.

Or try, in another terminal:

  curl -X PUT ${key} -d '["milk","tea"]'
  curl ${key}
  curl ${http}/status
  ${quorate} get carts alice${same}
  ${quorate} status${same}

curl ${http} lists more. Kill one of the processes (kill -9 ${listed[0]?.pid}) and see it come back.
Ctrl-C stops everything; the data stays.`
  output.tell({ event: 'started', http, dataDir, replicas: listed, pid: process.pid }, text)
}
