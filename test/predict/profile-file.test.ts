/**
 * Latencies as JSON: the forms that are understood, and a clear line for the others.
 */
import { expect, test } from 'vitest'
import { parseProfile, predict } from '../../src/predict/index.ts'

const slow = { kind: 'exponential', lambda: 0.1 } as const
const quick = { kind: 'constant', ms: 1 } as const
const plain = { w: slow, a: quick, r: quick, s: quick }

const SEVERAL = {
  about: 'two profiles',
  distributions: {
    near: { W: slow, ARS: quick },
    far: { base: 'near', remote_delay: 75, rule: 'in words' },
    lost: { base: 'nowhere', remote_delay: 1 },
    farther: { base: 'far', remote_delay: 100 },
  },
}

test('profile file: four legs, in small or capital letters, or A, R and S at once', () => {
  expect(parseProfile(plain)).toEqual(plain)
  expect(parseProfile({ W: slow, A: quick, R: quick, S: quick })).toEqual(plain)
  expect(parseProfile({ w: slow, ars: quick, remoteMs: 5 })).toEqual({ ...plain, remoteMs: 5 })
  expect(parseProfile([plain, { W: slow, ARS: quick }])).toEqual([plain, plain])
})

test('profile file: one of several by name, and one that is another with a delay', () => {
  expect(parseProfile(SEVERAL, 'near')).toEqual(plain)
  expect(parseProfile(SEVERAL, 'far')).toEqual({ ...plain, remoteMs: 75 })
})

test('profile file: what was parsed can be predicted from', () => {
  const prediction = predict({ n: 3, r: 1, w: 1, latencies: parseProfile(SEVERAL, 'far'), trials: 1000 })
  expect(prediction.readMs(0.5)).toBe(2)
})

test.for([
  [7, undefined, 'the file is no object'],
  [null, undefined, 'the file is no object'],
  [{}, undefined, 'w is missing'],
  [{ ...plain, s: { kind: 'gauss' } }, undefined, 's.kind is "gauss"'],
  [{ w: slow, ars: { kind: 'pareto', xm: 1, alpha: -3 } }, undefined, 'ars.alpha is -3'],
  [{ ...plain, remoteMs: 'far' }, undefined, 'remoteMs is "far": use a number from 0'],
  [plain, 'near', 'no profiles by name, and "near" is asked for'],
  [[plain], 'near', 'no profiles by name'],
  [[plain, 3], undefined, '[1] is no object'],
  [[{ ...plain, w: 3 }], undefined, '[0].w is 3'],
  [SEVERAL, undefined, 'several profiles, pick one: near, far, lost, farther'],
  [SEVERAL, 'near-by', 'there is no profile "near-by" in the file: use near, far'],
  [SEVERAL, 'toString', 'there is no profile "toString"'],
  [SEVERAL, 'lost', 'lost.base is "nowhere"'],
  [SEVERAL, 'farther', 'farther.base is far, which has a base itself'],
  [{ distributions: [] }, 'a', 'distributions is no object'],
] as const)('profile file: %o for %o is refused', ([given, name, said]) => {
  expect(() => parseProfile(given, name)).toThrow(
    expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(said) as string }),
  )
})
