/**
 * A core that is spared in the end makes progress, whatever stays broken outside it; and a run notices when it does not.
 */
import { describe, expect, test } from 'vitest'
import { simulate, type Fault } from '../../src/sim/index.ts'

const THREE = { replicas: 3, keyspace: { n: 3, r: 2, w: 2, conflicts: 'siblings' } } as const

describe('liveness', () => {
  test('permanent faults outside the core: the core goes on, and every call ends', () => {
    for (let seed = 200; seed < 230; seed++) {
      const { problems, drawn, guarantees } = simulate({ seed, replicas: 5, nemesis: { permanent: true } })
      expect(problems, `seed ${seed}`).toEqual([])
      expect(guarantees.converges).toBe(drawn.nemesis.core.length === 5)
      expect(drawn.nemesis.faults.filter(({ permanent }) => permanent === true)).toHaveLength(
        5 - drawn.nemesis.core.length,
      )
    }
  })

  test('one run in four has permanent faults', () => {
    const permanent = Array.from({ length: 60 }, (_, seed) => simulate({ seed, ...THREE })).filter(({ drawn }) =>
      drawn.nemesis.faults.some((fault) => fault.permanent === true),
    )
    expect(permanent.length).toBeGreaterThan(5)
    expect(permanent.length).toBeLessThan(30)
  })

  test('a core without a quorum is reported', () => {
    const gone = (host: number): Fault => {
      return { kind: 'crash', host, moment: 'now', wipes: false, atMs: 2000, forMs: Infinity, permanent: true }
    }
    const { problems } = simulate({ seed: 5, ...THREE, nemesis: { faults: [gone(1), gone(2)], permanent: false } })
    expect(problems.join('\n')).toMatch(/after healing, a (?:read|write) of .* failed: .*too few replicas/)
    expect(problems.join('\n')).toMatch(/[bc] could not open the keyspace after healing/)
  })

  test('a cut that heals is forgotten: the same faults, not permanent, leave nothing to report', () => {
    const down = (host: number): Fault => {
      return { kind: 'crash', host, moment: 'now', wipes: false, atMs: 2000, forMs: 60_000 }
    }
    const { problems, guarantees } = simulate({
      seed: 5,
      ...THREE,
      nemesis: { faults: [down(1), down(2)], permanent: false },
    })
    expect(problems).toEqual([])
    expect(guarantees.converges).toBe(true)
  })
})
