/** Leaders and locks on real replicas: elections, crashes, cuts, handing on, holders that sleep too long. */
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Elected, LocalCluster, Seat } from '../../src/index.ts'
import { FenceGate, MemoryFences } from '../../src/index.ts'
import { errorOf, GONE, ownClusters, REACHABLE, seen } from './clusters.ts'

const start = ownClusters({ replicas: 3, heartbeatMs: 100 })
const LEASE_MS = 400

/** Seats of all replicas in one group. */
function seatsOf(cluster: LocalCluster, group: string): Map<string, Seat> {
  return new Map(cluster.ids.map((id) => [id, cluster.node(id).campaign(group, { leaseMs: LEASE_MS })]))
}

/** The first of these seats that leads, once one does. */
async function leaderOf(seats: ReadonlyMap<string, Seat>): Promise<string> {
  const now = [...seats].find(([, seat]) => seat.isLeader)
  if (now !== undefined) return now[0]
  return Promise.race([...seats].map(([id, seat]) => once(seat, 'elected').then(() => id)))
}

function others(seats: ReadonlyMap<string, Seat>, id: string): Map<string, Seat> {
  return new Map([...seats].filter(([other]) => other !== id))
}

async function usableFrom(cluster: LocalCluster): Promise<void> {
  for (const id of cluster.ids) {
    await seen(cluster.node(id), Object.fromEntries(cluster.ids.map((other) => [other, REACHABLE])))
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Holds up this process, and with it all replicas in it. */
function stall(ms: number): void {
  const endAt = performance.now() + ms
  while (performance.now() < endAt);
}

describe('elections', () => {
  test('three seats: one leads, the others know who, and an observer does', async () => {
    const cluster = await start()
    const observer = cluster.store.observe('reports')
    const seats = seatsOf(cluster, 'reports')
    const leader = await leaderOf(seats)
    expect([...seats.values()].filter((seat) => seat.isLeader)).toHaveLength(1)
    const { generation } = seats.get(leader) as Seat
    if (observer.leader === undefined) await once(observer, 'leader')
    expect(observer.leader).toEqual({ id: leader, generation })
    for (const [, seat] of others(seats, leader)) {
      if (seat.leader === undefined) await once(seat, 'leader')
      expect([seat.leader, seat.isLeader, seat.leaseLeftMs]).toEqual([{ id: leader, generation }, false, 0])
    }
    observer.close()
  })

  test('the leader crashes: another leads with a higher generation', async () => {
    const cluster = await start()
    const seats = seatsOf(cluster, 'reports')
    const leader = await leaderOf(seats)
    const { generation = 0 } = seats.get(leader) as Seat
    const rest = others(seats, leader)
    const next = leaderOf(rest)
    await cluster.kill(leader)
    expect(rest.get(await next)?.generation).toBeGreaterThan(generation)
  })

  test('the leader is closed: another leads at once, and not only when its lease has run out', async () => {
    const cluster = await start()
    const long = 20_000
    const first = cluster.store.campaign('reports', { leaseMs: long })
    await once(first, 'elected')
    const second = cluster.node('b').campaign('reports', { leaseMs: long })
    await once(second, 'leader')
    const elected = once(second, 'elected') as Promise<[Elected]>
    const at = performance.now()
    first.close()
    await elected
    expect(performance.now() - at).toBeLessThan(long / 4)
  })

  test('a node that leads is closed: hands on at once as well', async () => {
    const cluster = await start()
    const long = 20_000
    const first = cluster.node('a').campaign('reports', { leaseMs: long })
    const [{ signal }] = (await once(first, 'elected')) as [Elected]
    const second = cluster.node('b').campaign('reports', { leaseMs: long })
    await once(second, 'leader')
    const at = performance.now()
    const elected = once(second, 'elected')
    await cluster.node('a').close()
    await elected
    expect(performance.now() - at).toBeLessThan(long / 4)
    expect([signal.aborted, first.isLeader]).toEqual([true, false])
  })

  test('the leader is cut off: it steps down before another leads, and does not come back while the other leads', async () => {
    const cluster = await start()
    const seats = seatsOf(cluster, 'reports')
    const leader = await leaderOf(seats)
    const old = seats.get(leader) as Seat
    let steppedDownAt = Infinity
    old.once('lost', () => (steppedDownAt = performance.now()))
    const rest = others(seats, leader)
    const next = leaderOf(rest)
    cluster.partition([leader])
    const successor = rest.get(await next) as Seat
    expect(old.isLeader).toBe(false)
    await sleep(0)
    expect(steppedDownAt).toBeLessThan(performance.now())
    const { generation } = successor
    cluster.heal()
    await sleep(2 * LEASE_MS)
    expect([old.isLeader, successor.isLeader, successor.generation]).toEqual([false, true, generation])
  })

  test('a follower that is not heard, or does not hear: cannot depose the leader', async () => {
    const cluster = await start()
    const seats = seatsOf(cluster, 'reports')
    const leader = await leaderOf(seats)
    // On a busy machine a lease may run out; what must not happen is that another was voted for while it ran.
    const reasons: string[] = []
    for (const seat of seats.values()) seat.on('lost', ({ reason }) => reasons.push(reason))
    const [deaf = '', mute = ''] = cluster.ids.filter((id) => id !== leader)
    cluster.cut({ from: leader, to: deaf })
    await sleep(3 * LEASE_MS)
    cluster.heal()
    await usableFrom(cluster)
    cluster.cut({ from: mute, to: leader })
    await sleep(3 * LEASE_MS)
    expect(reasons).not.toContain('deposed')
  })

  test('a stalled event loop: the leader refuses by itself when it wakes', async () => {
    const cluster = await start()
    const seat = cluster.store.campaign('reports', { leaseMs: LEASE_MS })
    const [{ signal }] = (await once(seat, 'elected')) as [Elected]
    stall(2 * LEASE_MS)
    expect([seat.isLeader, seat.generation, seat.leaseLeftMs]).toEqual([false, undefined, 0])
    await once(seat, 'lost')
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'QUORATE_NOT_LEADER' })
  })

  test('resigning: another seat leads next', async () => {
    const cluster = await start()
    const seats = seatsOf(cluster, 'reports')
    const leader = await leaderOf(seats)
    const next = leaderOf(others(seats, leader))
    seats.get(leader)?.resign()
    expect(await next).not.toBe(leader)
  })

  test('no quorum: nobody leads until there is one', async () => {
    const cluster = await start({ leaseMsMax: LEASE_MS })
    await cluster.kill('b')
    await cluster.kill('c')
    const seat = cluster.node('a').campaign('reports', { leaseMs: LEASE_MS })
    await sleep(2 * LEASE_MS)
    expect(seat.isLeader).toBe(false)
    const elected = once(seat, 'elected')
    // In memory they have forgotten their votes: a majority of the electors has to ask all others.
    await Promise.all([cluster.restart('b'), cluster.restart('c')])
    await elected
  })

  test('an elector that lost its memory: does not vote before it has waited and asked all others, then above all votes', async () => {
    const leaseMsMax = 1000
    const cluster = await start({ leaseMsMax })
    const lock = (timeoutMs: number): Promise<number> =>
      cluster.node('a').withLock('nightly', ({ token }) => token, { leaseMs: 300, timeoutMs })
    const before = await lock(5000)
    const seat = cluster.node('c').campaign('reports', { leaseMs: leaseMsMax })
    await once(seat, 'elected')
    await cluster.kill('b')
    const killedAt = performance.now()
    cluster.partition(['c'])
    await cluster.restart('b')
    await seen(cluster.node('a'), { b: REACHABLE, c: GONE })
    const error = await errorOf(lock(leaseMsMax))
    expect(error.code).toBe('QUORATE_TIMEOUT')
    expect(error.message).toContain('catching-up it may have forgotten its votes')
    let token = 0
    // Without c there is no majority but a and b, and b asks c first.
    while (token === 0) {
      cluster.heal()
      await sleep(2 * leaseMsMax)
      cluster.partition(['c'])
      await seen(cluster.node('a'), { c: GONE })
      token = await lock(600).catch(() => 0)
    }
    expect(performance.now() - killedAt).toBeGreaterThan(leaseMsMax)
    expect(token).toBeGreaterThan(before)
  })

  test('a single replica: leads and hands on', async () => {
    const cluster = await start({ replicas: 1 })
    const first = cluster.node('a').campaign('reports')
    const [{ generation }] = (await once(first, 'elected')) as [Elected]
    first.close()
    const second = cluster.store.campaign('reports')
    const [next] = (await once(second, 'elected')) as [Elected]
    expect(next.generation).toBeGreaterThan(generation)
  })
})

