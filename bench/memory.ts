/**
 * Memory: what a call in flight costs its coordinator, what a key costs a replica, and whether anything grows.
 *
 * Everything is measured after full collections, as the difference between two states of one process, so that neither
 * garbage nor code counts.
 */
import type { ApKeyspace, Client } from '../src/index.ts'
import { REPLACED_MAX } from '../src/core/causality/dotted-record.ts'
import { encodeValue } from '../src/runtime/value-codec.ts'
import { fill, getOf, keyAt, lwwOf, putOf, siblingPutOf, siblingsOf, VALUE } from './cells.ts'
import { startCluster, type Cluster } from './cluster.ts'
import { heldBytes } from './heap.ts'
import { countdown } from './load.ts'
import type { Progress } from './progress.ts'
import { bytes, GOAL_COLUMNS, goalRow, type Part, type Row } from './section.ts'
import { slope } from './statistics.ts'

const CLIENT_ID = 'bench'
const CALLS_AT_ONCE = 8_000
/** Long enough to collect a few times before the first answer. */
const HELD_BACK_MS = 2_500
const KEYS_LOADED = { quick: 10_000, full: 100_000 } as const
/** The share of them that is read twice, so that whatever a replica keeps of keys in use is kept. */
const READ_SHARE = 0.2
/** For growth. */
const CALLS = { quick: 40_000, full: 1_000_000 } as const
const WARM_CALLS = { quick: 20_000, full: 50_000 } as const
/** A replica remembers the writes of its own that were replaced, up to a bound for each key that the warm-up has to reach. */
const SIBLING_KEYS_EACH = 2
const WORKERS = 256
const SAMPLES = { quick: 3, full: 10 } as const
/** Flat is what rises by no more than this share over all calls: some code is still compiled, some tables grow once. */
const FLAT = 0.05

export const memory: Part = {
  name: 'memory',
  about: 'bytes for a call in flight and for a key, and whether a million calls leave something behind',
  run: async ({ quick }, progress) => {
    const scale = quick ? 'quick' : 'full'
    const [keys, samples] = [KEYS_LOADED[scale], SAMPLES[scale]]
    const [calls, warmCalls] = [CALLS[scale], WARM_CALLS[scale]]
    progress.part('memory', 2 + 2 + samples + 1)
    const rows = [
      ...(await callsInFlight(progress)),
      ...(await keysHeld(keys, progress)),
      ...(await growth({ calls, warmCalls, samples }, progress)),
    ]
    const notes = [
      `Growth: the line through ${samples + 1} samples, against what was held before. A key: ${keys} keys of ${keyOf(0).length} bytes, ${READ_SHARE * keys} of them read twice.`,
    ]
    return [{ part: 'memory', title: 'Memory', columns: GOAL_COLUMNS, rows, notes }]
  },
}

/** Every replica takes requests and holds its answers back, so all calls are in flight when memory is looked at. */
async function callsInFlight(progress: Progress): Promise<Row[]> {
  const cluster = await startCluster({ storage: 'memory', faulty: true })
  try {
    const client = await cluster.client({ id: CLIENT_ID, heartbeatMs: 10_000, timeoutMs: 20_000 })
    const keyspace = lwwOf(client)
    await fill(keyspace)
    const rows: Row[] = []
    for (const [name, call] of [
      ['lww put', (index: number) => keyspace.put(keyAt(index), VALUE)],
      ['get', (index: number) => keyspace.get(keyAt(index))],
    ] as const) {
      progress.step(`${name}, ${CALLS_AT_ONCE} calls in flight`)
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, (_, index) => call(index)))
      await hold(cluster, HELD_BACK_MS)
      const before = await heldBytes()
      const calls = Array.from({ length: CALLS_AT_ONCE }, (_, index) => call(index))
      const perCall = ((await leastHeld(HELD_BACK_MS / 2)) - before) / CALLS_AT_ONCE
      if (client.status().inFlight !== CALLS_AT_ONCE) throw new Error('calls ended that were to be held back')
      await hold(cluster, 0)
      await Promise.all(calls)
      rows.push(bytesRow(`a ${name} in flight, in its coordinator`, perCall, 1000))
    }
    return rows
  } finally {
    await cluster.close()
  }
}

/** The least of a few looks: frames that are just being written are not what a call holds. */
async function leastHeld(forMs: number): Promise<number> {
  let least = Infinity
  for (const endsAt = performance.now() + forMs; performance.now() < endsAt;) {
    await new Promise((resolve) => setTimeout(resolve, forMs / 8))
    least = Math.min(least, await heldBytes())
  }
  return least
}

async function hold(cluster: Cluster, ms: number): Promise<void> {
  await Promise.all(cluster.ids.map((id) => cluster.ask(id, { kind: 'slow', to: CLIENT_ID, ms })))
}

