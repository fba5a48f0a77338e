/** Options: defaults, limits, and what is said of combinations that cannot be. */
import { describe, expect, test } from 'vitest'
import { shown } from '../../src/core/base/shape.ts'
import {
  checkName,
  checkRepair,
  checkTtl,
  checkTimeout,
  resolveCore,
  resolveKeyspace,
  type CoreOptions,
  type KeyspaceOptions,
} from '../../src/core/options.ts'
import { definitionText, parseDefinition } from '../../src/core/keyspace-definition.ts'
import { majority } from '../../src/quorum/index.ts'
import { matching } from './matching.ts'

/** Replicas a, b, c and so on. */
function cluster(size: number): { members: { id: string; zone: string }[] } {
  return { members: Array.from({ length: size }, (_, at) => ({ id: String.fromCharCode(97 + at), zone: '' })) }
}

const THREE = cluster(3)

/** What JSON cannot tell. */
const CIRCLE: Record<string, unknown> = {}
CIRCLE['self'] = CIRCLE
const REGIONS = { members: cluster(5).members.map(({ id }, at) => ({ id, zone: at < 3 ? 'eu' : 'us' })) }

function refused(message: string): Error {
  return expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: matching(message) }) as Error
}

describe('options of a keyspace', () => {
  test('nothing but the mode: three copies, majorities, siblings', () => {
    expect(resolveKeyspace('carts', { mode: 'ap' }, cluster(5))).toEqual({
      definition: { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'siblings' },
      repair: undefined,
      timeoutMs: undefined,
    })
  })

  test.for([
    [1, 1, '1'],
    [2, 2, '2'],
    [3, 3, '2'],
    [31, 3, '2'],
  ] as const)('%d members: n is %d and its majority %s', ([members, n, half]) => {
    const { definition } = resolveKeyspace('carts', { mode: 'ap' }, cluster(members))
    expect(definition).toMatchObject({ n, read: half, write: half })
  })

  test.for([
    [
      { r: 1, w: 3 },
      { read: '1', write: '3' },
    ],
    [
      { read: 'one', write: 'all' },
      { read: '1', write: '3' },
    ],
    [
      { read: ' one', write: 'all ' },
      { read: '1', write: '3' },
    ],
    [
      { read: 'quorum', write: 2 },
      { read: '2', write: '2' },
    ],
    [{ n: 1 }, { n: 1, read: '1', write: '1' }],
    [
      { read: 'local-quorum', write: 'each-quorum' },
      { read: 'local-quorum', write: 'each-quorum' },
    ],
    [{ conflicts: 'lww' }, { conflicts: 'lww' }],
  ] as const)('%j: is resolved to %j', ([options, definition]) => {
    expect(resolveKeyspace('carts', { mode: 'ap', ...options }, THREE).definition).toMatchObject(definition)
  })

  // What is given, of five replicas in two zones; n, and the canonical texts of both sides.
  test.for([
    [{ write: '2 of (a,b,c)  or d' }, 5, '2 of (a, b, c) and d', '2 of (a, b, c) or d'],
    [{ read: 'all of (a, b)', n: 5 }, 5, 'a and b', 'a or b'],
    [
      { write: 'majority of @eu and  1 of(@us)' },
      5,
      'dual of (majority of @eu and 1 of (@us))',
      'majority of @eu and 1 of (@us)',
    ],
    [{ read: 'dual of (majority of @eu)' }, 5, 'dual of (majority of @eu)', 'majority of @eu'],
    [{ read: 'any of (a)', write: 'all' }, 5, 'a', '5'],
    [{ write: 'a', r: 1 }, 5, '1', 'a'],
    [{ write: 'a and b', n: 5, read: 'local-one' }, 5, 'local-one', 'a and b'],
    [{ quorums: { read: 'a', write: 'a' } }, 5, 'a', 'a'],
    [{ quorums: majority(['a', 'b', 'c']) }, 5, '2 of (a, b, c)', '2 of (a, b, c)'],
  ] as const)('%j: n is %d, reads ask %j, writes %j', ([options, n, read, write]) => {
    const { definition } = resolveKeyspace('carts', { mode: 'ap', ...options }, REGIONS)
    expect(definition).toMatchObject({ n, read, write })
    expect(parseDefinition(definitionText(definition))).toEqual(definition)
  })

  test('a replica that is called like a level: is asked for in a list', () => {
    const members = ['one', '2', 'dual'].map((id) => ({ id, zone: '' }))
    const { definition } = resolveKeyspace(
      'carts',
      { mode: 'ap', read: '1 of (one)', write: '2 of (one,2)' },
      { members },
    )
    expect(definition).toMatchObject({ read: '1 of (one)', write: 'one and 2' })
    const lone = resolveKeyspace('carts', { mode: 'ap', quorums: { read: '2', write: 'dual' } }, { members })
    expect(lone.definition).toMatchObject({ read: '1 of (2)', write: 'dual' })
    expect(parseDefinition(definitionText(lone.definition))).toEqual(lone.definition)
  })

  test('repair and time limit: are kept, and are no part of the definition', () => {
    const plain = resolveKeyspace('carts', { mode: 'ap' }, THREE)
    const resolved = resolveKeyspace(
      'carts',
      { mode: 'ap', repair: 'off', timeoutMs: 50, resolve: (all) => all[0] },
      THREE,
    )
    expect(resolved).toMatchObject({ repair: 'off', timeoutMs: 50 })
    expect(resolved.definition).toEqual(plain.definition)
  })

  test.for([
    [{ mode: 'quick' }, 'mode "quick" is not known'],
    [{}, 'mode undefined is not known'],
    [{ mode: 'ap', n: 0 }, 'n is 0'],
    [{ mode: 'ap', n: 4 }, 'n is 4, and there are 3 replicas'],
    [{ mode: 'ap', n: 1.5 }, 'n is 1.5'],
    [{ mode: 'ap', n: '3' }, 'n is "3"'],
    [{ mode: 'ap', r: 4 }, 'level 4 needs 4 replicas'],
    [{ mode: 'ap', n: 2, w: 3 }, 'level 3 needs 3 replicas, and a key has 2'],
    [{ mode: 'ap', w: 0 }, 'level 0 needs 0 replicas'],
    [{ mode: 'ap', r: 1, read: 'one' }, 'give read or r, not both'],
    [{ mode: 'ap', w: 1, write: 'one' }, 'give write or w, not both'],
    [{ mode: 'ap', read: 'most' }, 'each-quorum, or an expression over a, b, c'],
    [{ mode: 'ap', read: ' most ' }, '" most " is not a level: use a number from 1 to 3, or one, two'],
    [{ mode: 'ap', read: '2 of (a, b' }, 'column 11: unexpected the end'],
    [{ mode: 'ap', read: 'a and z' }, 'column 7: no node z: use a, b, c'],
    [{ mode: 'ap', write: '2 of @eu' }, 'no zone @eu: no zones are given'],
    [{ mode: 'ap', read: '2' }, '"2" is not a level: write 2 without quotes'],
    [{ mode: 'ap', read: '9' }, '"9" is not a level: use a number from 1 to 3'],
    [{ mode: 'ap', read: '' }, '"" is not a level'],
    [{ mode: 'ap', quorums: { read: 'a', write: 'a' }, r: 1 }, 'give quorums or r, not both'],
    [{ mode: 'ap', quorums: { read: 'a', write: 'a' }, write: 'a' }, 'give quorums or write, not both'],
    [{ mode: 'ap', quorums: { read: 'a' } }, 'quorums is no quorum system'],
    [{ mode: 'ap', quorums: 'a' }, 'quorums is no quorum system'],
    [{ mode: 'ap', quorums: null }, 'quorums is no quorum system'],
    [{ mode: 'ap', quorums: { read: 'one', write: 'a' } }, 'no node one: use a, b, c'],
    [{ mode: 'ap', quorums: { read: 'x', write: 'a' } }, 'column 1: no node x: use a, b, c'],
    [{ mode: 'ap', quorums: { read: 1n, write: 'a' } }, 'quorums is no quorum system'],
    [{ mode: 'ap', write: 'DUAL of (a)' }, 'DUAL of a list cannot be: use K, all, any or majority'],
    [{ mode: 'ap', write: 'dual of (dual of (a))' }, 'dual of a list cannot be: use K, all, any or majority'],
    [{ mode: 'ap', strategy: { reads: [null] } }, 'a part of strategy.reads is null: give an object'],
    [{ mode: 'ap', strategy: { reads: [{ quorum: [1n], probability: 1 }] } }, 'strategy.reads names 1n'],
    [
      { mode: 'ap', strategy: { reads: [{ quorum: ['a'], probability: {} }] } },
      'a probability of strategy.reads is {}',
    ],
    [{ mode: 1n }, 'mode 1n is not known'],
    [{ mode: 'ap', n: Object.create(null) as unknown }, 'n is {}'],
    [{ mode: 'ap', r: 1n }, '1n is not a level'],
    [{ mode: 'ap', w: CIRCLE }, 'an object is not a level'],
    [{ mode: 'ap', read: CIRCLE }, 'an object is not a level'],
    [{ mode: 'ap', write: 'a'.repeat(5000) }, `"${'a'.repeat(80)}…" is not a level`],
    [{ mode: 'ap', conflicts: 1n }, 'conflicts is 1n'],
    [{ mode: 'ap', repair: CIRCLE }, 'repair is an object'],
    [{ mode: 'ap', timeoutMs: Symbol('soon') }, 'timeoutMs is Symbol(soon)'],
    [null, 'the argument with the options of a keyspace is null: give an object'],
    [{ mode: 'ap', strategy: {} }, 'strategy needs reads'],
    [{ mode: 'ap', strategy: { reads: [] } }, 'strategy needs reads'],
    [{ mode: 'ap', strategy: { reads: [{ quorum: 'a', probability: 1 }] } }, 'has a quorum: a list'],
    [{ mode: 'ap', strategy: { reads: [{ quorum: ['z'], probability: 1 }] } }, 'names "z", which is no replica'],
    [
      { mode: 'ap', strategy: { reads: [{ quorum: ['a', 'b'], probability: 2 }] } },
      'a probability of strategy.reads is 2',
    ],
    [{ mode: 'ap', strategy: { reads: [{ quorum: ['a', 'b'], probability: 0.5 }] } }, 'sum to 0.5, not to 1'],
    [{ mode: 'ap', conflicts: 'newest' }, 'conflicts is "newest": use siblings, lww'],
    [{ mode: 'ap', conflicts: 'lww', resolve: () => 1 }, 'resolve is for siblings'],
    [{ mode: 'ap', repair: 'sometimes' }, 'repair is "sometimes": use blocking, background, off'],
    [{ mode: 'ap', timeoutMs: 0 }, 'timeoutMs is 0'],
    [{ mode: 'ap', replicas: 3 }, '"replicas" is not an option of a keyspace: use mode, n,'],
    [{ mode: 'ap', R: 2 }, '"R" is not an option of a keyspace'],
  ] as const)('$1: is refused', ([options, message]) => {
    expect(() => resolveKeyspace('carts', options as KeyspaceOptions, THREE)).toThrow(refused(message))
  })

  test('an own property named __proto__: is refused like any other that does not exist', () => {
    const options = JSON.parse('{"mode":"ap","__proto__":{"n":1}}') as KeyspaceOptions
    expect(() => resolveKeyspace('carts', options, THREE)).toThrow(refused('"__proto__" is not an option'))
  })
})