describe('what observers are told', () => {
  test('a cut leader: others are told of the partition and the next leader, it is told of the lost quorum and lease', async () => {
    const cluster = await start()
    const seat = cluster.node('a').campaign('reports', { leaseMs: LEASE_MS })
    const [{ generation }] = (await once(seat, 'elected')) as [Elected]
    const other = cluster.node('b').campaign('reports', { leaseMs: LEASE_MS })
    if (other.leader === undefined) await once(other, 'leader')
    const told: Record<string, unknown[]> = { a: [], b: [] }
    for (const id of ['a', 'b']) cluster.node(id).observe((notice) => told[id]?.push(notice))
    const elected = once(other, 'elected') as Promise<[Elected]>
    cluster.partition(['a'])
    const [next] = await elected
    await seen(cluster.node('b'), { a: ['unreachable'] })
    await seen(cluster.node('a'), { b: ['unreachable'], c: ['unreachable'] })
    expect(told['a']).toContainEqual(expect.objectContaining({ kind: 'lease', group: 'group:reports', generation }))
    expect(told['a']).toContainEqual({ kind: 'quorum', state: 'lost', reached: 1, members: 3 })
    expect(told['b']).toContainEqual({ kind: 'partition', links: [{ replica: 'a', broken: 'both' }] })
    const leader = { id: 'b', generation: next.generation }
    expect(told['b']).toContainEqual(expect.objectContaining({ kind: 'leader', group: 'group:reports', leader }))
    cluster.heal()
    await seen(cluster.node('a'), { b: REACHABLE, c: REACHABLE })
    expect(told['a']).toContainEqual(expect.objectContaining({ kind: 'quorum', state: 'regained' }))
    expect(told['a']?.findLast((notice) => (notice as { kind: string }).kind === 'partition')).toEqual({
      kind: 'partition',
      links: [],
    })
  })

  test('a one-way cut: names the direction', async () => {
    const cluster = await start()
    const links = new Promise((resolve) => {
      cluster.node('a').observe((notice) => {
        if (notice.kind === 'partition' && notice.links.length > 0) resolve(notice.links)
      })
    })
    await seen(cluster.node('a'), { b: REACHABLE })
    cluster.cut({ from: 'a', to: 'b' })
    expect(await links).toEqual([{ replica: 'b', broken: 'there' }])
  })
})

