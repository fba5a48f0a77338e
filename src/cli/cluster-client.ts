/**
 * Commands that are clients of a cluster: which one, and how they connect.
 */
import type { Client } from '../runtime/client.ts'
import type { Peer } from '../runtime/node.ts'
import type { Level } from '../core/quorum/level.ts'
import type { Input, Option } from './command.ts'
import { Failed } from './failure.ts'
import { parseReplicas } from './replica-address.ts'

/** Where `quorate start` listens when nothing else is said. */
export const DEFAULT_PORT = 7100

export const CLIENT_OPTIONS: Readonly<Record<string, Option>> = {
  replica: { value: 'ID=URL', multiple: true, help: 'a replica of the cluster, a=ws://host:port; name all of them' },
  port: {
    value: 'N',
    help: `of a quorate start on this machine, where no replica is named; ${DEFAULT_PORT} by default`,
  },
  timeout: { value: 'MS', help: 'for connecting, and for the call; 5000 by default' },
}

export const LEVEL_OPTION: Option = {
  value: 'LEVEL',
  help: 'one, two, three, quorum, all, a number of replicas, any for a put with stand-ins, or sets such as "2 of (a, b, c)"',
}

export const CLIENT_NOTES = `Replicas are named by --replica, or by QUORATE_REPLICAS=a=ws://…,b=ws://…; otherwise they are those of the
quorate start that runs on this machine. A cluster with a secret needs it in QUORATE_SECRET.`

/** The replicas that were named, or those of the cluster that runs on this machine. */
async function replicasOf(input: Input): Promise<Record<string, Peer>> {
  const named = input.texts('replica')
  if (named.length > 0) return parseReplicas(named, '--replica')
  const environment = process.env['QUORATE_REPLICAS']?.split(/[\s,]+/).filter((text) => text !== '') ?? []
  if (environment.length > 0) return parseReplicas(environment, 'QUORATE_REPLICAS')
  return discover(input.number('port', { min: 1, max: 65_535 }) ?? DEFAULT_PORT)
}

/** Runs with a connected client, and closes it. */
export async function withClient<T>(
  input: Input,
  run: (client: Client, replicas: Readonly<Record<string, Peer>>) => Promise<T>,
): Promise<T> {
  const timeoutMs = input.number('timeout', { min: 1, max: 3_600_000 })
  const replicas = await replicasOf(input)
  const secret = process.env['QUORATE_SECRET']
  const options = { ...(timeoutMs !== undefined && { timeoutMs }), ...(secret !== undefined && { secret }) }
  // Loaded here, so that help and mistakes are answered at once.
  const { connect } = await import('../runtime/client.ts')
  const client = await connect({ replicas, ...options })
  try {
    return await run(client, replicas)
  } finally {
    await client.close()
  }
}

export function levelOf(input: Input): { readonly level?: Level } {
  const text = input.text('level')
  if (text === undefined) return {}
  return { level: /^\d+$/.test(text) ? Number(text) : text }
}

const LOOK_MS = 2_000

/** Asks the `quorate start` on this port who its replicas are. */
async function discover(port: number): Promise<Record<string, Peer>> {
  const url = `http://127.0.0.1:${port}/status`
  const advice = 'Start a cluster with quorate start, or name the replicas with --replica a=ws://host:port …'
  let members: unknown
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LOOK_MS) })
    members = ((await response.json()) as { members?: unknown }).members
  } catch {
    throw new Failed(`QUORATE_UNAVAILABLE: no cluster answers at ${url}. ${advice}`)
  }
  if (typeof members !== 'object' || members === null) {
    throw new Failed(`QUORATE_UNAVAILABLE: what answers at ${url} is no quorate start. ${advice}`)
  }
  return members as Record<string, Peer>
}
