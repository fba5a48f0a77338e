/**
 * All replica processes of a local cluster: started together, kept alive, stopped together.
 */
import type { ClusterPlan, PlannedReplica } from './cluster-plan.ts'
import { HOST } from './cluster-plan.ts'
import { invalid } from '../core/base/errors.ts'
import { Links } from './links.ts'
import { ReplicaProcess, type ReplicaEvent, type ReplicaProcessStatus } from './replica-process.ts'

export class Supervisor {
  /** Between the replicas: what each of them dials. */
  readonly links: Links
  readonly #processes: ReadonlyMap<string, ReplicaProcess>
  readonly #killAll = (): void => this.kill()

  constructor(plan: ClusterPlan, onEvent: (event: ReplicaEvent) => void) {
    const links = new Links(plan.replicas)
    const make = (replica: PlannedReplica): [string, ReplicaProcess] => {
      return [replica.id, new ReplicaProcess(replica, () => childArgs(plan, replica, links), onEvent)]
    }
    this.links = links
    this.#processes = new Map(plan.replicas.map(make))
    // However this process ends, short of SIGKILL, it leaves none behind; after that the replicas notice by themselves.
    process.on('exit', this.#killAll)
  }

  get status(): Readonly<Record<string, ReplicaProcessStatus>> {
    return Object.fromEntries([...this.#processes].map(([id, replica]) => [id, replica.status]))
  }

  /** Starts all. Rejects with the first that cannot serve; the caller then stops the others. */
  async start(): Promise<void> {
    await this.links.listen()
    await Promise.all([...this.#processes.values()].map((replica) => replica.start()))
  }

  /** Stops all, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((replica) => replica.stop()))
    this.links.close()
    process.off('exit', this.#killAll)
  }

  /** Throws `QUORATE_INVALID_OPTION` for a replica that there is not. */
  process(id: string): ReplicaProcess {
    const found = this.#processes.get(id)
    if (found !== undefined) return found
    throw invalid(`there is no replica ${JSON.stringify(id)}: use ${[...this.#processes.keys()].join(', ')}`)
  }

  kill(): void {
    for (const replica of this.#processes.values()) replica.kill()
  }
}

/** The same program, run the same way, as `serve`. A debugger's port is not for children: it is taken. */
function childArgs(plan: ClusterPlan, replica: PlannedReplica, links: Links): string[] {
  const node = process.execArgv.filter((arg) => !arg.startsWith('--inspect'))
  const others = plan.replicas.filter((other) => other.id !== replica.id)
  const peers = others.flatMap((other) => ['--peer', `${other.id}=${links.urlFor(replica.id, other.id)}`])
  const { id, port, dataDir, httpPort } = replica
  const own = ['--id', id, '--listen', `${HOST}:${port}`, '--data', dataDir, '--http', `${HOST}:${httpPort}`]
  return [...node, process.argv[1] as string, 'serve', ...own, ...peers]
}
