/** What the benchmark's figures rest on: statistics, counting answers, judging reads, drawing keys, sizing frames. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLIENT_ID, putSizes } from '../../bench/frame-sizes.ts'
import { CountedQuorum } from '../../bench/limit.ts'
import { StalenessJudge } from '../../bench/staleness.ts'
import { median, medianRatio, slope } from '../../bench/statistics.ts'
import { chartSvg, chartText, type Chart } from '../../bench/chart.ts'
import { htmlReport } from '../../bench/html.ts'
import type { Section } from '../../bench/section.ts'
import { Zipfian } from '../../bench/zipfian.ts'
import { Random } from '../../src/core/base/random.ts'
import { Outbox } from '../../src/runtime/outbox.ts'
import type { Link } from '../../src/runtime/transport/transport.ts'
import { encodeValue } from '../../src/runtime/value-codec.ts'
import { holds } from '../property.ts'

describe('statistics', () => {
  it('median: odd and even counts', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  it('ratio of rounds: a round in which everything was slow changes nothing', () => {
    expect(medianRatio({ of: [50, 5, 50], to: [100, 10, 100] })).toBe(0.5)
  })

  it('slope: finds the line', () => {
    expect(slope([0, 1, 2, 3].map((x) => ({ x, y: 7 + 2 * x })))).toBeCloseTo(2)
  })
})

describe('counting two answers of three', () => {
  it('any order of frames: an operation is done when two servers have answered it', () => {
    const frames = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 9 })), { maxLength: 50 })
    holds(
      fc.property(frames, (answers) => {
        const quorum = new CountedQuorum()
        const totals = [0, 0, 0]
        for (const [server, count] of answers) {
          totals[server] = (totals[server] as number) + count
          const second = totals.toSorted((a, b) => b - a)[1]
          expect(quorum.add(server, count)).toBe(second)
        }
      }),
    )
  })
})

describe('staleness', () => {
  it('a read older than an acknowledgement before it: is stale', () => {
    const judge = new StalenessJudge(1)
    const first = judge.next(0)
    const second = judge.next(0)
    judge.acknowledged(0, second)
    judge.acknowledged(0, first)
    judge.readEnds(judge.readBegins(0), first)
    expect(judge.take()).toEqual({ reads: 1, stale: 1 })
  })

  it('a write acknowledged while the read was under way: may be missed', () => {
    const judge = new StalenessJudge(1)
    const begun = judge.readBegins(0)
    judge.acknowledged(0, judge.next(0))
    judge.readEnds(begun, 0)
    expect(judge.take()).toEqual({ reads: 1, stale: 0 })
    expect(judge.take()).toEqual({ reads: 0, stale: 0 })
  })
})

describe('zipfian keys', () => {
  it('ranks: are as popular as the law says', () => {
    const items = 1000
    const theta = 0.99
    const zipfian = new Zipfian({ items, theta, random: new Random(7) })
    const drawn = new Float64Array(items)
    const draws = 200_000
    for (let i = 0; i < draws; i++) {
      const rank = zipfian.rank()
      drawn[rank] = (drawn[rank] as number) + 1
    }
    const zeta = Array.from({ length: items }, (_, rank) => 1 / (rank + 1) ** theta).reduce((sum, part) => sum + part)
    expect((drawn[0] as number) / draws).toBeCloseTo(1 / zeta, 2)
    expect((drawn[1] as number) / draws).toBeCloseTo(1 / 2 ** theta / zeta, 2)
  })

  it('keys: lie in range, and one seed draws them again', () => {
    const draw = (): number[] => {
      const zipfian = new Zipfian({ items: 50, theta: 0.99, random: new Random(3) })
      return Array.from({ length: 500 }, () => zipfian.next())
    }
    expect(draw().every((key) => key >= 0 && key < 50)).toBe(true)
    expect(draw()).toEqual(draw())
  })
})

describe('frame sizes', () => {
  it('the echo limit: sends as many bytes as a put of ours', () => {
    const key = 'key-00000001'
    const value = 'v'.repeat(128)
    const sent: number[] = []
    const link = { send: (frame: Uint8Array) => sent.push(frame.length) > 0 } as Partial<Link> as Link
    const outbox = new Outbox(5, link)
    const record = { kind: 'lww', op: 3, at: 4, by: CLIENT_ID, value: encodeValue(value, 1024) } as const
    for (let id = 0; id < 3; id++)
      outbox.add({ kind: 'write', asOf: 0, repairs: false, id, round: 0, keyspace: 9, key, record })
    outbox.flush()
    for (let id = 0; id < 3; id++) outbox.add({ kind: 'written', id, round: 0 })
    outbox.flush()
    const { headBytes, requestBytes, answerBytes } = putSizes({ key, by: CLIENT_ID, value })
    expect(sent).toEqual([headBytes + 3 * requestBytes, headBytes + 3 * answerBytes])
  })
})

describe('charts', () => {
  const chart: Chart = {
    title: 'records <that> differ',
    x: 'bytes',
    y: 'records',
    series: [
      {
        name: 'few',
        points: [
          { x: 10, y: 100 },
          { x: 1_000, y: 0 },
        ],
      },
      {
        name: 'all & sundry',
        points: [
          { x: 10, y: 100 },
          { x: 100_000, y: 50 },
          { x: 1_000_000, y: 0 },
        ],
      },
    ],
  }

  it('text: each line begins high, steps where its points are, and ends where it has come to nothing', () => {
    const lines = chartText(chart).split('\n')
    const [title, top] = lines
    const bottom = lines[16] as string
    expect(title).toBe('records <that> differ')
    expect(top).toMatch(/^ +100 \|o+$/)
    expect(bottom).toMatch(/^ +0 \| +\* +o$/)
    expect(bottom.indexOf('*')).toBeLessThan(bottom.indexOf('o'))
    expect(lines.at(-2)).toMatch(/^ +10 +1 M$/)
    expect(lines.at(-1)).toContain('* few   o all & sundry')
  })

  it('svg: has a path for each line, and texts that are escaped', () => {
    const svg = chartSvg(chart)
    expect(svg.match(/<path class="curve s\d" [^>]*><title>/g)).toHaveLength(2)
    expect(svg).toContain('records &lt;that&gt; differ')
    expect(svg).toContain('all &amp; sundry')
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('html: has the tables, the charts and no reference to anything outside', () => {
    const row = { name: 'a <row>', cells: ['1 B'], figures: {} }
    const section: Section = {
      part: 'p',
      title: 't',
      columns: ['', 'n'],
      rows: [row],
      notes: ['a note'],
      charts: [chart],
    }
    const html = htmlReport([section], { command: 'bench', at: new Date(0), facts: [['machine', 'two <cores>']] })
    for (const part of ['a &lt;row&gt;', '1 B', 'two &lt;cores&gt;', 'a note', '<svg', '1970-01-01'])
      expect(html).toContain(part)
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|href=/)
  })
})
