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

  it('keys added and removed in any order between walks: are walked as a sorted set would be', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '\uffff', '😀'), maxLength: 3 })
    const change = fc.record({ key, settled: fc.option(fc.nat(5)) })
    holds(
      fc.property(fc.array(change, { maxLength: 300, size: 'max' }), key, (changes, from) => {
        const keys = new SortedKeys()
        const model = new Set<string>()
        for (const { key: each, settled } of changes) {
          if (model.delete(each)) keys.remove(each)
          else {
            model.add(each)
            keys.add(each)
          }
          if (settled !== null) keys.settle(settled)
        }
        while (!keys.settle(10));
        const expected = [...model].filter((each) => compareKeys(each, from) >= 0).toSorted(compareKeys)
        expect(walked(keys, from)).toEqual(expected)
      }),
    )
  })

  it('keys that come and go before they have a place: are there if they came last', () => {
    const keys = new SortedKeys()
    const all = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'))
    for (const key of all) keys.add(key)
    for (let times = 0; times < 3; times++) {
      for (const key of all.slice(0, 50)) keys.remove(key)
      for (const key of all.slice(0, times === 2 ? 20 : 50)) keys.add(key)
    }
    while (!keys.settle(10));
    expect(walked(keys, '')).toEqual(all.filter((key) => key < '020' || key >= '050'))
  })

  it('most of many chunks removed, and keys added again: stay in order', () => {
    const keys = new SortedKeys()
    const all = Array.from({ length: 20_000 }, (_, i) => String((i * 7919) % 20_000).padStart(5, '0'))
    for (const key of all) keys.add(key)
    while (!keys.settle(1000));
    const stays = (key: string): boolean => key.endsWith('77') || key < '00100'
    for (const key of all) if (!stays(key)) keys.remove(key)
    expect(walked(keys, '')).toEqual(all.filter(stays).toSorted())
    for (const key of all) if (!stays(key)) keys.add(key)
    while (!keys.settle(1000));
    expect(walked(keys, '')).toEqual(all.toSorted())
    for (const key of all) keys.remove(key)
    expect(walked(keys, '')).toEqual([])
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
