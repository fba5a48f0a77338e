/**
 * All replica processes of a local cluster: started together, kept alive, stopped together.
 */
import type { ClusterPlan, PlannedReplica } from './cluster-plan.ts'
import { HOST } from './cluster-plan.ts'
import { ReplicaProcess, type ReplicaEvent, type ReplicaProcessStatus } from './replica-process.ts'

export class Supervisor {
  readonly #processes: ReadonlyMap<string, ReplicaProcess>
  readonly #killAll = (): void => this.kill()

  constructor(plan: ClusterPlan, onEvent: (event: ReplicaEvent) => void) {
    const make = (replica: PlannedReplica): [string, ReplicaProcess] => {
      return [replica.id, new ReplicaProcess(replica, childArgs(plan, replica), onEvent)]
    }
    this.#processes = new Map(plan.replicas.map(make))
    // However this process ends, short of SIGKILL, it leaves none behind; after that the replicas notice by themselves.
    process.on('exit', this.#killAll)
  }

  get status(): Readonly<Record<string, ReplicaProcessStatus>> {
    return Object.fromEntries([...this.#processes].map(([id, replica]) => [id, replica.status]))
  }

  /** Starts all. Rejects with the first that cannot serve; the caller then stops the others. */
  async start(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((replica) => replica.start()))
  }

  /** Stops all, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((replica) => replica.stop()))
    process.off('exit', this.#killAll)
  }

  kill(): void {
    for (const replica of this.#processes.values()) replica.kill()
  }
}

/** The same program, run the same way, as `serve`. A debugger's port is not for children: it is taken. */
function childArgs(plan: ClusterPlan, replica: PlannedReplica): string[] {
  const node = process.execArgv.filter((arg) => !arg.startsWith('--inspect'))
  const peers = plan.replicas.filter(({ id }) => id !== replica.id).flatMap(({ id, url }) => ['--peer', `${id}=${url}`])
  const { id, port, dataDir, httpPort } = replica
  const own = ['--id', id, '--listen', `${HOST}:${port}`, '--data', dataDir, '--http', `${HOST}:${httpPort}`]
  return [...node, process.argv[1] as string, 'serve', ...own, ...peers]
}
