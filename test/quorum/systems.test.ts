/** The systems by name: what they ask for, that they are proved, and what is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dual } from '../../src/core/quorum/expression.ts'
import { implies } from '../../src/core/quorum/intersect.ts'
import type { QuorumSystem } from '../../src/quorum/quorum-system.ts'
import { counts, explicit, grid, majority, paths, tree, weighted, zones } from '../../src/quorum/systems.ts'
import { holds } from '../property.ts'

describe('what they ask for', () => {
  const board = [
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
  ]
  test.for([
    ['majority', majority(['a', 'b', 'c']), '2 of (a, b, c)', '2 of (a, b, c)'],
    ['majority by number', majority(5), '3 of (n1, n2, n3, n4, n5)', '3 of (n1, n2, n3, n4, n5)'],
    ['counts', counts(3, 1, 3), 'n1 or n2 or n3', 'n1 and n2 and n3'],
    ['counts by name', counts(['x', 'y', 'z'], 2, 2), '2 of (x, y, z)', '2 of (x, y, z)'],
    ['explicit, one side', explicit({ read: [['a', 'b'], ['c']] }), 'a and b or c', '(a or b) and c'],
    ['explicit, both', explicit({ read: [['a', 'b']], write: [['a'], ['b', 'c']] }), 'a and b', 'a or b and c'],
    ['weighted', weighted({ a: 2, b: 1, c: 1, d: 1 }), '3 of (a*2, b, c, d)', '3 of (a*2, b, c, d)'],
    [
      'weighted, one side',
      weighted({ a: 2, b: 1, c: 1, d: 1 }, { read: 2 }),
      '2 of (a*2, b, c, d)',
      '4 of (a*2, b, c, d)',
    ],
    ['grid', grid(board), 'a and b and c or d and e and f', '(a or b or c) and (d or e or f)'],
    [
      'zones',
      zones({ eu: ['a', 'b', 'c'], us: ['d', 'e', 'f'], ap: ['g'] }),
      '2 of (2 of (a, b, c), 2 of (d, e, f), g)',
      '2 of (2 of (a, b, c), 2 of (d, e, f), g)',
    ],
    [
      'paths',
      paths([
        ['a', 'b'],
        ['c', 'd'],
      ]),
      'a and b or c and d or c and b',
      'a and c or b and d or b and c',
    ],
    [
      'tree',
      tree(7),
      '2 of (n1, 2 of (n2, n4, n5), 2 of (n3, n6, n7))',
      '2 of (n1, 2 of (n2, n4, n5), 2 of (n3, n6, n7))',
    ],
    ['tree with a gap', tree(['a', 'b']), 'a and b', 'a and b'],
    ['one node', majority(1), 'n1', 'n1'],
  ] as const)('%s', ([, system, read, write]) => {
    expect(system).toMatchObject({ read, write })
  })

  /** Whether no smaller writes would still meet all reads. */
  function exact({ reads, writes }: QuorumSystem): boolean {
    return implies({ outer: dual(reads), inner: writes })
  }

  test('the derived and the symmetric ones ask for no more than they must', () => {
    const three = ['a', 'b', 'c']
    const square = [three, ['d', 'e', 'f'], ['g', 'h', 'i']]
    const systems = [
      majority(7),
      grid(square),
      paths(square),
      tree(15),
      zones({ x: three, y: ['d', 'e', 'f'], z: ['g', 'h', 'i'] }),
    ]
    for (const system of systems) expect(exact(system), system.read).toBe(true)
    expect(exact(majority(4))).toBe(false)
  })
})

