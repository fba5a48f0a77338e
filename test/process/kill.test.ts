/**
 * Replica processes killed with SIGKILL at random moments during writes, a hundred times: nothing that was acknowledged
 * is missing afterwards, and nothing is there that nobody wrote.
 *
 * Sixteen writers work on two keyspaces, one of each kind, at write level two of three. In every round one, two or all
 * replicas are killed within 20 ms of a burst of writes and started again on what their disks have. Writes that failed
 * without a certain outcome are tried again under their operation, or left alone. In the end every key is read at level
 * all, the replicas are stopped, and their files are read. The judges of src/check look at the whole history.
 *
 * KILL_SEED draws other moments and victims; the processes' own timing is not replayed by it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkApHistory, printHistory, type HistoryLine } from '../../src/check/index.ts'
import { Random } from '../../src/core/base/random.ts'
import { definitionFingerprint } from '../../src/core/keyspace-definition.ts'
import { versionsOf } from '../../src/core/causality/merge.ts'
import { connect, type Client } from '../../src/runtime/client.ts'
import { openLevelStorage } from '../../src/runtime/storage/level-storage.ts'
import { decodeValue } from '../../src/runtime/value-codec.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { Historian } from './historian.ts'
import { allReachable, freePorts, killAll, Replica, urlsOf, type Ended } from './replica.ts'
import { Writer } from './writer.ts'

const KILLS = 100
const WRITERS = 16
const CALLS_A_BURST = 8
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
const IDS = ['a', 'b', 'c'] as const

let built: BuiltCli | undefined
let folder: string

beforeAll(() => {
  built = buildCli()
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-kill-'))
}, 120_000)

afterAll(() => {
  killAll()
  built?.remove()
  rmSync(folder, { recursive: true, force: true })
})

test(
  'a hundred SIGKILLs during writes: every acknowledged write is there, and nothing else',
  { timeout: 600_000 },
  async () => {
    console.log(`KILL_SEED=${SEED}`)
    const random = new Random(SEED)
    const ports = await freePorts(3)
    const cluster = new Cluster({ a: ports[0] ?? 0, b: ports[1] ?? 0, c: ports[2] ?? 0 })
    await cluster.startAll(IDS)
    const client = await connect({
      replicas: urlsOf(cluster.ports),
      timeoutMs: 2_000,
      heartbeatMs: 100,
      transport: { backoffMsMax: 100 },
    })
    const siblings = new Historian()
    const stamped = new Historian()
    const writers = makeWriters(client, { siblings, stamped, random })
    for (let kills = 0; kills < KILLS;) {
      await allReachable(client)
      const bursts = Promise.all(writers.map((writer) => writer.burst(CALLS_A_BURST)))
      const victims = drawVictims(random, KILLS - kills)
      await sleep(random.fraction() * 20)
      await Promise.all(victims.map((id) => cluster.kill(id)))
      kills += victims.length
      await cluster.startAll(victims)
      await bursts
    }
    await allReachable(client)
    await Promise.all(writers.map((writer) => writer.readAll()))
    await client.close()
    expect(await cluster.stopAll()).toEqual(IDS.map(() => ({ code: 0, signal: null, stderr: '' })))
    for (const [name, historian] of [
      ['siblings', siblings],
      ['stamped', stamped],
    ] as const) {
      const finals = (await Promise.all(IDS.map((id) => finalsOf(id, name)))).flat()
      const conflicts = name === 'stamped' ? 'lww' : 'siblings'
      const history = [...historian.lines, ...finals]
      const verdict = checkApHistory(history, { conflicts, skewMs: 0, monotonic: true })
      const { ok, fail, info } = historian.counts
      console.log(
        `${name}: ${ok} calls ok, ${fail} certainly not, ${info} unknown; ${finals.length} finals, ${verdict.checked} checks`,
      )
      if (!verdict.ok) console.log(`the history is in ${keep(name, history)}`)
      expect(verdict.violations.slice(0, 3)).toEqual([])
      const judges = ['noInvented', 'noLostWrites', 'strictRegular', 'converged'] as const
      expect(judges.filter((judge) => (verdict.judges[judge]?.checked ?? 0) < 50)).toEqual([])
      expect(ok).toBeGreaterThan(1_000)
      expect(fail + info).toBeGreaterThan(0)
    }
    const times = cluster.restartMs.toSorted((a, b) => a - b)
    const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(0)
    console.log(`${times.length - 3} restarts, to serving: median ${at(0.5)} ms, slowest ${at(1)} ms`)
  },
)

class Cluster {
  readonly ports: Readonly<Record<string, number>>
  readonly restartMs: number[] = []
  readonly #replicas = new Map<string, Replica>()

  constructor(ports: Readonly<Record<string, number>>) {
    this.ports = ports
  }

  async startAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.#replicas.set(
        id,
        new Replica({ main: built?.main ?? '', id, ports: this.ports, dataDir: path.join(folder, id) }),
      )
    }
    this.restartMs.push(...(await Promise.all(ids.map((id) => (this.#replicas.get(id) as Replica).ready))))
  }

  async kill(id: string): Promise<void> {
    const { signal, stderr } = await (this.#replicas.get(id) as Replica).kill('SIGKILL')
    if (signal !== 'SIGKILL' || stderr !== '')
      throw new Error(`replica ${id} had ended before it was killed: ${stderr}`)
  }

  stopAll(): Promise<Ended[]> {
    return Promise.all([...this.#replicas.values()].map((replica) => replica.kill('SIGTERM')))
  }
}

/** Where the history of a failure stays for a closer look. */
function keep(name: string, history: readonly HistoryLine[]): string {
  const file = path.join(tmpdir(), `quorate-kill-${SEED}-${name}.jsonl`)
  writeFileSync(file, printHistory(history))
  return file
}

