/** Whether every read meets every write, against trying every pair of sets. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findDisjoint } from '../../../src/core/quorum/intersect.ts'
import { CountQuorum, firstPositions } from '../../../src/core/quorum/quorum.ts'
import { holds } from '../../property.ts'
import { anyParts, quorumOf, setsOf, slowlyMet } from './any-quorum.ts'

test('counts: disjoint quorums exist exactly when r + w is at most n', () => {
  for (let n = 1; n <= 6; n++) {
    for (let r = 1; r <= n; r++) {
      for (let w = 1; w <= n; w++) {
        const read = new CountQuorum(r, firstPositions(n))
        const write = new CountQuorum(w, firstPositions(n))
        const found = findDisjoint({ read, write }, n)
        expect(found === undefined, `n=${n} r=${r} w=${w}`).toBe(r + w > n)
        if (found === undefined) continue
        expect(found.read & found.write).toBe(0)
        expect(read.met(found.read) && write.met(found.write)).toBe(true)
      }
    }
  }
})

test('any quorums: what is found does not meet, and nothing is found only when every pair meets', () => {
  const seen = { found: 0, none: 0 }
  holds(
    fc.property(anyParts, anyParts, (read, write) => {
      const n = Math.min(5, Math.max(read.n, write.n))
      const found = findDisjoint({ read: quorumOf(read), write: quorumOf(write) }, n)
      if (found !== undefined) {
        seen.found++
        expect(found.read & found.write).toBe(0)
        expect(slowlyMet(read, found.read) && slowlyMet(write, found.write)).toBe(true)
        return
      }
      seen.none++
      const reads = setsOf(n).filter((set) => slowlyMet(read, set))
      const writes = setsOf(n).filter((set) => slowlyMet(write, set))
      for (const one of reads) for (const other of writes) if ((one & other) === 0) expect.fail(`${one} and ${other}`)
    }),
    { numRuns: 300 },
  )
  expect(Math.min(seen.found, seen.none)).toBeGreaterThan(50)
})
