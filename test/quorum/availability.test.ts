/**
 * The two tables of every introduction to quorums.
 */
import { expect, test } from 'vitest'
import { availabilityTable, failureTable } from '../../src/quorum/index.ts'

test('failure table: 3 nodes survive 1, 5 survive 2, 7 survive 3, and an even size no more than the odd one below', () => {
  expect(failureTable([3, 5, 7, 4]).map(({ size, survives }) => [size, survives])).toEqual([
    [3, 1],
    [5, 2],
    [7, 3],
    [4, 1],
  ])
  const odd = failureTable([1, 3, 5, 7, 9, 29])
  const even = failureTable([2, 4, 6, 8, 10, 30])
  expect(even.map(({ survives }) => survives)).toEqual(odd.map(({ survives }) => survives))
})

test('availability: each level of three replicas, with each up 99 % of the time', () => {
  const rows = availabilityTable({ factors: [3], levels: ['one', 'two', 'quorum', 'all', 3], pUp: 0.99 })
  const [p, q] = [0.99, 0.01]
  const two = p ** 3 + 3 * p ** 2 * q
  expect(rows.map(({ level, required, survives, availability }) => [level, required, survives, availability])).toEqual([
    ['one', 1, 2, expect.closeTo(1 - q ** 3, 12)],
    ['two', 2, 1, expect.closeTo(two, 12)],
    ['quorum', 2, 1, expect.closeTo(two, 12)],
    ['all', 3, 0, expect.closeTo(p ** 3, 12)],
    [3, 3, 0, expect.closeTo(p ** 3, 12)],
  ])
})

test('availability: what it is not, to the last digit', () => {
  const [row] = availabilityTable({ factors: [9], levels: ['one'], pUp: 0.99 })
  expect(row?.unavailability).toBeCloseTo(1e-18, 25)
})

test('availability: a level that the replicas are too few for has no row', () => {
  const rows = availabilityTable({ factors: [1, 2], levels: ['two', 'three', 2], pUp: 0.5 })
  expect(rows.map(({ factor, level }) => [factor, level])).toEqual([
    [2, 'two'],
    [2, 2],
  ])
})
