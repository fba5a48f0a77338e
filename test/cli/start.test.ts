/**
 * `quorate start` as a user has it: real processes, data on disk, nothing left behind, one clear line when it cannot.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAlive, isFree } from '../process/replica.ts'
import { freePlace, quorate, Started, until, type Place } from './harness.ts'

const SLOW = { timeout: 180_000 }
let place: Place
const running: Started[] = []

beforeEach(async () => {
  place = await freePlace()
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((started) => started.stop('SIGKILL')))
  place.remove()
})

function start(...args: readonly string[]): Started {
  const started = new Started([...place.args, ...args])
  running.push(started)
  return started
}

const kv = (rest: string): string => `http://127.0.0.1:${place.port}/kv/${rest}`

async function nothingIsLeft(pids: Iterable<number>): Promise<void> {
  await until(() => [...pids].every((pid) => !isAlive(pid)))
  for (const port of place.ports) expect(await isFree(port), `port ${port}`).toBe(true)
}

test('start: writes survive a killed replica and a restart; Ctrl-C leaves nothing running', SLOW, async () => {
  const first = start()
  const { http, replicas } = await first.event('started')
  expect(http).toBe(`http://127.0.0.1:${place.port}`)
  expect(replicas).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  await fetch(kv('carts/alice'), { method: 'PUT', body: '["milk"]' })
  const pids = new Map(first.pids)
  const killed = pids.get('b') ?? 0
  process.kill(killed, 'SIGKILL')
  expect(await first.event('died')).toMatchObject({ replica: 'b', why: 'SIGKILL' })
  expect((await fetch(kv('carts/alice?level=2'))).status).toBe(200)
  await first.event('ready', ({ replica, pid }) => replica === 'b' && pid !== killed)
  await until(async () => (await fetch(kv('carts/alice?level=all'))).status === 200)
  expect(await (await fetch(kv('carts/alice?level=all'))).json()).toMatchObject({ value: ['milk'] })
  const status: unknown = await (await fetch(`http://127.0.0.1:${place.port}/status`)).json()
  expect(status).toMatchObject({ processes: { a: { restarts: 0 }, b: { state: 'running', restarts: 1 } } })
  const ended = await first.stop('SIGINT')
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(first.events.at(-1)).toEqual({ event: 'stopped' })
  const ends = first.events
    .filter(({ event }) => event === 'ended')
    .map(({ replica, why }) => `${String(replica)}: ${String(why)}`)
  expect(ends.toSorted()).toEqual(['a: exit code 0', 'b: exit code 0', 'c: exit code 0'])
  await nothingIsLeft([...pids.values(), ...first.pids.values()])

  const second = start()
  await second.event('started')
  expect(await (await fetch(kv('carts/alice'))).json()).toMatchObject({ found: true, value: ['milk'] })
  expect(await second.stop('SIGTERM')).toMatchObject({ code: 0, stderr: '' })
  await nothingIsLeft(second.pids.values())
})

test('start: when it is killed itself, the replicas notice and stop', SLOW, async () => {
  const started = start()
  await started.event('started')
  const pids = [...started.pids.values()]
  expect(pids.every(isAlive)).toBe(true)
  await started.stop('SIGKILL')
  await nothingIsLeft(pids)
})

test('start: a signal while it starts is obeyed', SLOW, async () => {
  const started = start()
  await started.event('ready')
  expect(await started.stop('SIGTERM')).toMatchObject({ code: 0 })
  await nothingIsLeft(started.pids.values())
})

test('start: a replica that a debugger holds is killed after a while, and nothing is left', SLOW, async () => {
  const started = start()
  await started.event('started')
  process.kill(started.pids.get('a') ?? 0, 'SIGSTOP')
  expect(await started.stop('SIGINT')).toMatchObject({ code: 0 })
  expect(await started.event('ended', ({ replica }) => replica === 'a')).toMatchObject({ why: 'SIGKILL' })
  await nothingIsLeft(started.pids.values())
})

test('start: the commands that it prints work as printed', SLOW, async () => {
  const help = await quorate(['start', '--help'])
  expect(help.stdout).toContain('--replicas')
  const started = start('--replicas', '3')
  await started.event('started')
  const front = await (await fetch(`http://127.0.0.1:${place.port}/`)).text()
  const lines = front.split('\n').filter((line) => /^ {2}(?:curl|CONTEXT)/.test(line) && !line.includes('/events'))
  expect(lines.length).toBeGreaterThan(6)
  const shell = promisify(execFile)
  const hasCurl = await shell('curl', ['--version']).then(
    () => true,
    () => false,
  )
  if (hasCurl) {
    const script = lines.map((line) => line.replaceAll('curl ', 'curl -sS ')).join('\n')
    const { stdout, stderr } = await shell('sh', ['-e', '-c', script])
    expect(stderr).toBe('')
    expect(stdout).toContain('"value":["milk","tea"]')
    expect(stdout).not.toContain('"code"')
  }
  await started.stop('SIGINT')
})

describe('start refuses with one line, and leaves nothing running:', () => {
  /** A failure has exactly one line on stderr that names the code. */
  async function refused(args: readonly string[], options: { readonly uid?: number } = {}): Promise<string> {
    const { code, stdout, stderr } = await quorate(['start', ...args], options)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^quorate: [A-Z_]+: [^\n]+\n$/)
    await nothingIsLeft([])
    return stderr
  }

  test('a data directory under a file', SLOW, async () => {
    mkdirSync(path.dirname(place.data), { recursive: true })
    writeFileSync(place.data, '')
    expect(await refused(place.args)).toContain('QUORATE_STORAGE')
  })

  test.skipIf(process.getuid?.() !== 0)('a data directory without rights', SLOW, async () => {
    mkdirSync(place.data, { recursive: true })
    chmodSync(path.dirname(place.data), 0o755)
    expect(await refused(place.args, { uid: 65_534 })).toContain('this user may not write there')
  })

  test('a damaged note of how many replicas there are', SLOW, async () => {
    mkdirSync(place.data, { recursive: true })
    writeFileSync(path.join(place.data, 'cluster.json'), '{"format":1}')
    expect(await refused(place.args)).toContain('cluster.json is damaged')
  })

  test("a replica's directory that holds something else", SLOW, async () => {
    mkdirSync(path.join(place.data, 'b'), { recursive: true })
    writeFileSync(path.join(place.data, 'b', 'letter.txt'), 'dear')
    expect(await refused(place.args)).toMatch(/QUORATE_STORAGE: replica b: .*not empty/)
  })

  test('ports in use, data in use, and data of another size of cluster', SLOW, async () => {
    const started = start()
    await started.event('started')
    const other = await freePlace()
    const again = await quorate(['start', '--data', other.data, '--port', String(place.port)])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toMatch(/^quorate: QUORATE_INVALID_OPTION: port \d+, for the HTTP, is in use: [^\n]+\n$/)
    const beside = await quorate(['start', '--data', other.data, '--port', String(place.port - 2)])
    expect(beside.stderr).toMatch(/port \d+, for the replica b, is in use/)
    const same = await quorate(['start', '--data', place.data, '--port', String(other.port)])
    expect(same).toMatchObject({ code: 1, stdout: '' })
    expect(same.stderr).toMatch(/^quorate: QUORATE_STORAGE: replica [abc]: [^\n]+in use by another process[^\n]+\n$/)
    const five = await quorate(['start', '--data', place.data, '--port', String(other.port), '--replicas', '5'])
    expect(five.stderr).toContain('is of 3 replicas, not of 5')
    expect((await fetch(`http://127.0.0.1:${place.port}/status`)).status).toBe(200)
    expect(await started.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' })
    other.remove()
  })
})
