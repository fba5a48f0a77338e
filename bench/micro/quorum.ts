/**
 * The decisions of every answer: does this set of replicas form a quorum, and where does a key live?
 */
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import { compile } from '../../src/core/quorum/compile.ts'
import { findDisjoint } from '../../src/core/quorum/intersect.ts'
import { CountQuorum, firstPositions, type Quorum } from '../../src/core/quorum/quorum.ts'
import { choose, tally } from '../../src/core/quorum/tally.ts'
import { counts, explicit, grid, tree, weighted, zones } from '../../src/quorum/systems.ts'
import type { QuorumSystem } from '../../src/quorum/quorum-system.ts'
import { KEY, type Task } from './tasks.ts'

const MAJORITY = new CountQuorum(2, firstPositions(3))
const ORDER = [2, 0, 1]
const FIVE = membershipOf(['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, zone: '' })))
const PLACEMENT = new Placement(FIVE, 3)

/** Answers of one operation in turn: none, one, two, all. */
const ANSWERED = [0, 0b001, 0b101, 0b111] as const

let turn = 0

const FIFTEEN = Array.from({ length: 15 }, (_, i) => `n${i}`)
const ROWS = [0, 5, 10].map((from) => FIFTEEN.slice(from, from + 5))
const COLUMNS = [0, 1, 2, 3, 4].map((x) => ROWS.map((row) => row[x] as string))
/** Sets of up to eight nodes, each a stride apart: about as many as the text of a system may have. */
const WRITTEN_OUT = Array.from({ length: 85 }, (_, i) =>
  Array.from({ length: 8 }, (_each, j) => FIFTEEN[(i + j * (1 + (i % 7))) % 15] as string),
).map((set) => [...new Set(set)])

const SYSTEMS: Readonly<Record<string, QuorumSystem>> = {
  'a count': counts(FIFTEEN, 8, 8),
  'three zones of five': zones(Object.fromEntries(ROWS.map((row, zone) => [`z${zone}`, row]))),
  'a grid of five rows': grid(COLUMNS),
  'a tree': tree(FIFTEEN),
  'votes, every weight another': weighted(Object.fromEntries(FIFTEEN.map((node, i) => [node, i + 1]))),
  '85 sets written out': explicit({ read: WRITTEN_OUT }),
}

/** Some answers of an operation on fifteen replicas: few, about half, most. */
const SOME = [0b000_0000_0001_0001, 0b010_1101_0010_1100, 0b101_0010_1101_0011, 0b111_1110_1111_1011] as const

function tallyTask([name, system]: readonly [string, QuorumSystem]): Task {
  const quorum: Quorum = compile(system.writes, { names: FIFTEEN })
  return {
    name: `tally of fifteen, ${name}`,
    run: () => tally(quorum, { answered: SOME[turn++ & 3] as number, possible: 0b111_1111_1111_1111 }),
  }
}

const THREE_BY_THREE = zones({ x: ['a', 'b', 'c'], y: ['d', 'e', 'f'], z: ['g', 'h', 'i'] })
const COUNTS = counts(15, 8, 8)

export const quorumTasks: readonly Task[] = [
  {
    name: 'tally, majority of three',
    run: () => tally(MAJORITY, { answered: ANSWERED[turn++ & 3] as number, possible: 0b111 }),
  },
  ...Object.entries(SYSTEMS).map(tallyTask),
  { name: 'proof of three zones of three', run: () => findDisjoint(THREE_BY_THREE) },
  { name: 'proof of counts(15, 8, 8)', run: () => findDisjoint(COUNTS) },
  {
    name: 'building and proving three zones of three',
    run: () => zones({ x: ['a', 'b', 'c'], y: ['d', 'e', 'f'], z: ['g', 'h', 'i'] }),
  },
  { name: 'choose a smallest quorum of three', run: () => choose(MAJORITY, ORDER) },
  { name: 'placement, preference list of a key', run: () => PLACEMENT.listOf(KEY) },
]
