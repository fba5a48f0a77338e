/** Pictures of the report, and this run beside an earlier one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesBetween, compareSection, figureOf, gateFailures, isEarlierRun } from '../../bench/compare.ts'
import { paretoFront, project, tickText, type Plot } from '../../bench/plot.ts'
import { plotSvg } from '../../bench/plot-svg.ts'
import { GOAL_COLUMNS, goalRow, type Row, type Section } from '../../bench/section.ts'
import { holds } from '../property.ts'

describe('axes', () => {
  it('any values: lie between the ends, in their order, with a few ticks', () => {
    const values = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 })
    holds(
      fc.property(values, fc.constantFrom('log' as const, 'linear' as const), (list, scale) => {
        const { at, ticks } = project({ label: '', scale }, list)
        const places = list.toSorted((a, b) => a - b).map(at)
        expect(places.every((place, i) => place >= 0 && place <= 1 && place >= (places[i - 1] ?? 0))).toBe(true)
        expect(ticks.length).toBeGreaterThan(0)
        expect(ticks.length).toBeLessThan(12)
      }),
    )
  })

  it('ticks: are short', () => {
    const axis = { label: '', scale: 'log', unit: 'share', from: 1e-5, floor: 'none' } as const
    expect([10 ** -5, 1e-4, 0.25, 1].map((value) => tickText(axis, value))).toEqual(['none', '0.01 %', '25 %', '100 %'])
    const ms = { label: '', scale: 'log', unit: 'ms' } as const
    expect([0.5, 20, 1500].map((value) => tickText(ms, value))).toEqual(['0.5 ms', '20 ms', '1.5 s'])
  })
})

describe('Pareto front', () => {
  it('any points: those that no other beats, and no others', () => {
    const point = fc.record({ x: fc.nat(9), y: fc.nat(9) })
    holds(
      fc.property(fc.array(point, { maxLength: 20 }), (points) => {
        const front = paretoFront(points)
        const beaten = (a: { x: number; y: number }): boolean =>
          points.some((b) => b.x <= a.x && b.y <= a.y && (b.x < a.x || b.y < a.y))
        expect(front.some(beaten)).toBe(false)
        for (const one of points) {
          const isThere = front.some(({ x, y }) => x === one.x && y === one.y)
          expect(isThere).toBe(!beaten(one))
        }
      }),
    )
  })
})

describe('plots', () => {
  const plot: Plot = {
    title: 'a <plot>',
    about: 'about & all',
    x: { label: 'x', scale: 'log', unit: 'ms' },
    y: { label: 'y', scale: 'log', unit: 'share', from: 1e-5, to: 1 },
    bands: [{ from: 2, to: 4, label: 'cut off' }],
    series: [
      { name: 'some', style: 'points', points: [1, 1, 1, 1.01].map((x) => ({ x, y: 0, label: `at ${x}` })) },
      {
        name: 'front',
        style: 'front',
        points: [
          { x: 1, y: 0.5 },
          { x: 8, y: 0.1 },
        ],
      },
      { name: 'none', style: 'line', points: [] },
    ],
  }

  it('svg: tells what it shows, escapes, and has no number that is none', () => {
    const svg = plotSvg(plot)
    for (const part of ['role="img"', '<title id=', 'a &lt;plot&gt;', '<desc', 'about &amp; all', 'cut off']) {
      expect(svg).toContain(part)
    }
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('labels of points in one place: do not cover each other', () => {
    const tops = [...plotSvg(plot).matchAll(/class="label" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y))
    expect(tops).toHaveLength(4)
    expect(new Set(tops).size).toBe(4)
  })
})

const row = (name: string, of: readonly number[], ratio: number): Row =>
  goalRow({
    name,
    measured: '',
    against: '',
    goal: { ratio, relation: 'at least', bound: 0.5 },
    figures: { perSecond: of, limitPerSecond: of.map(() => 100) },
  })
const section = (...rows: readonly Row[]): Section => ({
  part: 'goals',
  title: 'Speed',
  columns: GOAL_COLUMNS,
  rows,
  notes: [],
})

describe('an earlier run', () => {
  const before = {
    startedAt: 'then',
    sections: [section(row('put', [50, 52, 48], 0.5), row('get', [90, 90, 90], 0.9))],
  }

  it('a clear loss: is told, and shuts the gate', () => {
    const now = [section(row('put', [30, 31, 29], 0.3), row('get', [90, 91, 90], 0.9))]
    const [put, get] = changesBetween(before, now)
    expect(put).toMatchObject({ name: 'put', isClear: true })
    expect(put?.gain).toBeCloseTo(0.6)
    expect(get?.isClear).toBe(false)
    expect(gateFailures(before, now, 10)).toEqual(['The gate is shut: goals: put is at 0.60 of what it was'])
    expect(gateFailures(before, now, 50)).toEqual([])
    expect(gateFailures(before, now, undefined)).toEqual([])
    expect(compareSection(before, now).rows[0]?.cells.at(-1)).toBe('WORSE')
  })

  it('a loss within the spread of the rounds: is none', () => {
    const wild = { startedAt: 'then', sections: [section(row('put', [20, 50, 80], 0.5))] }
    expect(gateFailures(wild, [section(row('put', [20, 40, 80], 0.4))], 10)).toEqual([])
  })

  it('a bound from above: less is better', () => {
    const goal = { ratio: 2, relation: 'at most', bound: 3, met: true } as const
    expect(figureOf({ goal, figures: {} })).toMatchObject({ value: 2, better: 'less', isGoal: true })
  })

  it('a piece and a simulated cell: are compared by their times', () => {
    expect(figureOf({ figures: { nsMedian: 12, marginPercent: 5 } })).toEqual({
      value: 12,
      spread: 0.05,
      better: 'less',
      isGoal: false,
    })
    expect(figureOf({ figures: { all: { p99Us: 7 } } })).toMatchObject({ value: 7, spread: 0, better: 'less' })
  })

  it.each([[null], [[]], [{}], [{ sections: [] }], [{ startedAt: 'then', sections: 'x' }]])(
    '%j: is no report to compare with',
    (read) => {
      expect(isEarlierRun(read)).toBe(false)
    },
  )

  it('what --json wrote: is a report to compare with', () => {
    expect(isEarlierRun({ startedAt: 'then', sections: [] })).toBe(true)
  })

  it('anything at all in the file: is left out', () => {
    const sections = [null, 7, {}, { rows: 'x' }, { rows: [null, { name: 'put' }, { name: 'put', figures: 3 }] }]
    expect(changesBetween({ startedAt: 'then', sections }, [section(row('put', [1, 1], 1))])).toEqual([])
  })
})
