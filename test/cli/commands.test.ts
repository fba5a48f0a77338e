/**
 * The commands of a client, and command lines that make no sense.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalCluster, type LocalCluster } from '../../src/runtime/local-cluster.ts'
import { startHttp, type HttpSide } from '../../src/dashboard/http-server.ts'
import { buildCli, type BuiltCli } from '../process/built-cli.ts'
import { quorate as runQuorate, type Run } from './harness.ts'

const SLOW = { timeout: 60_000 }
let built: BuiltCli | undefined
let cluster: LocalCluster
let http: HttpSide
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  built = buildCli()
  cluster = await startLocalCluster({ replicas: 3 })
  const status = (): object => ({ ...cluster.store.status(), members: cluster.urls })
  http = await startHttp({ store: cluster.store, status })
  const replicas = Object.entries(cluster.urls).map(([id, url]) => `${id}=${url}`)
  env = { QUORATE_REPLICAS: replicas.join(',') }
}, 120_000)

afterAll(async () => {
  await http.close()
  await cluster.close()
  built?.remove()
})

/** Compiled: these are many, and the sources take three times as long to start. */
function quorate(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Run> {
  return runQuorate(args, { ...options, program: [built?.main ?? ''] })
}

const run = (...args: readonly string[]): Promise<Run> => quorate(args, { env })
const json = ({ stdout }: Run): unknown => JSON.parse(stdout)

describe('registers', () => {
  test('put, get, compare-and-set, delete, scan: with the revision', SLOW, async () => {
    const first = await run('put', 'accounts', 'bob', '10', '--mode', 'cp', '--if-revision', '0')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^ok: revision 1, on [23] of 3 replicas in [\d.]+ ms\n$/)
    expect(await run('get', 'accounts', 'bob')).toMatchObject({ code: 0, stdout: '10\n' })
    expect(json(await run('put', 'accounts', 'bob', '20', '--if-revision', '1', '--json'))).toMatchObject({
      revision: 2,
    })
    const late = await run('put', 'accounts', 'bob', '30', '--if-revision', '1')
    expect(late).toMatchObject({ code: 1, stdout: '' })
    expect(late.stderr).toMatch(/QUORATE_CONDITION_FAILED.*revision 2/)
    expect(json(await run('get', 'accounts', 'bob', '--level', 'stale', '--json'))).toMatchObject({ value: 20 })
    expect(await run('scan', 'accounts')).toMatchObject({ code: 0, stdout: 'bob\t20\n' })
    expect((await run('delete', 'accounts', 'bob', '--if-revision', '2')).code).toBe(0)
    expect(await run('get', 'accounts', 'bob')).toMatchObject({ code: 1, stdout: '' })
  })

  test('what is for other keyspaces: is refused', SLOW, async () => {
    await run('put', 'accounts', 'eve', '1', '--mode', 'cp')
    for (const args of [
      ['get', 'accounts', 'eve', '--level', 'one'],
      ['put', 'accounts', 'eve', '2', '--level', 'all'],
      ['put', 'accounts', 'eve', '2', '--context', 'AQIA'],
      ['put', 'accounts', 'eve', '2', '--mode', 'ap'],
      ['put', 'carts', 'eve', '2', '--if-revision', '0'],
      ['put', 'carts', 'eve', '2', '--mode', 'quick'],
    ]) {
      expect((await run(...args)).code, args.join(' ')).not.toBe(0)
    }
  })
})

