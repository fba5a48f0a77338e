/**
 * `quorate status`: which replicas can be reached from here, and how far away they are.
 */
import type { Client } from '../runtime/client.ts'
import type { ReplicaStatus } from '../runtime/store.ts'
import { CLIENT_NOTES, CLIENT_OPTIONS, withClient } from './cluster-client.ts'
import type { Command } from './command.ts'
import type { Output, Style } from './output.ts'

const STYLES: Readonly<Record<ReplicaStatus['state'], Style>> = {
  reachable: 'green',
  late: 'yellow',
  unreachable: 'red',
  'one-way': 'red',
}

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show which replicas can be reached from here.',
  positionals: [],
  options: CLIENT_OPTIONS,
  notes: `It fails only when no replica can be reached. ${CLIENT_NOTES}`,
  examples: ['quorate status', 'quorate status --json'],
  run: (input, output) =>
    withClient(input, async (client, peers) => {
      await measured(client)
      const status = client.status()
      const urls = Object.fromEntries(
        Object.entries(peers).map(([id, peer]) => [id, typeof peer === 'string' ? peer : peer.url]),
      )
      const replicas = Object.entries(status.replicas)
      const up = replicas.filter(([, { state }]) => state === 'reachable').length
      const head = `cluster ${status.clusterId}: ${up} of ${replicas.length} replicas reachable`
      const rows = replicas.map(([id, replica]) => rowOf({ id, url: urls[id] ?? '' }, replica, output))
      output.tell({ ...status, urls }, [output.style('bold', head), ...rows].join('\n'))
    }),
}

function rowOf(
  place: { readonly id: string; readonly url: string },
  { state, latencyMs, zone }: ReplicaStatus,
  output: Output,
): string {
  const latency = latencyMs === 0 ? '' : `${latencyMs.toFixed(1)} ms`
  const cells = [place.id, output.style(STYLES[state], state.padEnd(11)), latency.padStart(9), place.url, zone]
  return `  ${cells.join('  ').trimEnd()}`
}

const MEASURE_MS = 1_000
const LOOK_MS = 5

/** Waits for the first answer of everybody: connecting was done when most were linked. */
async function measured(client: Client): Promise<void> {
  const until = performance.now() + MEASURE_MS
  const waiting = (): boolean =>
    Object.values(client.status().replicas).some(({ state, latencyMs }) => state !== 'reachable' || latencyMs === 0)
  while (waiting() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
