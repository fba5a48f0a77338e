/**
 * Real processes that lose their disks: one is killed and its directory is deleted, another gets an older copy of its
 * directory back. Strict reads are right all the while, and everything is on all disks in the end.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connect } from '../../src/runtime/client.ts'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { allReachable, freePorts, killAll, Replica, urlsOf } from './replica.ts'

const KEYS = 200
/** Twice the time of a call, exchanges, and a slow machine. */
const CAUGHT_UP = { timeout: 60_000, interval: 100 }

let built: BuiltCli | undefined
let folder: string

beforeAll(() => {
  built = buildCli()
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-lost-'))
}, 120_000)

afterAll(() => {
  killAll()
  built?.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('a disk that is lost, and one that is replaced by an older copy', { timeout: 240_000 }, async () => {
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  const ports = { a, b, c }
  const dirOf = (id: string): string => path.join(folder, id)
  const start = async (id: string): Promise<Replica> => {
    const replica = new Replica({ main: built?.main ?? '', id, ports, dataDir: dirOf(id) })
    await replica.ready
    return replica
  }
  const first = await start('a')
  let second = await start('b')
  let third = await start('c')
  const client = await connect({ replicas: urlsOf(ports), heartbeatMs: 100, transport: { backoffMsMax: 100 } })
  await allReachable(client)
  const keyspace = client.keyspace<number>('k', { mode: 'ap', n: 3, r: 2, w: 2 })
  const written = new Map<string, number>()
  const write = async (round: number): Promise<void> => {
    for (let i = 0; i < KEYS; i++) {
      // What is on the disk that is lost and on one other is there all the same.
      await vi.waitFor(() => keyspace.update(`k${i}`, () => round * KEYS + i), { timeout: 20_000 })
      written.set(`k${i}`, round * KEYS + i)
    }
  }
  const check = async (): Promise<void> => {
    for (const [key, value] of written) {
      const read = await vi.waitFor(() => keyspace.get(key), { timeout: 20_000 })
      expect(read.siblings).toEqual([value])
    }
  }
  const serves = ({ said }: Replica): boolean => said.some((line) => line.includes('"it has caught up"'))
  await write(0)

  await second.kill('SIGKILL')
  rmSync(dirOf('b'), { recursive: true })
  await write(1)
  second = await start('b')
  await check()
  await vi.waitFor(() => expect(serves(second)).toBe(true), CAUGHT_UP)
  await check()

  await third.kill('SIGKILL')
  cpSync(dirOf('c'), path.join(folder, 'copy'), { recursive: true })
  third = await start('c')
  await allReachable(client)
  await write(2)
  await third.kill('SIGKILL')
  rmSync(dirOf('c'), { recursive: true })
  cpSync(path.join(folder, 'copy'), dirOf('c'), { recursive: true })
  third = await start('c')
  await check()
  await vi.waitFor(() => expect(third.said.join('\n')).toMatch('"set-aside"'), CAUGHT_UP)
  expect(readdirSync(folder).toSorted()).toEqual(['a', 'b', 'c', 'c.older-copy-1', 'copy'])
  await check()
  await vi.waitFor(() => expect(serves(third)).toBe(true), CAUGHT_UP)

  await first.kill('SIGKILL')
  await check()
  await client.close()
  await Promise.all([second, third].map((replica) => replica.kill('SIGTERM')))
})

test('registers: all disks are lost, one after the other, and nothing with them', { timeout: 240_000 }, async () => {
  const ids = ['x', 'y', 'z'] as const
  const [x = 0, y = 0, z = 0] = await freePorts(3)
  const ports = { x, y, z }
  const start = (id: string): Replica =>
    new Replica({ main: built?.main ?? '', id, ports, dataDir: path.join(folder, id) })
  const running = new Map(ids.map((id) => [id, start(id)]))
  await Promise.all([...running.values()].map(({ ready }) => ready))
  const client = await connect({ replicas: urlsOf(ports), heartbeatMs: 100, transport: { backoffMsMax: 100 } })
  await allReachable(client)
  const accounts = client.keyspace<number>('accounts', { mode: 'cp', n: 3 })
  let rounds = 0
  /** With two replicas up: each key has the value of the round before, and gets the next one. */
  const round = async (): Promise<void> => {
    rounds++
    for (let i = 0; i < 20; i++) {
      const key = `k${i}`
      const before = await vi.waitFor(() => accounts.get(key), { timeout: 20_000 })
      expect([before.value ?? 0, before.revision]).toEqual([rounds - 1, rounds - 1])
      await accounts.put(key, rounds, { ifRevision: before.revision })
    }
  }
  await vi.waitFor(round, { timeout: 30_000 })
  for (const [turn, id] of ids.entries()) {
    await running.get(id)?.kill('SIGKILL')
    rmSync(path.join(folder, id), { recursive: true })
    await round()
    const back = start(id)
    running.set(id, back)
    await vi.waitFor(() => expect(back.said.join('\n')).toMatch('it votes on registers again'), CAUGHT_UP)
    // Without one of those that have not lost anything since.
    const other = ids[(turn + 1) % 3] as string
    await running.get(other as 'x')?.kill('SIGKILL')
    await round()
    running.set(other as 'x', start(other))
    await running.get(other as 'x')?.ready
    await allReachable(client)
  }
  await round()
  await client.close()
  await Promise.all([...running.values()].map((replica) => replica.kill('SIGTERM')))
})
