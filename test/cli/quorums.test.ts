/**
 * `quorate quorums`: both sides, the proof and the figures; a refusal names two sets, a mistake shows its place.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCli, type BuiltCli } from '../process/built-cli.ts'
import { quorate, type Run } from './harness.ts'

const SLOW = { timeout: 60_000 }
let built: BuiltCli | undefined

beforeAll(() => {
  built = buildCli()
}, 120_000)

afterAll(() => built?.remove())

const quorums = (...args: readonly string[]): Promise<Run> =>
  quorate(['quorums', ...args], { program: [built?.main ?? ''] })
const json = ({ stdout }: Run): unknown => JSON.parse(stdout)

const MIXED = ['--write', '2 of (a,b,c) or 1 of (d,e)'] as const

test('quorums: one side gives the other, the proof, the quorums, and the best strategy', SLOW, async () => {
  const { code, stdout, stderr } = await quorums(...MIXED)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('write  2 of (a, b, c) or d or e\n')
  expect(stdout).toContain('read   2 of (a, b, c) and d and e   (derived: the dual of write)\n')
  expect(stdout).toContain('proved every read quorum meets every write quorum')
  expect(stdout).toContain('write quorums: 5, survives any 3 failures; without a, b, d, e there is none')
  expect(stdout).toContain('(d) (e) (a b) (a c) (b c)')
  expect(stdout).toContain('strategy for 50 % reads with the least load: load 0.5714, capacity 1.75')
  expect(stdout).toMatch(/^ {2}reads {3}[a-e ]+ █+·+ [\d.]+ %$/m)
})

test('quorums: with --json the same as data', SLOW, async () => {
  expect(json(await quorums(...MIXED, '--json', '--read-fraction', '0.9'))).toMatchObject({
    read: '2 of (a, b, c) and d and e',
    derived: 'read',
    meet: true,
    quorums: { write: { count: 5 }, read: { count: 3 } },
    resilience: { read: 0, write: 3, both: 0 },
    readFraction: 0.9,
    strategy: { objective: 'load' },
  })
})

test('quorums: a pair that does not meet is exit code 1, and two sets are named', SLOW, async () => {
  const refused = await quorums('--read', '2 of (a, b, c)', '--write', 'c or d', '--json')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(
    /^quorate: QUORATE_QUORUMS_DISJOINT: the read quorum \([a-c], [a-c]\) and the write quorum \([cd]\) do not meet: [^\n]+\n$/,
  )
  expect(json(refused)).toMatchObject({ error: { code: 'QUORATE_QUORUMS_DISJOINT', write: [expect.any(String)] } })
})

test('quorums: a mistake in an expression is exit code 2, with a mark under the place', SLOW, async () => {
  const { code, stdout, stderr } = await quorums('--write', '2 of (a, b')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^quorate: --write, column 11: [^\n]+\n {2}2 of \(a, b\n {12}\^\n$/)
})

test('quorums: zones, latencies, and nodes that are down', SLOW, async () => {
  const zones = ['--zone', 'eu=a,b,c', '--zone', 'us=d,e'] as const
  const far = ['--latency', 'a=1,b=2,c=3,d=40,e=50', '--objective', 'latency'] as const
  const { code, stdout } = await quorums('--write', 'majority of @eu and any of @us', ...zones, ...far, '--down', 'd')
  expect(code).toBe(0)
  expect(stdout).toContain('write  2 of (a, b, c) and (d or e)\n')
  expect(stdout).toContain('with the least latency')
  expect(stdout).toContain('d does not answer.\nA read asks a and b and takes 2 ms.')
  expect(stdout).toContain('A write asks a, b and e and takes 50 ms. It survives no further failure: without e')
})

test('quorums: what is too large to list is said, and the rest is printed', SLOW, async () => {
  const names = Array.from({ length: 31 }, (_, index) => `n${index}`).join(',')
  const { code, stdout } = await quorums('--write', `16 of (${names})`)
  expect(code).toBe(0)
  expect(stdout).toContain('write quorums: there are 300540195 minimal quorums, and at most 10000 are listed')
  expect(stdout).toContain('survives any 15 failures')
  const tangled = Array.from({ length: 30 }, (_, i) => `(n${i} or n${(i * 7 + 3) % 31} or n${(i * 11 + 5) % 31})`)
  const lost = await quorums('--write', tangled.join(' and '))
  expect(lost.code).toBe(0)
  expect(lost.stdout).toContain('write quorums: there are')
})

describe('recommend', () => {
  test('quorums: the best systems first, with figures', SLOW, async () => {
    const { code, stdout } = await quorums(
      '--recommend',
      'a,b,c,d,e',
      '--read-fraction',
      '0.9',
      '--capacity',
      'a=9/3,b=9,c=9,d=9,e=9',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^1\. [^\n]+: load [\d.]+, capacity [\d.]+, [\d.]+ nodes an operation, survives 1\n {3}read {3}/,
    )
    expect(stdout).toMatch(/\d+ systems were tried/)
  })

  test('quorums: nothing that fits is exit code 1 with the reason', SLOW, async () => {
    const { code, stdout, stderr } = await quorums('--recommend', 'a,b,c', '--survive', '2')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^quorate: no system fits: [^\n]+ at most 1 of 3 nodes failing, never 2\n$/)
  })
})

test('quorums: failures that cannot be survived are exit code 1, and how many can be is said', SLOW, async () => {
  const one = await quorums('--write', 'a', '--survive', '1')
  expect({ code: one.code, stdout: one.stdout }).toEqual({ code: 1, stdout: '' })
  expect(one.stderr).toBe('quorate: no read quorum survives 1 failure: at most 0 can be survived\n')
  const reads = ['--write', '2 of (a, b, c)', '--read', 'all of (a, b, c)'] as const
  const two = await quorums(...reads, '--survive', '1', '--json')
  expect(two.code).toBe(1)
  expect(json(two)).toEqual({ error: { message: 'no read quorum survives 1 failure: at most 0 can be survived' } })
})

test('quorums: the tables', SLOW, async () => {
  const { stdout } = await quorums('--tables')
  expect(stdout).toContain(
    '    3         2         1  ●\n    4         3         1  ●\n    5         3         2  ●●\n',
  )
  expect(stdout).toMatch(/^ {7}3 {2}quorum {7}2 {9}1 {2}0\.000298$/m)
})

test('quorums: --help has an example that works', SLOW, async () => {
  const { stdout } = await quorums('--help')
  expect(stdout).toContain("quorate quorums --write '2 of (a, b, c) or 1 of (d, e)'")
  expect((await quorate(['--help'], { program: [built?.main ?? ''] })).stdout).toMatch(/^ {2}quorums {2,}Prove/m)
})

test.for([
  [[], 'nothing is given: use --write, --read, --recommend or --tables'],
  [[...MIXED, '--read-fraction', 'most'], '--read-fraction has "most": use a number such as 0.9'],
  [[...MIXED, '--read-fraction', '2'], 'readFraction is 2: use a number from 0 to 1'],
  [[...MIXED, '--latency', 'a=1'], 'latencies leaves out b'],
  [[...MIXED, '--latency', 'a'], '--latency has ""'],
  [[...MIXED, '--zone', 'eu'], '--zone is "eu": use eu=a,b,c'],
  [[...MIXED, '--down', 'x'], '--down names x: use a, b, c, d, e'],
  [[...MIXED, '--objective', 'speed'], 'objective is "speed"'],
  [['--write', 'any of @eu'], 'eu'],
  [['--recommend', '@eu'], '--recommend names @eu: give its nodes with --zone'],
  [[...MIXED, '--zone', 'eu=a,b', '--zone', 'eu=c,d'], '--zone names eu twice: give all of it at once'],
  [[...MIXED, '--latency', 'a=1,b=1,a=2'], '--latency names a twice: give all of it at once'],
  [[...MIXED, '--capacity', 'a=1,a=1'], '--capacity names a twice'],
  [[...MIXED, '--recommend', 'a,b,c'], '--recommend takes no --write: leave one of them out'],
  [['--recommend', 'a,b,c', '--down', 'a'], '--recommend takes no --down'],
  [['--tables', '--survive', '1'], '--tables takes no --survive'],
  [['--tables', '--zone', 'eu=a'], '--tables takes no --zone'],
] as const)('quorums: %j is refused with exit code 2', SLOW, async ([args, said]) => {
  const { code, stdout, stderr } = await quorums(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^quorate: /)
  expect(stderr).toContain(said)
})

/** The blocks of docs/quorums.md: a command, and lines that it prints. */
const BLOCKS = Array.from(
  readFileSync(new URL('../../docs/quorums.md', import.meta.url), 'utf8').matchAll(
    /^```\n\$ quorate quorums (.*)\n([^`]*)```$/gm,
  ),
  ([, command = '', lines = '']): [string, string[]] => [command, lines.trimEnd().split('\n')],
)

test('docs/quorums.md: it has commands', () => {
  expect(BLOCKS.length).toBeGreaterThan(8)
})

test.for(BLOCKS)('docs/quorums.md: %s prints what is said', SLOW, async ([command, lines]) => {
  const args = Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '')
  const { code, stdout } = await quorums(...args)
  expect(code).toBe(0)
  for (const line of lines) expect(stdout.split('\n')).toContain(line)
})
