/** Staleness in versions and time, by hand. */
import { describe, expect, test } from 'vitest'
import { measureStaleness, type JudgeOptions, type Staleness } from '../../src/check/index.ts'
import type { Story } from './case-table.ts'
import { told } from './recorder.ts'

const NONE = { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }
const LWW = { conflicts: 'lww', skewMs: 0 } as const

function measured(story: Story, options?: JudgeOptions): Staleness {
  return measureStaleness(told(story), options)
}

test('staleness: no reads gives zeros', () => {
  expect(measured((tell) => tell.put('v1'))).toEqual({
    reads: 0,
    checked: 0,
    stale: 0,
    share: 0,
    versionsBehind: NONE,
    behindNs: NONE,
    histogram: [],
  })
})

/** How many versions each read is behind, as a histogram, and the longest time in milliseconds. */
type StaleCase = readonly [name: string, story: Story, histogram: readonly (readonly [number, number])[], maxMs: number]

function stalenessTable(title: string, options: JudgeOptions, cases: readonly StaleCase[]): void {
  test.for(cases)(`${title}: %s`, ([, story, histogram, maxMs]) => {
    const { histogram: found, behindNs, stale, checked, reads, share } = measured(story, options)
    expect(found.map((bar) => [bar.versions, bar.reads])).toEqual(histogram)
    expect(behindNs.max).toBe(maxMs * 1e6)
    expect(checked).toBe(histogram.reduce((sum, [, count]) => sum + count, 0))
    expect(stale).toBe(histogram.reduce((sum, [versions, count]) => sum + (versions > 0 ? count : 0), 0))
    expect(share).toBe(reads === 0 ? 0 : stale / reads)
  })
}

stalenessTable('siblings', {}, [
  ['a fresh read', (tell) => tell.put('v1').get(['v1']), [[0, 1]], 0],
  ['a read before any acknowledgement is not checked', (tell) => tell.get([]).put('v1'), [], 0],
  [
    'an old value is behind its successors',
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .put('v3', { saw: ['v2'] })
        .wait(5)
        .get(['v1']),
    [[2, 1]],
    8,
  ],
  ['a missing sibling counts', (tell) => tell.put('v1').put('v2').get(['v2']), [[1, 1]], 3],
  ['reads that are not strict count', (tell) => tell.put('v1').get([], { strict: false }), [[1, 1]], 1],
  [
    'a missed delete counts',
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .get(['v1'])
        .get([]),
    [
      [0, 1],
      [1, 1],
    ],
    1,
  ],
  [
    'a delete that may have happened excuses',
    (tell) => {
      tell
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get([])
    },
    [[0, 1]],
    0,
  ],
  [
    'a write that is not acknowledged is not missed',
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.get(['v1'])
    },
    [[0, 1]],
    0,
  ],
])

stalenessTable('lww', LWW, [
  ['a fresh read', (tell) => tell.put('v1').put('v2').get(['v2']), [[0, 1]], 0],
  [
    'an old value',
    (tell) => tell.put('v1').put('v2').put('v3').wait(5).get(['v1']).get(['v3']),
    [
      [0, 1],
      [2, 1],
    ],
    8,
  ],
  ['nothing yet', (tell) => tell.put('v1').put('v2').get([]), [[2, 1]], 3],
  ['nothing after a delete', (tell) => tell.put('v1').delete('d1').get([]), [[0, 1]], 0],
  ['nothing after a delete that was overwritten', (tell) => tell.delete('d1').put('v1').get([]), [[1, 1]], 1],
  ['a made-up value is not checked', (tell) => tell.put('v1').get(['v9']), [], 0],
  [
    'concurrent writes are no versions of each other',
    (tell) => {
      const put = tell.startPut('v1')
      tell.put('v2')
      put.ok()
      tell.get(['v1']).get(['v2'])
    },
    [[0, 2]],
    0,
  ],
  [
    'a write of unknown outcome is never behind',
    (tell) => {
      tell.startPut('v1').info()
      tell.put('v2').get(['v1'])
    },
    [[0, 1]],
    0,
  ],
])

stalenessTable('lww with clocks apart', { conflicts: 'lww', skewMs: 10 }, [
  ['an old value within the skew', (tell) => tell.put('v1').wait(9).put('v2').get(['v1']), [[0, 1]], 0],
  ['an old value beyond the skew', (tell) => tell.put('v1').wait(10).put('v2').get(['v1']), [[1, 1]], 1],
  ['nothing yet is behind whatever the skew', (tell) => tell.put('v1').get([]), [[1, 1]], 1],
])

describe('spread', () => {
  test('is over stale reads alone', () => {
    const { versionsBehind, behindNs, share } = measured((tell) => {
      for (let version = 1; version <= 10; version++) tell.put(`v${version}`)
      for (let version = 1; version <= 10; version++) tell.get([`v${version}`])
    }, LWW)
    expect(share).toBe(0.9)
    expect(versionsBehind).toEqual({ mean: 5, p50: 5, p90: 9, p99: 9, max: 9 })
    expect(behindNs.p50).toBe(17e6)
  })
})

test('staleness: twenty thousand operations on a few keys, all counted', () => {
  const operations = 20_000
  for (const options of [LWW, {}]) {
    const { reads, stale, histogram } = measured((tell) => {
      for (let at = 0; at < operations / 2; at++) {
        const key = `k${at % 20}`
        const before = at < 20 ? [] : [`v${at - 20}`]
        tell.put(`v${at}`, { key, saw: before }).get(at % 4 === 0 ? before : [`v${at}`], { key })
      }
    }, options)
    expect({ reads, stale }).toEqual({ reads: operations / 2, stale: operations / 8 })
    expect(histogram.map(({ versions }) => versions)).toEqual([0, 1])
  }
})
