/** Dotted records against sets of events: what random histories leave in each copy, and the laws of merging. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextFromPairs, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts'
import {
  deltaOf,
  digestDotted,
  dotOf,
  EMPTY_RECORD,
  mayHaveForgotten,
  mergeAt,
  mergeDotted,
  mint,
  REPLACED_MAX,
  type UnmintedWrite,
} from '../../../src/core/causality/dotted-record.ts'
import type { DottedRecord } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'
import { canonicalOf, dotName, type DotSet } from './dot-sets.ts'
import { anyMoves, Play, type Pair } from './dotted-play.ts'
import { replacedIn, seenBy, siblingsIn } from './history-model.ts'

const RUNS = { numRuns: 400 }

/** The record says what the events say. */
function agrees({ record, copy }: Pair, writes: Play['writes']): void {
  const expected = [...siblingsIn(copy)].map(([dot, op]) => `${dot} op ${op}`).toSorted()
  expect(record.siblings.map((sibling) => `${dotName(sibling)} op ${sibling.op}`).toSorted()).toEqual(expected)
  expect(record.context).toEqual(canonicalOf(seenBy(copy)))
  for (const sibling of record.siblings) expect(sibling.value).toEqual(writes[sibling.op - 1]?.value)
}

/** The replica remembers its own writes that were replaced, each with its dot: all, or as many as the newest are. */
function remembers({ record, copy }: Pair, home: number, writes: Play['writes']): void {
  const own = [...replacedIn(copy).values()].map((op) => writes[op - 1]).filter((write) => write?.home === home)
  const { replaced } = record
  const times = own.map((write) => write?.at as number).toSorted((a, b) => b - a)
  expect(replaced.filter((_, i) => i % 3 === 0)).toEqual(times.slice(0, REPLACED_MAX))
  for (let i = 0; i < replaced.length; i += 3) {
    const write = own.find((other) => other?.op === replaced[i + 1])
    expect([write?.at, write?.dot.counter]).toEqual([replaced[i], replaced[i + 2]])
  }
  expect(new Set(replaced.filter((_, i) => i % 3 === 1)).size).toBe(replaced.length / 3)
}

/** Without what the replica remembers for itself. */
function causal(record: DottedRecord): DottedRecord {
  return { ...record, replaced: [] }
}

function merged(records: readonly DottedRecord[]): DottedRecord {
  return records.reduce((all, one) => mergeDotted(all, one), EMPTY_RECORD)
}

describe('dotted records and causal histories', () => {
  test('random histories: every copy, after every move, holds the writes that no known write has seen', () => {
    const seen = { siblings: 0, retriesOfSiblings: 0, retriesOfReplaced: 0, clouds: 0, replaced: 0 }
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) {
          play.move(move)
          for (const [home, pair] of play.replicas.entries()) {
            agrees(pair, play.writes)
            remembers(pair, home, play.writes)
          }
        }
        seen.retriesOfSiblings += play.retriesOfSiblings
        seen.retriesOfReplaced += play.retriesOfReplaced
        for (const { record } of play.replicas) {
          if (record.siblings.length > 1) seen.siblings++
          if (record.context.cloud.length > 0) seen.clouds++
          if (record.replaced.length > 0) seen.replaced++
        }
      }),
      RUNS,
    )
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(50)
  })

  test('random histories: all copies merged lose no write but those that a present one has seen', () => {
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) play.move(move)
        const all = merged(play.sent.map(({ record }) => record))
        const seen = new Set(play.sent.flatMap(({ copy }) => [...copy.values()].flatMap((event) => [...event.seen])))
        for (const { op, dot } of play.writes) {
          expect(
            all.siblings.some((sibling) => sibling.op === op),
            `op ${op}`,
          ).toBe(!seen.has(dotName(dot)))
        }
        if (play.writes.length > 0) expect(all.siblings.length).toBeGreaterThan(0)
      }),
      RUNS,
    )
  })

  test('random histories: what was overwritten at a copy never rises there', () => {
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        const goneDots = play.replicas.map(() => new Set<string>())
        const goneOps = play.replicas.map(() => new Set<number>())
        for (const move of moves) {
          const before = play.replicas.map(({ record }) => record.siblings)
          play.move(move)
          play.replicas.forEach(({ record }, at) => {
            const now = record.siblings
            for (const sibling of before[at] as DottedRecord['siblings']) {
              if (now.some((other) => dotName(other) === dotName(sibling))) continue
              goneDots[at]?.add(dotName(sibling))
              goneOps[at]?.add(sibling.op)
            }
            for (const sibling of now) {
              expect(goneDots[at]).not.toContain(dotName(sibling))
              expect(goneOps[at]).not.toContain(sibling.op)
            }
          })
        }
      }),
      RUNS,
    )
  })

  test('random histories: no dot is minted for two operations, and no operation has two dots', () => {
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) play.move(move)
        const opOf = new Map<string, number>()
        const dotFor = new Map<number, string>()
        for (const { record } of play.sent) {
          for (const sibling of record.siblings) {
            expect(opOf.get(dotName(sibling)) ?? sibling.op).toBe(sibling.op)
            opOf.set(dotName(sibling), sibling.op)
            expect(dotFor.get(sibling.op) ?? dotName(sibling)).toBe(dotName(sibling))
            dotFor.set(sibling.op, dotName(sibling))
          }
        }
      }),
      RUNS,
    )
  })

  test('random histories: digests are equal exactly for copies with the same context and the same siblings', () => {
    const seen = { equal: 0, different: 0 }
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) play.move(move)
        const pairs = [...play.replicas, ...play.sent]
        const states = pairs.map(({ copy }) =>
          JSON.stringify([canonicalOf(seenBy(copy)), [...siblingsIn(copy).keys()].toSorted()]),
        )
        const digests = pairs.map(({ record }) => digestDotted(record))
        for (let i = 0; i < pairs.length; i++) {
          for (let j = 0; j < i; j++) {
            seen[states[i] === states[j] ? 'equal' : 'different']++
            expect(digests[i] === digests[j]).toBe(states[i] === states[j])
          }
        }
      }),
      RUNS,
    )
    expect(Math.min(seen.equal, seen.different)).toBeGreaterThan(1_000)
  })
})

