/** What each level promises in a keyspace: strict and settling reads and writes, against trying every set. */
import { describe, expect, test } from 'vitest'
import { definitionFingerprint } from '../../../src/core/keyspace-definition.ts'
import { Keyspace, type Choice } from '../../../src/core/operation/keyspace.ts'
import { resolveKeyspace, type KeyspaceOptions, type Repair } from '../../../src/core/options.ts'
import { membershipOf } from '../../../src/core/placement/membership.ts'
import { setsOf } from '../quorum/any-quorum.ts'

function keyspace(options: Omit<KeyspaceOptions, 'mode'> = {}, zones = '', zone = ''): Keyspace {
  const ids = zones === '' ? 'abcde' : 'abcdef'.slice(0, zones.length)
  const membership = membershipOf(Array.from(ids).map((id, i) => ({ id, zone: zones[i] ?? '' })))
  const resolved = resolveKeyspace('carts', { mode: 'ap', ...options }, membership)
  return new Keyspace(resolved, { membership, zone, timeoutMs: 1_000 })
}

describe('strict: the quorum meets every default quorum of the other side', () => {
  for (const n of [1, 2, 3, 4, 5]) {
    test(`counts of ${n}: exactly when r + w is more than n`, () => {
      for (let r = 1; r <= n; r++) {
        for (let w = 1; w <= n; w++) {
          const subject = keyspace({ n, r, w })
          const list = subject.listOf('k')
          const read = subject.readChoice(list, undefined)
          const write = subject.writeChoice(list, undefined)
          expect([read.strict, write.strict], `r=${r} w=${w}`).toEqual([r + w > n, r + w > n])
          expect(read.settles, `r=${r} w=${w}`).toBe(r >= w)
          for (let level = 1; level <= n; level++) {
            expect(subject.readChoice(list, level).strict).toBe(level + w > n)
            expect(subject.writeChoice(list, level).strict).toBe(r + level > n)
          }
        }
      }
    })
  }

  // Zones of the members; the coordinator's zone; read and write levels; whether the read is strict, the write, and
  // whether a read quorum always holds a write quorum.
  test.for([
    ['abab', 'a', 'local-quorum', 'each-quorum', true, true, false],
    ['abab', 'a', 'each-quorum', 'local-quorum', true, true, true],
    // Two coordinators in two zones each write to their own.
    ['abab', 'a', 'local-quorum', 'local-quorum', false, false, false],
    ['abab', 'a', 'local-one', 'all', true, true, false],
    ['abab', 'b', 'all', 'local-one', true, true, true],
    // Two of the three a and three of four meet; the one b and three of four need not.
    ['aaab', 'a', 'local-quorum', 'quorum', true, false, false],
    ['aaaa', 'a', 'local-quorum', 'local-quorum', true, true, true],
  ] as const)('zones %s from %s, reading %s and writing %s', ([zones, zone, read, write, r, w, settles]) => {
    const subject = keyspace({ n: 4, read, write }, zones, zone)
    const list = subject.listOf('k')
    const choice = subject.readChoice(list, undefined)
    expect([choice.strict, subject.writeChoice(list, undefined).strict]).toEqual([r, w])
    expect(choice.settles).toBe(settles)
    expect(choice.level).toBe(read === 'all' ? '4' : read)
  })

  test('a write level never settles reads', () => {
    const subject = keyspace({ n: 3, r: 3, w: 3 })
    expect(subject.writeChoice(subject.listOf('k'), undefined).settles).toBe(false)
  })
})

test('choices: the sets that a level means, for the zones of each list', () => {
  const subject = keyspace({ n: 3 }, 'xxyyzz', 'x')
  for (const list of subject.lists()) {
    const { quorum } = subject.readChoice(list, 'local-one')
    const here = list.zones.indexOf('x')
    for (const set of setsOf(3)) expect(quorum.met(set)).toBe((set & (1 << here)) !== 0)
  }
})

test('choices: are made once for each level and each arrangement of zones', () => {
  const subject = keyspace({ n: 3 })
  const [one, other] = subject.lists()
  const made = new Set<Choice>()
  for (const list of subject.lists()) made.add(subject.readChoice(list, undefined))
  expect(made.size).toBe(1)
  expect(subject.readChoice(one as never, 'quorum')).toBe(subject.readChoice(other as never, 2))
  expect(subject.readChoice(one as never, 2)).not.toBe(subject.writeChoice(one as never, 2))
})

test('choices: a level that is none, or needs more copies than there are, is refused', () => {
  const subject = keyspace({ n: 3 })
  const list = subject.listOf('k')
  for (const level of [4, 0, 'most']) {
    const refused = expect.objectContaining({ code: 'QUORATE_INVALID_OPTION' }) as Error
    expect(() => subject.readChoice(list, level as number)).toThrow(refused)
    expect(() => subject.writeChoice(list, level as number)).toThrow(refused)
  }
})

describe('repair that a read does by itself', () => {
  // Of three copies.
  test.for([
    ['2 and 2', { r: 2, w: 2 }, 'blocking'],
    ['3 and 1', { r: 3, w: 1 }, 'blocking'],
    ['1 and 3: one answer cannot show that the value is settled', { r: 1, w: 3 }, 'background'],
    ['1 and 1: not strict', { r: 1, w: 1 }, 'background'],
    ['2 and 1: not strict', { r: 2, w: 1 }, 'background'],
    ['1 and 3, blocking asked for', { r: 1, w: 3, repair: 'blocking' }, 'blocking'],
    [
      '1 and 1, blocking asked for: without strict quorums it would promise nothing',
      { r: 1, w: 1, repair: 'blocking' },
      'background',
    ],
    ['2 and 2, background asked for', { r: 2, w: 2, repair: 'background' }, 'background'],
    ['2 and 2, off asked for', { r: 2, w: 2, repair: 'off' }, 'off'],
  ] as const)('r and w of %s: %o gives %s', ([, options, repair]) => {
    const subject = keyspace({ n: 3, ...options })
    expect(subject.repairFor(subject.readChoice(subject.listOf('k'), undefined))).toBe(repair satisfies Repair)
  })
})

test('keyspace: takes its time limit from the options, or from its owner', () => {
  expect(keyspace().timeoutMs).toBe(1_000)
  expect(keyspace({ timeoutMs: 20 }).timeoutMs).toBe(20)
  const { definition, fingerprint, name } = keyspace()
  expect([name, fingerprint]).toEqual(['carts', definitionFingerprint(definition)])
})
