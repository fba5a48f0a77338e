/**
 * Leaders in processes of their own: stopped with SIGSTOP beyond their lease, kept busy for as long, and killed. Whatever
 * they do when they wake, nobody acknowledges anything in a term after a newer one has, and what they protect
 * refuses a late token.
 *
 * LEADER_ROUNDS says how many rounds there are, two by default; a long campaign has 50. The times from a fault to the
 * next acknowledgement are printed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkLeadership, type HistoryLine } from '../../src/check/index.ts'
import { FenceGate, MemoryFences } from '../../src/index.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { freePorts, killAll, Replica, urlsOf } from './replica.ts'

const ROUNDS = Number(process.env['LEADER_ROUNDS'] ?? 2)
const LEASE_MS = 800
const HOLDERS = 3
const GROUP = 'reports'
const HOLDER = path.join(import.meta.dirname, 'holder.ts')

type Said =
  | { readonly type: 'ready'; readonly node: string }
  | { readonly type: 'use'; readonly token: number }
  | {
      readonly type: 'elected' | 'stepdown' | 'ack'
      readonly node: string
      readonly term: number
      readonly time: number
    }

let built: BuiltCli | undefined
let folder: string
const holders = new Set<Holder>()

beforeAll(() => {
  built = buildCli()
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-leaders-'))
}, 120_000)

afterAll(() => {
  for (const holder of holders) holder.signal('SIGKILL')
  killAll()
  built?.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** What all of them said, in the order in which it was read, and the resource that they use. */
class Witness {
  readonly lines: HistoryLine[] = []
  readonly #gate = new FenceGate(new MemoryFences())
  readonly #waiting = new Set<(said: Said) => void>()

  hear(said: Said): void {
    if (said.type === 'use') this.#use(said.token)
    else if (said.type !== 'ready') this.lines.push(said as HistoryLine)
    for (const look of this.#waiting) look(said)
  }

  /** The first acknowledgement in a higher term than this. */
  newerThan(term: number): Promise<{ node: string; term: number; time: number }> {
    return new Promise((resolve) => {
      const look = (said: Said): void => {
        if (said.type !== 'ack' || said.term <= term) return
        this.#waiting.delete(look)
        resolve(said)
      }
      this.#waiting.add(look)
    })
  }

  #use(token: number): void {
    let accepted = true
    try {
      this.#gate.check(GROUP, token)
    } catch {
      accepted = false
    }
    this.lines.push({ type: 'guarded', lock: GROUP, token, accepted, time: now() })
  }
}

class Holder {
  readonly #child: ChildProcess
  readonly node: Promise<string>

  constructor(urls: Readonly<Record<string, string>>, witness: Witness) {
    const args = ['--import', 'tsx', HOLDER, JSON.stringify(urls), GROUP, String(LEASE_MS)]
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.node = new Promise((resolve) => {
      createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const said = JSON.parse(line) as Said
        if (said.type === 'ready') resolve(said.node)
        witness.hear(said)
      })
    })
    holders.add(this)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
    if (signal === 'SIGKILL') holders.delete(this)
  }

  stall(ms: number): void {
    this.#child.stdin?.write(`stall ${ms}\n`)
  }
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function replicas(): Promise<Readonly<Record<string, string>>> {
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  const ports = { a, b, c }
  const main = (built as BuiltCli).main
  const all = Object.keys(ports).map((id) => new Replica({ main, id, ports, dataDir: path.join(folder, id) }))
  await Promise.all(all.map(({ ready }) => ready))
  return urlsOf(ports)
}

test(
  'leaders that are stopped, kept busy or killed: nothing is acknowledged in two terms at once, and late tokens are refused',
  { timeout: 60_000 + ROUNDS * 60_000 },
  async () => {
    const witness = new Witness()
    const urls = await replicas()
    const first = witness.newerThan(0)
    const byNode = new Map<string, Holder>()
    const start = async (): Promise<void> => {
      const holder = new Holder(urls, witness)
      byNode.set(await holder.node, holder)
    }
    await Promise.all(Array.from({ length: HOLDERS }, start))
    let leader = await first
    const tookMs: Record<string, number[]> = { SIGSTOP: [], busy: [], SIGKILL: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const fault of ['SIGSTOP', 'busy', 'SIGKILL'] as const) {
        const holder = byNode.get(leader.node) as Holder
        const next = witness.newerThan(leader.term)
        const at = now()
        if (fault === 'busy') holder.stall(3 * LEASE_MS)
        else holder.signal(fault)
        const old = leader
        leader = await next
        tookMs[fault]?.push(Math.round(leader.time - at))
        if (fault === 'SIGKILL') {
          byNode.delete(old.node)
          await start()
        } else {
          await sleep(Math.max(0, 3 * LEASE_MS - (now() - at)))
          if (fault === 'SIGSTOP') holder.signal('SIGCONT')
          await sleep(300)
        }
      }
    }
    for (const [fault, times] of Object.entries(tookMs)) {
      const [median, most] = [times.toSorted((x, y) => x - y)[times.length >> 1], Math.max(...times)]
      console.log(
        `${fault} of a leader with a lease of ${LEASE_MS} ms, to the next acknowledgement: median ${median}, most ${most} ms`,
      )
    }
    const { violations, groups } = checkLeadership(witness.lines)
    expect(violations).toEqual([])
    expect(groups[0]?.leaders).toBeGreaterThanOrEqual(3 * ROUNDS)
    const refused = witness.lines.filter((line) => line.type === 'guarded' && !line.accepted)
    expect(refused.length).toBeGreaterThan(0)
  },
)
