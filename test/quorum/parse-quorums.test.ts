/** Systems from text: one side gives the other, both are proved, and text and system are inverse. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseQuorums } from '../../src/quorum/parse-quorums.ts'
import { QuorumSystem } from '../../src/quorum/quorum-system.ts'
import { anyExpression } from '../core/quorum/any-quorum.ts'
import { holds } from '../property.ts'

test('one side: the other is its dual', () => {
  const system = parseQuorums({ write: '2 of (a, b, c) and 1 of (d, e)' })
  expect(system.toJSON()).toEqual({
    read: '2 of (a, b, c) or d and e',
    write: '2 of (a, b, c) and (d or e)',
    nodes: ['a', 'b', 'c', 'd', 'e'],
  })
  expect(parseQuorums({ read: system.read }).write).toBe(system.write)
})

test('both sides: refused when they do not meet, with the sets as fields', () => {
  const text = { read: '2 of (a, b, c)', write: 'a or b and c' }
  expect(() => parseQuorums(text)).toThrow(
    expect.objectContaining({ code: 'QUORATE_QUORUMS_DISJOINT', read: ['b', 'c'], write: ['a'] }),
  )
  const system = parseQuorums({ ...text, unchecked: true })
  expect(system.intersects).toBe(false)
  expect(() => {
    system.check()
  }).toThrow('the read quorum (b, c) and the write quorum (a) do not meet')
})

test('sides over different nodes do not meet', () => {
  expect(() => parseQuorums({ read: 'a', write: 'b' })).toThrow('the read quorum (a) and the write quorum (b)')
})

test('neither side: refused', () => {
  expect(() => parseQuorums({})).toThrow('give read, write, or both')
})

test('zones and known nodes are those of both sides', () => {
  const zones = { eu: ['a', 'b', 'c'], us: ['d', 'e', 'f'] }
  const system = parseQuorums({ read: 'majority of @eu', write: 'majority of @eu and any of @us', zones })
  expect(system.write).toBe('2 of (a, b, c) and (d or e or f)')
  expect(() => parseQuorums({ read: 'a', write: 'x', nodes: ['a'] })).toThrow('no node x: use a')
})

test('any expression: the system of its text is proved, and gives its text back', () => {
  holds(
    fc.property(fc.integer({ min: 1, max: 7 }).chain(anyExpression), (writes) => {
      const system = new QuorumSystem({
        reads: parseQuorums({ write: new QuorumSystem({ reads: writes, writes, unchecked: true }).write }).reads,
        writes,
      })
      expect(system.intersects).toBe(true)
      const again = parseQuorums({ read: system.read, write: system.write })
      expect(again.toJSON()).toEqual(system.toJSON())
      expect(again.reads).toEqual(system.reads)
      expect(parseQuorums({ write: system.write }).toJSON()).toEqual(system.toJSON())
    }),
    { numRuns: 300 },
  )
})
