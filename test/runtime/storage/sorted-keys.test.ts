import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/core/base/key-order.ts'
import { SortedKeys } from '../../../src/runtime/storage/sorted-keys.ts'
import { holds } from '../../property.ts'

function walked(keys: SortedKeys, from: string, limit = Infinity): readonly string[] {
  const visited: string[] = []
  keys.walk(from, (key) => {
    visited.push(key)
    return visited.length < limit
  })
  return visited
}

describe('sorted keys', () => {
  it('keys added in any order between walks: are walked in code-point order from any place', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 4 })
    holds(
      fc.property(fc.uniqueArray(key, { maxLength: 200 }), key, fc.nat(50), (added, from, limit) => {
        const keys = new SortedKeys()
        for (const [i, each] of added.entries()) {
          keys.add(each)
          if (i % 17 === 0) while (!keys.settle(3));
        }
        while (!keys.settle(10));
        const expected = added.filter((each) => compareKeys(each, from) >= 0).toSorted(compareKeys)
        expect(walked(keys, from)).toEqual(expected)
        expect(walked(keys, from, limit + 1)).toEqual(expected.slice(0, limit + 1))
      }),
    )
  })

  it('more keys than one chunk holds: stay in order', () => {
    const keys = new SortedKeys()
    const all = Array.from({ length: 20_000 }, (_, i) => String((i * 7919) % 20_000).padStart(5, '0'))
    for (const key of all) keys.add(key)
    let turns = 0
    while (!keys.settle(1000)) turns++
    expect(turns).toBeGreaterThan(18)
    expect(walked(keys, '')).toEqual(all.toSorted())
    expect(walked(keys, '19998')).toEqual(['19998', '19999'])
    expect(walked(keys, '2')).toEqual([])
  })
})
