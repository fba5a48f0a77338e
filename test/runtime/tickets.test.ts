/** What becomes of a call's end. */
import { expect, test } from 'vitest'
import { QuorateError } from '../../src/core/base/errors.ts'
import { Plain } from '../../src/runtime/tickets.ts'

test.for([
  ['an error of ours', new QuorateError('QUORATE_TIMEOUT', 'too late')],
  ['a fault of the program', new TypeError('not a function')],
])('a call that ends with %s: is a rejection, never a result', async ([, error]) => {
  const ticket = new Plain<string>()
  const promise = ticket.promise()
  ticket.done(error)
  await expect(promise).rejects.toBe(error)
})

test('a result that cannot be finished: is a rejection', async () => {
  class Broken extends Plain<string> {
    override finish(): string {
      throw new RangeError('no')
    }
  }
  const ticket = new Broken()
  const promise = ticket.promise()
  ticket.done('result')
  await expect(promise).rejects.toBeInstanceOf(RangeError)
})