describe('fencing who led before', () => {
  test('onFence: is told who it was, and nobody leads before it succeeded', async () => {
    const cluster = await start()
    const first = cluster.store.campaign('reports', { leaseMs: LEASE_MS })
    const [{ generation }] = (await once(first, 'elected')) as [Elected]
    const told: unknown[] = []
    let free = (): void => {}
    const onFence = (old: unknown): Promise<void> => {
      told.push(old)
      return new Promise((resolve) => (free = resolve))
    }
    const second = cluster.node('a').campaign('reports', { leaseMs: LEASE_MS, onFence })
    await once(second, 'leader')
    first.close()
    await sleep(2 * LEASE_MS)
    expect([told, second.isLeader]).toEqual([[{ id: cluster.store.id, generation }], false])
    const elected = once(second, 'elected')
    free()
    await elected
    expect(second.isLeader).toBe(true)
  })

  test('onFence that throws or hangs: the seat says so, does not lead, and tries again', async () => {
    const cluster = await start()
    const first = cluster.store.campaign('reports', { leaseMs: LEASE_MS })
    await once(first, 'elected')
    first.close()
    let attempts = 0
    const onFence = async (): Promise<void> => {
      attempts++
      if (attempts === 1) throw new Error('no such switch')
      if (attempts === 2) await new Promise(() => {})
    }
    const second = cluster.node('a').campaign('reports', { leaseMs: LEASE_MS, onFence, fenceMs: 50 })
    const elected = once(second, 'elected')
    const [thrown] = (await once(second, 'failed')) as [Error]
    expect(thrown).toMatchObject({
      code: 'QUORATE_FENCED',
      message: expect.stringContaining('no such switch') as string,
    })
    expect(second.isLeader).toBe(false)
    const [late] = (await once(second, 'failed')) as [Error]
    expect(late.message).toContain('50 ms')
    await elected
    expect(attempts).toBe(3)
  })
})

