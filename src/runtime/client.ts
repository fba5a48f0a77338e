/**
 * A client: a coordinator without a replica, for processes that only use a cluster.
 */
import { randomBytes } from 'node:crypto'
import { invalid, QuorateError } from '../core/base/errors.ts'
import { checkFields, CORE_FIELDS, resolveCore, type CoreOptions } from '../core/options.ts'
import { checkId, membershipOf } from '../core/placement/membership.ts'
import { CLUSTER_ID, pickCore, urlOf, type Peer } from './node.ts'
import { Store, type StoreParts } from './store.ts'
import type { TransportLimits } from './transport/transport.ts'
import { drawIdentity, Wiring } from './wiring.ts'

export interface ClientOptions extends CoreOptions {
  /** All replicas of the cluster, with the zones that they were given. */
  readonly replicas: Readonly<Record<string, Peer>>
  /** Its name in logs and in the versions that it writes. `client-` and random letters by default. */
  readonly id?: string
  /** The zone of this client, for local levels. */
  readonly zone?: string
  readonly secret?: string
  readonly clusterId?: string
  readonly transport?: Partial<TransportLimits>
}

const FIELDS: readonly string[] = ['replicas', 'id', 'zone', 'secret', 'clusterId', 'transport', ...CORE_FIELDS]

/** How long `connect` waits for the rest once a majority of the replicas answers. */
const GRACE_MS = 100
const LOOK_MS = 5

export class Client extends Store {
  readonly #wiring: Wiring
  #closing: Promise<void> | undefined

  constructor(parts: Omit<StoreParts, 'role' | 'coordinator' | 'engine' | 'notices'>, wiring: Wiring) {
    const { coordinator, engine, notices } = wiring
    super({ ...parts, role: 'client', coordinator, engine, notices })
    this.#wiring = wiring
  }

  /** Ends calls in flight with `QUORATE_CLOSED` and closes the links. Closing twice is fine. */
  override close(): Promise<void> {
    this.#closing ??= this.#wiring.close()
    return this.#closing
  }
}

/**
 * Connects to the replicas. Waits for all of them for a moment, then for at least one, up to `timeoutMs`.
 *
 * Throws `QUORATE_UNAVAILABLE` when none answers, with the reason of each; `QUORATE_UNAUTHORIZED` or `QUORATE_PROTOCOL` when
 * they refuse this client; `QUORATE_INVALID_OPTION` for options that cannot be.
 */
export async function connect(options: ClientOptions): Promise<Client> {
  checkFields(options, FIELDS, 'a client')
  const limits = resolveCore(pickCore(options))
  const replicas = Object.entries(options.replicas ?? {})
  if (replicas.length === 0) throw invalid('replicas is empty: name the replicas of the cluster and their addresses')
  const { zone = '', clusterId = CLUSTER_ID, secret, transport = {} } = options
  const id = options.id ?? `client-${randomBytes(4).toString('hex')}`
  checkId(id, 'a client id')
  const membership = membershipOf(
    replicas.map(([name, peer]) => ({ id: name, zone: typeof peer === 'string' ? '' : (peer.zone ?? '') })),
  )
  const identity = { clusterId, id, role: 'client', incarnation: drawIdentity(), epoch: membership.epoch } as const
  const onFatal = (): void => {}
  const config = {
    identity,
    membership,
    zone,
    limits,
    secret,
    transport,
    storage: undefined,
    faults: undefined,
    onFatal,
  }
  const wiring = new Wiring(config)
  const client = new Client({ id, clusterId, zone, membership, limits }, wiring)
  try {
    for (const [name, peer] of replicas) wiring.dial(name, urlOf(peer))
    await reachable(client, wiring, limits.timeoutMs)
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}

async function reachable(client: Client, wiring: Wiring, timeoutMs: number): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const states = Object.values(client.status().replicas).map(({ state }) => state)
    const up = states.filter((state) => state === 'reachable').length
    const waitedMs = performance.now() - startedAt
    if (up === states.length || (up > states.length / 2 && waitedMs > GRACE_MS)) return
    const problems = states.flatMap((_, index) => wiring.problem(index) ?? [])
    const allRefuse = problems.length === states.length && problems.every(({ code }) => code !== 'QUORATE_UNAVAILABLE')
    if (waitedMs > timeoutMs || allRefuse) {
      if (up > 0) return
      throw unreachable(problems)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function unreachable(problems: readonly QuorateError[]): QuorateError {
  const why = [...new Set(problems.map(({ message }) => message))].join('; ') || 'no answer'
  const refused = problems.find(({ code }) => code !== 'QUORATE_UNAVAILABLE')
  const message = `no replica can be reached: ${why}. Check the addresses, and that the replicas run.`
  return new QuorateError(refused?.code ?? 'QUORATE_UNAVAILABLE', message, { retry: 'safe' })
}