describe('names', () => {
  test.for(['a', 'Carts', '9lives', 'a.b_c-d', 'x'.repeat(64), 'constructor'])('%s: is a name', (name) => {
    expect(checkName(name)).toBe(name)
  })

  test.for(['', 'a b', 'a/b', '.a', '-a', '_a', 'ä', 'x'.repeat(65), '__proto__', 'a\n', null, undefined, 7, ['a']])(
    '%j: is refused',
    (name) => {
      expect(() => checkName(name)).toThrow(refused('is not a keyspace name'))
    },
  )
})

describe('spans and choices', () => {
  test.for([1, 1.5, 3_600_000])('a time limit of %d ms: is allowed', (ms) => expect(checkTimeout(ms)).toBe(ms))

  test.for([0, -1, 0.9, 3_600_001, NaN, Infinity, '100', null, undefined])('a time limit of %j: is refused', (ms) => {
    expect(() => checkTimeout(ms)).toThrow(refused(`timeoutMs is ${shown(ms)}: use 1 to 3600000`))
  })

  test.for(['blocking', 'background', 'off'])('repair %s: is allowed', (repair) => {
    expect(checkRepair(repair)).toBe(repair)
  })

  test.for(['', 'Off', true, false, null, 1])('repair %j: is refused', (repair) => {
    expect(() => checkRepair(repair)).toThrow(refused('repair is'))
  })
})

