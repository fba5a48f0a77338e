/** A replica as an elector: what it answers, keeps and refuses, and whom it tells that a promise ended. */
import { describe, expect, test } from 'vitest'
import type { ElectionRequest, Ruled } from '../../src/core/consensus/election-message.ts'
import { GENERATION_AHEAD_MAX } from '../../src/core/consensus/group.ts'
import type { LocalMessage } from '../../src/core/message.ts'
import { resolveCore, type CoreOptions } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import type { RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { OWN_KEYSPACE, Replica } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'

const CLIENT = 1_024
const OTHER = 1_025
const LEASE_MS = 1_000

class Bench {
  readonly stored = new Map<string, StoredRecord>()
  readonly full: boolean
  readonly #members: number
  readonly #options: CoreOptions
  replica: Replica
  nowMs = 5_000
  notices: unknown[] = []

  constructor(options: CoreOptions = {}, { full = false, members = 3 } = {}) {
    this.full = full
    this.#options = options
    this.#members = members
    this.replica = this.#start()
  }

  #start(): Replica {
    const ids = 'abcdefg'.slice(0, this.#members).split('')
    const own: RecordWrite[] = [...this.stored].map(([key, record]) => ({ keyspace: OWN_KEYSPACE, key, record }))
    const membership = membershipOf(ids.map((id) => ({ id, zone: '' })))
    const life = { incarnation: 7, run: 1 }
    return new Replica({ index: 0, life, membership, records: this, own, options: resolveCore(this.#options) })
  }

  /** Another process over the same records. Its clock begins anew. */
  restart(): void {
    this.nowMs = 100
    this.replica = this.#start()
  }

  read(_: number, key: string): StoredRecord | undefined {
    return this.stored.get(key)
  }

  /** Everything that leaves, and to whom. */
  sent(request: ElectionRequest, from = CLIENT): { to: number; message: LocalMessage }[] {
    const step = new Step()
    this.replica.receive(request, from, { monoMs: this.nowMs, wallMs: 0 }, step)
    for (const { key, record } of step.writes) if (record !== undefined) this.stored.set(key, record)
    this.notices = [...step.notices]
    return step.messages.map((message, at) => ({ to: step.to[at] as number, message }))
  }

  ping(): void {
    this.replica.receive({ kind: 'ping', sentAt: 0 }, CLIENT, { monoMs: this.nowMs, wallMs: 0 }, new Step())
  }

  ask(request: ElectionRequest, from = CLIENT): LocalMessage {
    const [first] = this.sent(request, from)
    return first?.message as LocalMessage
  }
}

let ids = 0

function head(group = 'lock:x'): { id: number; round: number; group: string } {
  return { id: ++ids, round: 0, group }
}

function vote(generation: number, proposer = 1, more: { group?: string; leaseMs?: number } = {}): ElectionRequest {
  const { group, leaseMs = LEASE_MS } = more
  return { kind: 'vote', ...head(group), generation, proposer, holder: `p${proposer}`, leaseMs }
}

function preVote(proposer: number, group?: string): ElectionRequest {
  return { kind: 'pre-vote', ...head(group), proposer }
}

function renew(generation: number, proposer = 1): ElectionRequest {
  return { ...(vote(generation, proposer) as Extract<ElectionRequest, { kind: 'vote' }>), kind: 'renew', acts: true }
}

function granted(message: LocalMessage): boolean | string {
  return message.kind === 'ruled' ? message.granted : message.kind === 'refused' ? message.code : message.kind
}

describe('an elector', () => {
  test('its vote: is on its disk, told to observers, and kept over a restart', () => {
    const bench = new Bench()
    expect(granted(bench.ask(vote(3)))).toBe(true)
    expect(bench.notices).toEqual([{ kind: 'vote', group: 'lock:x', generation: 3, holder: 'p1', leads: false }])
    bench.restart()
    bench.ping()
    bench.nowMs += 10 * LEASE_MS
    expect(granted(bench.ask(vote(3, 2)))).toBe(false)
    expect(granted(bench.ask(vote(2, 2)))).toBe(false)
    expect(granted(bench.ask(vote(4, 2)))).toBe(true)
  })

  test('after a restart: it waits as long as the lease that it granted, from the first time that it hears anything', () => {
    const bench = new Bench({ clockDriftMax: 0.1 })
    bench.ask(vote(1))
    bench.restart()
    expect(bench.ask(preVote(2))).toMatchObject({ kind: 'ruled', granted: false, leftMs: 1.1 * LEASE_MS })
    bench.nowMs += 1.1 * LEASE_MS
    expect(granted(bench.ask(preVote(2)))).toBe(true)
  })

  test('one group: says nothing about another', () => {
    const bench = new Bench()
    bench.ask(vote(1))
    expect(granted(bench.ask(vote(1, 2, { group: 'lock:y' })))).toBe(true)
    expect(granted(bench.ask(preVote(2)))).toBe(false)
  })

  test('who led last: is told to whoever looks, with what is left of the lease', () => {
    const bench = new Bench()
    bench.ask(vote(2))
    bench.ask(renew(2))
    const told = bench.ask({ kind: 'look', ...head() }) as Ruled
    expect(told).toMatchObject({ granted: false, generation: 2, led: { id: 'p1', generation: 2 } })
    expect(told.leftMs).toBeGreaterThan(LEASE_MS)
    expect(bench.ask({ kind: 'look', ...head('group:unknown') })).toMatchObject({ generation: 0, leftMs: 0 })
  })

  test('a promise that is given back: is told once to those who were refused, one of them to stand before the other', () => {
    const firsts = Array.from({ length: 20 }, (_, before) => {
      const generation = before + 1
      const turns = [2, 3].map((asksFirst) => {
        const bench = new Bench()
        bench.ask(vote(generation))
        const [one, other] = [preVote(asksFirst), preVote(5 - asksFirst)]
        bench.ask(one, asksFirst)
        bench.ask(other, 5 - asksFirst)
        const resign: ElectionRequest = { kind: 'resign', ...head(), generation, proposer: 1 }
        const told = bench.sent(resign).map(({ to, message }) => ({ to, ruled: message as Ruled }))
        expect(new Set(told.map(({ ruled }) => ruled.id))).toEqual(new Set([one.id, other.id]))
        expect(told.map(({ ruled }) => [ruled.granted, ruled.leftMs])).toEqual([
          [true, 0],
          [false, 100],
        ])
        expect(bench.sent(resign)).toEqual([])
        return told[0]?.to
      })
      // Every elector names the same one, whoever asked first.
      expect(turns[0]).toBe(turns[1])
      return turns[0]
    })
    expect(new Set(firsts)).toEqual(new Set([2, 3]))
  })

  test('a promise that is given back: is told as well to those who were late, and to nobody for his own', () => {
    const bench = new Bench()
    const mine = preVote(1)
    const late = preVote(2)
    expect([granted(bench.ask(mine)), granted(bench.ask(late, OTHER))]).toEqual([true, true])
    bench.ask(vote(1))
    const resign: ElectionRequest = { kind: 'resign', ...head(), generation: 1, proposer: 1 }
    expect(bench.sent(resign).map(({ to, message }) => [to, (message as Ruled).id])).toEqual([[OTHER, late.id]])
  })

  test('names without a vote: are not remembered beyond groupsMax', () => {
    const bench = new Bench({ groupsMax: 1 })
    bench.ask(preVote(2, 'lock:y'))
    expect(granted(bench.ask(preVote(2)))).toBe(true)
    bench.ask(vote(1))
    expect(bench.sent({ kind: 'resign', ...head(), generation: 1, proposer: 1 })).toEqual([])
  })

  test('one who is gone: is told nothing', () => {
    const bench = new Bench()
    bench.ask(vote(1))
    bench.ask(preVote(2))
    bench.replica.forget(CLIENT)
    expect(bench.sent({ kind: 'resign', ...head(), generation: 1, proposer: 1 })).toEqual([])
  })

  test('many who wait: the last 64 are told', () => {
    const bench = new Bench()
    bench.ask(vote(1))
    for (let proposer = 2; proposer < 102; proposer++) bench.ask(preVote(proposer))
    expect(bench.sent({ kind: 'resign', ...head(), generation: 1, proposer: 1 })).toHaveLength(64)
  })
})

describe('what is refused', () => {
  test('a replica without a vote in the group: says so', () => {
    const refusals = Array.from({ length: 20 }, (_, group) => {
      return granted(new Bench({}, { members: 7 }).ask(vote(1, 1, { group: `lock:${group}` })))
    })
    expect(new Set(refusals)).toEqual(new Set([true, 'no-elector']))
  })

  test('a forged generation: is refused, and the group goes on as if nothing had been', () => {
    const bench = new Bench()
    expect(granted(bench.ask(vote(GENERATION_AHEAD_MAX + 2)))).toBe('bad-generation')
    expect(granted(bench.ask(renew(GENERATION_AHEAD_MAX + 2)))).toBe('bad-generation')
    expect(bench.stored.size).toBe(0)
    expect(granted(bench.ask(vote(1)))).toBe(true)
  })

  test('a lease longer than it grants: is refused', () => {
    expect(granted(new Bench({ leaseMsMax: 999 }).ask(vote(1)))).toBe('lease-too-long')
  })

  test('more groups than allowed: are refused, and the known ones go on; to ask or to look makes none', () => {
    const bench = new Bench({ groupsMax: 1 })
    for (let group = 0; group < 5; group++) bench.ask(preVote(1, `lock:${group}`))
    expect(granted(bench.ask(vote(1)))).toBe(true)
    expect(granted(bench.ask(vote(1, 1, { group: 'lock:y' })))).toBe('too-many-groups')
    bench.restart()
    expect(granted(bench.ask(vote(2)))).toBe(true)
    expect(granted(bench.ask(vote(1, 1, { group: 'lock:y' })))).toBe('too-many-groups')
  })

  test('a full disk: refuses votes', () => {
    const bench = new Bench({}, { full: true })
    expect(granted(bench.ask(vote(1)))).toBe('storage-full')
    expect(bench.stored.size).toBe(0)
  })
})
