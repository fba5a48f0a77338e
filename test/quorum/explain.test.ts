/**
 * What a system would do now, and why not more.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dual } from '../../src/core/quorum/expression.ts'
import { parseQuorums, QuorumSystem } from '../../src/quorum/index.ts'
import { anyExpression, LETTERS, meetsAt, positionsIn, setsOf } from '../core/quorum/any-quorum.ts'
import { holds } from '../property.ts'

const mixed = parseQuorums({ write: '2 of (a, b, c) or 1 of (d, e)' })
const latencies = { a: 1, b: 2, c: 3, d: 40, e: 50 }

describe('whom a call asks', () => {
  test('without latencies: as few nodes as do', () => {
    const { read, write } = mixed.explain()
    expect(write.quorum).toEqual(['d'])
    expect(read.quorum).toEqual(['a', 'b', 'd', 'e'])
  })

  test('with latencies: the nodes that answer first', () => {
    const { write } = mixed.explain({ latencies })
    expect(write).toMatchObject({ quorum: ['a', 'b'], latencyMs: 2 })
    expect(mixed.explain({ latencies, alive: ['a', 'c', 'd', 'e'] }).write).toMatchObject({
      quorum: ['a', 'c'],
      latencyMs: 3,
    })
    expect(mixed.explain({ latencies, alive: ['a', 'e'] }).write).toMatchObject({ quorum: ['e'], latencyMs: 50 })
  })

  test('with too few alive: which must come back', () => {
    const { read, dead, text } = mixed.explain({ alive: ['a', 'b', 'd'] })
    expect(dead).toEqual(['c', 'e'])
    expect(read).toMatchObject({ quorum: undefined, survives: -1, fatal: [], missing: ['e'] })
    expect(text).toContain('A read cannot be served: 2 of (a, b, c) and d and e needs e back.')
  })
})

describe('what it guarantees', () => {
  test('a system that meets: reads see earlier writes', () => {
    const { strict, disjoint, text } = mixed.explain()
    expect({ strict, disjoint }).toEqual({ strict: true, disjoint: undefined })
    expect(text).toContain('a read sees every write that ended before it began')
  })

  test('a level of one call that does not meet: two sets are named', () => {
    const { strict, disjoint, text } = mixed.explain({ level: 'one' })
    expect(strict).toBe(false)
    expect(disjoint?.read.filter((node) => disjoint.write.includes(node))).toEqual([])
    expect(text).toMatch(/^Reads may miss writes: a read from \w misses a write to \w\.$/m)
    expect(mixed.explain({ level: { read: 'all' } }).strict).toBe(true)
  })

  test('how many failures more: the nodes that would end it', () => {
    const { write } = mixed.explain({ alive: ['a', 'b', 'd'] })
    expect(write).toMatchObject({ survives: 1, fatal: ['a', 'd'] })
  })
})

test('explain: failures that are left, and nodes that are missing, are those of brute force', () => {
  const nodes = LETTERS.slice(0, 5)
  const sets = setsOf(nodes.length)
  const few = (candidates: readonly number[]): number => Math.min(...candidates.map((set) => positionsIn(set).length))
  holds(
    fc.property(anyExpression(nodes.length), fc.nat({ max: 31 }), (writes, up) => {
      const system = new QuorumSystem({ reads: dual(writes), writes })
      const alive = system.nodes.filter((node) => up & (1 << LETTERS.indexOf(node)))
      const living = alive.reduce((mask, node) => mask | (1 << LETTERS.indexOf(node)), 0)
      const { write } = system.explain({ alive })
      const fatal = sets.filter((dead) => (dead & ~living) === 0 && !meetsAt(writes, living & ~dead))
      expect(write.survives).toBe(few(fatal) - 1)
      const returns = sets.filter((back) => (back & living) === 0 && meetsAt(writes, living | back))
      expect(write.missing).toHaveLength(few(returns))
      expect(write.quorum === undefined).toBe(!meetsAt(writes, living))
    }),
    { numRuns: 200 },
  )
})
