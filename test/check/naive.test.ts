/** The judges beside slower, dumber ones, on histories with any answers: they must accuse and acquit alike. */
import { property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkMonotonic,
  checkNoDominated,
  checkNoInvented,
  checkNoLostWrites,
  checkNoResurrection,
  checkSessions,
  checkStrictRegular,
  measureStaleness,
} from '../../src/check/index.ts'
import { holds } from '../property.ts'
import type { Judge } from './case-table.ts'
import { Choices, decisions } from './choices.ts'
import { Garbage } from './garbage.ts'
import { NaiveKey } from './naive-judges.ts'

type Rule = 'invented' | 'dominated' | 'lost' | 'resurrected' | 'stale' | 'backwards' | 'sessionBroken'

const JUDGES: readonly (readonly [Rule, Judge])[] = [
  ['invented', checkNoInvented],
  ['dominated', checkNoDominated],
  ['lost', checkNoLostWrites],
  ['resurrected', checkNoResurrection],
  ['stale', checkStrictRegular],
  ['backwards', checkMonotonic],
  ['sessionBroken', checkSessions],
]

describe.for([
  ['siblings', 0],
  ['lww', 0],
  ['lww', 3],
] as const)('%s, skew of %i ms', ([conflicts, skewMs]) => {
  const naiveKeys = (history: Garbage['lines']): NaiveKey[] =>
    ['x', 'y'].map((key) => new NaiveKey({ history, key, lww: conflicts === 'lww', skewNs: skewMs * 1e6 }))

  test.for(JUDGES)('%s: the judge agrees with the slow judge', ([rule, judge]) => {
    const tally = { broken: 0, kept: 0 }
    holds(
      property(decisions(400), (drawn) => {
        const history = new Garbage(new Choices(drawn), { conflicts }).lines
        const broken = naiveKeys(history).some((key) => key[rule])
        expect(judge(history, { conflicts, skewMs }).ok).toBe(!broken)
        tally[broken ? 'broken' : 'kept']++
      }),
      { numRuns: 200 },
    )
    // Made-up values are never drawn, and `lww` answers never have two values.
    const neverBroken = rule === 'invented' || (rule === 'dominated' && conflicts === 'lww')
    expect(tally.broken > 20 || neverBroken).toBe(true)
    expect(tally.kept).toBeGreaterThan(20)
  })

  test('staleness: the measure agrees with the slow one', () => {
    let stale = 0
    holds(
      property(decisions(400), (drawn) => {
        const history = new Garbage(new Choices(drawn), { conflicts }).lines
        const missed = naiveKeys(history).flatMap((key) => key.missed)
        const behind = missed.filter(({ versions }) => versions > 0)
        const measured = measureStaleness(history, { conflicts, skewMs })
        expect(measured).toMatchObject({ checked: missed.length, stale: behind.length })
        expect(measured.versionsBehind.max).toBe(Math.max(0, ...behind.map(({ versions }) => versions)))
        expect(measured.behindNs.max).toBe(Math.max(0, ...behind.map(({ behindNs }) => behindNs)))
        const mean = behind.reduce((sum, { behindNs }) => sum + behindNs, 0) / Math.max(1, behind.length)
        expect(measured.behindNs.mean).toBeCloseTo(mean, 3)
        stale += behind.length
      }),
      { numRuns: 200 },
    )
    expect(stale).toBeGreaterThan(50)
  })
})
