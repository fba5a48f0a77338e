/** Where a write is at home: who is chosen for a new one, and who is found again for an old one. */
import { describe, expect, test } from 'vitest'
import type { Life } from '../../../src/core/message.ts'
import { chooseHome, homeAt } from '../../../src/core/operation/home.ts'
import type { View } from '../../../src/core/operation/operation.ts'

/** Positions 0, 1, 2 are the replicas 2, 0, 3; replica 1 does not hold the key. */
const list = { partition: 0, replicas: [2, 0, 3], zones: ['', '', ''], fallbacks: [] }
const lifeOf = (replica: number): Life => ({ incarnation: 100 + replica, run: 7 })
const everybody = [0, 1, 2, 3].map(lifeOf)

/** Only replicas with these indices have said who they are. */
function known(...replicas: number[]): (Life | undefined)[] {
  return [0, 1, 2, 3].map((replica) => (replicas.includes(replica) ? lifeOf(replica) : undefined))
}

function view(other: Partial<View>): View {
  return { usable: 0b111, order: [], slow: 0, local: -1, names: [], births: [], lives: everybody, nowMs: 0, ...other }
}

describe('the home of a new write', () => {
  test.for([
    ['the first of the list', {}, 0, 0],
    ['the replica in this process', { local: 2 }, 0, 2],
    ['the replica in this process, though it lags', { local: 2, slow: 0b100 }, 0, 2],
    ['the first that can be reached', { usable: 0b110 }, 0, 1],
    ['the first that does not lag', { slow: 0b011 }, 0, 2],
    ['the first that lags, if all do', { usable: 0b110, slow: 0b111 }, 0, 1],
    ['one that lags rather than one that cannot be reached', { usable: 0b010, slow: 0b010 }, 0, 1],
    ['the first that has said who it is', { lives: known(1, 3) }, 0, 2],
    ['one that lags rather than one that has not said who it is', { lives: known(0), slow: 0b010 }, 0, 1],
    ['another than the one that refused', {}, 0b001, 1],
    ['another than the replica in this process, if that refused', { local: 1 }, 0b010, 0],
    ['one that lags rather than one that refused', { slow: 0b110 }, 0b001, 1],
    [
      'another than the replica in this process, if that has not said who it is',
      { local: 1, lives: known(2, 3) },
      0,
      0,
    ],
    ['another than the replica in this process, if that cannot be used', { local: 1, usable: 0b101 }, 0, 0],
    ['nobody, if nobody can be reached', { usable: 0 }, 0, -1],
    ['nobody, if all refused', {}, 0b111, -1],
    ['nobody, if those that can be reached have not said who they are', { usable: 0b011, lives: known(1, 3) }, 0, -1],
  ] as const)('is %s', ([, setting, refused, position]) => {
    expect(chooseHome(list, view(setting), refused)).toBe(position)
  })

  test('without refusals: nobody is passed over', () => expect(chooseHome(list, view({}))).toBe(0))

  test('the last of 31 positions', () => {
    const replicas = Array.from({ length: 31 }, (_, i) => i)
    const wide = { partition: 0, replicas, zones: replicas.map(() => ''), fallbacks: [] }
    const lives = replicas.map(lifeOf)
    expect(chooseHome(wide, view({ usable: 2 ** 31 - 1, lives }), 2 ** 30 - 1)).toBe(30)
  })
})

describe('the home of an old write', () => {
  test('is where its incarnation is, reachable or not, whatever its run', () => {
    expect(homeAt(102, list, view({}))).toBe(0)
    expect(homeAt(100, list, view({ usable: 0, slow: 0b111 }))).toBe(1)
    const again = everybody.map((life) => ({ ...life, run: 8 }))
    expect(homeAt(103, list, view({ lives: again }))).toBe(2)
  })

  test('is nowhere while no replica of the key has said that it is this one', () => {
    expect(homeAt(102, list, view({ lives: known(0, 1, 3) }))).toBe(-1)
    expect(homeAt(101, list, view({}))).toBe(-1)
    expect(homeAt(999, list, view({}))).toBe(-1)
  })
})