describe('locks', () => {
  test('many holders, nodes and clients: one at a time, and tokens rise', async () => {
    const cluster = await start()
    const stores = [cluster.store, ...cluster.ids.map((id) => cluster.node(id))]
    const tokens: number[] = []
    let holders = 0
    const gate = new FenceGate(new MemoryFences())
    const turn = async (store: (typeof stores)[number]): Promise<void> => {
      await store.withLock('nightly', async ({ token, signal, remainingMs }) => {
        expect([++holders, signal.aborted]).toEqual([1, false])
        expect(remainingMs()).toBeGreaterThan(0)
        gate.check('report', token)
        tokens.push(token)
        await sleep(5)
        holders--
      })
    }
    await Promise.all([...stores, ...stores, ...stores].map((store) => turn(store)))
    expect(tokens).toHaveLength(12)
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b))
  })

  test('a holder that sleeps through its lease: is told, fails, and its late write is refused', async () => {
    const cluster = await start()
    const gate = new FenceGate(new MemoryFences())
    let second: Promise<void> | undefined
    const late = errorOf(
      cluster.node('a').withLock(
        'nightly',
        async ({ token, signal, remainingMs }) => {
          cluster.partition(['a'])
          second = cluster.store.withLock('nightly', (lock) => gate.check('report', lock.token))
          await once(signal, 'abort')
          expect(remainingMs()).toBe(0)
          await second
          expect(() => gate.check('report', token)).toThrow('fenced')
        },
        { leaseMs: LEASE_MS },
      ),
    )
    expect(await late).toMatchObject({ code: 'QUORATE_FENCED', outcome: 'unknown' })
  })

  test('a lock that is held: a waiter gives up in time, by its signal, or at once, and says by whom', async () => {
    const cluster = await start()
    await cluster.store.withLock('nightly', async ({ token }) => {
      const node = cluster.node('b')
      const timely = await errorOf(node.withLock('nightly', () => 1, { timeoutMs: 300 }))
      expect(timely).toMatchObject({ code: 'QUORATE_TIMEOUT', outcome: 'none', retry: 'safe' })
      expect(timely.message).toContain(`held by ${cluster.store.id}, token ${token}`)
      const controller = new AbortController()
      const aborted = errorOf(node.withLock('nightly', () => 1, { signal: controller.signal }))
      controller.abort()
      expect(await aborted).toMatchObject({ code: 'QUORATE_ABORTED' })
      const before = await errorOf(node.withLock('nightly', () => 1, { signal: AbortSignal.abort() }))
      expect(before.code).toBe('QUORATE_ABORTED')
    })
  })

  test('the caller aborts while the work runs: the work is told, and the lock is held until it ends', async () => {
    const cluster = await start()
    const controller = new AbortController()
    let isOver = false
    const first = cluster.store.withLock(
      'nightly',
      async ({ signal }) => {
        await once(signal, 'abort')
        await sleep(50)
        isOver = true
        return 'stopped'
      },
      { signal: controller.signal },
    )
    await sleep(100)
    const second = cluster.node('b').withLock('nightly', () => isOver)
    controller.abort()
    expect([await first, await second]).toEqual(['stopped', true])
  })

  test('work that throws: gives its error, and the lock is free', async () => {
    const cluster = await start()
    const work = (): never => {
      throw new Error('mine')
    }
    await expect(cluster.store.withLock('nightly', work)).rejects.toThrow('mine')
    expect(await cluster.node('c').withLock('nightly', () => 'next')).toBe('next')
  })

  test('too few replicas: the error says so', async () => {
    const cluster = await start()
    await cluster.kill('b')
    await cluster.kill('c')
    const error = await errorOf(cluster.node('a').withLock('nightly', () => 1, { timeoutMs: 500 }))
    expect(error).toMatchObject({ code: 'QUORATE_UNAVAILABLE', outcome: 'none', required: 2, received: 1 })
  })

  test('bad input: is refused with a code, and nothing is held', async () => {
    const cluster = await start({ seatsMax: 1, leaseMsMax: 1_000 })
    const { store } = cluster
    for (const leaseMs of [0, 1e9, Number.NaN]) {
      expect(() => store.campaign('x', { leaseMs })).toThrow(/use 50 to 1000/)
    }
    expect(() => store.campaign('no name')).toThrow('not a keyspace name')
    expect(() => store.campaign('x', { lease: 1 } as object)).toThrow('not an option')
    expect((await errorOf(store.withLock('x', 1 as never))).code).toBe('QUORATE_INVALID_OPTION')
    const seat = store.campaign('x')
    expect(() => store.campaign('y')).toThrow('seatsMax')
    seat.close()
    expect(await store.withLock('y', () => 1)).toBe(1)
    await store.close()
    expect(() => store.campaign('x')).toThrow('closed')
  })
})
