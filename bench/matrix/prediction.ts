/**
 * Predicted beside measured: P(fresh after t) and latencies by the WARS model, against the store itself, in virtual time
 * with the published fits and on a running cluster with injected delays.
 */
import { predict, type Latencies, type Prediction } from '../../src/predict/index.ts'
import type { Plot, PlotSeries } from '../plot.ts'
import type { Progress } from '../progress.ts'
import { GOAL_COLUMNS, goalRow, type Part, type Row, type Scale, type Section } from '../section.ts'
import type { Freshness, LegTrials } from './freshness.ts'
import { validate, type Injection, type Validated } from './injected.ts'
import { extraProfiles } from './part.ts'
import { askAll } from './pool.ts'
import { PROFILES, type Profile } from './profiles.ts'

const SETTINGS = [
  [1, 1],
  [1, 2],
  [2, 1],
] as const
const FITTED = ['LNKD-SSD', 'LNKD-DISK', 'YMMR', 'WAN']
/** Root-mean-square error of P(fresh after t) that the paper's own validation stays below, as a share. */
const ERROR_MAX = 0.01
const POINTS = 10
const PREDICTED = 200_000
/** Means: of a write's way to a replica, and of all other ways. Long beside what a busy machine adds of its own. */
const INJECTED_MS = { wMs: 200, arsMs: 100 } as const
/** Where most reads are fresh at once, fewer tell as much. */
const WRITES = { quick: 1_000, eager: 6_000, other: 2_500 } as const

export const prediction: Part = {
  name: 'prediction',
  about: 'P(fresh after t) and latencies, predicted beside measured: in virtual time, and with injected delays',
  run: async (scale, progress) => {
    const extra = await extraProfiles(scale.matrix)
    progress.part('prediction', (FITTED.length + extra.length) * SETTINGS.length + SETTINGS.length)
    const virtual = await inVirtualTime(scale, extra, progress)
    return [virtual, await onCluster(scale, progress)]
  },
}

function errorOf(measured: readonly number[], predicted: readonly number[]): number {
  const square = measured.reduce((sum, share, at) => sum + (share - (predicted[at] as number)) ** 2, 0)
  return Math.sqrt(square / measured.length)
}

async function inVirtualTime({ quick, seed }: Scale, extra: readonly Profile[], progress: Progress): Promise<Section> {
  const fitted = quick ? FITTED.slice(1, 2) : FITTED
  const profiles = [...PROFILES.filter(({ name }) => fitted.includes(name)), ...extra]
  const cells = profiles.flatMap((profile) =>
    SETTINGS.map(([r, w]) => {
      const latencies = profile.legs as Latencies
      const expected = predict({ n: 3, r, w, latencies, trials: PREDICTED, seed, reads: 'quorum' })
      const trials: LegTrials = { profile, r, w, trials: quick ? 1_500 : 10_000, tsMs: momentsOf(expected), seed }
      return { expected, trials }
    }),
  )
  const questions = cells.map(({ trials }) => ({ kind: 'freshness' as const, ...trials }))
  const answers = await askAll<Freshness>(questions, (at) => {
    const { profile, r, w } = (cells[at] as (typeof cells)[number]).trials
    progress.step(`${profile.name}, R = ${r}, W = ${w}`)
  })
  const rows = cells.map(({ expected, trials }, at) => virtualRow(expected, trials, answers[at] as Freshness))
  return {
    part: 'prediction',
    title: 'Predicted beside measured, in virtual time: N = 3, error of P(fresh after t) in points of a percentage',
    columns: ['', 'error', 'fresh at once', 'predicted', 'write p99', 'predicted', 'read p99', 'predicted'],
    rows,
    notes: [
      'Measured on the store itself, which hedges reads that are late and fetches records where digests differ: its reads ' +
        'may be faster or slower than the model, which knows neither. Repair and exchanges are off.',
    ],
    plots: cells.flatMap(({ expected, trials }, at) => {
      const { profile, r, w } = trials
      return r === 1 && w === 1
        ? [freshPlot(`${profile.name}, R = W = 1`, curve(trials, answers[at] as Freshness, expected))]
        : []
    }),
  }
}

/** At once, and then up to where nearly all are fresh. */
function momentsOf(expected: Prediction): number[] {
  const most = Math.max(1, expected.tVisibility(0.999))
  return [0, ...Array.from({ length: POINTS - 1 }, (_, step) => most * 10 ** (-2 + (2 * step) / (POINTS - 2)))]
}

