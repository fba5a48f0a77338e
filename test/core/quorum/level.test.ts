/** Levels by name and number: what they stand for, and what is said of those that are none. */
import { describe, expect, test } from 'vitest'
import { QuorateError } from '../../../src/core/base/errors.ts'
import { isZoned, levelName, levelQuorum, type Layout, type Level } from '../../../src/core/quorum/level.ts'
import { setsOf } from './any-quorum.ts'

describe('the canonical name of a level', () => {
  test.for([
    ['one', 3, '1'],
    ['two', 3, '2'],
    ['three', 3, '3'],
    ['quorum', 1, '1'],
    ['quorum', 2, '2'],
    ['quorum', 3, '2'],
    ['quorum', 4, '3'],
    ['quorum', 5, '3'],
    ['all', 5, '5'],
    [1, 3, '1'],
    [3, 3, '3'],
    ['local-one', 3, 'local-one'],
    ['local-quorum', 3, 'local-quorum'],
    ['each-quorum', 3, 'each-quorum'],
  ] as const)('%s for n = %d: %s', ([level, n, name]) => expect(levelName(level, n)).toBe(name))

  test.for([
    ['two', 1, 'level two needs 2 replicas, and a key has 1: use 1 to 1'],
    ['three', 2, 'level three needs 3 replicas, and a key has 2: use 1 to 2'],
    [4, 3, 'level 4 needs 4 replicas, and a key has 3: use 1 to 3'],
    [0, 3, 'level 0 needs 0 replicas, and a key has 3: use 1 to 3'],
    [-1, 3, 'level -1 needs -1 replicas, and a key has 3: use 1 to 3'],
    [1.5, 3, 'level 1.5 needs 1.5 replicas, and a key has 3: use 1 to 3'],
    [NaN, 3, 'level NaN needs NaN replicas, and a key has 3: use 1 to 3'],
    [Infinity, 3, 'level Infinity needs Infinity replicas, and a key has 3: use 1 to 3'],
  ] as const)('%s for n = %d: is refused with what would do', ([level, n, message]) => {
    expect(thrownBy(() => levelName(level, n))).toMatchObject({ code: 'QUORATE_INVALID_OPTION', message })
  })

  test.for([['majority'], ['Quorum'], [''], ['4'], [null], [true], [{}], [['one']], ['__proto__'], ['toString']])(
    '%j: is no level, and the message lists those that are',
    ([level]) => {
      const error = thrownBy(() => levelName(level, 3))
      expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
      expect((error as Error).message).toBe(
        `${JSON.stringify(level)} is not a level: use a number from 1 to 3, or one, two, three, quorum, all, ` +
          'local-one, local-quorum, each-quorum',
      )
    },
  )
})

describe('the quorum of a level', () => {
  /** Sets that meet the level, as letters of the positions. */
  function metBy(level: Level, zones: string, zone: string): string[] {
    const layout = layoutOf(zones, zone)
    const quorum = levelQuorum(levelName(level, zones.length), layout)
    const names = setsOf(zones.length).filter((set) => quorum.met(set))
    const smallest = names.filter((set) => !names.some((other) => other !== set && (other & set) === other))
    return smallest
      .map((set) =>
        Array.from('abcdef')
          .filter((_, position) => set & (1 << position))
          .join(''),
      )
      .toSorted()
  }

  // Zones of the positions a, b, c and so on; the coordinator's zone; the smallest sets that meet the level.
  test.for([
    ['one', 'xyz', 'x', 'a b c'],
    ['two', 'xyz', 'x', 'ab ac bc'],
    ['all', 'xyz', 'x', 'abc'],
    ['quorum', 'xxyy', 'x', 'abc abd acd bcd'],
    ['local-one', 'xxy', 'x', 'a b'],
    ['local-one', 'xxy', 'y', 'c'],
    ['local-quorum', 'xxxy', 'x', 'ab ac bc'],
    ['local-quorum', 'xxy', 'x', 'ab'],
    ['local-quorum', 'xyxyx', 'y', 'bd'],
    ['each-quorum', 'xyz', 'x', 'abc'],
    ['each-quorum', 'xxxyyy', 'z', 'abde abdf abef acde acdf acef bcde bcdf bcef'],
    ['each-quorum', 'xxx', 'x', 'ab ac bc'],
    // Without zones all replicas are in the one that has no name.
    ['local-quorum', '   ', ' ', 'ab ac bc'],
  ] as const)('%s over zones %s, seen from %s: is met by %s', ([level, zones, zone, sets]) => {
    expect(metBy(level, zones, zone).join(' ')).toBe(sets)
  })

  test.for(['local-one', 'local-quorum'] as const)('%s seen from a zone without replicas: is refused', (level) => {
    expect(thrownBy(() => levelQuorum(level, layoutOf('xy', 'q')))).toMatchObject({
      code: 'QUORATE_INVALID_OPTION',
      message: 'no replica of this keyspace is in zone "q": use another level',
    })
  })

  test('in words: counts are numbers, and zones are named', () => {
    expect(levelQuorum('2', layoutOf('xyz', 'x')).text).toBe('2 of 3')
    expect(levelQuorum('local-quorum', layoutOf('xxyx', 'x')).text).toBe('2 of 3')
    expect(levelQuorum('each-quorum', layoutOf('xxxyy', 'x')).text).toBe('2 of 3 in x and 2 of 2 in y')
    expect(levelQuorum('each-quorum', layoutOf('xxyy', 'x')).text).toBe('2 of 2 in x and 2 of 2 in y')
    expect(levelQuorum('each-quorum', layoutOf('   ', ' ')).text).toBe('2 of 3')
  })

  test('zoned: the names with a zone in them, and no others', () => {
    const names = ['1', '2', 'local-one', 'local-quorum', 'each-quorum']
    expect(names.filter((name) => isZoned(name))).toEqual(['local-one', 'local-quorum', 'each-quorum'])
  })
})

/** Replicas a, b, c and so on in the zones of the letters. */
function layoutOf(zones: string, zone: string): Layout {
  const replicas = Array.from('abcdef').slice(0, zones.length)
  return { replicas, zones: Array.from(zones), zone }
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(QuorateError)
    return error
  }
}
