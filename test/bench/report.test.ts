/** The benchmark's command line and its report. */
import { describe, expect, it } from 'vitest'
import { helpText, parseOptions, UsageError } from '../../bench/options.ts'
import { renderReport } from '../../bench/report.ts'
import { GOAL_COLUMNS, goalRow, type Section } from '../../bench/section.ts'

const PARTS = ['goals', 'ycsb', 'memory']

describe('options', () => {
  it('nothing given: everything runs', () => {
    expect(parseOptions([], PARTS)).toMatchObject({ quick: false, help: false, seed: 1, only: PARTS })
  })

  it('--only given twice: runs both, in the order of the parts', () => {
    expect(parseOptions(['--only', 'memory', '--only', 'goals', '--quick'], PARTS)).toMatchObject({
      quick: true,
      only: ['goals', 'memory'],
    })
  })

  it('--quick: leaves out what needs its time, unless that is named', () => {
    expect(parseOptions(['--quick'], PARTS).only).toEqual(['goals'])
    expect(parseOptions(['--quick', '--only', 'ycsb'], PARTS).only).toEqual(['ycsb'])
  })

  it('--peers: adds the part that nothing else runs', () => {
    const parts = [...PARTS, 'peers']
    expect(parseOptions([], parts).only).toEqual(PARTS)
    expect(parseOptions(['--peers'], parts).only).toEqual(parts)
    expect(parseOptions(['--peers', '--only', 'ycsb'], parts).only).toEqual(['ycsb', 'peers'])
    expect(parseOptions(['--only', 'peers'], parts).only).toEqual(['peers'])
  })

  it('ratios: run only when they are asked for', () => {
    const parts = [...PARTS, 'ratios']
    expect(parseOptions(['--peers'], parts).only).toEqual(PARTS)
    expect(parseOptions(['--only', 'ratios'], parts).only).toEqual(['ratios'])
  })

  it.each([
    [['--gate', '15'], '--gate needs --compare'],
    [['--profile-name', 'mine'], '--profile-name needs --profile-file'],
  ])('%j: is refused, since it means nothing alone', (args, message) => {
    expect(() => parseOptions(args, PARTS)).toThrow(message)
  })

  it('names of the matrix: in one option or in several', () => {
    const { matrix } = parseOptions(['--settings', 'a, b', '--settings', 'c', '--runs', '7'], PARTS)
    expect(matrix).toMatchObject({ settings: ['a', 'b', 'c'], profiles: undefined, runs: 7 })
  })

  it.each([[['--runs', '0']], [['--runs', 'many']], [['--gate', '500']], [['--seed', '']], [['--seed=-1']]])(
    '%j: is refused, with the numbers that would do',
    (args) => {
      expect(() => parseOptions(args, PARTS)).toThrow(/takes a whole number from \d+ to \d+/)
    },
  )

  it.each([[['--only', 'speed']], [['--fast']], [['--seed', 'x']], [['extra']], [['--json']]])(
    '%j: is refused with a reason',
    (args) => {
      expect(() => parseOptions(args, PARTS)).toThrow(UsageError)
    },
  )

  it('--help: names every part', () => {
    expect(helpText(PARTS.map((name) => ({ name, about: '' })))).toMatch(/goals[^]*ycsb[^]*memory/)
  })
})

function sectionWith(...ratios: readonly number[]): Section {
  const rows = ratios.map((ratio, index) =>
    goalRow({
      name: `row ${index}`,
      measured: '1 k/s',
      against: '22 k/s',
      goal: { ratio, relation: 'at least', bound: 0.6 },
      figures: {},
    }),
  )
  return { part: 'goals', title: 'Speed', columns: GOAL_COLUMNS, rows, notes: ['A note.'] }
}

describe('report', () => {
  it('goals met and missed: are marked, counted and aligned', () => {
    expect(renderReport([sectionWith(0.6, 0.59)], { colour: false }).split('\n')).toEqual([
      'Speed',
      '         measured  against  ratio          goal',
      '  row 0     1 k/s   22 k/s   0.60  at least 0.6  met',
      '  row 1     1 k/s   22 k/s   0.59  at least 0.6  MISSED',
      'A note.',
      '',
      '1 of 2 goals missed',
      '',
    ])
  })

  it('colour: changes nothing but the colour', () => {
    const sections = [sectionWith(0.7, 0.1)]
    const coloured = renderReport(sections, { colour: true })
    expect(coloured).toContain('\u001B[')
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(renderReport(sections, { colour: false }))
  })

  it('a ratio that is no number: is a miss', () => {
    expect(renderReport([sectionWith(NaN)], { colour: false })).toContain('1 of 1 goals missed')
  })
})