function virtualRow(
  expected: Prediction,
  { profile, r, w, tsMs }: LegTrials,
  { fresh, writeMs, readMs }: Freshness,
): Row {
  const predicted = tsMs.map((t) => expected.pFresh(t))
  const rmse = errorOf(fresh, predicted)
  const [writeP99, readP99] = [quantile(writeMs, 0.99), quantile(readMs, 0.99)]
  const ms = (value: number): string => `${value.toPrecision(3)} ms`
  return {
    name: `${profile.name}, R = ${r}, W = ${w}`,
    cells: [
      (100 * rmse).toFixed(2),
      `${(100 * (fresh[0] as number)).toFixed(1)} %`,
      `${(100 * (predicted[0] as number)).toFixed(1)} %`,
      ms(writeP99),
      ms(expected.writeMs(0.99)),
      ms(readP99),
      ms(expected.readMs(0.99)),
    ],
    figures: {
      rmse,
      tsMs,
      fresh,
      predicted,
      writeP99Ms: [writeP99, expected.writeMs(0.99)],
      readP99Ms: [readP99, expected.readMs(0.99)],
      trials: writeMs.length,
    },
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] as number
}

interface Curve {
  readonly tMs: number
  readonly measured: number
  readonly predicted: number
}

function curve({ tsMs }: LegTrials, { fresh }: Freshness, expected: Prediction): Curve[] {
  return tsMs.map((tMs, at) => ({ tMs, measured: fresh[at] as number, predicted: expected.pFresh(tMs) }))
}

function freshPlot(name: string, points: readonly Curve[]): Plot {
  const series = (what: 'measured' | 'predicted'): PlotSeries => ({
    name: what,
    style: what === 'measured' ? 'points' : 'dashed',
    colour: what === 'measured' ? 0 : 1,
    points: points.map((point) => ({ x: point.tMs, y: point[what] })),
  })
  const least = Math.min(...points.map(({ measured }) => measured))
  return {
    title: `${name}: fresh after t`,
    about: `The share of reads that see a write, by the time between its acknowledgement and their beginning; ${name}.`,
    small: true,
    x: { label: 't', scale: 'linear', unit: 'ms' },
    y: { label: 'P(fresh)', scale: 'linear', unit: 'share', from: Math.floor(least * 10) / 10, to: 1 },
    series: [series('predicted'), series('measured')],
  }
}

async function onCluster({ quick, seed }: Scale, progress: Progress): Promise<Section> {
  const cells: { readonly injection: Injection; readonly validated: Validated }[] = []
  for (const [r, w] of quick ? SETTINGS.slice(0, 1) : SETTINGS) {
    progress.step(`a running cluster with injected delays, R = ${r}, W = ${w}`)
    const injection = {
      r,
      w,
      ...INJECTED_MS,
      writes: quick ? WRITES.quick : r + w === 2 ? WRITES.eager : WRITES.other,
      seed,
    }
    cells.push({ injection, validated: await validate(injection) })
  }
  const rows = cells.map(({ injection: { r, w, wMs, arsMs }, validated: { rmse, chanceRmse, reads, ...others } }) =>
    goalRow({
      name: `error of P(fresh after t), R = ${r}, W = ${w}`,
      measured: `${(100 * rmse).toFixed(2)} points, ${(100 * chanceRmse).toFixed(2)} by chance`,
      against: `${100 * ERROR_MAX} point`,
      goal: { ratio: rmse / ERROR_MAX, relation: 'at most', bound: 1 },
      figures: { rmse, chanceRmse, reads, wMs, arsMs, ...others },
    }),
  )
  return {
    part: 'prediction',
    title: `Predicted beside measured, on a running cluster: three processes, exponential delays of ${INJECTED_MS.wMs} ms (W) and ${INJECTED_MS.arsMs} ms`,
    columns: GOAL_COLUMNS,
    rows,
    notes: [
      'Root-mean-square error over reads at eight times after the acknowledgement; what is predicted rests on the delays that were really made. By chance: what so many reads would give if the prediction were exact.',
    ],
    plots: cells.map(({ injection: { r, w }, validated }) =>
      freshPlot(`Injected, R = ${r}, W = ${w}`, validated.points),
    ),
  }
}
