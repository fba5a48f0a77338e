/** All judges together: which are asked, and what they say. */
import { expect, test } from 'vitest'
import { checkApHistory, checkConverged, HistoryIndex } from '../../src/check/index.ts'
import { told } from './recorder.ts'

const history = told((tell) => {
  tell
    .promise('s', 'ryw')
    .put('v1')
    .put('v2', { saw: ['v1'], session: 's' })
  tell.get(['v2'], { session: 's' }).get(['v2']).final(['v2'], ['v2'])
})

test('all judges: a good history gives a verdict of each', () => {
  const verdict = checkApHistory(history, { monotonic: true })
  expect(verdict).toMatchObject({ ok: true, violations: [] })
  expect(Object.fromEntries(Object.entries(verdict.judges).map(([name, { checked }]) => [name, checked]))).toEqual({
    noInvented: 4,
    noDominated: 0,
    noLostWrites: 2,
    noResurrection: 4,
    strictRegular: 2,
    monotonic: 1,
    sessions: 1,
    converged: 2,
  })
  expect(verdict.checked).toBe(16)
})

test('all judges: monotonic reads are judged only where they were promised', () => {
  expect(checkApHistory(history).judges.monotonic).toBeUndefined()
})

test('all judges: each violation names its judge, its key and its lines', () => {
  const broken = told((tell) => tell.put('v1').get([]).final(['v1'], ['v1', 'v1']))
  const { ok, violations } = checkApHistory(broken)
  expect(ok).toBe(false)
  expect(violations).toEqual([
    {
      judge: 'noDominated',
      rule: 'twice',
      key: 'x',
      message: 'final of replica b (line 6) shows ["v1","v1"]: the same value twice',
      lines: [6],
    },
    {
      judge: 'strictRegular',
      rule: 'stale',
      key: 'x',
      message: 'get by process 1 (line 3, 4) shows [], without put "v1" (line 1, 2) or anything newer',
      lines: [1, 2, 3, 4],
    },
  ])
})

test('all judges: options reach every judge', () => {
  const older = told((tell) => tell.put('v1').put('v2').get(['v1']).final(['v1']))
  expect(checkApHistory(older).judges).toMatchObject({ noLostWrites: { ok: false }, noResurrection: { ok: true } })
  const lww = checkApHistory(older, { conflicts: 'lww', skewMs: 0 })
  expect(lww.judges).toMatchObject({
    noLostWrites: { ok: false },
    noResurrection: { ok: false },
    strictRegular: { ok: false },
  })
  expect(checkApHistory(older, { conflicts: 'lww', skewMs: 1 }).ok).toBe(true)
})

test('a judge takes an index in place of a history, and leaves both as they were', () => {
  const copy = structuredClone(history)
  const index = new HistoryIndex(history)
  expect(checkConverged(index)).toEqual(checkConverged(history))
  expect(checkConverged(index)).toEqual(checkConverged(index))
  expect(history).toEqual(copy)
})

test('an empty history is in order, and nothing was checked', () => {
  expect(checkApHistory([], { monotonic: true })).toMatchObject({ ok: true, checked: 0 })
})
