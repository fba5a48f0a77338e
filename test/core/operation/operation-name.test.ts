/** Printed operation identities: what is printed is read back, and nothing else is taken for one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { operationName, parseOperationName } from '../../../src/core/operation/operation-name.ts'
import { holds } from '../../property.ts'
import { matching } from '../matching.ts'

const anyId = fc.record({
  op: fc.integer({ min: 1, max: 2 ** 52 - 1 }),
  at: fc.maxSafeNat(),
  home: fc.oneof(fc.constant(0), fc.maxSafeNat()),
})

test('name: any identity comes back from what it prints', () => {
  holds(
    fc.property(anyId, (id) => {
      expect(parseOperationName(operationName(id))).toEqual(id)
    }),
    { numRuns: 1_000 },
  )
})

test('name: looks the same in every version, because applications keep it', () => {
  const id = { at: 322_961_408_000_000, op: 123_456_789 }
  expect(operationName({ ...id, home: 0 })).toBe('36haf7pfy8-21i3v9')
  expect(parseOperationName('36haf7pfy8-21i3v9')).toEqual({ ...id, home: 0 })
  expect(operationName({ ...id, home: 987_654_321 })).toBe('36haf7pfy8-21i3v9-gc0uy9')
  expect(parseOperationName('36haf7pfy8-21i3v9-gc0uy9')).toEqual({ ...id, home: 987_654_321 })
})

test.for([
  ['nothing', ''],
  ['one part', 'abc'],
  ['four parts', 'a-b-c-d'],
  ['an empty home', 'a-b-'],
  ['a home beyond whole numbers', '1-1-zzzzzzzzzzz'],
  ['a home that is too long', '1-1-aaaaaaaaaaaa'],
  ['an empty part', '-b'],
  ['capitals', 'A-B'],
  ['a space', 'a- b'],
  ['a line break at the end', 'a-b\n'],
  ['operation 0', '1-0'],
  ['an operation of 2^52', `1-${(2 ** 52).toString(36)}`],
  ['a time beyond whole numbers', 'zzzzzzzzzzz-1'],
  ['a part that is too long', '1-aaaaaaaaaaaa'],
  ['a number', 12],
  ['null', null],
  ['undefined', undefined],
  ['a list', ['1-1']],
] as const)('name: %s is refused', ([, name]) => {
  expect(() => parseOperationName(name)).toThrow(
    expect.objectContaining({
      code: 'QUORATE_INVALID_OPTION',
      message: matching('is not an operation: pass on the one from an error'),
    }),
  )
})