describe('refused', () => {
  test.for([
    ['counts that do not meet', () => counts(3, 1, 2), 'QUORATE_QUORUMS_DISJOINT', 'do not meet'],
    [
      'sets that do not meet',
      () => explicit({ read: [['a']], write: [['b']] }),
      'QUORATE_QUORUMS_DISJOINT',
      'read quorum (a)',
    ],
    [
      'votes that do not meet',
      () => weighted({ a: 2, b: 1 }, { read: 1, write: 2 }),
      'QUORATE_QUORUMS_DISJOINT',
      'do not meet',
    ],
    ['no nodes', () => majority([]), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['0 nodes', () => majority(0), 'QUORATE_INVALID_OPTION', '0 nodes cannot be'],
    ['32 nodes', () => majority(32), 'QUORATE_INVALID_OPTION', 'from 1 to 31'],
    ['half a node', () => majority(1.5), 'QUORATE_INVALID_OPTION', '1.5 nodes cannot be'],
    [
      '32 names',
      () => majority(Array.from({ length: 32 }, (_, i) => `n${i}`)),
      'QUORATE_INVALID_OPTION',
      'more than 31 nodes',
    ],
    ['a name twice', () => majority(['a', 'b', 'a']), 'QUORATE_INVALID_OPTION', 'node "a" is given twice'],
    ['a name twice in a set', () => explicit({ read: [['a', 'a']] }), 'QUORATE_INVALID_OPTION', 'given twice'],
    ['a name in two zones', () => zones({ eu: ['a'], us: ['a'] }), 'QUORATE_INVALID_OPTION', 'given twice'],
    ['a name in two rows', () => grid([['a'], ['a']]), 'QUORATE_INVALID_OPTION', 'given twice'],
    ['a name with a blank', () => majority(['a b']), 'QUORATE_INVALID_OPTION', '"a b" is no name of a node'],
    ['a name that is a word', () => majority(['a', 'or']), 'QUORATE_INVALID_OPTION', '"or" is no name of a node'],
    ['a name that is an expression', () => majority(['a or b']), 'QUORATE_INVALID_OPTION', 'is no name of a node'],
    ['more reads than nodes', () => counts(3, 4, 3), 'QUORATE_INVALID_OPTION', '4 of 3 cannot be'],
    ['no writes', () => counts(3, 3, 0), 'QUORATE_INVALID_OPTION', '0 of 3 cannot be'],
    ['no side', () => explicit({}), 'QUORATE_INVALID_OPTION', 'give read, write, or both'],
    ['no sets', () => explicit({ read: [] }), 'QUORATE_INVALID_OPTION', 'name at least one set'],
    ['an empty set', () => explicit({ read: [['a'], []] }), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['no votes', () => weighted({}), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['votes below zero', () => weighted({ a: -1, b: 1 }), 'QUORATE_INVALID_OPTION', 'weight -1 cannot be'],
    ['half a vote', () => weighted({ a: 1.5, b: 1 }), 'QUORATE_INVALID_OPTION', 'weight 1.5 cannot be'],
    [
      'more votes than there are',
      () => weighted({ a: 1, b: 1 }, { read: 3 }),
      'QUORATE_INVALID_OPTION',
      '3 of 2 cannot be',
    ],
    ['no rows', () => grid([]), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['an empty row', () => grid([['a'], []]), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['no zones', () => zones({}), 'QUORATE_INVALID_OPTION', 'empty set'],
    ['an empty zone', () => zones({ eu: ['a'], us: [] }), 'QUORATE_INVALID_OPTION', 'zone us is empty'],
    ['rows of two lengths', () => paths([['a', 'b'], ['c']]), 'QUORATE_INVALID_OPTION', 'of one length'],
    [
      'a large board',
      () => paths(Array.from({ length: 5 }, (_, y) => Array.from({ length: 6 }, (_each, x) => `n${y}${x}`))),
      'QUORATE_LIMIT',
      'too many paths',
    ],
    [
      'a thousand sets',
      () => explicit({ read: Array.from({ length: 1000 }, (_, i) => ['a', `n${i % 30}`]) }),
      'QUORATE_LIMIT',
      'longer than 4096',
    ],
  ] as const)('%s', ([, make, code, message]) => {
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as string }))
  })
})

test('thirty nodes: every system is built and proved', () => {
  const rows = Array.from({ length: 5 }, (_, y) => Array.from({ length: 6 }, (_each, x) => `n${y}${x}`))
  const nodes = rows.flat()
  const systems = [
    majority(nodes),
    counts(nodes, 1, 30),
    grid(rows),
    zones(Object.fromEntries(rows.map((row, zone) => [`z${zone}`, row]))),
    weighted(Object.fromEntries(nodes.map((node, i) => [node, i + 1]))),
    tree(nodes),
    explicit({ read: rows, write: rows[0]?.map((_, x) => rows.map((row) => row[x] as string)) ?? [] }),
  ]
  for (const system of systems) {
    expect(system.nodes).toHaveLength(30)
    expect(system.intersects).toBe(true)
  }
})

test('any zones, votes and trees: reads meet writes', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 })
  holds(
    fc.property(sizes, (lengths) => {
      const groups = lengths.map((length, zone) => Array.from({ length }, (_, i) => `z${zone}.${i}`))
      const systems = [
        zones(Object.fromEntries(groups.map((nodes, zone) => [`z${zone}`, nodes]))),
        weighted(Object.fromEntries(lengths.map((votes, i) => [`n${i}`, votes]))),
        grid(groups),
        tree(lengths.length),
      ]
      for (const system of systems) expect(system.intersects).toBe(true)
    }),
  )
})
