/**
 * `GET /`: how the store is, and what can be asked here, with commands that can be pasted into a shell.
 */
import type { StoreStatus } from '../runtime/store.ts'

/** Plain text, so that it reads the same in a terminal and in a browser. `url` is where this server was reached. */
export function frontPage(status: StoreStatus, url: string): string {
  const { id, role, clusterId, inFlight, keyspaces } = status
  const replicas = Object.entries(status.replicas)
  const up = replicas.filter(([, { state }]) => state === 'reachable').length
  const width = Math.max(...replicas.map(([name]) => name.length))
  const rows = replicas.map(
    ([name, { state, latencyMs, zone }]) =>
      `  ${name.padEnd(width)}  ${state.padEnd(11)}  ${latencyMs.toFixed(1).padStart(7)} ms${zone && `  zone ${zone}`}`,
  )
  const names = [...new Set(keyspaces.map(({ name }) => name))].join(', ') || 'none through this process yet'
  return `quorate: ${role} ${id} of cluster ${clusterId}
${up} of ${replicas.length} replicas reachable, ${inFlight} calls in flight, keyspaces in use: ${names}

${rows.join('\n')}

Write a value, read it, list keys:

  curl -X PUT ${url}/kv/carts/alice -d '["milk","tea"]'
  curl ${url}/kv/carts/alice
  curl '${url}/kv/carts?prefix=a&limit=10'

Per call: the level (one, two, three, quorum, all, or a number) and the time:

  curl '${url}/kv/carts/alice?level=all&timeoutMs=500'

Replace what you read: send its context back. Without one a PUT is a blind write, and makes a sibling:

  CONTEXT=$(curl -s -o /dev/null -w '%header{x-quorate-context}' ${url}/kv/carts/alice)
  curl -X PUT ${url}/kv/carts/alice -H "x-quorate-context: $CONTEXT" -d '["bread"]'
  curl -X DELETE ${url}/kv/carts/alice -H "x-quorate-context: $CONTEXT"

How the store is, and what happens in it:

  curl ${url}/status
  curl -N ${url}/events
${role === 'node' ? `\nMake the replica here equal to the others now, not at the next exchange:\n\n  curl -X POST ${url}/repair\n` : ''}`
}