describe('keys', () => {
  test('put, get, delete: what is written is printed as JSON, and gone when it is deleted', SLOW, async () => {
    const put = await run('put', 'carts', 'alice', '["milk","tea"]')
    expect(put).toMatchObject({ code: 0, stderr: '' })
    expect(put.stdout).toMatch(/^ok: on [23] of 3 replicas in [\d.]+ ms\n$/)
    expect(await run('get', 'carts', 'alice')).toMatchObject({ code: 0, stdout: '["milk","tea"]\n', stderr: '' })
    expect(json(await run('get', 'carts', 'alice', '--level', 'a and (b or c)', '--json'))).toMatchObject({
      receipt: { level: 'a and (b or c)', strict: true, reached: 2 },
    })
    expect(json(await run('get', 'carts', 'alice', '--level', 'all', '--json'))).toMatchObject({
      found: true,
      value: ['milk', 'tea'],
      receipt: { level: '3', reached: 3 },
    })
    expect((await run('delete', 'carts', 'alice')).code).toBe(0)
    const gone = await run('get', 'carts', 'alice')
    expect(gone).toMatchObject({ code: 1, stdout: '' })
    expect(gone.stderr).toMatch(/^quorate: not found: key "alice" in keyspace carts was deleted\. [^\n]+\n$/)
  })

  test('a value that is not JSON is a string; one that begins with a dash goes behind --', SLOW, async () => {
    await Promise.all([run('put', 'plain', 'a', 'hello there'), run('put', 'plain', 'b', '--', '-5')])
    expect((await run('get', 'plain', 'a')).stdout).toBe('"hello there"\n')
    expect((await run('get', 'plain', 'b')).stdout).toBe('-5\n')
  })

  test('siblings are all shown, with what makes them one', SLOW, async () => {
    await run('put', 'sib', 'x', '1')
    await run('put', 'sib', 'x', '2')
    const { code, stdout, stderr } = await run('get', 'sib', 'x')
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').toSorted()).toEqual(['1', '2'])
    const context = /--context (\S+)\n$/.exec(stderr)?.[1] ?? ''
    expect((await run('put', 'sib', 'x', '3', '--context', context)).code).toBe(0)
    expect(await run('get', 'sib', 'x')).toMatchObject({ stdout: '3\n', stderr: '' })
  })

  test('not found: with --json the result is printed too, and no keyspace is made by reading', SLOW, async () => {
    await cluster.store.keyspace('known').put('x', 1)
    const never = await run('get', 'known', 'y', '--json')
    expect(never.code).toBe(1)
    expect(json(never)).toMatchObject({ found: false, deleted: false, siblings: [] })
    expect(json(await run('get', 'unknown', 'y', '--json'))).toMatchObject({ found: false })
    expect((await run('get', 'unknown', 'y')).stderr).toContain('no keyspace unknown is registered')
    expect((await run('scan', 'unknown')).code).toBe(1)
    expect(await cluster.store.registered('unknown')).toBeUndefined()
  })

  test('scan lists in key order, as text and as lines of JSON', SLOW, async () => {
    const keyspace = cluster.store.keyspace<number>('list')
    for (const key of ['b', 'a', 'c', 'x']) await keyspace.put(key, key.charCodeAt(0))
    expect((await run('scan', 'list', '--limit', '2')).stdout).toBe('a\t97\nb\t98\n')
    const { stdout } = await run('scan', 'list', '--after', 'b', '--json')
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as { key: string; value: number })
    expect(rows.map(({ key, value }) => [key, value])).toEqual([
      ['c', 99],
      ['x', 120],
    ])
  })

  test('status says who can be reached, and finds the cluster by the port of its HTTP', SLOW, async () => {
    const { code, stdout } = await quorate(['status', '--port', String(http.port)])
    expect(code).toBe(0)
    expect(stdout).toContain('3 of 3 replicas reachable')
    expect(json(await run('status', '--json'))).toMatchObject({
      role: 'client',
      replicas: { a: { state: 'reachable' } },
    })
  })

  test(
    'repair: each replica named exchanges with the others; what answers without a replica refuses',
    SLOW,
    async () => {
      const side = await startHttp({ store: cluster.node('a') })
      try {
        await cluster.store.keyspace('repaired').put('x', 1)
        const { code, stdout } = await quorate(['repair', '--http', side.url])
        expect(code).toBe(0)
        expect(stdout).toMatch(/b {2}done, \d+ differed/)
        expect(json(await quorate(['repair', '--port', String(side.port), '--json']))).toMatchObject({
          http: `http://127.0.0.1:${side.port}`,
          replicas: { b: { outcome: 'done' }, c: { outcome: 'done' } },
        })
        expect((await quorate(['repair', '--http', http.url])).stderr).toContain('there is no replica in this process')
        expect((await quorate(['repair', '--port', String(http.port)])).stderr).toContain('is no quorate start')
      } finally {
        await side.close()
      }
      expect((await quorate(['repair', '--http', side.url])).stderr).toContain('nothing answers')
    },
  )

  test('replicas may be named one by one', SLOW, async () => {
    const named = Object.entries(cluster.urls).flatMap(([id, url]) => ['--replica', `${id}=${url}`])
    expect((await quorate(['put', 'named', 'x', '1', ...named])).code).toBe(0)
  })
})

