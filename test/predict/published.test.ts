/**
 * The published profiles and the published table. `quorate predict --published` compares with a million trials.
 */
import { describe, expect, test } from 'vitest'
import {
  compare,
  predict,
  profile,
  profileNames,
  profiles,
  published,
  publishedTrials,
  Trials,
} from '../../src/predict/index.ts'

const SLOW = { timeout: 60_000 }

describe.for(profileNames)('%s', (name) => {
  const trials = publishedTrials(name, { trials: 400_000, seed: 2 })

  test.for(published.filter((cell) => cell.profile === name))(
    'published: $profile with r = $r and w = $w is predicted',
    SLOW,
    (cell) => {
      const { off, crossing, readMs, writeMs, tVisibilityMs } = compare(cell, trials)
      // A million trials keep 5 % of the latencies; of fewer trials the tails fluctuate more.
      expect(Math.abs(off.read), `read ${readMs}`).toBeLessThan(0.1)
      expect(Math.abs(off.write), `write ${writeMs}`).toBeLessThan(0.1)
      const near = Math.abs(off.crossing) < 0.06
      const inside = crossing.lowMs <= cell.tVisibilityMs && cell.tVisibilityMs <= crossing.highMs
      expect(near || inside, `t ${crossing.lowMs} to ${crossing.highMs}, by quantile ${tVisibilityMs}`).toBe(true)
      expect(crossing.medianMs).toBeLessThanOrEqual(tVisibilityMs)
    },
  )
})

test('published: right after the write, what section 5.6 says of the disks and the solid state disks', SLOW, () => {
  const atOnce = (name: 'LNKD-DISK' | 'LNKD-SSD'): number =>
    predict({ n: 3, r: 1, w: 1, latencies: profiles[name], trials: 400_000 }).pFresh(0)
  expect(atOnce('LNKD-DISK')).toBeCloseTo(0.439, 2)
  expect(atOnce('LNKD-SSD')).toBeCloseTo(0.974, 2)
})

test('published: another profile, or a model with a fault, does not agree', SLOW, () => {
  const cell = published.find(({ profile: name, r, w }) => name === 'LNKD-DISK' && r === 1 && w === 1)
  if (cell === undefined) throw new Error('the cell is missing')
  const run = (latencies: typeof profiles.WAN, more: object = {}): Trials =>
    new Trials({ n: 3, latencies, trials: 100_000, ...more })
  const disk = profiles['LNKD-DISK']
  expect(compare(cell, run(disk)).agrees).toBe(true)
  expect(compare(cell, run(profiles['LNKD-SSD'])).agrees).toBe(false)
  expect(compare(cell, run({ ...disk, w: disk.a, a: disk.w })).agrees).toBe(false)
  expect(compare(cell, run(disk, { reads: 'quorum' })).agrees).toBe(false)
  expect(compare(cell, run(disk, { writes: 'home' })).agrees).toBe(false)
})

test('profile: by name, and an unknown name lists the known ones', () => {
  expect(profile('YMMR')).toBe(profiles.YMMR)
  for (const name of ['ymmr', 'toString', '']) {
    expect(() => profile(name)).toThrow(
      `there is no profile ${JSON.stringify(name)}: use LNKD-SSD, LNKD-DISK, YMMR, WAN`,
    )
  }
})
