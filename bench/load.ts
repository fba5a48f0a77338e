/**
 * How calls are made: so many in flight for so long, one after the other, or at a steady pace.
 *
 * The very same loops drive the store and its limit, so whatever they cost themselves is in both figures.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatencyRecorder, type Latencies } from './latency-recorder.ts'

/** One call. `worker` runs from 0 up to the number in flight, and each worker has one call at a time. */
export type Operation = (worker: number, turn: number) => Promise<unknown>

/** How fast it went, and what it cost this process: the latter stands on a busy machine as well. */
export interface Speed {
  readonly perSecond: number
  readonly cpuUsPerCall: number
}

/** Keeps `inFlight` calls going for `warmMs`, and then for `forMs` that count. */
export async function throughput(
  operation: Operation,
  options: { readonly inFlight: number; readonly warmMs: number; readonly forMs: number },
): Promise<Speed> {
  const { inFlight, warmMs, forMs } = options
  const run = { stopped: false, ended: 0 }
  const work = async (worker: number): Promise<void> => {
    for (let turn = 0; !run.stopped; turn++) {
      await operation(worker, turn)
      run.ended++
    }
  }
  // Workers end before they are stopped only by failing, and then there is nothing to wait for.
  const workers = Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)))
  try {
    await Promise.race([sleep(warmMs), workers])
    const from = run.ended
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    await Promise.race([sleep(forMs), workers])
    const tookMs = performance.now() - startedAt
    const { user, system } = process.cpuUsage(cpu)
    const calls = run.ended - from
    run.stopped = true
    await workers
    return { perSecond: (calls / tookMs) * 1000, cpuUsPerCall: (user + system) / calls }
  } finally {
    run.stopped = true
  }
}

/** One call after the other for `forMs`; the first few warm up and do not count. */
export async function oneByOne(
  operation: Operation,
  options: { readonly forMs: number; readonly warm?: number },
): Promise<Latencies> {
  const { forMs, warm = 50 } = options
  for (let turn = 0; turn < warm; turn++) await operation(0, turn)
  const recorder = new LatencyRecorder()
  const endsAt = performance.now() + forMs
  for (let turn = warm; ; turn++) {
    const startedAt = performance.now()
    if (startedAt >= endsAt) return recorder.summary()
    await operation(0, turn)
    recorder.record((performance.now() - startedAt) * 1000)
  }
}

/**
 * Calls at a steady pace, whether or not earlier ones have ended, each timed from the moment it was due: calls that had
 * to queue behind a stall count in full, which a closed loop would hide.
 */
export async function paced(
  operation: Operation,
  options: { readonly perSecond: number; readonly forMs: number },
): Promise<Latencies> {
  const { perSecond, forMs } = options
  const recorder = new LatencyRecorder()
  const calls = Math.round((forMs / 1000) * perSecond)
  const running: Promise<void>[] = []
  const startedAt = performance.now()
  for (let turn = 0; turn < calls;) {
    const due = Math.min(calls, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    for (; turn < due; turn++) {
      const dueAt = startedAt + (turn / perSecond) * 1000
      running.push(operation(0, turn).then(() => recorder.record((performance.now() - dueAt) * 1000)))
    }
    await sleep(1)
  }
  await Promise.all(running)
  return recorder.summary()
}

/** Makes `count` calls with `inFlight` of them going, such as loading records. */
export async function countdown(
  operation: (index: number, worker: number) => Promise<unknown>,
  options: { readonly count: number; readonly inFlight: number },
): Promise<void> {
  let next = 0
  const work = async (worker: number): Promise<void> => {
    while (next < options.count) await operation(next++, worker)
  }
  await Promise.all(Array.from({ length: options.inFlight }, (_, worker) => work(worker)))
}
