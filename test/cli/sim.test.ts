/**
 * `quorate sim`: seeds decide, broken promises are told with a command that shows them again, and workers change nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkApHistory, parseHistory } from '../../src/check/index.ts'
import { buildCli, type BuiltCli } from '../process/built-cli.ts'
import { quorate, type Run } from './harness.ts'

const SLOW = { timeout: 120_000 }
let built: BuiltCli | undefined
let folder: string

beforeAll(() => {
  built = buildCli()
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-sim-'))
}, 120_000)

afterAll(() => {
  built?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const sim = (...args: readonly string[]): Promise<Run> => quorate(['sim', ...args], { program: [built?.main ?? ''] })

interface Summary {
  readonly seed: number
  readonly runs: number
  readonly workers: number
  readonly violations: number
  readonly failures: readonly { readonly seed: number; readonly violations: readonly string[] }[]
  readonly historiesPerSecond: number
  readonly operations: number
  readonly checked: Readonly<Record<string, number>>
  readonly traceHash: string
  readonly replay?: string
}

const summaryOf = ({ stdout }: Run): Summary => JSON.parse(stdout) as Summary

test('sim: the same seed twice gives the same trace hash, another seed another', SLOW, async () => {
  const [once, again, other] = await Promise.all([sim('--seed', '7'), sim('--seed', '7'), sim('--seed', '8')])
  const hash = (run: Run): string => /^trace ([0-9a-f]+): no promise was broken$/m.exec(run.stdout)?.[1] ?? ''
  expect(once).toMatchObject({ code: 0, stderr: '' })
  expect(once.stdout).toMatch(/^seed 7: \{"cluster":/)
  expect(hash(once)).not.toBe('')
  expect(hash(again)).toBe(hash(once))
  expect(hash(other)).not.toBe(hash(once))
})

test('sim: several processes find what one finds', SLOW, async () => {
  const args = ['--seed', '100', '--runs', '24', '--json'] as const
  const [one, two] = await Promise.all([sim(...args, '--workers', '1'), sim(...args, '--workers', '2')])
  const [alone, together] = [summaryOf(one), summaryOf(two)]
  expect({ ...alone, workers: 0 }).toMatchObject({ seed: 100, runs: 24, violations: 0, failures: [] })
  expect(together).toMatchObject({ workers: 2, runs: 24, violations: 0 })
  expect(together.traceHash).toBe(alone.traceHash)
  expect(together.checked).toEqual(alone.checked)
  expect(alone.historiesPerSecond).toBeGreaterThan(0)
  expect(alone.checked['noLostWrites']).toBeGreaterThan(0)
})

test(
  'sim: a broken promise is exit code 1, one line with the rule, and a command that shows it again',
  SLOW,
  async () => {
    const broken = await sim('--seed', '1', '--runs', '12', '--break', 'one-sibling', '--json')
    expect(broken.code).toBe(1)
    const { failures, violations, replay = '' } = summaryOf(broken)
    expect(violations).toBe(failures.length)
    const [first] = failures
    expect(first?.violations[0]).toMatch(/^\w+, rule [\w-]+: /)
    expect(broken.stderr).toMatch(
      /^quorate: \d+ of \d+ runs broke a promise, [^\n]+Replay: npx quorate sim --seed \d+ --break one-sibling\n$/,
    )
    expect(broken.stderr).toContain(replay)
    const again = await sim(...replay.split(' ').slice(3))
    expect(again.code).toBe(1)
    expect(again.stdout).toContain(`seed ${first?.seed} ${first?.violations[0]}`)
  },
)

test('sim: a history that was written is one that the judges read', SLOW, async () => {
  const good = path.join(folder, 'good.jsonl')
  expect((await sim('--seed', '7', '--history', good)).code).toBe(0)
  const history = parseHistory(readFileSync(good, 'utf8'))
  expect(history.length).toBeGreaterThan(50)
  const bad = path.join(folder, 'bad.jsonl')
  expect((await sim('--seed', '1', '--runs', '12', '--break', 'one-sibling', '--history', bad)).code).toBe(1)
  expect(checkApHistory(parseHistory(readFileSync(bad, 'utf8'))).ok).toBe(false)
})

test.for([
  [['--profile', 'quick'], '--profile is "quick": use ap, sloppy, cp'],
  [['--seed', '-1'], "'--seed' argument is ambiguous"],
  [['--seed', 'x'], '--seed is "x"'],
  [['--runs', '0'], '--runs is "0"'],
  [['--workers', '0'], '--workers is "0"'],
  [['--break', 'everything'], 'use half-quorums'],
] as const)('sim: %j is refused with exit code 2', SLOW, async ([args, said]) => {
  const { code, stdout, stderr } = await sim(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^quorate: [^\n]+\n$/)
  expect(stderr).toContain(said)
})

test('sim: a file that cannot be written is told before the first run', SLOW, async () => {
  const { code, stdout, stderr } = await sim('--runs', '1000', '--history', path.join(folder, 'none', 'x'))
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^quorate: the history cannot be written: [^\n]+\n$/)
})