describe('merging dotted records', () => {
  /** Three copies out of one history. */
  const threeCopies = fc.tuple(anyMoves, fc.nat(), fc.nat(), fc.nat()).map(([moves, ...picks]) => {
    const play = new Play()
    for (const move of moves) play.move(move)
    const copies = [...play.replicas, ...play.sent].map(({ record }) => record)
    return picks.map((pick) => copies[pick % copies.length] as DottedRecord) as [
      DottedRecord,
      DottedRecord,
      DottedRecord,
    ]
  })

  test('the order does not matter', () => {
    holds(
      fc.property(threeCopies, ([a, b]) => {
        expect(causal(mergeDotted(a, b))).toEqual(causal(mergeDotted(b, a)))
        expect(digestDotted(mergeDotted(a, b))).toBe(digestDotted(mergeDotted(b, a)))
      }),
      RUNS,
    )
  })

  test('the grouping does not matter', () => {
    holds(
      fc.property(threeCopies, ([a, b, c]) => {
        const left = mergeDotted(mergeDotted(a, b), c)
        const right = mergeDotted(a, mergeDotted(b, c))
        expect(left).toEqual(right)
        expect(digestDotted(left)).toBe(digestDotted(right))
      }),
      RUNS,
    )
  })

  test('doing it twice does not matter', () => {
    holds(
      fc.property(threeCopies, ([a, b]) => {
        const once = mergeDotted(a, b)
        expect(mergeDotted(a, a)).toEqual(a)
        expect(mergeDotted(a, structuredClone(a))).toEqual(a)
        expect(mergeDotted(once, b)).toEqual(once)
        expect(mergeDotted(a, once)).toEqual(once)
      }),
      RUNS,
    )
  })

  test('nothing that is given is changed', () => {
    holds(
      fc.property(threeCopies, ([a, b]) => {
        const before = structuredClone([a, b])
        mergeDotted(a, b)
        expect([a, b]).toEqual(before)
      }),
    )
  })

  test('the values decide nothing: copies of one dot with other bytes merge to the same digest', () => {
    const write = { op: 1, at: 1, context: EMPTY_CONTEXT }
    const dot = { actor: 1, counter: 1 }
    const one = deltaOf({ ...write, value: Uint8Array.of(1) }, dot)
    const other = deltaOf({ ...write, value: null }, dot)
    expect(digestDotted(one)).toBe(digestDotted(other))
    expect(digestDotted(mergeDotted(one, other))).toBe(digestDotted(one))
  })
})

