/**
 * The decisions of every answer: does this set of replicas form a quorum, and where does a key live?
 */
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import { CountQuorum, firstPositions } from '../../src/core/quorum/quorum.ts'
import { choose, tally } from '../../src/core/quorum/tally.ts'
import { KEY, type Task } from './tasks.ts'

const MAJORITY = new CountQuorum(2, firstPositions(3))
const ORDER = [2, 0, 1]
const FIVE = membershipOf(['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, zone: '' })))
const PLACEMENT = new Placement(FIVE, 3)

/** Answers of one operation in turn: none, one, two, all. */
const ANSWERED = [0, 0b001, 0b101, 0b111] as const

let turn = 0

export const quorumTasks: readonly Task[] = [
  {
    name: 'tally, majority of three',
    run: () => tally(MAJORITY, { answered: ANSWERED[turn++ & 3] as number, possible: 0b111 }),
  },
  { name: 'choose a smallest quorum of three', run: () => choose(MAJORITY, ORDER) },
  { name: 'placement, preference list of a key', run: () => PLACEMENT.listOf(KEY) },
]
