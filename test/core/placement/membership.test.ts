/** The membership: sorted, checked, and named by a number that differs when anything differs. */
import { describe, expect, test } from 'vitest'
import { indexOf, membershipOf, type Member } from '../../../src/core/placement/membership.ts'
import { matching } from '../matching.ts'

function members(text: string): Member[] {
  return text.split(' ').map((word) => {
    const [id = '', zone = ''] = word.split('@')
    return { id, zone }
  })
}

describe('membership', () => {
  test('in any order: is sorted by id, and an index is a place in it', () => {
    const membership = membershipOf(members('c a b'))
    expect(membership.members.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(['a', 'b', 'c', 'd', ''].map((id) => indexOf(membership, id))).toEqual([0, 1, 2, -1, -1])
  })

  test('ids sort by code unit, capitals and digits first', () => {
    expect(membershipOf(members('b B 2 10 a-b a')).members.map(({ id }) => id)).toEqual([
      '10',
      '2',
      'B',
      'a',
      'a-b',
      'b',
    ])
  })

  test.for([
    ['zones for all: are kept', 'a@eu b@us', ['eu', 'us']],
    ['zones for some: count for none', 'a@eu b', ['', '']],
    ['no zones: stay empty', 'a b', ['', '']],
  ] as const)('%s', ([, text, zones]) => {
    expect(membershipOf(members(text)).members.map(({ zone }) => zone)).toEqual(zones)
  })

  test.for([
    ['a', 2958915146736454],
    ['a b c d e', 494016396732682],
    ['a@eu b@us', 2592858236287676],
  ] as const)('epoch of %s: the known number, because it is in every frame', ([text, epoch]) => {
    expect(membershipOf(members(text)).epoch).toBe(epoch)
  })

  test('epoch: the same for any order, another for other ids or other zones', () => {
    const epoch = (text: string): number => membershipOf(members(text)).epoch
    expect(epoch('c b a')).toBe(epoch('a b c'))
    expect(epoch('a@eu b')).toBe(epoch('a b'))
    const all = ['a b c', 'a b', 'a b d', 'a@x b@x c@x', 'a@x b@x c@y', 'a@y b@x c@x', 'ab c'].map(epoch)
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('what is no membership', () => {
  test.for([
    ['nobody', [], 'a cluster needs at least one replica'],
    [
      '32 replicas',
      Array.from({ length: 32 }, (_, i) => `r${i}`),
      '32 replicas are more than the 31 that a cluster can have',
    ],
    ['an id twice', ['a', 'b', 'a'], 'replica id "a" is given twice'],
    ['an empty id', [''], '"" is not a replica id'],
    ['a space', ['a b'], '"a b" is not a replica id'],
    ['a slash', ['a/b'], '"a/b" is not a replica id'],
    ['a dash in front', ['-a'], '"-a" is not a replica id'],
    ['a line break at the end', ['a\n'], String.raw`"a\n" is not a replica id`],
    ['no id at all', [undefined as unknown as string], 'undefined is not a replica id'],
    ['a number', [7 as unknown as string], '7 is not a replica id'],
    ['65 characters', ['a'.repeat(65)], `"${'a'.repeat(65)}" is not a replica id`],
  ] as const)('%s: is refused', ([, ids, message]) => {
    expect(() => membershipOf(ids.map((id) => ({ id, zone: '' })))).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: matching(message) }),
    )
  })

  test.for(['eu west', 'ü', '@eu', '-eu', 7 as unknown as string])(
    'zone %j: is refused, as it could not be written',
    (zone) => {
      expect(() => membershipOf([{ id: 'a', zone }])).toThrow(
        expect.objectContaining({
          code: 'QUORATE_INVALID_OPTION',
          message: matching(`${JSON.stringify(zone)} is not a zone`),
        }),
      )
    },
  )

  test.for([
    ['31 replicas', Array.from({ length: 31 }, (_, i) => `r${i}`)],
    ['64 characters of every kind', [`A9_.-${'z'.repeat(59)}`]],
  ] as const)('%s: is allowed', ([, ids]) => {
    expect(membershipOf(ids.map((id) => ({ id, zone: '' }))).members).toHaveLength(ids.length)
  })
})
