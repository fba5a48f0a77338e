/** Leaders, locks and tokens: for every rule, histories that keep it and histories that break it. */
import { boolean, constantFrom, integer, property, record, array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkApHistory, checkLeadership, checkLinearizable, type LeadershipLine } from '../../src/check/index.ts'
import { holds } from '../property.ts'

const elected = (node: string, term: number, time: number): LeadershipLine => ({
  type: 'elected',
  group: 'g',
  node,
  term,
  time,
})
const voted = (node: string, candidate: string, term: number, time: number): LeadershipLine => ({
  type: 'voted',
  group: 'g',
  node,
  candidate,
  term,
  time,
})
const ack = (node: string, term: number, [start, time]: readonly [number, number], seq = time): LeadershipLine => ({
  type: 'ack',
  group: 'g',
  node,
  term,
  seq,
  start,
  time,
})
const localRead = (
  node: string,
  term: number,
  [start, time]: readonly [number, number],
  seen?: number,
): LeadershipLine => ({
  type: 'localread',
  group: 'g',
  node,
  term,
  start,
  time,
  ...(seen !== undefined && { seen }),
})
const granted = (holder: string, token: number, [time, until]: readonly [number, number]): LeadershipLine => ({
  type: 'granted',
  lock: 'l',
  holder,
  token,
  time,
  until,
})
const released = (holder: string, token: number, time: number): LeadershipLine => ({
  type: 'released',
  lock: 'l',
  holder,
  token,
  time,
})
const guarded = (token: number, accepted: boolean, time: number): LeadershipLine => ({
  type: 'guarded',
  lock: 'l',
  token,
  accepted,
  time,
})

type Case = readonly [name: string, rules: readonly string[], history: readonly LeadershipLine[]]

const LEADERS: readonly Case[] = [
  ['one leader of each term', [], [elected('a', 1, 0), ack('a', 1, [1, 2]), elected('b', 2, 9), ack('b', 2, [9, 10])]],
  ['two are elected for one term', ['two-leaders'], [elected('a', 1, 0), elected('b', 1, 5)]],
  ['another acknowledges in a term', ['two-leaders'], [elected('a', 1, 0), ack('b', 1, [5, 6]), ack('b', 1, [7, 8])]],
  ['another reads in a term', ['two-leaders'], [ack('a', 1, [0, 1]), localRead('b', 1, [0, 2])]],
  ['terms of two groups', [], [elected('a', 1, 0), { ...elected('b', 1, 5), group: 'h' } as LeadershipLine]],
  ['a node is elected again for a term', ['back'], [elected('a', 1, 0), elected('a', 1, 5)]],
  ['a node is elected for an older term', ['back'], [elected('a', 2, 0), elected('a', 1, 5)]],
  ['a node learns late that it was elected', [], [elected('a', 2, 0), elected('b', 1, 5)]],
  ['lines out of order', [], [elected('a', 2, 5), elected('a', 1, 0)]],
  ['an elector votes again in a later term', [], [voted('a', 'b', 1, 0), voted('a', 'c', 2, 5)]],
  ['an elector repeats its vote', [], [voted('a', 'b', 1, 0), voted('a', 'b', 1, 5)]],
  ['an elector votes twice in a term', ['two-votes'], [voted('a', 'b', 1, 0), voted('a', 'c', 1, 5)]],
  ['an elector forgets what it promised', ['back'], [voted('a', 'b', 2, 0), voted('a', 'b', 1, 5)]],
  ['two electors differ', [], [voted('a', 'b', 1, 0), voted('c', 'd', 1, 5)]],
  ['an old leader acknowledges what it began before', [], [ack('b', 2, [0, 5]), ack('a', 1, [4, 9])]],
  ['an old leader acknowledges what it began later', ['fenced'], [ack('b', 2, [0, 5]), ack('a', 1, [6, 9])]],
  ['an old leader answers a read that began later', ['fenced'], [ack('b', 2, [0, 5]), localRead('a', 1, [6, 9])]],
  ['an old leader answers before the new one acknowledges', [], [elected('b', 2, 0), localRead('a', 1, [6, 9])]],
  [
    'an old leader is fenced by the newest of all',
    ['fenced'],
    [ack('c', 3, [0, 1]), ack('b', 2, [2, 4]), ack('b', 2, [0, 3])],
  ],
  ['a local read shows what was acknowledged', [], [ack('a', 1, [0, 1], 7), localRead('a', 1, [2, 3], 7)]],
  ['a local read shows more', [], [ack('a', 1, [0, 1], 7), localRead('a', 1, [2, 3], 8)]],
  ['a local read shows less', ['stale'], [ack('a', 1, [0, 1], 7), localRead('a', 1, [2, 3], 6)]],
  ['a local read shows less than an older term had', ['stale'], [ack('a', 1, [0, 1], 7), localRead('b', 2, [2, 3], 0)]],
  ['a local read began before the acknowledgement', [], [ack('a', 1, [0, 5], 7), localRead('a', 1, [5, 6], 6)]],
]