function keyOf(index: number): string {
  return `held-${String(index).padStart(9, '0')}`
}

async function keysHeld(count: number, progress: Progress): Promise<Row[]> {
  const rows: Row[] = []
  for (const name of ['lww', 'siblings'] as const) {
    progress.step(`${count} ${name} keys`)
    const cluster = await startCluster({ storage: 'memory' })
    try {
      const client = await cluster.client()
      const keyspace = name === 'lww' ? lwwOf(client) : siblingsOf(client)
      await fill(keyspace)
      const before = await cluster.heldBytes()
      await load(keyspace, count)
      const after = await cluster.heldBytes()
      const held = after.map((total, replica) => (total - (before[replica] as number)) / count)
      const own = keyOf(0).length + encodeValue(VALUE, 2 ** 30).length
      rows.push(bytesRow(`a ${name} key in a memory replica, beyond key and value`, Math.max(...held) - own, 300))
    } finally {
      await cluster.close()
    }
  }
  return rows
}

async function load(keyspace: ApKeyspace<string>, count: number): Promise<void> {
  const read = READ_SHARE * count
  const put = (index: number): Promise<unknown> => keyspace.put(keyOf(index), VALUE, { level: 'all' })
  const get = (index: number): Promise<unknown> => keyspace.get(keyOf(index % read), { level: 'all' })
  await countdown(put, { count, inFlight: 256 })
  await countdown(get, { count: 2 * read, inFlight: 256 })
}

/** Many calls of all kinds; memory is looked at ten times on the way. */
async function growth(
  { calls, warmCalls, samples }: { readonly calls: number; readonly warmCalls: number; readonly samples: number },
  progress: Progress,
): Promise<Row[]> {
  const cluster = await startCluster({ storage: 'memory' })
  try {
    const client = await cluster.client()
    const mixed = mixedCalls(client)
    await fill(lwwOf(client))
    progress.step('warming up')
    const overwrites = cluster.ids.length * WORKERS * SIBLING_KEYS_EACH * (REPLACED_MAX + 1)
    await countdown((_, worker) => mixed.siblingPut(worker), { count: overwrites, inFlight: WORKERS })
    await countdown(mixed.call, { count: warmCalls, inFlight: WORKERS })
    const here: Sample[] = []
    const there: Sample[][] = cluster.ids.map(() => [])
    for (let sample = 0; sample <= samples; sample++) {
      const x = (sample * calls) / samples
      here.push({ x, y: await heldBytes() })
      const replicas = await cluster.heldBytes()
      replicas.forEach((y, replica) => there[replica]?.push({ x, y }))
      if (sample === samples) break
      progress.step(`${calls} calls, part ${sample + 1} of ${samples}`)
      await countdown(mixed.call, { count: calls / samples, inFlight: WORKERS })
    }
    const worst = there.reduce((a, b) => (slope(a) > slope(b) ? a : b))
    return [
      growthRow(`growth over ${calls} calls, in the client`, here),
      growthRow(`growth over ${calls} calls, in a replica`, worst),
    ]
  } finally {
    await cluster.close()
  }
}

/** Bytes held (y) after so many calls (x). */
interface Sample {
  readonly x: number
  readonly y: number
}

interface Mixed {
  readonly call: (index: number, worker: number) => Promise<unknown>
  readonly siblingPut: (worker: number) => Promise<unknown>
}

function mixedCalls(client: Client): Mixed {
  const put = putOf(lwwOf(client))
  const get = getOf(lwwOf(client))
  const overwrite = siblingPutOf(siblingsOf(client), () => client.session())
  const turns = new Uint32Array(WORKERS)
  const siblingPut = (worker: number): Promise<unknown> => {
    const turn = (turns[worker] as number) + 1
    turns[worker] = turn
    return overwrite(worker, turn % SIBLING_KEYS_EACH)
  }
  const call = (index: number, worker: number): Promise<unknown> => {
    if (index % 10 < 4) return put(worker, index)
    return index % 10 < 8 ? get(worker, index) : siblingPut(worker)
  }
  return { call, siblingPut }
}

function growthRow(name: string, samples: readonly Sample[]): Row {
  const bytesPerCall = slope(samples)
  const held = samples[0]?.y ?? NaN
  const grown = bytesPerCall * (samples.at(-1)?.x ?? NaN)
  return goalRow({
    name,
    measured: bytes(grown),
    against: bytes(held),
    goal: { ratio: grown / held, relation: 'at most', bound: FLAT },
    figures: { bytesPerCall, samples },
  })
}

function bytesRow(name: string, measured: number, bound: number): Row {
  return goalRow({
    name,
    measured: bytes(measured),
    against: bytes(bound),
    goal: { ratio: measured / bound, relation: 'at most', bound: 1 },
    figures: { bytes: measured },
  })
}
