/** The table of operations in flight against a plain map: ids are found, never reused, and bounded. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InFlight } from '../../../src/core/operation/in-flight.ts'
import { Open } from '../../../src/core/operation/open.ts'
import type { Operation } from '../../../src/core/operation/operation.ts'
import { holds } from '../../property.ts'

function anOperation(): Operation {
  const list = { partition: -1, replicas: [0], zones: [''], fallbacks: [] }
  return new Open({ name: 'x', definition: undefined, list, times: { nowMs: 0, timeoutMs: 1 } })
}

test('table: any adding and removing finds what a map finds, and gives no id twice', () => {
  // Numbers from 0 up remove one that is there; -1 adds one.
  const moves = fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 60, size: 'max' })
  holds(
    fc.property(moves, fc.integer({ min: 1, max: 4 }), (steps, max) => {
      const table = new InFlight(max)
      const present = new Map<number, Operation>()
      const given = new Set<number>()
      for (const step of steps) {
        if (step < 0) {
          const operation = anOperation()
          expect(table.add(operation)).toBe(present.size < max)
          if (present.size >= max) continue
          expect(given).not.toContain(operation.id)
          expect(Number.isSafeInteger(operation.id) && operation.id > 0).toBe(true)
          given.add(operation.id)
          present.set(operation.id, operation)
        } else {
          const id = [...present.keys()][step]
          if (id === undefined) continue
          table.remove(present.get(id) as Operation)
          table.remove(present.get(id) as Operation)
          present.delete(id)
        }
        expect(table.size).toBe(present.size)
        for (const id of given) expect(table.get(id)).toBe(present.get(id))
        expect(new Set(table.all())).toEqual(new Set(present.values()))
      }
    }),
  )
})

test('table: operations that end while it is walked are no obstacle', () => {
  const table = new InFlight(8)
  for (let i = 0; i < 5; i++) table.add(anOperation())
  let walked = 0
  for (const operation of table.all()) {
    walked++
    table.remove(operation)
  }
  expect([walked, table.size]).toEqual([5, 0])
})

test.for([0, 1, -1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER])(
  'table: id %d was never given and finds nobody',
  (id) => {
    const table = new InFlight(8)
    table.add(anOperation())
    expect(table.get(id)).toBeUndefined()
  },
)
