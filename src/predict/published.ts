/**
 * The table that the authors of PBS published for N = 3, and how predictions compare with it (Bailis et al. 2012,
 * section 5.6): read and write latency at the 99.9th percentile, and t-visibility at 99.9 %.
 *
 * Latencies compare as they are. The published t-visibility is no quantile: the authors' simulator steps through t,
 * draws anew at each step, and takes the first t at which more than 99.9 % of the reads were fresh. Chance fluctuates
 * at each of many steps, so the first crossing comes early: at 45.5 ms instead of 52.3 for the disks. How early follows
 * from the prediction without another draw, and 50,000 reads a step give the published figures.
 */
import type { Prediction } from './prediction.ts'
import { profiles, type ProfileName } from './profiles.ts'
import { Trials } from './trials.ts'

export interface PublishedCell {
  readonly profile: ProfileName
  readonly r: number
  readonly w: number
  /** The 99.9th percentile, as the next one is. */
  readonly readMs: number
  readonly writeMs: number
  /** After which 99.9 % of the reads were fresh. */
  readonly tVisibilityMs: number
}

type Row = readonly [r: number, w: number, readMs: number, writeMs: number, tVisibilityMs: number]

const ROWS: Readonly<Record<ProfileName, readonly Row[]>> = {
  'LNKD-SSD': [
    [1, 1, 0.66, 0.66, 1.85],
    [1, 2, 0.66, 1.63, 1.79],
    [2, 1, 1.63, 0.65, 0],
    [2, 2, 1.62, 1.64, 0],
    [3, 1, 4.14, 0.65, 0],
    [1, 3, 0.65, 4.09, 0],
  ],
  'LNKD-DISK': [
    [1, 1, 0.66, 10.99, 45.5],
    [1, 2, 0.65, 20.97, 43.3],
    [2, 1, 1.63, 10.9, 13.6],
    [2, 2, 1.64, 20.96, 0],
    [3, 1, 4.12, 10.89, 0],
    [1, 3, 0.65, 112.65, 0],
  ],
  YMMR: [
    [1, 1, 5.58, 10.83, 1364],
    [1, 2, 5.61, 427.12, 1352],
    [2, 1, 32.6, 10.73, 202],
    [2, 2, 33.18, 428.11, 0],
    [3, 1, 219.27, 10.79, 0],
    [1, 3, 5.63, 1870.86, 0],
  ],
  WAN: [
    [1, 1, 3.4, 55.12, 113],
    [1, 2, 3.4, 167.64, 0],
    [2, 1, 151.3, 56.36, 30.2],
    [2, 2, 151.31, 167.72, 0],
    [3, 1, 153.86, 55.19, 0],
    [1, 3, 3.44, 241.55, 0],
  ],
}

/** The published table, profile by profile. */
export const published: readonly PublishedCell[] = Object.entries(ROWS).flatMap(([profile, rows]) =>
  rows.map(([r, w, readMs, writeMs, tVisibilityMs]) => ({
    profile: profile as ProfileName,
    r,
    w,
    readMs,
    writeMs,
    tVisibilityMs,
  })),
)

/** How far t steps from one set of draws to the next in the authors' simulator; milliseconds. */
const STEP_MS: Readonly<Record<ProfileName, number>> = { 'LNKD-SSD': 0.01, 'LNKD-DISK': 0.1, YMMR: 1, WAN: 0.1 }
const READS_A_STEP = 50_000
const P = 0.999

/** A latency may be off by this share, a t-visibility by that. */
const TOLERANCES = { latency: 0.05, tVisibility: 0.06 } as const

/** One cell of the table beside what is predicted. */
export interface Comparison {
  readonly published: PublishedCell
  readonly readMs: number
  readonly writeMs: number
  /** The quantile: what this package says t-visibility is. */
  readonly tVisibilityMs: number
  /** Where the authors' stepping would stop: half of such runs by `medianMs`, 95 % between the other two. */
  readonly crossing: { readonly lowMs: number; readonly medianMs: number; readonly highMs: number }
  /** Off by this share of what is published; 0 where both are 0. */
  readonly off: { readonly read: number; readonly write: number; readonly crossing: number }
  /** The latencies within 5 %, and the published t within 6 % of the median crossing, or inside its 95 %. */
  readonly agrees: boolean
}

/** The trials to compare with, to be run in steps or by `compare`. */
export function publishedTrials(
  profile: ProfileName,
  options: { readonly trials?: number; readonly seed?: number },
): Trials {
  return new Trials({ ...options, n: 3, latencies: profiles[profile] })
}

/** One cell of the published table beside `trials` of its profile. */
export function compare(cell: PublishedCell, trials: Trials): Comparison {
  const prediction = trials.cell(cell)
  const readMs = prediction.readMs(P)
  const writeMs = prediction.writeMs(P)
  const crossing = crossingOf(prediction, STEP_MS[cell.profile])
  const off = {
    read: offBy(readMs, cell.readMs),
    write: offBy(writeMs, cell.writeMs),
    crossing: offBy(crossing.medianMs, cell.tVisibilityMs),
  }
  const inside = cell.tVisibilityMs >= crossing.lowMs && cell.tVisibilityMs <= crossing.highMs
  const agrees =
    Math.abs(off.read) <= TOLERANCES.latency &&
    Math.abs(off.write) <= TOLERANCES.latency &&
    (Math.abs(off.crossing) <= TOLERANCES.tVisibility || inside)
  return { published: cell, readMs, writeMs, tVisibilityMs: prediction.tVisibility(P), crossing, off, agrees }
}

function offBy(predicted: number, given: number): number {
  if (given === 0) return predicted === 0 ? 0 : Infinity
  return predicted / given - 1
}

/** When the first of many estimates in a row is above P, each from reads of its own. */
function crossingOf(prediction: Prediction, stepMs: number): Comparison['crossing'] {
  const staleMax = Math.round(READS_A_STEP * (1 - P)) - 1
  const found: number[] = []
  let notYet = 1
  for (let step = 0; found.length < 3; step++) {
    const tMs = step * stepMs
    notYet *= 1 - poissonAtMost(staleMax, READS_A_STEP * (1 - prediction.pFresh(tMs)))
    while (found.length < 3 && notYet <= ([0.975, 0.5, 0.025][found.length] as number)) found.push(tMs)
  }
  const [lowMs, medianMs, highMs] = found as [number, number, number]
  return { lowMs, medianMs, highMs }
}

/** The probability of at most `most` rare events, where `mean` are expected. */
function poissonAtMost(most: number, mean: number): number {
  let term = Math.exp(-mean)
  let sum = term
  for (let events = 1; events <= most; events++) {
    term *= mean / events
    sum += term
  }
  return Math.min(1, sum)
}
