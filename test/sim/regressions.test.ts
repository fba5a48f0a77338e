/** Seeds that once failed. */
import { expect, test } from 'vitest'
import { simulate } from '../../src/sim/index.ts'
import { faultsOf } from './judge.ts'
import { REGRESSIONS } from './regressions.ts'

test.for(REGRESSIONS)('regression: seed $seed is clean ($showed)', ({ seed, mode, options }) => {
  expect(faultsOf(simulate({ keyspace: { mode: mode ?? 'ap' }, ...options, seed }))).toEqual([])
})