const LOCKS: readonly Case[] = [
  ['tokens rise', [], [granted('a', 42, [0, 5]), granted('b', 43, [5, 9])]],
  ['a token is handed out twice', ['token'], [granted('a', 42, [0, 5]), granted('b', 42, [6, 9])]],
  [
    'a token is handed out again after its release',
    ['token'],
    [granted('a', 42, [0, 5]), released('a', 42, 3), granted('a', 42, [4, 9])],
  ],
  ['a token is handed out after a higher one', ['token'], [granted('a', 43, [0, 5]), granted('b', 42, [6, 9])]],
  ['a holder learns too late', [], [granted('a', 43, [0, 5]), granted('b', 42, [6, 6])]],
  ['a renewal', [], [granted('a', 42, [0, 5]), granted('a', 42, [4, 9]), granted('b', 43, [9, 12])]],
  [
    'a renewal makes two holders',
    ['two-holders'],
    [granted('a', 42, [0, 5]), granted('b', 43, [6, 12]), granted('a', 42, [7, 9])],
  ],
  [
    'the next one comes before the lease has lapsed',
    ['two-holders'],
    [granted('a', 42, [0, 5]), granted('b', 43, [4, 9])],
  ],
  [
    'the next one comes before the renewed lease has lapsed',
    ['two-holders'],
    [granted('a', 42, [0, 5]), granted('a', 42, [4, 9]), granted('b', 43, [8, 12])],
  ],
  [
    'the next one comes after the release',
    [],
    [granted('a', 42, [0, 5]), released('a', 42, 3), granted('b', 43, [3, 9])],
  ],
  [
    'somebody else releases',
    ['two-holders'],
    [granted('a', 42, [0, 5]), released('b', 42, 3), granted('b', 43, [4, 9])],
  ],
  ['two locks', [], [granted('a', 42, [0, 5]), { ...granted('b', 41, [4, 9]), lock: 'm' } as LeadershipLine]],
  ['the resource lets the newer in', [], [guarded(42, true, 0), guarded(43, true, 1), guarded(43, true, 2)]],
  ['the resource turns the older away', [], [guarded(43, true, 0), guarded(42, false, 1)]],
  ['the resource lets the older in', ['guard'], [guarded(42, true, 0), guarded(43, true, 1), guarded(42, true, 2)]],
  ['the resource knows nothing of what it turned away', [], [guarded(43, false, 0), guarded(42, true, 1)]],
]

describe.for([
  ['leaders', LEADERS],
  ['locks', LOCKS],
] as const)('%s', ([, cases]) => {
  test.for(cases)('%s', ([, rules, history]) => {
    const { ok, violations, checked } = checkLeadership(history)
    expect({ rules: violations.map(({ rule }) => rule), violations }).toEqual({ rules, violations })
    expect(ok).toBe(rules.length === 0)
    if (!ok) expect(checked).toBeGreaterThan(0)
    for (const { lines, key } of violations) {
      expect(lines.length).toBeGreaterThan(1)
      for (const line of lines) expect(Object.values(history[line - 1] ?? {})).toContain(key)
    }
  })
})

test('locks: where clocks run too far apart, two holders are not held against it, but tokens are', () => {
  const history = [granted('a', 42, [0, 5]), granted('b', 43, [4, 9]), guarded(43, true, 4), guarded(42, true, 5)]
  const rules = (exclusive: boolean): string[] =>
    checkLeadership(history, { exclusive }).violations.map(({ rule }) => rule)
  expect(rules(true)).toEqual(['two-holders', 'guard'])
  expect(rules(false)).toEqual(['guard'])
})

test('a violation says who did what, and where it stands', () => {
  const history = [ack('b', 2, [0, 5]), ack('a', 1, [6, 9])]
  expect(checkLeadership(history).violations).toEqual([
    {
      rule: 'fenced',
      key: 'g',
      message: 'a acknowledged a write in term 1 (line 2), begun after b had acknowledged a write in term 2 (line 1)',
      lines: [1, 2],
    },
  ])
})

test('measure: leaders, changes, and the most of them within a minute', () => {
  const minutes = [0, 0.1, 0.2, 5, 5.5, 5.9, 5.99, 6.2, 20]
  const history = minutes.map((minute, at) => elected(`n${at % 3}`, at + 1, minute * 60_000))
  expect(checkLeadership(history).groups).toEqual([{ group: 'g', leaders: 9, changes: 8, changesPerMinute: 4 }])
  expect(checkLeadership(history, { fromMs: 5.6 * 60_000 }).groups).toEqual([
    { group: 'g', leaders: 9, changes: 4, changesPerMinute: 3 },
  ])
  expect(checkLeadership([elected('a', 1, 0)]).groups).toMatchObject([{ leaders: 1, changes: 0, changesPerMinute: 0 }])
  expect(checkLeadership([])).toEqual({ ok: true, checked: 0, violations: [], groups: [] })
})

test('other judges do not mind lines about leaders', () => {
  const history = [...LEADERS, ...LOCKS].flatMap(([, , lines]) => lines)
  expect(checkApHistory(history)).toMatchObject({ ok: true, checked: 0 })
  expect(checkLinearizable(history)).toMatchObject({ ok: true, checked: 0 })
})

test('the judge agrees with the sentences of the rules, pair by pair', () => {
  const time = integer({ min: 0, max: 12 })
  const term = integer({ min: 1, max: 3 })
  const node = constantFrom('a', 'b')
  const span = { start: time, node, term, took: integer({ min: 0, max: 4 }), kind: boolean() }
  let broken = 0
  holds(
    property(array(record(span), { maxLength: 6 }), (drawn) => {
      const history = drawn.map(({ kind, node: who, term: of, start, took }) =>
        kind ? ack(who, of, [start, start + took]) : localRead(who, of, [start, start + took]),
      )
      const rules = new Set<string>()
      for (const a of history) {
        for (const b of history) {
          if (!('start' in a) || !('start' in b)) continue
          if (a.term === b.term && a.node !== b.node) rules.add('two-leaders')
          if (a.type === 'ack' && a.term > b.term && a.time < b.start) rules.add('fenced')
        }
      }
      const said = checkLeadership(history).violations.map(({ rule }) => rule)
      expect(new Set(said)).toEqual(rules)
      if (rules.size > 0) broken++
    }),
    { numRuns: 500 },
  )
  expect(broken).toBeGreaterThan(100)
})
