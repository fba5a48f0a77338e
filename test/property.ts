/**
 * How the tests assert a fast-check property: the same examples in every run, and a failure says what replays it.
 *
 * `PROPERTY_SEED` draws other examples; `PROPERTY_RUNS` multiplies how many.
 */
import path from 'node:path'
import { assert, type IRawProperty, type Parameters } from 'fast-check'
import { expect } from 'vitest'

const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_071_014)
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1)

/** Throws with the smallest counterexample and a command that replays it when `property` does not hold. */
export function holds<Example>(
  property: IRawProperty<Example, false>,
  options: Omit<Parameters<Example>, 'seed'> = {},
): void {
  const { testPath, currentTestName } = expect.getState()
  const name = currentTestName
    ?.split(' > ')
    .at(-1)
    ?.replaceAll(/[^\w ,:'-]/g, '.')
  try {
    assert(property, { ...options, seed: SEED, numRuns: (options.numRuns ?? 100) * RUNS })
  } catch (error) {
    const environment = `PROPERTY_SEED=${SEED} PROPERTY_RUNS=${RUNS}`
    const file = path.relative('.', testPath ?? '')
    const replay = `${environment} npm run test:only -- ${file} -t "${name ?? ''}"`
    throw new Error(`${String(error)}\n\nReplay: ${replay}`, { cause: error })
  }
}
