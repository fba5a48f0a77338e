/**
 * P(fresh after t) on a running cluster: three replica processes, and clients whose messages pass proxies that delay each
 * of them by an exponential time, as the authors of PBS did to validate their model (Bailis et al. 2012, section 5.2).
 *
 * Writers and readers are clients of their own, so that each connection carries one kind of leg. What is predicted rests
 * on the delays that the proxies really made, on what the rest of the way took by the clients' own measurement, and on
 * when each read really began.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type ApKeyspace, type Client } from '../../src/index.ts'
import { Random } from '../../src/core/base/random.ts'
import { predict, type Prediction } from '../../src/predict/index.ts'
import { startCluster } from '../cluster.ts'
import { LatencyRecorder } from '../latency-recorder.ts'
import { median } from '../statistics.ts'
import { DelayingProxy, type Delays } from './delaying-proxy.ts'
import { drawMs } from './draws.ts'

export interface Injection {
  readonly r: number
  readonly w: number
  /** Mean delays in milliseconds: of a write on its way to a replica, and of everything else. */
  readonly wMs: number
  readonly arsMs: number
  readonly writes: number
  readonly seed: number
}

export interface Validated {
  readonly points: readonly { readonly tMs: number; readonly measured: number; readonly predicted: number }[]
  readonly reads: number
  /** Root-mean-square error of P(fresh after t), as a share. */
  readonly rmse: number
  /** Milliseconds, measured and predicted. */
  readonly writeP99Ms: readonly [number, number]
  readonly readP99Ms: readonly [number, number]
  /** What was added to each leg of writes and of reads for the rest of the way. */
  readonly restMs: readonly [number, number]
}

/** Writers, and as many readers: frames of several have delays of their own, so trials are nearly independent. */
const PAIRS = 4
/** Writes that begin together, and how long after them the next ones do. */
const BURST = 4
const BURST_MS = 20
const POINTS = 8
const TRIALS = 200_000
const WARM = 400
const SETTLE_MS = 1_500

interface Read {
  readonly point: number
  readonly tMs: number
  readonly isFresh: boolean
}

export async function validate(injection: Injection): Promise<Validated> {
  const { r, w, wMs, arsMs } = injection
  const random = new Random(injection.seed)
  const exponentialOf = (ms: number) => () => drawMs(random, { kind: 'exponential', lambda: 1 / ms })
  const cluster = await startCluster({ storage: 'memory', exchangeMs: 0 })
  const proxies: { readonly writers: DelayingProxy[]; readonly readers: DelayingProxy[] } = { writers: [], readers: [] }
  const clients: Client[] = []
  const open = async (role: 'writers' | 'readers', delays: Delays): Promise<ApKeyspace<number>[]> => {
    const opened = await Promise.all(
      Array.from({ length: PAIRS }, async () => {
        const urls: Record<string, string> = {}
        for (const [id, url] of Object.entries(cluster.urls)) {
          const proxy = await DelayingProxy.to(url, delays)
          proxies[role].push(proxy)
          urls[id] = proxy.url
        }
        return connect({ replicas: urls })
      }),
    )
    clients.push(...opened)
    return opened.map((client) => client.keyspace('trials', { mode: 'ap', conflicts: 'lww', r, w, repair: 'off' }))
  }
  try {
    const writers = await open('writers', { there: exponentialOf(wMs), back: exponentialOf(arsMs) })
    const readers = await open('readers', { there: exponentialOf(arsMs), back: exponentialOf(arsMs) })
    for (const keyspace of [...writers, ...readers]) {
      // Everybody writes and reads everywhere once: samples of both kinds are there from each replica.
      await keyspace.put('warm', 0, { w: 3 })
      await keyspace.get('warm', { r: 3 })
    }
    const all = [...proxies.writers, ...proxies.readers]
    for (const proxy of all) proxy.delays = true
    await sleep(SETTLE_MS)
    // Code that has just been loaded is slow, and its delays would be those of this process.
    await runTrials({ writers, readers, injection: { ...injection, writes: WARM }, prefix: 'w' })
    for (const proxy of all) proxy.there.length = proxy.back.length = 0
    const measured = await runTrials({ writers, readers, injection, prefix: 'k' })
    return compared(measured, injection, {
      writers: legsOf(proxies.writers, clients.slice(0, PAIRS), 'writes'),
      readers: legsOf(proxies.readers, clients.slice(PAIRS), 'reads'),
    })
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    await Promise.all([...proxies.writers, ...proxies.readers].map((proxy) => proxy.close()))
    await cluster.close()
  }
}

interface Measured {
  readonly reads: readonly Read[]
  readonly writeTimes: LatencyRecorder
  readonly readTimes: LatencyRecorder
}

