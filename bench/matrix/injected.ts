/**
 * P(fresh after t) on a running cluster: three replica processes, and clients whose messages pass proxies that delay each
 * of them by an exponential time, as the authors of PBS did to validate their model (Bailis et al. 2012, section 5.2).
 *
 * Writers and readers are clients of their own, so that each connection carries one kind of leg. What is predicted rests
 * on the delays that the proxies really made, on what the rest of the way took a client whose messages pass proxies that
 * delay nothing, in the same process at the same time, and on when each read really began.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type ApKeyspace, type Client } from '../../src/index.ts'
import { Random } from '../../src/core/base/random.ts'
import { predict, type Prediction } from '../../src/predict/index.ts'
import { startCluster } from '../cluster.ts'
import { LatencyRecorder } from '../latency-recorder.ts'
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
  /** What it would be on average if the prediction were exact: so many reads of each moment tell a share no better. */
  readonly chanceRmse: number
  /** Milliseconds, measured and predicted. */
  readonly writeP99Ms: readonly [number, number]
  readonly readP99Ms: readonly [number, number]
  /** What stands in each leg of writes and of reads for the rest of the way, on average. */
  readonly restMs: readonly [number, number]
}

/** Writers, and as many readers: frames of several have delays of their own, so trials are nearly independent. */
const PAIRS = 4
/** Writes that begin together, and how long after them the next ones do. */
const BURST = 4
const BURST_MS = 25
const PROBE_MS = 50
/** Delays are none of the network's faults, so nobody is to be given up for them. */
const PATIENT = { heartbeatMs: 10_000, timeoutMs: 60_000 } as const
const POINTS = 8
const TRIALS = 200_000
const WARM = 400
const SETTLE_MS = 1_500

type Role = 'writers' | 'readers' | 'probes'

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
  const proxies: Record<Role, DelayingProxy[]> = { writers: [], readers: [], probes: [] }
  const clients: Record<Role, readonly Client[]> = { writers: [], readers: [], probes: [] }
  const open = async (role: Role, length: number, delays: Delays): Promise<ApKeyspace<number>[]> => {
    clients[role] = await Promise.all(
      Array.from({ length }, async () => {
        const urls: Record<string, string> = {}
        for (const [id, url] of Object.entries(cluster.urls)) {
          const proxy = await DelayingProxy.to(url, delays)
          proxies[role].push(proxy)
          urls[id] = proxy.url
        }
        return connect({ ...PATIENT, replicas: urls })
      }),
    )
    return clients[role].map((client) =>
      client.keyspace('trials', { mode: 'ap', conflicts: 'lww', r, w, repair: 'off' }),
    )
  }
  try {
    const writers = await open('writers', PAIRS, { there: exponentialOf(wMs), back: exponentialOf(arsMs) })
    const readers = await open('readers', PAIRS, { there: exponentialOf(arsMs), back: exponentialOf(arsMs) })
    const probes = await open('probes', 1, { there: () => 0, back: () => 0 })
    for (const keyspace of [...writers, ...readers, ...probes]) {
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
    const run = { isOver: false }
    const probing = probe(probes[0] as ApKeyspace<number>, run)
    const measured = await runTrials({ writers, readers, injection, prefix: 'k' })
    run.isOver = true
    await probing
    return compared(measured, injection, {
      writers: legsOf(proxies.writers, roundTripsOf(clients.probes, 'writes')),
      readers: legsOf(proxies.readers, roundTripsOf(clients.probes, 'reads')),
    })
  } finally {
    await Promise.all([...clients.writers, ...clients.readers, ...clients.probes].map((client) => client.close()))
    await Promise.all(Object.values(proxies).flatMap((some) => some.map((proxy) => proxy.close())))
    await cluster.close()
  }
}

/** Calls that nothing delays, now and then: what they take is the rest of everybody's way. */
async function probe(keyspace: ApKeyspace<number>, run: { readonly isOver: boolean }): Promise<void> {
  while (!run.isOver) {
    await keyspace.put('probe', 0, { w: 3 })
    await keyspace.get('probe', { r: 3 })
    await sleep(PROBE_MS)
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
  /** What stands in each of them that no proxy did, on average. */
  readonly restMs: number
}

/** As clients measure them themselves, in milliseconds. */
function roundTripsOf(clients: readonly Client[], kind: 'writes' | 'reads'): number[] {
  return clients.flatMap((client) =>
    Object.keys(client.status().replicas).flatMap((_, replica) => {
      const legs = client.latencies().legs(replica)
      const [first, second] = kind === 'writes' ? [legs?.w, legs?.a] : [legs?.r, legs?.s]
      return Array.from(first ?? [], (ms, at) => ms + (second?.[at] as number))
    }),
  )
}

/**
 * What the proxies did, each with half of a round trip that nothing delayed: sockets, turns of the event loop, and the
 * replica.
 */
function legsOf(proxies: readonly DelayingProxy[], roundTripsMs: readonly number[]): BothLegs {
  const whole = (delays: readonly number[]): number[] =>
    delays.map((ms, at) => ms + (roundTripsMs[at % roundTripsMs.length] as number) / 2)
  return {
    there: whole(proxies.flatMap((proxy) => proxy.there)),
    back: whole(proxies.flatMap((proxy) => proxy.back)),
    restMs: mean(roundTripsMs) / 2,
  }
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
      reads: some.length,
    }
  })
  return {
    points,
    reads: reads.length,
    rmse: Math.sqrt(mean(points.map(({ measured, predicted }) => (measured - predicted) ** 2))),
    chanceRmse: Math.sqrt(mean(points.map((point) => (point.predicted * (1 - point.predicted)) / point.reads))),
    writeP99Ms: [writeTimes.quantileUs(0.99) / 1000, prediction.writeMs(0.99)],
    readP99Ms: [readTimes.quantileUs(0.99) / 1000, prediction.readMs(0.99)],
    restMs: [legs.writers.restMs, legs.readers.restMs],
  }
}
