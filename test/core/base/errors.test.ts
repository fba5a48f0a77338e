/** The error class and the invariant: what they carry and what they print. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { invalid, QuorateError } from '../../../src/core/base/errors.ts'
import { invariant } from '../../../src/core/base/invariant.ts'

test('error: without detail it happened not at all, and trying again cannot help', () => {
  const error = new QuorateError('QUORATE_LIMIT', 'too much')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'QuorateError', code: 'QUORATE_LIMIT', message: 'too much' })
  expect(error).toMatchObject({ outcome: 'none', retry: 'no', replicas: {} })
  expect(error.required).toBeUndefined()
  expect('cause' in error).toBe(false)
})

test('error: as JSON it says all that programs need', () => {
  const cause = new Error('deeper')
  const error = new QuorateError('QUORATE_TIMEOUT', 'slow', {
    outcome: 'below-level',
    retry: 'same-operation',
    required: 2,
    received: 1,
    replicas: { a: 'answered', b: 'silent' },
    operation: '1-2',
    cause,
  })
  expect(error.cause).toBe(cause)
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'QUORATE_TIMEOUT',
    message: 'slow',
    outcome: 'below-level',
    retry: 'same-operation',
    required: 2,
    received: 1,
    replicas: { a: 'answered', b: 'silent' },
    operation: '1-2',
  })
})

test('invalid: makes the error for an option that cannot be', () => {
  expect(invalid('no')).toMatchObject({ code: 'QUORATE_INVALID_OPTION', message: 'no', outcome: 'none', retry: 'no' })
})

test('invariant: passes what holds, and throws what was promised when it does not', () => {
  expect(() => {
    invariant(true, 'all is well')
  }).not.toThrow()
  expect(() => {
    invariant(false, 'all is well')
  }).toThrow('quorate broke its own promise: all is well. Please report this.')
})

test('codes: the ones that there are and the headings of docs/errors.md are the same', () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const codes = [...read('src/core/base/errors.ts').matchAll(/^ {2}\| '(QUORATE_\w+)'$/gm)].map((match) => match[1])
  const headings = [...read('docs/errors.md').matchAll(/^## (QUORATE_\w+)$/gm)].map((match) => match[1])
  expect(codes.length).toBeGreaterThan(10)
  expect(headings).toEqual(codes)
})