describe('how long values stay', () => {
  test.for([1, 0.5 + 1, 3_155_760_000_000, Infinity])('ttlMs %s: is allowed', (ttlMs) => {
    expect(checkTtl(ttlMs)).toBe(ttlMs)
  })

  test.for([0, 0.5, -1, NaN, 3_155_760_000_001, '1', null])('ttlMs %j: is refused', (ttlMs) => {
    expect(() => checkTtl(ttlMs)).toThrow(refused('ttlMs is'))
  })
})

describe('options of the core', () => {
  test('a horizon that hints outlive, or that is shorter than eight heartbeats: is refused, and 0 is not', () => {
    expect(() => resolveCore({ horizonMs: 20_000_000 })).toThrow(refused('hintAgeMsMax is 10800000 and horizonMs'))
    expect(() => resolveCore({ horizonMs: 7_999, hintAgeMsMax: 0 })).toThrow(refused('horizonMs is 7999, with heart'))
    expect(resolveCore({ horizonMs: 8_000, hintAgeMsMax: 4_000 }).horizonMs).toBe(8_000)
    expect(resolveCore({ horizonMs: 0, hintAgeMsMax: 2_592_000_000 }).horizonMs).toBe(0)
  })

  test('none: the documented defaults', () => {
    expect(resolveCore({})).toEqual({
      clockDriftMax: 0.01,
      leaseMsMax: 60_000,
      groupsMax: 65_536,
      seatsMax: 1_024,
      timeoutMs: 5_000,
      heartbeatMs: 1_000,
      driftMsMax: 10_000,
      inFlightMax: 8_192,
      exchangeMs: 10_000,
      siblingsMax: 64,
      siblingBytesMax: 4_194_304,
      keyspacesMax: 256,
      hintBytesMax: 67_108_864,
      hintAgeMsMax: 10_800_000,
      horizonMs: 86_400_000,
      keyBytesMax: 1_024,
      valueBytesMax: 1_048_576,
    })
  })

  test.for([
    ['timeoutMs', 1, 3_600_000],
    ['heartbeatMs', 10, 60_000],
    ['driftMsMax', 0, 86_400_000],
    ['inFlightMax', 1, 16_384],
    ['exchangeMs', 0, 86_400_000],
    ['siblingsMax', 1, 512],
    ['siblingBytesMax', 1, 268_435_456],
    ['keyspacesMax', 1, 65_535],
    ['keyBytesMax', 1, 32_768],
    ['valueBytesMax', 1, 268_435_456],
  ] as const)('%s: from %d to %d is allowed, what lies outside is refused', ([name, min, max]) => {
    for (const value of [min, max]) expect(resolveCore({ [name]: value })[name]).toBe(value)
    for (const value of [min - 1, max + 1, NaN, '1']) {
      const options = { [name]: value } as CoreOptions
      expect(() => resolveCore(options)).toThrow(refused(`${name} is ${shown(value)}: use ${min} to ${max}`))
    }
  })
})
