/** Dotted records against sets of events: what random histories leave in each copy, and the laws of merging. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextFromPairs, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts'
import {
  deltaOf,
  digestDotted,
  EMPTY_RECORD,
  mergeDotted,
  mint,
  siblingOf,
  visibleSiblings,
  wasOverwritten,
  type UnmintedWrite,
} from '../../../src/core/causality/dotted-record.ts'
import type { DottedRecord } from '../../../src/core/record.ts'
import { holds } from '../../property.ts'
import { canonicalOf, dotName, type DotSet } from './dot-sets.ts'
import { anyMoves, Play, type Pair } from './dotted-play.ts'
import { OVERWRITTEN_MAX } from '../../../src/core/causality/newest-writes.ts'
import { overwrittenIn, seenBy, siblingsIn } from './history-model.ts'

const RUNS = { numRuns: 400 }

/** The record says what the events say. */
function agrees({ record, copy }: Pair, writes: Play['writes']): void {
  const expected = [...siblingsIn(copy)].map(([dot, op]) => `${dot} op ${op}`).toSorted()
  expect(record.siblings.map((sibling) => `${dotName(sibling)} op ${sibling.op}`).toSorted()).toEqual(expected)
  expect(record.context).toMatchObject(canonicalOf(seenBy(copy)))
  const overwritten = overwrittenIn(copy)
  const known = writes.filter(({ op }) => wasOverwritten(record, op)).map(({ op }) => op)
  expect(known).toEqual([...overwritten].toSorted((a, b) => a - b))
  for (const sibling of record.siblings) expect(sibling.value).toEqual(writes[sibling.op - 1]?.value)
}

function merged(records: readonly DottedRecord[]): DottedRecord {
  return records.reduce((all, one) => mergeDotted(all, one), EMPTY_RECORD)
}