function makeWriters(
  client: Client,
  notes: { readonly siblings: Historian; readonly stamped: Historian; readonly random: Random },
): Writer[] {
  const { siblings, stamped, random } = notes
  return Array.from({ length: WRITERS }, (_, process) => {
    const common = { process, writers: WRITERS, random: random.fork() }
    if (process % 2 === 0) {
      const keyspace = client.keyspace<string>('siblings', { mode: 'ap', n: 3, r: 2, w: 2 })
      return new Writer({ ...common, keyspace, historian: siblings, blind: true })
    }
    const keyspace = client.keyspace<string>('stamped', { mode: 'ap', n: 3, r: 2, w: 2, conflicts: 'lww' })
    return new Writer({ ...common, keyspace, historian: stamped, blind: false })
  })
}

/** Mostly one, sometimes two, sometimes all. */
function drawVictims(random: Random, atMost: number): readonly string[] {
  const drawn = random.fraction()
  const count = Math.min(atMost, drawn < 0.5 ? 1 : drawn < 0.8 ? 2 : 3)
  const left: string[] = [...IDS]
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] as string)
}

/** What a stopped replica has on its disk. */
async function finalsOf(replica: string, name: 'siblings' | 'stamped'): Promise<HistoryLine[]> {
  const conflicts = name === 'stamped' ? 'lww' : 'siblings'
  const keyspace = definitionFingerprint({ name, mode: 'ap', n: 3, read: '2', write: '2', conflicts })
  const storage = await openLevelStorage({
    directory: path.join(folder, replica),
    clusterId: 'quorate',
    replicaId: replica,
    randomIdentity: () => {
      throw new Error(`the data of replica ${replica} is gone`)
    },
  })
  try {
    const all = { keyspace, prefix: '', after: '', limit: Infinity, sizeBytesMax: Infinity }
    const { entries } = await storage.scan(all)
    return entries.map(({ key, record }) => {
      const live = versionsOf(record).flatMap(({ value }) => (value === null ? [] : [decodeValue(value) as string]))
      return { type: 'final', replica, key, value: live }
    })
  } finally {
    await storage.close()
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
