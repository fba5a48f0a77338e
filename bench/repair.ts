/**
 * Anti-entropy: bytes and round trips of an exchange, for the structure that is built and for others, and its upkeep.
 *
 * Bytes and round trips are counted and the same in every run; only the upkeep is timed.
 */
import { DigestTree, partitionNode } from '../src/core/repair/digest-tree.ts'
import { MemoryStorage } from '../src/runtime/storage/memory-storage.ts'
import { ALTERNATIVES, placesOf } from './repair/alternatives.ts'
import { converse } from './repair/converse.ts'
import { upkeepCost } from './repair/upkeep.ts'
import { equalPair, spread, VastKeys, type VastOptions } from './repair/vast-replica.ts'
import { healChart } from './repair/heal.ts'
import { catchUp } from './repair/catch-up.ts'
import { upkeepShare } from './repair/share.ts'
import { heldBytes } from './heap.ts'
import type { Progress } from './progress.ts'
import { bytes, GOAL_COLUMNS, goalRow, type Part, type Row, type Section } from './section.ts'

const KEYS = 1_000_000
const DIFFERENCES = [1, 100, 1_000, 10_000, 100_000]

export const repair: Part = {
  name: 'repair',
  about: 'bytes and round trips of an exchange among a million keys, beside other structures; upkeep of the tree',
  run: async (scale, progress) => {
    const { quick } = scale
    progress.part('repair', 3)
    const keys = new VastKeys(quick ? KEYS / 20 : KEYS)
    const rows = exchanges(keys, { kind: 'lww', valueBytes: 131 }, progress)
    rows.push(...exchanges(keys, { kind: 'dotted', valueBytes: 131 }, progress))
    rows.push(
      ...small(keys),
      await memory(keys),
      await placeMemory(quick ? 50_000 : 500_000),
      ...upkeep(quick ? 6 : 30),
    )
    const notes = [
      `${keys.count} keys. "Differ": written on one side or the other in turn, spread evenly. Bytes of both directions.`,
      'Upkeep, both digests of the record included, is held against what else a replica in memory does for a put, sockets apart.',
    ]
    const section = { part: 'repair', title: 'An exchange', columns: GOAL_COLUMNS, rows, notes }
    const whole = [...(await upkeepShare(scale, progress)), ...(await catchUp(scale, progress))]
    const cluster = {
      part: 'repair',
      title: 'In a cluster of processes',
      columns: GOAL_COLUMNS,
      rows: whole,
      notes: [],
    }
    return [section, { ...alternatives(keys, progress), charts: [healChart(keys, keys.count / 100)] }, cluster]
  },
}

function exchanges(keys: VastKeys, options: VastOptions, progress: Progress): Row[] {
  progress.step(`exchanges, ${options.kind}`)
  const pair = equalPair(keys, options)
  const equal = converse(...pair)
  const rows = [bytesRow(`${options.kind}: equal replicas`, equal.sentBytes + equal.receivedBytes, 200)]
  for (const count of DIFFERENCES.filter((differences) => differences <= keys.count / 10)) {
    rows.push(...differing(keys, pair, { count, name: `${options.kind}: ${count} differ` }))
  }
  return rows
}

/** Small records leave less room beside them. */
function small(keys: VastKeys): Row[] {
  const pair = equalPair(keys, { kind: 'lww', valueBytes: 9 })
  return [100, 1_000, 10_000].flatMap((count) =>
    differing(keys, pair, { count, name: `lww, values of 9 bytes: ${count} differ` }),
  )
}

function differing(
  keys: VastKeys,
  pair: ReturnType<typeof equalPair>,
  { count, name }: { readonly count: number; readonly name: string },
): Row[] {
  const records = spread(pair, keys, count)
  const { sentBytes, receivedBytes, rounds } = converse(...pair)
  if (converse(...pair).rounds !== 1) throw new Error('the replicas are not equal after an exchange')
  if (count > 1) return [bytesRow(name, sentBytes + receivedBytes, 4 * records + 8_000)]
  return [
    bytesRow(name, sentBytes + receivedBytes, 8_000),
    goalRow({
      name: `${name}, round trips`,
      measured: String(rounds),
      against: '5',
      goal: { ratio: rounds / 5, relation: 'at most', bound: 1 },
      figures: { rounds },
    }),
  ]
}

async function memory(keys: VastKeys): Promise<Row> {
  const before = await heldBytes()
  const tree = new DigestTree()
  for (let i = 0; i < keys.count; i++) tree.update({ keyspace: 1, key: `key-${i}`, before: 0, after: i + 1 })
  const held = (await heldBytes()) - before
  if (tree.countBelow(partitionNode(0)) === 0) throw new Error('the tree is empty')
  return bytesRow('memory of the tree', held, 4_000_000)
}

/** What a replica in memory keeps to find records by place, once an exchange has looked: nothing before. */
async function placeMemory(count: number): Promise<Row> {
  const storage = new MemoryStorage({ identity: { clusterId: 'c', replicaId: 'r', incarnation: 1 } })
  const record = { kind: 'lww', op: 1, at: 1, value: new Uint8Array(16) } as const
  for (let i = 0; i < count; i++) storage.stage({ keyspace: 7, key: `key-${i}`, record })
  await storage.scan({ keyspace: 7, prefix: '', after: '', limit: 1, sizeBytesMax: 1 })
  const before = await heldBytes()
  const look = { kind: 'records', copies: 3, places: [0, 0], skip: 0, sizeBytesMax: 1 } as const
  await storage.look({ look, keyspaces: [7] })
  const each = ((await heldBytes()) - before) / count
  await storage.close()
  return bytesRow('memory of the index by place, a key', each, 24)
}

/** No goal of its own: the promise is about whole puts, of which this is a smaller share (upkeep.ts). */
function upkeep(rounds: number): Row[] {
  return (['lww', 'siblings'] as const).map((conflicts) => {
    const { putNs, upkeepNs } = upkeepCost(conflicts, rounds)
    const cells = [`${upkeepNs.toFixed(0)} ns`, `${putNs.toFixed(0)} ns`, (upkeepNs / putNs).toFixed(2), '', '']
    return { name: `upkeep of a put, ${conflicts}`, cells, figures: { putNs, upkeepNs } }
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

/** Bytes beside the records and round trips, for each structure and number of differences. */
function alternatives(keys: VastKeys, progress: Progress): Section {
  progress.step('other structures')
  const counts = [1, 100, 1_000, 10_000].filter((count) => count <= keys.count / 10)
  const places = counts.map((count) => placesOf(keys, count))
  const rows = ALTERNATIVES.map(({ name, memory: held, cost }): Row => {
    const costs = places.map(cost)
    const cells = costs.map((of, i) => `${(of.bytes / (counts[i] as number)).toFixed(0)} B, ${of.roundTrips}`)
    return { name, cells: [...cells, held], figures: { counts, costs } }
  })
  return {
    part: 'repair',
    title: 'Other structures: bytes beside the records for each that differs, and round trips',
    columns: ['', ...counts.map((count) => `${count} differ`), 'memory'],
    rows,
    notes: ['Of one message for each step, however long it is. The first row is what is built.'],
  }
}
