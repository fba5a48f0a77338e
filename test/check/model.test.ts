/**
 * All judges beside a replicated store that does right by construction: they must never accuse it. Then it does one
 * thing wrong at a time, and the right judge must find out.
 */
import { property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkApHistory,
  measureStaleness,
  parseHistory,
  printHistory,
  type ApVerdict,
  type JudgeName,
} from '../../src/check/index.ts'
import { holds } from '../property.ts'
import { Choices, decisions, type Decisions } from './choices.ts'
import { MODEL_SKEW_MS, ModelStore, type Flaw, type ModelOptions } from './model-store.ts'

function judged(drawn: Decisions, model: ModelOptions): ApVerdict {
  const { lines } = new ModelStore(new Choices(drawn), model)
  return checkApHistory(lines, { conflicts: model.conflicts, skewMs: MODEL_SKEW_MS, monotonic: model.blocking })
}

const QUORUMS = [
  [2, 2],
  [1, 3],
  [3, 1],
  [1, 1],
] as const

describe('a store that does right', () => {
  const settings = (['siblings', 'lww'] as const).flatMap((conflicts) =>
    QUORUMS.flatMap(([r, w]) => [true, false].map((blocking) => ({ conflicts, r, w, blocking }))),
  )
  test.for(settings)('$conflicts, r = $r, w = $w, blocking repair $blocking: nobody accuses it', (model) => {
    const checked = new Map<string, number>()
    holds(
      property(decisions(2500), (drawn) => {
        const { violations, judges } = judged(drawn, model)
        expect(violations).toEqual([])
        for (const [name, verdict] of Object.entries(judges)) {
          checked.set(name, (checked.get(name) ?? 0) + verdict.checked)
        }
      }),
      { numRuns: 100 },
    )
    const isStrict = model.r + model.w > 3
    if (!isStrict) for (const name of ['strictRegular', 'monotonic']) checked.delete(name)
    for (const [, count] of checked) expect(count).toBeGreaterThan(30)
    expect(checked.size).toBe(6 + (isStrict ? (model.blocking ? 2 : 1) : 0))
  })
})

describe('a store that does one thing wrong', () => {
  const strict = { conflicts: 'siblings', r: 2, w: 2, blocking: true } as const
  const weak = { ...strict, r: 1, w: 1, blocking: false } as const
  const lww = { ...strict, conflicts: 'lww' } as const
  test.for<[Flaw, ModelOptions, readonly JudgeName[]]>([
    ['acknowledges before it writes', strict, ['noLostWrites', 'strictRegular']],
    ['acknowledges before it writes', lww, ['noLostWrites', 'strictRegular']],
    ['counts one replica twice', { ...strict, r: 1, w: 3 }, ['strictRegular']],
    ['counts one replica twice', { ...lww, r: 1, w: 3 }, ['strictRegular']],
    ['calls any quorum strict', weak, ['strictRegular']],
    ['calls any quorum strict', { ...weak, conflicts: 'lww' }, ['strictRegular']],
    ['keeps one sibling', strict, ['noLostWrites', 'strictRegular']],
    ['forgets tombstones', strict, ['noResurrection', 'monotonic']],
    ['forgets tombstones', lww, ['noResurrection']],
    ['ignores contexts', strict, ['noDominated', 'noResurrection']],
    ['ignores contexts', lww, ['noResurrection', 'noLostWrites']],
    ['makes a new write of a retry', strict, ['noDominated']],
    ['makes a new write of a retry', lww, ['sessions']],
    ['lets sessions read anywhere', weak, ['sessions']],
    ['lets sessions read anywhere', { ...weak, conflicts: 'lww' }, ['sessions']],
    ['repairs nothing', { ...strict, r: 1, w: 3 }, ['monotonic']],
    ['repairs nothing', { ...lww, r: 1, w: 3 }, ['monotonic']],
    ['never heals', weak, ['converged', 'noLostWrites']],
    ['mixes up keys', strict, ['noInvented']],
    ['mixes up keys', lww, ['noInvented']],
    ['lets clocks run off', lww, ['strictRegular', 'noLostWrites']],
    ['undoes what it calls unknown', strict, ['noInvented']],
  ])('%s, %o: caught by %j', ([flaw, model, judges]) => {
    const blind = new Set(judges)
    for (let seed = 0; seed < 2000 && blind.size > 0; seed++) {
      for (const { judge } of judged({ seed, length: 2000 }, { ...model, flaw }).violations) blind.delete(judge)
    }
    expect([...blind]).toEqual([])
  })
})

test('a history says the same after it was printed and parsed', () => {
  holds(
    property(decisions(600), (drawn) => {
      const { lines } = new ModelStore(new Choices(drawn), { conflicts: 'siblings', r: 1, w: 1, blocking: false })
      const copy = parseHistory(printHistory(lines))
      expect(checkApHistory(copy)).toEqual(checkApHistory(lines))
      expect(measureStaleness(copy)).toEqual(measureStaleness(lines))
    }),
    { numRuns: 20 },
  )
})