describe('minting', () => {
  const write = (op: number, context = EMPTY_CONTEXT): UnmintedWrite => ({ op, at: op, value: null, context })

  test('a blind write: gets the next dot of the actor and claims nothing else', () => {
    const first = mint(EMPTY_RECORD, 7, write(1))
    expect(first).toEqual({
      kind: 'dotted',
      context: { vector: [7, 1], cloud: [] },
      siblings: [{ actor: 7, counter: 1, op: 1, at: 1, value: null }],
      replaced: [],
    })
    const second = mint(mergeDotted(EMPTY_RECORD, first), 7, write(2))
    expect(second.siblings).toMatchObject([{ actor: 7, counter: 2 }])
    expect(second.context).toEqual({ vector: [], cloud: [7, 2] })
    expect(mergeDotted(first, second).siblings).toHaveLength(2)
  })

  test('the same record and the same context at two actors: two dots that nobody else has', () => {
    const record = mint(EMPTY_RECORD, 7, write(1))
    const here = mint(record, 7, write(2, record.context)).siblings[0]
    const there = mint(record, 8, write(3, record.context)).siblings[0]
    expect([here, there]).toMatchObject([
      { actor: 7, counter: 2 },
      { actor: 8, counter: 1 },
    ])
  })

  test('a context that names dots of this actor beyond the record: the new dot comes after them', () => {
    const context = contextFromPairs({ vector: [7, 4], cloud: [7, 9] })
    const delta = mint(EMPTY_RECORD, 7, write(1, context))
    expect(delta.siblings).toMatchObject([{ actor: 7, counter: 10 }])
    expect(delta.context).toEqual({ vector: [7, 4], cloud: [7, 9, 7, 10] })
  })
})

