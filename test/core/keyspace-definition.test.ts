/** Keyspace definitions: one text for each, a fingerprint that is on the wire, and nothing else read back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  definitionFingerprint,
  definitionText,
  parseDefinition,
  type KeyspaceDefinition,
} from '../../src/core/keyspace-definition.ts'
import { holds } from '../property.ts'

const carts: KeyspaceDefinition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'siblings' }

const anyDefinition: fc.Arbitrary<KeyspaceDefinition> = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,10}$/),
  mode: fc.constant('ap'),
  n: fc.integer({ min: 2, max: 31 }),
  read: fc.constantFrom('1', '2', 'local-one', 'each-quorum', '2 of (a, b, c)', 'majority of @eu', '1 of (3)'),
  write: fc.constantFrom(
    '1',
    '2',
    'local-quorum',
    'each-quorum',
    'a and (b or c)',
    'dual of (2 of @eu or all of (@us, x*2))',
  ),
  conflicts: fc.constantFrom('siblings', 'lww'),
})

test('definition: any one comes back from its text', () => {
  holds(
    fc.property(anyDefinition, (definition) => {
      expect(parseDefinition(definitionText(definition))).toEqual(definition)
    }),
  )
})

test('definition: texts and fingerprints are equal exactly for equal definitions', () => {
  holds(
    fc.property(anyDefinition, anyDefinition, (a, b) => {
      const equal = JSON.stringify(Object.values(a)) === JSON.stringify(Object.values(b))
      expect(definitionText(a) === definitionText(b)).toBe(equal)
      expect(definitionFingerprint(a) === definitionFingerprint(b)).toBe(equal)
    }),
  )
})

test('definition: every field counts, and the order in which they are written does not', () => {
  const others: Partial<KeyspaceDefinition>[] = [
    { name: 'cart' },
    { n: 2 },
    { read: '1' },
    { write: '1' },
    { read: 'local-quorum' },
    { conflicts: 'lww' },
    { sloppy: true },
  ]
  const all = [carts, ...others.map((other) => ({ ...carts, ...other }))]
  expect(new Set(all.map(definitionFingerprint)).size).toBe(all.length)
  const turned = Object.fromEntries(Object.entries(carts).toReversed()) as unknown as KeyspaceDefinition
  expect(definitionText(turned)).toBe(definitionText(carts))
})

describe('known fingerprints: a change here makes running clusters refuse each other', () => {
  test.for([
    ['siblings', 2627005027203940],
    ['lww', 1571819804615930],
  ] as const)('%s', ([conflicts, number]) => {
    expect(definitionFingerprint({ ...carts, conflicts })).toBe(number)
    expect(definitionText({ ...carts, conflicts })).toBe(`["carts","ap",3,"2","2","${conflicts}"]`)
    const sloppy = { ...carts, conflicts, sloppy: true } as const
    expect(definitionText(sloppy)).toBe(`["carts","ap",3,"2","2","${conflicts}","sloppy"]`)
    expect(parseDefinition(definitionText(sloppy))).toEqual(sloppy)
  })
})

test.for([
  ['', 'nothing'],
  ['{', 'no JSON'],
  ['null', 'null'],
  ['{"name":"carts"}', 'an object'],
  ['"carts"', 'a string'],
  ['[]', 'no fields'],
  ['["carts","ap",3,"2","2"]', 'a field too few'],
  ['["carts","ap",3,"2","2","lww",1]', 'a field too many'],
  ['["carts","ap",3,"2","2","lww","sloppy",1]', 'two fields too many'],
  ['[1,"ap",3,"2","2","lww"]', 'a name that is no string'],
  ['["carts","cp",3,"2","2","lww"]', 'another mode'],
  ['["carts","ap","3","2","2","lww"]', 'n as a string'],
  ['["carts","ap",0,"2","2","lww"]', 'n below 1'],
  ['["carts","ap",2.5,"2","2","lww"]', 'n with a fraction'],
  ['["carts","ap",3,2,"2","lww"]', 'a read level that is no string'],
  ['["carts","ap",3,"2",null,"lww"]', 'a write level that is no string'],
  ['["carts","ap",3,"2","2","newest"]', 'an unknown conflict rule'],
  ['["carts","ap",32,"2","2","lww"]', 'more copies than a cluster has members'],
  ['["carts","ap",3,"4","2","lww"]', 'a level above n'],
  ['["carts","ap",3,"2","0","lww"]', 'a level of nobody'],
  ['["carts","ap",3,"02","2","lww"]', 'a count in other digits'],
  ['["carts","ap",3,"quorum","2","lww"]', 'a level that is not in its canonical form'],
  ['["carts","ap",3,"","2","lww"]', 'no level'],
  ['["carts","ap",3,"2 of (a, b","2","lww"]', 'half an expression'],
  ['["carts","ap",3,"2 of (a,b,c)","2","lww"]', 'an expression that is not in its canonical form'],
  ['["carts","ap",3,"2","majority  of @eu","lww"]', 'a zoned one with a space too many'],
  ['["carts","ap",3,"2","4 of (a, b, c)","lww"]', 'an expression that cannot be met'],
  ['["carts","ap",3,"2","dual of (a and)","lww"]', 'the dual of nothing'],
])('text %s: is no definition (%s)', ([text]) => expect(parseDefinition(text as string)).toBeUndefined())