async function runTrials(of: {
  readonly writers: readonly ApKeyspace<number>[]
  readonly readers: readonly ApKeyspace<number>[]
  readonly injection: Injection
  readonly prefix: string
}): Promise<Measured> {
  const { writers, readers, injection, prefix } = of
  const { writes, wMs } = injection
  const reads: Read[] = []
  const [writeTimes, readTimes] = [new LatencyRecorder(), new LatencyRecorder()]
  const tsMs = Array.from({ length: POINTS }, (_, point) => (point * 5 * wMs) / (POINTS - 1))
  const readAt = async (key: string, point: number, ackedAt: number): Promise<void> => {
    const tMs = tsMs[point] as number
    if (tMs > 0) await sleep(tMs)
    const startedAt = performance.now()
    const reader = readers[(point + Number(key.slice(1))) % readers.length] as ApKeyspace<number>
    const { value } = await reader.get(key)
    readTimes.record((performance.now() - startedAt) * 1000)
    reads.push({ point, tMs: startedAt - ackedAt, isFresh: value !== undefined })
  }
  const trial = async (index: number): Promise<void> => {
    const key = `${prefix}${index}`
    const startedAt = performance.now()
    await (writers[index % writers.length] as ApKeyspace<number>).put(key, index)
    const ackedAt = performance.now()
    writeTimes.record((ackedAt - startedAt) * 1000)
    await Promise.all(tsMs.map((_, point) => readAt(key, point, ackedAt)))
  }
  const running: Promise<void>[] = []
  for (let index = 0; index < writes; index += BURST) {
    for (let one = index; one < Math.min(writes, index + BURST); one++) running.push(trial(one))
    await sleep(BURST_MS)
  }
  await Promise.all(running)
  return { reads, writeTimes, readTimes }
}

/** Both legs of one kind of call, sampled. */
interface BothLegs {
  readonly there: readonly number[]
  readonly back: readonly number[]
  /** What stands in each of them that no proxy did. */
  readonly restMs: number
}

/**
 * What the proxies did, and for each leg half of what the rest of the way usually took: sockets, turns of the event loop,
 * and the replica. Clients measure whole round trips themselves, of which the delays are the larger part. Medians, since a
 * process that stood still for a while would move a mean for all.
 */
function legsOf(proxies: readonly DelayingProxy[], clients: readonly Client[], kind: 'writes' | 'reads'): BothLegs {
  const [there, back] = [proxies.flatMap((proxy) => proxy.there), proxies.flatMap((proxy) => proxy.back)]
  const trips = clients.flatMap((client) =>
    Object.keys(client.status().replicas).flatMap((_, replica) => {
      const legs = client.latencies().legs(replica)
      const [first, second] = kind === 'writes' ? [legs?.w, legs?.a] : [legs?.r, legs?.s]
      return Array.from(first ?? [], (ms, at) => ms + (second?.[at] as number))
    }),
  )
  // Each with one from half a run away: the delays of both directions are independent.
  const sums = there.map((ms, at) => ms + (back[(at + (back.length >> 1)) % back.length] as number))
  const restMs = Math.max(0, median(trips) - median(sums)) / 2
  return { there: there.map((ms) => ms + restMs), back: back.map((ms) => ms + restMs), restMs }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function compared(
  { reads, writeTimes, readTimes }: Measured,
  { r, w, seed }: Injection,
  legs: { readonly writers: BothLegs; readonly readers: BothLegs },
): Validated {
  const samples = (ms: readonly number[]) => ({ kind: 'samples', ms }) as const
  const latencies = {
    w: samples(legs.writers.there),
    a: samples(legs.writers.back),
    r: samples(legs.readers.there),
    s: samples(legs.readers.back),
  }
  const prediction: Prediction = predict({ n: 3, r, w, latencies, trials: TRIALS, seed, reads: 'quorum' })
  const points = Array.from({ length: POINTS }, (_, point) => {
    const some = reads.filter((read) => read.point === point)
    return {
      tMs: mean(some.map(({ tMs }) => tMs)),
      measured: mean(some.map(({ isFresh }) => Number(isFresh))),
      predicted: mean(some.map(({ tMs }) => prediction.pFresh(tMs))),
    }
  })
  const square = points.reduce((sum, { measured, predicted }) => sum + (measured - predicted) ** 2, 0)
  return {
    points,
    reads: reads.length,
    rmse: Math.sqrt(square / points.length),
    writeP99Ms: [writeTimes.quantileUs(0.99) / 1000, prediction.writeMs(0.99)],
    readP99Ms: [readTimes.quantileUs(0.99) / 1000, prediction.readMs(0.99)],
    restMs: [legs.writers.restMs, legs.readers.restMs],
  }
}