describe('what a replica remembers of its own writes', () => {
  const ME = 7
  const other = mint(EMPTY_RECORD, 8, { op: 100, at: 100, value: null, context: EMPTY_CONTEXT })

  function write(record: DottedRecord, op: number, at = op, context = record.context): DottedRecord {
    return mergeAt(ME, record, mint(record, ME, { op, at, value: null, context }))
  }

  test('a write of its own that is replaced: is remembered with its dot, and is known from then on', () => {
    const one = write(EMPTY_RECORD, 1)
    expect(one.replaced).toEqual([])
    expect(dotOf(one, { op: 1, actor: ME })).toMatchObject({ actor: ME, counter: 1 })
    const two = write(one, 2)
    expect(two.replaced).toEqual([1, 1, 1])
    expect(dotOf(two, { op: 1, actor: ME })).toEqual({ actor: ME, counter: 1 })
    expect(dotOf(two, { op: 2, actor: ME })).toMatchObject({ actor: ME, counter: 2 })
    expect(dotOf(two, { op: 3, actor: ME })).toBeUndefined()
  })

  test('a time or a counter that is the number of another operation: is not taken for it', () => {
    const record: DottedRecord = { ...EMPTY_RECORD, replaced: [30, 20, 10] }
    expect(dotOf(record, { op: 20, actor: ME })).toEqual({ actor: ME, counter: 10 })
    expect(dotOf(record, { op: 30, actor: ME })).toBeUndefined()
    expect(dotOf(record, { op: 10, actor: ME })).toBeUndefined()
  })

  test('its own write, replaced by what comes from elsewhere: is remembered too', () => {
    const one = write(EMPTY_RECORD, 1)
    const next = mint(EMPTY_RECORD, 8, { op: 2, at: 2, value: null, context: one.context })
    expect(mergeAt(ME, one, next).replaced).toEqual([1, 1, 1])
  })

  test("another replica's write that is replaced: is not remembered", () => {
    const both = mergeAt(ME, write(EMPTY_RECORD, 1), other)
    expect(both.siblings).toHaveLength(2)
    expect(write(both, 2).replaced).toEqual([1, 1, 1])
    expect(write(mergeAt(ME, EMPTY_RECORD, other), 2).replaced).toEqual([])
  })

  test('its own write that comes back in an older copy: is not forgotten, and not remembered twice', () => {
    const one = write(EMPTY_RECORD, 1)
    const two = write(one, 2)
    expect(mergeAt(ME, two, one).replaced).toEqual([1, 1, 1])
    const fresh = mergeAt(ME, mergeAt(ME, EMPTY_RECORD, one), two)
    expect(fresh.replaced).toEqual([1, 1, 1])
  })

  test('merging: keeps what the first remembers and takes nothing from the second', () => {
    const [mine, theirs] = [write(write(EMPTY_RECORD, 1), 2), { ...other, replaced: [5, 5, 5] }]
    expect(mergeDotted(mine, theirs).replaced).toEqual([1, 1, 1])
    expect(mergeDotted(theirs, mine).replaced).toEqual([5, 5, 5])
    expect(mergeDotted(EMPTY_RECORD, theirs).replaced).toEqual([])
    expect(mergeAt(ME, EMPTY_RECORD, theirs).replaced).toEqual([])
    expect(mergeAt(ME, mine, theirs).replaced).toEqual([1, 1, 1])
  })

  test('it is no part of the causal state: digests are the same with and without', () => {
    const two = write(write(EMPTY_RECORD, 1), 2)
    expect(digestDotted(two)).toBe(digestDotted(causal(two)))
  })

  test('more than it remembers: the oldest by time is forgotten, in whatever order they were replaced', () => {
    let record = EMPTY_RECORD
    // The first is the newest, the last is the oldest.
    const times = [50, ...Array.from({ length: REPLACED_MAX - 1 }, (_, i) => 10 + i)]
    times.forEach((at, i) => (record = write(record, i + 1, at)))
    record = write(record, 90, 90)
    expect(record.replaced.filter((_, i) => i % 3 === 0)).toEqual(times.toSorted((a, b) => b - a))
    expect(mayHaveForgotten(record, 9)).toBe(true)
    expect(mayHaveForgotten(record, 10)).toBe(true)
    expect(mayHaveForgotten(record, 11)).toBe(false)
    const older = write(record, 91, 91)
    expect(older.replaced.slice(0, 6)).toEqual([90, 90, REPLACED_MAX + 1, 50, 1, 1])
    expect(dotOf(older, { op: 2, actor: ME })).toBeUndefined()
    expect(mayHaveForgotten(older, 11)).toBe(true)
    expect(mayHaveForgotten(older, 12)).toBe(false)
  })

  test('one less than it remembers: nothing can have been forgotten', () => {
    let record = EMPTY_RECORD
    for (let op = 1; op <= REPLACED_MAX; op++) record = write(record, op)
    expect(record.replaced).toHaveLength(3 * (REPLACED_MAX - 1))
    expect(mayHaveForgotten(record, 0)).toBe(false)
    expect(mayHaveForgotten(write(record, 99), 0)).toBe(true)
  })

  test('any writes at any times: what is remembered, and what may be forgotten, is what a slow list says', () => {
    const step = fc.record({
      mine: fc.boolean(),
      at: fc.integer({ min: 1, max: 25 }),
      blind: fc.oneof({ weight: 1, arbitrary: fc.constant(true) }, { weight: 3, arbitrary: fc.constant(false) }),
    })
    const seen = { full: 0, forgotten: 0, remembered: 0 }
    holds(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
        let record = EMPTY_RECORD
        /** Everything of its own that was ever replaced, newest first; of the same time, the one replaced later. */
        let list: { at: number; op: number }[] = []
        steps.forEach(({ mine, at, blind }, i) => {
          const context = blind ? EMPTY_CONTEXT : record.context
          const before = record.siblings
          record = mergeAt(ME, record, mint(record, mine ? ME : 8, { op: i + 1, at, value: null, context }))
          const gone = blind ? [] : before.filter(({ actor }) => actor === ME)
          for (const one of gone) list = [one, ...list].toSorted((a, b) => b.at - a.at)
          const newest = list.slice(0, REPLACED_MAX)
          expect(record.replaced.filter((_, at3) => at3 % 3 === 1)).toEqual(newest.map(({ op }) => op))
          const forgotten = list.slice(REPLACED_MAX)
          const isFull = newest.length === REPLACED_MAX
          if (isFull) seen.full++
          for (let time = 0; time <= 26; time++) {
            expect(mayHaveForgotten(record, time)).toBe(isFull && time <= (newest.at(-1)?.at as number))
          }
          for (const one of forgotten) {
            seen.forgotten++
            expect(dotOf(record, { op: one.op, actor: ME })).toBeUndefined()
            expect(mayHaveForgotten(record, one.at)).toBe(true)
          }
          for (const one of newest) {
            seen.remembered++
            expect(dotOf(record, { op: one.op, actor: ME })?.actor).toBe(ME)
          }
        })
      }),
      { numRuns: 100 },
    )
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(500)
  })
})

test('delta: a context that already names the dot stays as it is', () => {
  const context = withDot(EMPTY_CONTEXT, { actor: 1, counter: 1 })
  const delta = deltaOf({ op: 1, at: 1, value: null, context }, { actor: 1, counter: 1 })
  expect(delta.context).toBe(context)
})

/** Kept here so that the oracle is itself looked at: it must tell apart what the records must tell apart. */
test('oracle: a write that saw another leaves one, and one that did not leaves two', () => {
  const play = new Play()
  play.move({ kind: 'write', replica: 0, at: 1, context: 0, pick: [0, 0] })
  play.move({ kind: 'write', replica: 0, at: 1, context: 1, pick: [0, 0] })
  expect(siblingsIn(play.replicas[0]?.copy ?? new Map())).toEqual(new Map([['1:2', 2]]))
  play.move({ kind: 'write', replica: 0, at: 1, context: 0, pick: [0, 0] })
  const dots: DotSet = new Set(siblingsIn(play.replicas[0]?.copy ?? new Map()).keys())
  expect(dots).toEqual(new Set(['1:2', '1:3']))
})