describe('what fails says one line and what to do:', () => {
  test.for([
    [2, [], 'no command is given', 'quorate start'],
    [2, ['strat'], 'there is no command "strat"', 'Did you mean quorate start?'],
    [2, ['frobnicate'], 'there is no command', '--help'],
    [2, ['get', 'carts', 'x', '--levle', 'one'], '--levle is no option', 'did you mean --level?'],
    [2, ['put', 'carts', 'x', '-5'], '-5 is no option', '--'],
    [2, ['get', 'carts'], 'KEY is missing', 'quorate get --help'],
    [2, ['put', 'carts', 'x', 'a', 'b'], '"b" is one argument too many', 'quote'],
    [2, ['start', '--replicas', 'many'], '--replicas is "many"', 'from 1 to 26'],
    [2, ['start', '--replicas', '27'], '--replicas is "27"', 'from 1 to 26'],
    [2, ['start', '--port', '70000'], '--port is "70000"', 'from 1 to'],
    [2, ['start', '--data'], "'--data <value>' argument missing", '--help'],
    [2, ['serve', '--id', 'a'], '--listen is missing', 'quorate serve --help'],
    [2, ['serve', '--id', 'a', '--listen', 'here'], '"here"', '127.0.0.1:7101'],
    [2, ['serve', '--id', 'a', '--listen', '1', '--peer', 'b'], '"b"', 'b=ws://host:port'],
    [2, ['get', 'a', 'b', '--replica', 'a=http://x'], '"a=http://x"', 'ws://'],
    [1, ['serve', '--id', 'a b', '--listen', '0'], 'QUORATE_INVALID_OPTION', 'letters'],
    [1, ['serve', '--id', 'a', '--listen', '0.0.0.0:0'], 'QUORATE_INVALID_OPTION', 'secret'],
    [1, ['get', 'carts', 'x', '--level', 'most'], 'QUORATE_INVALID_OPTION', 'quorum, all'],
    [1, ['get', 'carts', ''], 'QUORATE_INVALID_OPTION', 'not empty'],
    [1, ['get', 'no keyspace', 'x'], 'QUORATE_INVALID_OPTION', 'letters'],
    [1, ['put', 'carts', 'x', '{milk'], 'QUORATE_INVALID_OPTION', 'quote it'],
    [1, ['put', 'carts', 'x', '1', '--context', 'mine'], 'QUORATE_INVALID_OPTION', 'unchanged'],
    [
      1,
      ['get', 'carts', 'x', '--port', '1', '--replica', 'a=ws://127.0.0.1:1', '--timeout', '300'],
      'QUORATE_UNAVAILABLE',
      'replicas run',
    ],
  ] as const)('exit code %i for %j', SLOW, async ([code, args, said, advice]) => {
    await cluster.store.keyspace('carts').put('x', 1)
    const failed = await quorate(args, { env })
    expect(failed.stderr).toMatch(/^quorate: [^\n]+\n$/)
    expect(failed.stderr).toContain(said)
    expect(failed.stderr).toContain(advice)
    expect(failed).toMatchObject({ code, stdout: '' })
  })

  test('no cluster on the port', SLOW, async () => {
    const { code, stderr } = await quorate(['get', 'carts', 'x', '--port', '9'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^quorate: QUORATE_UNAVAILABLE: no cluster answers at http:\/\/127\.0\.0\.1:9[^\n]+quorate start[^\n]+\n$/,
    )
  })

  test('with --json the error is printed as JSON as well', SLOW, async () => {
    const { code, stdout } = await run('get', 'carts', 'x', '--level', 'most', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'QUORATE_INVALID_OPTION', outcome: 'none' } })
  })
})

describe('help', () => {
  test('--help lists every command, and each command has its own', SLOW, async () => {
    const { code, stdout } = await quorate(['--help'])
    expect(code).toBe(0)
    const names = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name)
    expect(names).toEqual(expect.arrayContaining(['start', 'serve', 'get', 'put', 'delete', 'scan', 'status']))
    for (const help of await Promise.all(names.map((name) => quorate([name, '--help'])))) {
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toMatch(/^quorate [a-z]+[^]*Options:[^]*--json[^]*Examples:/)
    }
  })

  test('--version is the version of the package', SLOW, async () => {
    expect((await quorate(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
