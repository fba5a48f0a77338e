/**
 * Keyspaces with a leader: what a read under the lease takes where the leader is, and how long nobody serves when the
 * leader goes.
 */
import type { Client, CpKeyspace, Node } from '../src/index.ts'
import { keyFor, VALUE } from './cells.ts'
import { startCluster } from './cluster.ts'
import { LatencyRecorder, type Latencies } from './latency-recorder.ts'
import type { Progress } from './progress.ts'
import { GOAL_COLUMNS, goalRow, span, type Row, type Scale, type Section } from './section.ts'
import { median } from './statistics.ts'

/** Three heartbeats of a second, and what electors add for the drift of clocks. */
const LEASE_MS = 3_000 * 1.01
/** A round of an election, twice. */
const ELECTIONS_MS = 400
const KEYS = 1_000
const LOOK_MS = 5
const READS_A_TURN = 1_000
const WAIT_MS = 60_000

export function ledOf(store: Client | Node, name = 'led'): CpKeyspace<string> {
  return store.keyspace<string>(name, { mode: 'cp', leader: true })
}

export async function measureLeaders({ quick }: Scale, progress: Progress): Promise<Section> {
  progress.step('reads under the lease')
  const read = await leaseRead(quick ? 400 : 2_000)
  const times = quick ? 1 : 5
  const killed: number[] = []
  const closed: number[] = []
  for (let time = 0; time < times; time++) {
    progress.step(`the leader is killed, and closes, ${time + 1} of ${times}`)
    killed.push(await withoutLeader('killed'))
    closed.push(await withoutLeader('closed'))
  }
  return section(read, killed, closed)
}

/** At the node that leads, which is in this process. */
async function leaseRead(forMs: number): Promise<Latencies> {
  const cluster = await startCluster({ storage: 'memory', embedded: true })
  try {
    const keyspace = await ledHere(cluster.node as Node)
    for (let i = 0; i < KEYS; i++) await keyspace.put(keyFor(0, i), VALUE)
    await reads(keyspace, new LatencyRecorder(), forMs / 4)
    const recorder = new LatencyRecorder()
    await reads(keyspace, recorder, forMs)
    return recorder.summary()
  } finally {
    await cluster.close()
  }
}

/** One after the other. They end in the turn in which they begin, so a turn has to end now and then for renewals. */
async function reads(keyspace: CpKeyspace<string>, recorder: LatencyRecorder, forMs: number): Promise<void> {
  const endsAt = performance.now() + forMs
  for (let turn = 0; ; turn++) {
    if (turn % READS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    const startedAt = performance.now()
    if (startedAt >= endsAt) return
    await keyspace.get(keyFor(0, turn % KEYS))
    recorder.record((performance.now() - startedAt) * 1000)
  }
}

/** Whoever is elected leads: keyspaces are opened until it is this node. */
async function ledHere(node: Node): Promise<CpKeyspace<string>> {
  for (let number = 0; ; number++) {
    const keyspace = ledOf(node, `led-${number}`)
    await keyspace.get('k', { timeoutMs: WAIT_MS })
    if (keyspace.leader?.id === node.id) return keyspace
  }
}

/** Milliseconds from the end of the leader to the next write that is acknowledged. */
async function withoutLeader(how: 'killed' | 'closed'): Promise<number> {
  const cluster = await startCluster({ storage: 'durable' })
  try {
    const keyspace = ledOf(await cluster.client())
    await keyspace.put('k', VALUE, { timeoutMs: WAIT_MS })
    const before = await leaderOf(keyspace)
    // The end may come at any moment between two renewals.
    await new Promise((resolve) => setTimeout(resolve, 1_000 * Math.random()))
    let left = performance.now()
    if (how === 'killed') cluster.signal(before, 'SIGKILL')
    else void cluster.stop(before)
    for (;;) {
      const startedAt = performance.now()
      await keyspace.put('k', VALUE, { timeoutMs: WAIT_MS })
      const endedAt = performance.now()
      if (keyspace.leader !== undefined && keyspace.leader.id !== before) return endedAt - left
      // It was the old leader who answered: he was still there.
      if (how === 'closed') left = Math.max(left, startedAt)
    }
  } finally {
    await cluster.close()
  }
}

async function leaderOf(keyspace: CpKeyspace<string>): Promise<string> {
  while (keyspace.leader === undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  return keyspace.leader.id
}

function section(read: Latencies, killed: readonly number[], closed: readonly number[]): Section {
  const gone = (what: string, tookMs: readonly number[], boundMs: number): Row =>
    goalRow({
      name: `next write after the leader ${what}, median and worst`,
      measured: `${span(1000 * median(tookMs))}, ${span(1000 * Math.max(...tookMs))}`,
      against: span(1000 * boundMs),
      goal: { ratio: Math.max(...tookMs) / boundMs, relation: 'at most', bound: 1 },
      figures: { tookMs },
    })
  const rows = [
    goalRow({
      name: 'read under the lease, at the leader, p50',
      measured: span(read.p50Us),
      against: span(5),
      goal: { ratio: read.p50Us / 5, relation: 'at most', bound: 1 },
      figures: { ...read },
    }),
    gone('was killed', killed, LEASE_MS + ELECTIONS_MS),
    gone('closed', closed, 200),
  ]
  const notes = [
    'Heartbeats of a second, leases of three; the write is by a client, which has to hear of the new leader.',
  ]
  return { part: 'cp', title: 'Leaders: N = 3, values of 128 bytes', columns: GOAL_COLUMNS, rows, notes }
}
