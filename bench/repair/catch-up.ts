/**
 * A replica that was down while many keys were written: how long it takes to hold them all, and what the others' clients
 * notice of that.
 *
 * It is killed and comes back with its data on disk. Nobody reads to repair it: the time is from its start until the first
 * exchange that it began is over. Two replicas took every put, so the one that it asked had all of them.
 */
import { fill, keyAt, lwwOf, VALUE } from '../cells.ts'
import { seesAll, startCluster, type Cluster } from '../cluster.ts'
import type { Latencies } from '../latency-recorder.ts'
import { countdown, paced, type Operation } from '../load.ts'
import type { Progress } from '../progress.ts'
import { bytes, goalRow, span, type Row, type Scale } from '../section.ts'

const PUTS = 100_000
const IN_FLIGHT = 256
/** The goals: catching up takes at most so many times as long as the puts, and slows calls by at most this. */
const TIME_RATIO_MAX = 3
const P99_RATIO_MAX = 1.5
const CALLS_PER_SECOND = 500
const LOOK_MS = 100
const GIVE_UP_MS = 180_000
const DOWN = 'a'

interface Ended {
  readonly outcome: string
  readonly received: number
  readonly bytes: number
}

type Exchanges = Readonly<Record<string, Ended>>

export async function catchUp({ quick }: Scale, progress: Progress): Promise<Row[]> {
  const puts = quick ? PUTS / 10 : PUTS
  progress.step(`a replica that was down for ${puts} puts`)
  const cluster = await startCluster({ storage: 'durable' })
  try {
    const client = await cluster.client()
    const keyspace = lwwOf(client)
    await fill(keyspace)
    const call: Operation = (_, turn) => (turn % 2 === 0 ? keyspace.put(keyAt(turn), VALUE) : keyspace.get(keyAt(turn)))
    await paced(call, { perSecond: CALLS_PER_SECOND, forMs: 1_000 })
    const before = await paced(call, { perSecond: CALLS_PER_SECOND, forMs: quick ? 1_500 : 5_000 })
    cluster.signal(DOWN, 'SIGKILL')
    const putAt = performance.now()
    await countdown((index) => keyspace.put(`missed-${index}`, VALUE), { count: puts, inFlight: IN_FLIGHT })
    const putMs = performance.now() - putAt
    const startedAt = performance.now()
    await cluster.restart(DOWN)
    const caught = caughtUp(cluster, startedAt)
    const during: Latencies[] = []
    const state = { isOver: false }
    const waiting = caught.then(() => (state.isOver = true))
    do during.push(await paced(call, { perSecond: CALLS_PER_SECOND, forMs: 2_000 }))
    while (!state.isOver)
    await waiting
    const { ms, exchanges } = await caught
    await seesAll(client)
    return rowsOf({ puts, putMs, ms, exchanges, before, during })
  } finally {
    await cluster.close()
  }
}

/** When an exchange of the replica is over, and what it was. */
async function caughtUp(
  cluster: Cluster,
  startedAt: number,
): Promise<{ readonly ms: number; readonly exchanges: Exchanges }> {
  for (;;) {
    const exchanges = (await cluster.ask(DOWN, { kind: 'exchanges' })) as Exchanges
    const ms = performance.now() - startedAt
    if (Object.values(exchanges).some(({ outcome }) => outcome === 'done')) return { ms, exchanges }
    if (ms > GIVE_UP_MS) throw new Error(`a replica that was down has not caught up after ${GIVE_UP_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function rowsOf(measured: {
  readonly puts: number
  readonly putMs: number
  readonly ms: number
  readonly exchanges: Exchanges
  readonly before: Latencies
  readonly during: readonly Latencies[]
}): Row[] {
  const { puts, putMs, ms, exchanges, before, during } = measured
  const sum = (of: (ended: Ended) => number): number => Object.values(exchanges).reduce((all, one) => all + of(one), 0)
  const worst = Math.max(...during.map(({ p99Us }) => p99Us))
  return [
    goalRow({
      name: `caught up after ${puts} puts`,
      measured: `${span(ms * 1_000)}, ${sum(({ received }) => received)} records, ${bytes(sum((of) => of.bytes))}`,
      against: span(putMs * 1_000),
      goal: { ratio: ms / putMs, relation: 'at most', bound: TIME_RATIO_MAX },
      figures: { puts, putMs, catchUpMs: ms, exchanges },
    }),
    goalRow({
      name: `p99 of calls meanwhile, the worst two seconds, ${CALLS_PER_SECOND} a second`,
      measured: span(worst),
      against: span(before.p99Us),
      goal: { ratio: worst / before.p99Us, relation: 'at most', bound: P99_RATIO_MAX },
      figures: { before, during },
    }),
  ]
}
