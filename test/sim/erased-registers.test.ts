/** Registers that are deleted, erased and written again, in virtual time, with what acceptors remember and without. */
import { expect, test, vi } from 'vitest'
import { EMPTY_REGISTER } from '../../src/core/consensus/acceptor.ts'
import { Floor } from '../../src/core/replica-floor.ts'
import { simulate } from '../../src/sim/index.ts'
import { faultsOf } from './judge.ts'

const SEEDS_MAX = 400

function faultsAt(seed: number): readonly string[] {
  return faultsOf(simulate({ seed, keyspace: { mode: 'cp' }, horizonMs: 4000 }))
}

test('acceptors that erase registers: every history is linearizable', () => {
  for (let seed = 60; seed < 80; seed++) expect(faultsAt(seed), `seed ${seed}`).toEqual([])
})

test('acceptors that forget what they have erased: some history is not', { timeout: 120_000 }, () => {
  using _ = vi.spyOn(Floor.prototype, 'registerOf').mockReturnValue(EMPTY_REGISTER)
  let seed = 60
  while (seed < SEEDS_MAX && faultsAt(seed).length === 0) seed++
  expect(seed).toBeLessThan(SEEDS_MAX)
})
