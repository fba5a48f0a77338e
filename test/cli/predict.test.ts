/**
 * `quorate predict`: the figures as text and as data, and one clear line for what makes no sense.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { predict as predicted, profiles } from '../../src/predict/index.ts'
import { buildCli, type BuiltCli } from '../process/built-cli.ts'
import { freePlace, quorate, type Place, type Run } from './harness.ts'

const SLOW = { timeout: 60_000 }
let built: BuiltCli | undefined
let place: Place | undefined

beforeAll(async () => {
  built = buildCli()
  place = await freePlace()
}, 120_000)

afterAll(() => {
  built?.remove()
  place?.remove()
})

const predict = (...args: readonly string[]): Promise<Run> =>
  quorate(['predict', ...args], { program: [built?.main ?? ''] })
const json = ({ stdout }: Run): unknown => JSON.parse(stdout)
const ONE = ['--profile', 'LNKD-DISK', '--n', '3', '--r', '1', '--w', '1'] as const

function file(name: string, content: unknown): string {
  const where = path.join(path.dirname(place?.data ?? ''), name)
  writeFileSync(where, typeof content === 'string' ? content : JSON.stringify(content))
  return where
}

test('predict: --json has the fields of the API, in their order, and the figures of the library', SLOW, async () => {
  const run = await predict(...ONE, '--trials', '50000', '--json')
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' })
  const data = json(run) as Record<string, Record<string, number>>
  expect(Object.keys(data)).toEqual(['n', 'r', 'w', 'trials', 'readMs', 'writeMs', 'tVisibilityMs', 'pFresh'])
  expect(Object.keys(data['readMs'] ?? {})).toEqual(['p50', 'p99', 'p999'])
  expect(Object.keys(data['writeMs'] ?? {})).toEqual(['p50', 'p99', 'p999'])
  expect(Object.keys(data['tVisibilityMs'] ?? {})).toEqual(['p90', 'p99', 'p999'])
  const cell = predicted({ n: 3, r: 1, w: 1, latencies: profiles['LNKD-DISK'], trials: 50_000 })
  expect(data).toMatchObject({ n: 3, r: 1, w: 1, trials: 50_000 })
  expect(data['readMs']?.['p50']).toBeCloseTo(cell.readMs(0.5), 4)
  expect(data['writeMs']?.['p999']).toBeCloseTo(cell.writeMs(0.999), 3)
  expect(data['tVisibilityMs']?.['p999']).toBeCloseTo(cell.tVisibility(0.999), 3)
  expect(data['pFresh']?.['0']).toBeCloseTo(cell.pFresh(0), 8)
  expect(data['pFresh']?.['10']).toBeCloseTo(cell.pFresh(10), 8)
})

test('predict: the same seed prints the same, another seed something else', SLOW, async () => {
  const args = [...ONE, '--trials', '5000', '--json'] as const
  const [first, again, other] = await Promise.all([predict(...args), predict(...args), predict(...args, '--seed', '2')])
  expect(again.stdout).toBe(first.stdout)
  expect(other.stdout).not.toBe(first.stdout)
})

test('predict: as text it has tables and a curve', SLOW, async () => {
  const { code, stdout } = await predict(...ONE, '--after', '0,2.5')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^LNKD-DISK, n = 3, r = 1, w = 1: 100,000 trials, seed 1$/m)
  expect(stdout).toMatch(/^read ms +0\.49 +0\.56 +0\.6\d$/m)
  expect(stdout).toMatch(/^fresh after ms +8\.\d+ +22\.\d+ +\d+\.\d+$/m)
  expect(stdout).toMatch(/^ms after the write +0 +2\.5$/m)
  expect(stdout).toMatch(/^one is read, at least +33\.3 % +55\.6 %/m)
  expect(stdout).toMatch(/^ 100 % ┤ +▁*[▂▃▄▅▆▇█]+$/m)
  expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true)
  const strict = await predict('--profile', 'YMMR', '--r', '2', '--w', '2', '--trials', '1000')
  expect(strict.stdout).toContain('always fresh: r + w > n, so every read meets every write')
})

test('predict: without r and w it has all pairs', SLOW, async () => {
  const args = ['--profile', 'YMMR', '--n', '2', '--trials', '2000'] as const
  const { cells } = json(await predict(...args, '--json')) as { cells: { r: number; w: number }[] }
  expect(cells.map(({ r, w }) => `${r}/${w}`)).toEqual(['1/1', '1/2', '2/1', '2/2'])
  const { stdout } = await predict(...args)
  expect(stdout).toMatch(/^r +w +read p99\.9 +write p99\.9 +fresh at once +99 % after +99\.9 % after$/m)
  expect(stdout).toMatch(/^2 +2 .* always$/m)
})

test('predict: this store asks r replicas, and sends siblings to a home first', SLOW, async () => {
  const p50 = async (...args: readonly string[]): Promise<number> => {
    const data = json(await predict(...ONE, '--trials', '5000', '--json', ...args))
    return (data as { writeMs: { p50: number } }).writeMs.p50
  }
  const [all, home] = await Promise.all([p50(), p50('--writes', 'home')])
  expect(home).toBeGreaterThan(1.5 * all)
})

describe('recommend', () => {
  test('predict: the cheapest pair that keeps the promise, as text and as data', SLOW, async () => {
    const args = ['--profile', 'LNKD-DISK', '--recommend', '99.9 % fresh within 10 ms, cheapest'] as const
    const { code, stdout } = await predict(...args)
    expect(code).toBe(0)
    expect(stdout).toContain('LNKD-DISK, n = 3, 99.9 % fresh within 10 ms: r = 3, w = 1 (r + w > n, so always fresh)')
    expect(json(await predict(...args, '--json'))).toMatchObject({
      n: 3,
      promise: { probability: 0.999, withinMs: 10 },
      best: { r: 3, w: 1, strict: true, meets: true },
    })
  })

  test('predict: a looser promise is cheaper, and a least number of copies is kept', SLOW, async () => {
    const best = async (...args: readonly string[]): Promise<unknown> =>
      (json(await predict('--profile', 'LNKD-DISK', '--json', ...args)) as { best: unknown }).best
    expect(await best('--recommend', '99%within 100ms')).toMatchObject({ r: 1, w: 1 })
    expect(await best('--recommend', '99 % in 100 ms', '--w-min', '2')).toMatchObject({ r: 1, w: 2 })
  })
})

describe('--file', () => {
  const ars = { kind: 'constant', ms: 2 }

  test('predict: latencies of your own, one or several, or one for each replica', SLOW, async () => {
    const w = { kind: 'exponential', lambda: 0.1 }
    const plain = file('plain.json', { w, a: ars, r: ars, s: ars })
    const several = file('several.json', {
      distributions: { near: { W: w, ARS: ars }, far: { base: 'near', remote_delay: 75 } },
    })
    const each = file('each.json', [
      { w, ars },
      { w, ars },
      { w, ars: { kind: 'constant', ms: 9 } },
    ])
    const p50 = async (...args: readonly string[]): Promise<number> => {
      const run = await predict('--file', ...args, '--r', '3', '--w', '1', '--trials', '1000', '--json')
      return (json(run) as { readMs: { p50: number } }).readMs.p50
    }
    expect(await p50(plain)).toBe(4)
    expect(await p50(several, '--profile', 'far')).toBe(154)
    expect(await p50(each)).toBe(18)
  })

  test.for([
    ['none.json', undefined, [], '--file cannot be read: ENOENT'],
    ['text.json', 'w = 3', [], 'is no JSON: '],
    ['empty.json', {}, [], 'empty.json: w is missing'],
    ['bad.json', { w: ars, ars: { kind: 'pareto', xm: 1, alpha: -2 } }, [], 'bad.json: ars.alpha is -2: use a number'],
    ['plain.json', { w: ars, ars }, ['--profile', 'YMMR'], 'no profiles by name, and "YMMR" is asked for'],
    ['many.json', { distributions: { x: { w: ars, ars } } }, ['--profile', 'y'], 'no profile "y" in the file: use x'],
    [
      'two.json',
      [
        { w: ars, ars },
        { w: ars, ars },
      ],
      [],
      'latencies has 2 replicas and n is 3',
    ],
  ] as const)('predict: %s with %j is refused with one line', SLOW, async ([name, content, args, said]) => {
    const where = content === undefined ? `/nowhere/${name}` : file(name, content)
    const { code, stdout, stderr } = await predict('--file', where, ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^quorate: [^\n]+\n$/)
    expect(stderr).toContain(said)
  })
})

test.for([
  [[], 'no latencies are given: use --profile with LNKD-SSD, LNKD-DISK, YMMR, WAN, or --file'],
  [['--profile', 'DISK'], '--profile: there is no profile "DISK": use LNKD-SSD, LNKD-DISK, YMMR, WAN'],
  [[...ONE, '--n', '0'], '--n is "0": use a whole number from 1 to 31'],
  [[...ONE, '--r', '4'], '--r is "4": use a whole number from 1 to 3'],
  [[...ONE, '--w', 'two'], '--w is "two"'],
  [['--profile', 'WAN', '--r', '1'], '--r and --w go together'],
  [[...ONE, '--trials', '0'], '--trials is "0": use a whole number from 1 to 10000000'],
  [[...ONE, '--seed', '-1'], "'--seed' argument is ambiguous"],
  [[...ONE, '--after', '1,x'], '--after has "x": use a number such as 0.5'],
  [[...ONE, '--reads', 'one'], 'reads is "one": use all or quorum'],
  [[...ONE, '--writes', 'one'], 'writes is "one": use all or home'],
  [[...ONE, '--recommend', '99 % within 1 ms'], '--recommend takes no --r'],
  [['--profile', 'WAN', '--recommend', 'fast'], '--recommend is "fast": use a promise such as'],
  [['--profile', 'WAN', '--recommend', '101 % within 1 ms'], '--recommend is "101 % within 1 ms"'],
  [['--profile', 'WAN', '--recommend', '9 % in 1 ms', '--read-fraction', '2'], 'readFraction is 2'],
  [['--profile', 'WAN', '--read-fraction', '0.5'], '--read-fraction is for --recommend'],
  [['--published', '--profile', 'WAN'], '--published takes no --profile'],
  [['--profile', 'WAN', '--n', '31', '--trials', '10000000'], 'use fewer'],
  [['--profil', 'WAN'], '--profil is no option; did you mean --profile?'],
] as const)('predict: %j is refused with exit code 2', SLOW, async ([args, said]) => {
  const { code, stdout, stderr } = await predict(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^quorate: [^\n]+\n$/)
  expect(stderr).toContain(said)
})

test('predict: where the published table is not predicted, the exit code says so', SLOW, async () => {
  const few = await predict('--published', '--trials', '500', '--json')
  expect(few.code).toBe(1)
  expect(few.stderr).toMatch(/^quorate: \d+ of 24 pairs do not agree with the published table\n$/)
  expect(json(few)).toMatchObject({ n: 3, trials: 500, agrees: false })
})

test('predict: --help has examples', SLOW, async () => {
  const { stdout } = await predict('--help')
  expect(stdout).toContain('quorate predict --profile LNKD-DISK --n 3 --r 1 --w 1')
  expect((await quorate(['--help'], { program: [built?.main ?? ''] })).stdout).toMatch(/^ {2}predict {2,}Predict/m)
})

/** The blocks of docs/prediction.md: a command, and lines that it prints. */
const BLOCKS = Array.from(
  readFileSync(new URL('../../docs/prediction.md', import.meta.url), 'utf8').matchAll(
    /^```\n\$ quorate predict (.*)\n([^`]*)```$/gm,
  ),
  ([, command = '', lines = '']): [string, string[]] => [command, lines.trimEnd().split('\n')],
)

test('docs/prediction.md: it has commands', () => {
  expect(BLOCKS.length).toBeGreaterThan(3)
})

test.for(BLOCKS)('docs/prediction.md: %s prints what is said', { timeout: 120_000 }, async ([command, lines]) => {
  const args = Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '')
  const { code, stdout } = await predict(...args)
  expect(code).toBe(0)
  for (const line of lines) expect(stdout.split('\n')).toContain(line)
})