describe('dotted records and causal histories', () => {
  test('random histories: every copy, after every move, holds the writes that no known write has seen', () => {
    const seen = { siblings: 0, twins: 0, seenTwins: 0, clouds: 0, overwritten: 0 }
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) {
          play.move(move)
          for (const pair of play.replicas) agrees(pair, play.writes)
        }
        seen.twins += play.twins
        seen.seenTwins += play.seenTwins
        for (const { record } of play.replicas) {
          if (visibleSiblings(record).length > 1) seen.siblings++
          if (record.context.cloud.length > 0) seen.clouds++
          if (record.overwritten.length > 0) seen.overwritten++
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
        const events = play.sent.flatMap(({ copy }) => [...copy.values()])
        const dotsByOp = new Map<number, Set<string>>()
        for (const { record } of play.sent) {
          for (const sibling of record.siblings) {
            dotsByOp.set(sibling.op, (dotsByOp.get(sibling.op) ?? new Set()).add(dotName(sibling)))
          }
        }
        for (const { op } of play.writes) {
          const dots = dotsByOp.get(op) as Set<string>
          const seenByAnother = events.some(
            ({ seen, op: other }) =>
              other !== op && (seen.names.has(op) || [...dots].some((dot) => seen.dots.has(dot))),
          )
          expect(siblingOf(all, op) !== undefined, `op ${op}`).toBe(!seenByAnother)
        }
        if (play.writes.length > 0) expect(all.siblings.length).toBeGreaterThan(0)
      }),
      RUNS,
    )
  })

  test('random histories: what was overwritten at a copy never rises there, under no dot', () => {
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

  test('random histories: no dot is minted for two operations', () => {
    holds(
      fc.property(anyMoves, (moves) => {
        const play = new Play()
        for (const move of moves) play.move(move)
        const opOf = new Map<string, number>()
        for (const { record } of play.sent) {
          for (const sibling of record.siblings) {
            expect(opOf.get(dotName(sibling)) ?? sibling.op).toBe(sibling.op)
            opOf.set(dotName(sibling), sibling.op)
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
        expect(mergeDotted(a, b)).toEqual(mergeDotted(b, a))
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
    const one = deltaOf({ ...write, value: Uint8Array.of(1) }, dot, [])
    const other = deltaOf({ ...write, value: null }, dot, [])
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
      overwritten: [],
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

  test('what is replaced is told newest first, with its time', () => {
    const siblings = merged([5, 3, 4].map((op, i) => mint(EMPTY_RECORD, i + 1, write(op))))
    expect(mint(siblings, 9, write(8, siblings.context)).overwritten).toEqual([5, 5, 4, 4, 3, 3])
    const one = mint(EMPTY_RECORD, 1, write(5))
    expect(mint(siblings, 9, write(8, one.context)).overwritten).toEqual([5, 5])
    expect(mint(siblings, 9, write(8)).overwritten).toEqual([])
  })

  test('more siblings replaced than a record remembers: the newest are told, so that any replica can take the delta', () => {
    const count = OVERWRITTEN_MAX + 8
    const siblings = merged(Array.from({ length: count }, (_, i) => mint(EMPTY_RECORD, i + 1, write(i + 1))))
    const delta = mint(siblings, 1, write(1_000, siblings.context))
    const newest = Array.from({ length: OVERWRITTEN_MAX }, (_, i) => count - i).flatMap((op) => [op, op])
    expect(delta.overwritten).toEqual(newest)
    expect(mergeDotted(EMPTY_RECORD, delta).overwritten).toEqual(newest)
    expect(mergeDotted(siblings, delta)).toMatchObject({ siblings: [{ op: 1_000 }], overwritten: newest })
  })

  test('twins replaced: their operation is told once', () => {
    const twins = mergeDotted(mint(EMPTY_RECORD, 1, write(1)), mint(EMPTY_RECORD, 2, write(1)))
    expect(mint(twins, 1, write(2, twins.context)).overwritten).toEqual([1, 1])
    const blindly = mint(EMPTY_RECORD, 3, write(2, twins.context))
    expect(mergeDotted(twins, blindly).overwritten).toEqual([1, 1])
  })
})

describe('twins: one operation under two dots', () => {
  const retried: UnmintedWrite = { op: 1, at: 1, value: Uint8Array.of(1), context: EMPTY_CONTEXT }
  const a = mint(EMPTY_RECORD, 1, retried)
  const b = mint(EMPTY_RECORD, 2, retried)
  const both = mergeDotted(a, b)

  test('readers see one of them', () => {
    expect(both.siblings).toHaveLength(2)
    expect(visibleSiblings(both)).toMatchObject([{ actor: 1, counter: 1, op: 1 }])
    expect(visibleSiblings(b)).toEqual(b.siblings)
  })

  test('who overwrites one overwrites both, whichever arrives last', () => {
    const next = mint(a, 3, { op: 2, at: 2, value: null, context: a.context })
    for (const order of [
      [a, next, b],
      [b, next, a],
      [next, a, b],
      [next, b, a],
    ]) {
      expect(merged(order).siblings).toMatchObject([{ op: 2 }])
    }
  })

  test('a writer that saw only the twin that never arrives: its delta alone takes the other away', () => {
    const next = mint(a, 1, { op: 2, at: 2, value: null, context: a.context })
    expect(mergeDotted(b, next).siblings).toMatchObject([{ op: 2 }])
  })

  test('a record remembers the operations overwritten last, up to its bound, whatever the order', () => {
    const count = OVERWRITTEN_MAX + 8
    const records: DottedRecord[] = []
    let record = EMPTY_RECORD
    for (let op = 1; op <= count; op++) {
      const delta = mint(record, 1, { op, at: op, value: null, context: record.context })
      records.push(delta)
      record = mergeDotted(record, delta)
    }
    const remembered = Array.from({ length: OVERWRITTEN_MAX }, (_, i) => count - 1 - i).flatMap((op) => [op, op])
    expect(record.overwritten).toEqual(remembered)
    expect(merged(records.toReversed()).overwritten).toEqual(remembered)
    expect(wasOverwritten(record, count - OVERWRITTEN_MAX)).toBe(true)
    expect(wasOverwritten(record, count - OVERWRITTEN_MAX - 1)).toBe(false)
  })
})

test('delta: a context that already names the dot stays as it is', () => {
  const context = withDot(EMPTY_CONTEXT, { actor: 1, counter: 1 })
  const delta = deltaOf({ op: 1, at: 1, value: null, context }, { actor: 1, counter: 1 }, [])
  expect(delta.context).toBe(context)
})

/** Kept here so that the oracle is itself looked at: it must tell apart what the records must tell apart. */
test('oracle: a write that saw another leaves one, and one that did not leaves two', () => {
  const play = new Play()
  play.move({ kind: 'write', replica: 0, context: 0, pick: [0, 0] })
  play.move({ kind: 'write', replica: 0, context: 1, pick: [0, 0] })
  expect(siblingsIn(play.replicas[0]?.copy ?? new Map())).toEqual(new Map([['1:2', 2]]))
  play.move({ kind: 'write', replica: 0, context: 0, pick: [0, 0] })
  const dots: DotSet = new Set(siblingsIn(play.replicas[0]?.copy ?? new Map()).keys())
  expect(dots).toEqual(new Set(['1:2', '1:3']))
})
