/** Receipts: what the masks of an operation say in words, and how many failures it would have survived. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Receipt, type ReceiptFacts } from '../../../src/core/operation/receipt.ts'
import { CountQuorum } from '../../../src/core/quorum/quorum.ts'
import { holds } from '../../property.ts'
import { anyParts, positionsIn, quorumOf, setsOf, slowlyMet } from '../quorum/any-quorum.ts'

const facts: ReceiptFacts = {
  list: { partition: 0, replicas: [4, 0, 2], zones: ['', '', ''], fallbacks: [] },
  names: ['a', 'b', 'c', 'd', 'e'],
  level: '2',
  quorum: new CountQuorum(2, 0b111),
  strict: true,
  sloppy: false,
  standIns: {},
  asked: 0b111,
  current: 0b001,
  counted: 0b001,
  stale: 0b010,
  repaired: 0b010,
  tookMs: [3, 5, -1],
  ms: 6,
  settled: true,
}

test('receipt: names each replica of the key with its part', () => {
  const receipt = new Receipt(facts)
  expect(receipt.replicas).toEqual({
    e: { state: 'current', ms: 3, repaired: false },
    a: { state: 'stale', ms: 5, repaired: true },
    c: { state: 'silent', ms: undefined, repaired: false },
  })
  expect(receipt).toMatchObject({ level: '2', strict: true, settled: true, ms: 6 })
  expect(new Receipt({ ...facts, asked: 0b011 }).replicas['c']?.state).toBe('not asked')
})

test('receipt: as JSON it says everything', () => {
  const { replicas } = new Receipt(facts)
  expect(JSON.parse(JSON.stringify(new Receipt(facts)))).toEqual({
    level: '2',
    reached: 1,
    strict: true,
    sloppy: false,
    settled: true,
    spare: 0,
    ms: 6,
    replicas: JSON.parse(JSON.stringify(replicas)) as unknown,
    standIns: {},
  })
})

describe('spare', () => {
  test.for([
    ['one answer of a quorum of one', 1, 0b001, 0],
    ['two answers of a quorum of one', 1, 0b011, 1],
    ['three answers of a quorum of two', 2, 0b111, 1],
    ['two answers of a quorum of two', 2, 0b101, 0],
    ['one answer of a quorum of two', 2, 0b001, -1],
  ] as const)('%s: %d', ([, required, current, spare]) => {
    const quorum = new CountQuorum(required, 0b111)
    expect(new Receipt({ ...facts, quorum, current, counted: current, stale: 0, repaired: 0 }).spare).toBe(spare)
  })

  test('any quorum and any answers: the largest number of them that could have been missing, whichever they were', () => {
    holds(
      fc.property(anyParts, fc.nat(), fc.nat(), (parts, one, other) => {
        const list = { partition: 0, replicas: setsOf(parts.n).slice(0, parts.n), zones: [], fallbacks: [] }
        const [current, stale] = [one & (2 ** parts.n - 1), other & (2 ** parts.n - 1)]
        const answered = current | stale
        const survives = (missing: number): boolean =>
          setsOf(parts.n)
            .filter((set) => (set & ~answered) === 0 && positionsIn(set).length === missing)
            .every((set) => slowlyMet(parts, answered & ~set))
        let spare = -1
        while (spare < positionsIn(answered).length && survives(spare + 1)) spare++
        const part = { list, quorum: quorumOf(parts), current, counted: current, stale, repaired: 0 }
        expect(new Receipt({ ...facts, ...part }).spare).toBe(spare)
      }),
      { numRuns: 300 },
    )
  })
})
