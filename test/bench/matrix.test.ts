/** The consistency matrix: which cells there are, that a run is a function of its seed, and that it measures what it says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawMs } from '../../bench/matrix/draws.ts'
import { legTrials } from '../../bench/matrix/freshness.ts'
import { measure } from '../../bench/matrix/measure.ts'
import { legOf, profileFrom, PROFILES, type Profile } from '../../bench/matrix/profiles.ts'
import { play, type Observed } from '../../bench/matrix/run.ts'
import { cellNamed, cellsOf, nameOf } from '../../bench/matrix/selection.ts'
import { SETTINGS } from '../../bench/matrix/settings.ts'
import { Tally, type CellResult } from '../../bench/matrix/tally.ts'
import { asApHistory, asRegisterHistory } from '../../bench/matrix/translate.ts'
import { Steps, WORKLOADS } from '../../bench/matrix/workloads.ts'
import { parseOptions, UsageError } from '../../bench/options.ts'
import type { HistoryLine } from '../../src/check/history.ts'
import { Random } from '../../src/core/base/random.ts'
import { predict, type Latencies } from '../../src/predict/index.ts'

const ALL = { quick: false, extra: [] } as const

function resultOf(name: string, seeds: readonly number[], operations = 300): CellResult {
  const cell = cellNamed(name, [])
  const tally = new Tally(cell, seeds[0] as number)
  for (const seed of seeds) tally.add(seed, play(cell, seed, operations))
  return tally.result()
}

describe('selection', () => {
  it('nothing asked for: three slices, no cell twice, every setting in each', () => {
    const names = cellsOf({}, ALL).map(nameOf)
    expect(new Set(names).size).toBe(names.length)
    for (const { name } of SETTINGS) {
      const groups = names.filter((cell) => cell.startsWith(`${name}/`)).length
      expect(groups).toBeGreaterThan(15)
    }
    expect(cellsOf({}, { ...ALL, quick: true }).length).toBeLessThan(names.length / 5)
  })

  it('a number of runs alone: asks for no other cells', () => {
    const { matrix } = parseOptions(['--runs', '3'], ['matrix'])
    expect(cellsOf(matrix, ALL)).toHaveLength(cellsOf({}, ALL).length)
  })

  it('names asked for: their full product, without scans of registers', () => {
    const cells = cellsOf({ settings: ['cp', 'n3-r1-w1'], workloads: ['ycsb-a', 'ycsb-e'], situations: ['all'] }, ALL)
    expect(cells).toHaveLength(5 * (1 + 2))
    expect(cells.some(({ setting, workload }) => setting.name === 'cp' && workload.name === 'ycsb-e')).toBe(false)
  })

  it.each([
    [{ settings: ['n9-r1-w1'] }, /there is no setting "n9-r1-w1": use n3-r1-w1/],
    [{ profiles: ['MARS'] }, /there is no profile "MARS": use loopback, LAN/],
    [{ situations: [''] }, /there is no situation ""/],
    [{ workloads: ['ycsb-z'] }, /there is no workload "ycsb-z"/],
  ])('%j: is refused with the names that there are', (wanted, message) => {
    expect(() => cellsOf(wanted, ALL)).toThrow(UsageError)
    expect(() => cellsOf(wanted, ALL)).toThrow(message)
  })

  it.each(['n3-r1-w1', 'a/b/c/d/e', 'n3-r1-w1/LAN/healthy/none', ''])('cell %j: is refused', (name) => {
    expect(() => cellNamed(name, [])).toThrow(UsageError)
  })
})

describe('profiles from files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quorate-profile-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const fileWith = async (text: string): Promise<string> => {
    const file = path.join(folder, 'profile.json')
    await writeFile(file, text)
    return file
  }

  it('legs: become a profile with what a call takes about', async () => {
    const file = await fileWith('{"w":{"kind":"constant","ms":3},"ars":{"kind":"constant","ms":1}}')
    await expect(profileFrom(file)).resolves.toMatchObject({ name: 'file', usualMs: 4, zones: [''] })
  })

  it.each([
    ['{"w":{"kind":"exponential","lambda":-1},"ars":{"kind":"constant","ms":1}}', /w\.lambda is -1/],
    ['{"w":{"kind":"cauchy"}}', /w\.kind is "cauchy"/],
    ['[]', /./],
    ['nothing', /JSON/],
  ])('%s: is refused with the place', async (text, message) => {
    await expect(
      profileFrom(await fileWith(text)).then((profile) => cellsOf({}, { quick: true, extra: [profile] })),
    ).rejects.toThrow(message)
  })
})

describe('workloads', () => {
  it.each(WORKLOADS.map(({ name }) => [name] as const))('%s: has the shares that it says, on its keys', (name) => {
    const workload = WORKLOADS.find((one) => one.name === name) as (typeof WORKLOADS)[number]
    const steps = new Steps(workload, new Random(7))
    const counts = new Map<string, number>()
    const count = 4_000
    for (let i = 0; i < count; i++) {
      const { kind, key } = steps.next()
      expect(steps.keys).toContain(key)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    for (const [kind, share] of workload.mix) expect((counts.get(kind) ?? 0) / count).toBeCloseTo(share, 1)
  })
})

describe('draws', () => {
  it.each([
    [{ kind: 'exponential', lambda: 0.5 } as const, 2],
    [{ kind: 'pareto', xm: 1, alpha: 3 } as const, 1.5],
    [{ kind: 'uniform', minMs: 1, maxMs: 3 } as const, 2],
    [{ kind: 'samples', ms: [1, 2, 6] } as const, 3],
    [
      {
        mixture: [
          { weight: 1, kind: 'constant', ms: 1 },
          { weight: 3, kind: 'constant', ms: 5 },
        ],
      } as const,
      4,
    ],
  ])('%j: have its mean', (distribution, mean) => {
    const random = new Random(3)
    let sum = 0
    for (let i = 0; i < 20_000; i++) sum += drawMs(random, distribution)
    expect(sum / 20_000 / mean).toBeCloseTo(1, 1)
  })

  it('legs: writes carry W, their acknowledgements A, reads R and their answers S', () => {
    expect((['write', 'mint', 'written', 'read', 'read-answer', 'pong', 'ping'] as const).map(legOf).join('')).toBe(
      'wwarssr',
    )
  })
})

const put = (
  process: number,
  value: string,
  times: readonly [number, number],
  saw?: readonly string[],
): HistoryLine[] => [
  { type: 'invoke', f: 'put', process, key: 'k', value, time: times[0] * 1e6, ...(saw && { saw }) },
  { type: 'ok', f: 'put', process, key: 'k', value, time: times[1] * 1e6 },
]
const get = (process: number, value: readonly string[], times: readonly [number, number]): HistoryLine[] => [
  { type: 'invoke', f: 'get', process, key: 'k', time: times[0] * 1e6, session: `c${process}` },
  { type: 'ok', f: 'get', process, key: 'k', value, time: times[1] * 1e6, session: `c${process}` },
]
const observed = (history: readonly HistoryLine[], more: Partial<Observed> = {}): Observed => {
  return { history, isCp: false, conflicts: 'lww', startNs: 0, healedNs: undefined, endNs: 1e9, ...more }
}

describe('measuring', () => {
  it('a read that missed two writes: is two behind, for as long as it could have known', () => {
    const history = [
      ...put(1, 'a', [0, 10]),
      ...put(1, 'b', [20, 30]),
      ...put(1, 'c', [40, 50]),
      ...get(2, ['a'], [60, 61]),
    ]
    const { reads, calls, linearizable } = measure(observed(history), { informed: false, linearizability: true })
    expect(reads).toMatchObject([{ versionsBehind: 2, behindNs: 30e6, ageNs: 10e6 }])
    expect(calls.map(({ isRead, tookNs, end }) => [isRead, tookNs / 1e6, end])).toEqual([
      [false, 10, 'ok'],
      [false, 10, 'ok'],
      [false, 10, 'ok'],
      [true, 1, 'ok'],
    ])
    expect(linearizable).toBe('no')
  })

  it('writes that had not seen each other: the one that is gone was overwritten, and not lost', () => {
    const final: HistoryLine = { type: 'final', replica: 'all', key: 'k', value: ['c'] }
    const history = [...put(1, 'a', [0, 10]), ...put(1, 'b', [20, 30], ['a']), ...put(2, 'c', [20.1, 31], ['a']), final]
    const seen = measure(observed(history), { informed: true, linearizability: false })
    expect(seen).toMatchObject({ acknowledged: 3, lost: 0, overwritten: 1 })
  })

  it('an acknowledged write of which only something older is left: is lost', () => {
    const final: HistoryLine = { type: 'final', replica: 'all', key: 'k', value: ['a'] }
    const seen = measure(observed([...put(1, 'a', [0, 10]), ...put(1, 'b', [20, 30]), final]), {
      informed: false,
      linearizability: false,
    })
    expect(seen).toMatchObject({ acknowledged: 2, lost: 1 })
  })

  it('several values at once: are no register', () => {
    const history = [...put(1, 'a', [0, 10]), ...put(2, 'b', [0, 10.5]), ...get(3, ['a', 'b'], [20, 21])]
    const seen = measure(observed(history, { conflicts: 'siblings' }), { informed: false, linearizability: true })
    expect(seen).toMatchObject({ linearizable: 'siblings', siblingReads: 1, siblingsMax: 2 })
  })

  it('there and back between both kinds of histories: nothing but sessions is added', () => {
    const history = [...put(1, 'a', [0, 10]), ...get(2, ['a'], [20, 21])]
    const back = asApHistory(asRegisterHistory(history) as HistoryLine[]).filter(({ type }) => type !== 'session')
    expect(back.map((line) => ('f' in line ? [line.type, line.f, line.value ?? null] : []))).toEqual([
      ['invoke', 'put', 'a'],
      ['ok', 'put', 'a'],
      ['invoke', 'get', null],
      ['ok', 'get', ['a']],
    ])
  })
})

describe('cells', () => {
  it('one seed: one result', () => {
    const name = 'n3-r1-w1/LAN/healing/carts'
    expect(resultOf(name, [5], 120)).toEqual(resultOf(name, [5], 120))
  })

  it('any replica on slow disks: reads are stale, and the seed that is named shows it', () => {
    const result = resultOf('n3-r1-w1/LNKD-DISK/healthy/ycsb-a', [1, 2])
    expect(result.staleShare).toBeGreaterThan(0.01)
    const breach = result.breaches.find(({ guarantee }) => guarantee === 'fresh reads')
    expect(breach).toMatchObject({ promised: false })
    const again = resultOf('n3-r1-w1/LNKD-DISK/healthy/ycsb-a', [breach?.seed as number])
    expect(again.breaches.map(({ guarantee }) => guarantee)).toContain('fresh reads')
  })

  it.each(['n3-r2-w2', 'n5-r3-w3', 'siblings-r2-w2', 'grid-2x3', 'level-local-each', 'cp', 'cp-flexible', 'cp-leader'])(
    '%s in a partition that heals: nothing that is promised breaks, and calls fail meanwhile',
    (setting) => {
      const result = resultOf(`${setting}/LAN/healing/carts`, [1], 200)
      expect(result.breaches.filter(({ promised }) => promised)).toEqual([])
      expect(result.readsChecked).toBeGreaterThan(50)
      expect(result.unavailableShare).toBeGreaterThan(0)
      expect(result.recoveryMs).toBeDefined()
    },
  )

  it('stale reads of registers, in a partition: are stale, though registers promise nothing less with others', () => {
    expect(resultOf('cp-stale-read/LAN/partition/hot-key', [1], 200).staleShare).toBeGreaterThan(0)
    expect(resultOf('cp/LAN/partition/hot-key', [1], 200)).toMatchObject({ staleShare: 0, linearizable: 'yes' })
  })
})

describe('freshness in virtual time', () => {
  it('LNKD-DISK with R = W = 1: is what is predicted, within what chance leaves open', () => {
    const profile = PROFILES.find(({ name }) => name === 'LNKD-DISK') as Profile
    const latencies = profile.legs as Latencies
    const tsMs = [0, 2, 8, 20]
    const { fresh, writeMs } = legTrials({ profile, r: 1, w: 1, trials: 2_000, tsMs, seed: 1 })
    const expected = predict({ n: 3, r: 1, w: 1, latencies, trials: 50_000, reads: 'quorum' })
    expect(writeMs).toHaveLength(2_000)
    tsMs.forEach((tMs, at) => {
      const p = expected.pFresh(tMs)
      // Four standard deviations of as many draws.
      expect(Math.abs((fresh[at] as number) - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 2_000) + 0.003)
    })
  })
})
